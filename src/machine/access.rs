//! Who else can read, change or replace a file.

use std::fs::{self, Metadata, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::error::Warning;
use crate::machine::process;
use crate::text;

/// Opens a file for reading and writing, or creates it with mode 0600. Does not follow a symbolic link, and
/// does not wait for the other end of a pipe.
pub fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

/// Why another user can open a file, or can have opened it.
pub enum NotPrivate {
    NotAFile,
    HardLinks,
    Owner(u32),
    Mode(u32),
}

/// Whether the file is a regular file of this owner, and no other user can have opened it.
pub fn check_private(file: &Metadata, owner: u32) -> Result<(), NotPrivate> {
    const OTHERS: u32 = 0o077;
    if !file.is_file() {
        Err(NotPrivate::NotAFile)
    // Zero links: another process has removed it. Two: another user may have made a hard link to it.
    } else if file.nlink() != 1 {
        Err(NotPrivate::HardLinks)
    } else if file.uid() != owner {
        Err(NotPrivate::Owner(file.uid()))
    } else if file.mode() & OTHERS != 0 {
        Err(NotPrivate::Mode(file.mode() & 0o777))
    } else {
        Ok(())
    }
}

/// Whether [`check_private`] succeeds for this user.
pub fn is_private(file: &Metadata) -> bool {
    check_private(file, process::user()).is_ok()
}

/// Warns if other users can read a file. `name` is what the warning calls it.
pub fn others_can_read(name: &str, path: &Path, mode: u32) -> Option<Warning> {
    const READABLE_BY_OTHERS: u32 = 0o044;
    (mode & READABLE_BY_OTHERS != 0).then(|| {
        Warning::fixed_by(
            format!("other users can read {name}"),
            format!("chmod 600 {}", text::shell_word(path)),
        )
    })
}

/// Warns if other users can write to a file, or replace it in its directory. `name` is what the warnings call
/// the file.
pub fn others_can_write(name: &str, path: &Path, directory: &Path) -> Vec<Warning> {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let mode = |path| fs::metadata(path).map_or(0, |metadata| metadata.mode());
    let mut warnings = Vec::new();
    if mode(path) & WRITABLE_BY_OTHERS != 0 {
        warnings.push(Warning::fixed_by(
            format!("other users can write to {name}"),
            format!("chmod 600 {}", text::shell_word(path)),
        ));
    }
    let directory_mode = mode(directory);
    if directory_mode & WRITABLE_BY_OTHERS != 0 && directory_mode & STICKY == 0 {
        warnings.push(Warning::fixed_by(
            format!("other users can replace {name}"),
            format!("chmod go-w {}", text::shell_word(directory)),
        ));
    }
    warnings
}

/// The owner of a file, if it is neither this user nor root.
pub fn foreign_owner(path: &Path) -> Option<u32> {
    let owner = fs::metadata(path).ok()?.uid();
    (![0, process::user()].contains(&owner)).then_some(owner)
}
