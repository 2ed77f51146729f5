//! What the kernel offers to replace a file safely.

use std::ffi::CString;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

/// Whether a path leads to this file.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let inode = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let own = inode(retry(|| file.metadata())?);
    match retry(|| match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    })? {
        Some(found) => Ok(inode(found) == own),
        None => Ok(false),
    }
}

/// Under sudo, the file must still belong to the user. Another group is harmless at mode 0600.
pub fn keep_owner(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if new.uid() != old.uid() {
        fchown(file, Some(old.uid()), None)?;
    }
    if new.gid() != old.gid() {
        let _ = fchown(file, None, Some(old.gid()));
    }
    Ok(())
}

/// Why a file cannot be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A file system is mounted on it, as when a container mounts a single file.
    Mount,
    /// `chattr +i`
    Immutable,
    /// `chattr +a`
    AppendOnly,
}

/// What prevents replacing this file, or any file in this directory. `None` also if the kernel does not tell.
pub fn obstacle(path: &Path, directory: Option<&Path>) -> Option<Obstacle> {
    let attributes = linux::attributes(path);
    let flag = |flag, obstacle| attributes.has(flag).then_some(obstacle);
    let is_mount = || {
        let directory = directory?;
        let tells = attributes.tells(linux::MOUNT_ROOT);
        let is_mount = if tells {
            attributes.has(linux::MOUNT_ROOT)
        } else {
            is_on_other_mount(path, directory)
        };
        is_mount.then_some(Obstacle::Mount)
    };
    flag(linux::IMMUTABLE, Obstacle::Immutable)
        .or_else(|| flag(linux::APPEND, Obstacle::AppendOnly))
        .or_else(is_mount)
}

/// For kernels before 5.8.
fn is_on_other_mount(path: &Path, directory: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| std::fs::symlink_metadata(path).ok().map(|metadata| metadata.dev());
    let differs = device(path).is_some() && device(path) != device(directory);
    differs || linux::mount_id(path).is_some_and(|id| linux::mount_id(directory) != Some(id))
}

/// Exchanges two files atomically. An error on systems and file systems that cannot.
pub fn exchange(one: &Path, two: &Path) -> io::Result<()> {
    linux::rename_with(linux::EXCHANGE, one, two)
}

/// Renames a file unless the target exists. As [`exchange`], not possible everywhere.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    linux::rename_with(linux::NO_REPLACE, from, to)
}

/// Makes the names in a directory durable. A file system that has no such thing is not an error.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    let directory = retry(|| File::open(directory))?;
    match directory.sync_all() {
        Err(error)
            if matches!(
                error.raw_os_error(),
                Some(libc::EINVAL | libc::EOPNOTSUPP | libc::ENOSYS)
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// Does it again if it fails, for faults that pass.
pub fn retry<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    operation().or_else(|_| operation()).or_else(|_| operation())
}

fn c_string(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::mem::MaybeUninit;
    use std::path::Path;

    use super::c_string;

    pub const EXCHANGE: libc::c_uint = libc::RENAME_EXCHANGE;
    pub const NO_REPLACE: libc::c_uint = libc::RENAME_NOREPLACE;
    pub const IMMUTABLE: u64 = 0x10;
    pub const APPEND: u64 = 0x20;
    pub const MOUNT_ROOT: u64 = 0x2000;

    /// The attributes of a file, and which of them its file system and the kernel tell.
    #[derive(Default)]
    pub struct Attributes {
        set: u64,
        told: u64,
    }

    impl Attributes {
        pub fn has(&self, attribute: u64) -> bool {
            self.set & self.told & attribute != 0
        }

        pub fn tells(&self, attribute: u64) -> bool {
            self.told & attribute != 0
        }
    }

    pub fn attributes(path: &Path) -> Attributes {
        let Ok(path) = c_string(path) else { return Attributes::default() };
        // SAFETY: the struct is plain data. Zeroed, because musl's fallback for old kernels does not fill in the
        // attributes.
        unsafe {
            let mut statx = MaybeUninit::<libc::statx>::zeroed().assume_init();
            let flags = libc::AT_SYMLINK_NOFOLLOW;
            match libc::statx(libc::AT_FDCWD, path.as_ptr(), flags, 0, &mut statx) {
                0 => Attributes { set: statx.stx_attributes, told: statx.stx_attributes_mask },
                _ => Attributes::default(),
            }
        }
    }

    /// The id of the mount that a path is on.
    pub fn mount_id(path: &Path) -> Option<libc::c_int> {
        let path = c_string(path).ok()?;
        // A `file_handle` without room: the call fails, but fills in the id.
        let (mut handle, mut id) = ([0_u32; 2], -1);
        // SAFETY: the call writes at most the two numbers and the id.
        unsafe {
            libc::syscall(
                libc::SYS_name_to_handle_at,
                libc::AT_FDCWD,
                path.as_ptr(),
                handle.as_mut_ptr(),
                &mut id,
                0,
            );
        }
        (id >= 0).then_some(id)
    }

    pub fn rename_with(flags: libc::c_uint, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (c_string(from)?, c_string(to)?);
        // SAFETY: both are C strings. Not `libc::renameat2`, which older versions of musl do not have.
        let result = unsafe {
            libc::syscall(
                libc::SYS_renameat2,
                libc::AT_FDCWD,
                from.as_ptr(),
                libc::AT_FDCWD,
                to.as_ptr(),
                flags,
            )
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Nothing of this exists elsewhere in the same form.
#[cfg(not(target_os = "linux"))]
mod linux {
    use std::io;
    use std::path::Path;

    pub const EXCHANGE: u32 = 0;
    pub const NO_REPLACE: u32 = 0;
    pub const IMMUTABLE: u64 = 0;
    pub const APPEND: u64 = 0;
    pub const MOUNT_ROOT: u64 = 0;

    pub struct Attributes;

    impl Attributes {
        pub fn has(&self, _: u64) -> bool {
            false
        }

        pub fn tells(&self, _: u64) -> bool {
            false
        }
    }

    pub fn attributes(_: &Path) -> Attributes {
        Attributes
    }

    pub fn mount_id(_: &Path) -> Option<i32> {
        None
    }

    pub fn rename_with(_: u32, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
