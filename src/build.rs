//! Tells the program what only cargo knows: which target it is built for, and which crates it is built from.

#![expect(clippy::disallowed_methods, reason = "this is a build tool")]

use std::path::Path;
use std::{env, fs};

fn main() {
    let target = env::var("TARGET").expect("cargo sets TARGET");
    println!("cargo::rustc-env=RIO_TARGET={target}");

    // The output of `src/dist/crates` for each target. Empty in development builds.
    let crates = env::var("RIO_CRATES").map_or_else(
        |_| Vec::new(),
        |directory| {
            let path = Path::new(&directory).join(&target).join("crates");
            println!("cargo::rerun-if-changed={}", path.display());
            fs::read(path).expect("RIO_CRATES has a file for the target")
        },
    );
    let output = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&output).join("crates"), crates).expect("OUT_DIR is writable");

    println!("cargo::rerun-if-changed=src/build.rs");
    println!("cargo::rerun-if-env-changed=RIO_CRATES");
}
