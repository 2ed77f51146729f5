//! Tells the program which target it is built for. Cargo names it to build scripts only.

fn main() {
    #[expect(clippy::disallowed_methods, reason = "this is a build tool")]
    let target = std::env::var("TARGET").expect("cargo sets TARGET");
    println!("cargo::rustc-env=RIO_TARGET={target}");
    println!("cargo::rerun-if-changed=src/build.rs");
}
