//! Files that only this user can open.

use std::fs::{Metadata, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use crate::machine::process;

/// Opens a file for reading and writing, or creates it with mode 0600. Does not follow a symbolic link, and
/// does not wait for the other end of a pipe.
pub fn options() -> OpenOptions {
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
pub fn check(file: &Metadata, owner: u32) -> Result<(), NotPrivate> {
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

/// Whether [`check`] succeeds for this user.
pub fn is_private(file: &Metadata) -> bool {
    check(file, process::user()).is_ok()
}
