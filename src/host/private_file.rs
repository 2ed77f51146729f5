//! Files that only this user can open.

use std::fs::{Metadata, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use crate::host::process;

/// Opens a file for reading and writing, or creates it with mode 0600. Does not follow a symbolic link, and
/// does not wait for the other end of a pipe.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

/// Whether the file is a regular file of this user, and no other user can have opened it.
pub fn is_private(file: &Metadata) -> bool {
    const OTHERS: u32 = 0o077;
    // Zero links: another process has removed it. Two: another user may have made a hard link to it.
    file.is_file()
        && file.uid() == process::user()
        && file.mode() & OTHERS == 0
        && file.nlink() == 1
}
