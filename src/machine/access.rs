//! Who else can read, change or replace a file.

use std::ffi::{CString, OsStr};
use std::fs::{self, Metadata, OpenOptions};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::ptr::null_mut;

use crate::advice;
use crate::error::{Error, Warning};
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

const READABLE_BY_OTHERS: u32 = 0o044;

/// Warns if other users can read a file, unless its file system is read-only, so that this cannot be changed. `name`
/// is what the warning calls it.
pub fn others_can_read(name: &str, path: &Path, file: &Metadata) -> Option<Warning> {
    if file.mode() & READABLE_BY_OTHERS == 0 || is_read_only(path) {
        return None;
    }
    let fact = format!("other users can read {name}");
    Some(match process::can_change_mode(file) {
        true => Warning::fixed_by(fact, format!("chmod 600 {}", text::shell_word(path))),
        false => Warning::new(fact),
    })
}

/// Warns if another user than root can change a file, or replace it: whatever is on the way to it, also through
/// symbolic links, must belong to this user or root, and only they may write to it. `name` is what the warning
/// calls the file.
///
/// As root, what belongs to the owner of the file does not count.
pub fn others_can_change(name: &str, path: &Path) -> Option<Warning> {
    let way = way_to(path);
    let file = way.last().filter(|step| step.metadata.is_file());
    let user = match (process::user(), file) {
        (0, Some(file)) => file.metadata.uid(),
        (user, _) => user,
    };
    way.iter().find_map(|step| step.warning(name, user))
}

/// Makes files as the owner of the directory, from now on, if this user is root and the directory is that of
/// another user, as under sudo. So new files belong to that user, and the kernel lets no link of theirs lead to
/// files of others.
///
/// A link of another user that leads to a directory of a third one is an error.
pub fn act_as_owner(path: &Path) -> Result<(), Error> {
    if process::user() != 0 {
        return Ok(());
    }
    let way = way_to(path);
    let Some(directory) = way.iter().rfind(|step| step.metadata.is_dir()) else { return Ok(()) };
    let (owner, group) = (directory.metadata.uid(), directory.metadata.gid());
    let is_foreign =
        |step: &&Step| step.metadata.is_symlink() && ![0, owner].contains(&step.metadata.uid());
    if let Some(link) = way.iter().find(is_foreign) {
        let (link, uid) = (link.path.display(), link.metadata.uid());
        return Err(Error::failure(
            format!(
                "{link} is a link of another user (uid {uid}) to {}, which does not belong to that user",
                directory.path.display()
            ),
            "Set RIO_CONFIG to the file itself.",
        ));
    }
    let belongs_to_owner = |step: &Step| !step.metadata.is_file() || step.metadata.uid() == owner;
    if owner != 0 && way.last().is_some_and(belongs_to_owner) {
        process::act_as(owner, group);
        // Root alone may pass the directories above.
        if fs::metadata(&directory.path).is_err() {
            process::act_as_self();
        }
    }
    Ok(())
}

/// A directory, symbolic link or file.
struct Step {
    path: PathBuf,
    metadata: Metadata,
}

impl Step {
    /// Warns if another user than `user` and root can change it. `name` is the file that it leads to.
    fn warning(&self, name: &str, user: u32) -> Option<Warning> {
        const WRITABLE_BY_GROUP: u32 = 0o020;
        const WRITABLE_BY_OTHERS: u32 = 0o002;
        const STICKY: u32 = 0o1000;
        let (metadata, path) = (&self.metadata, self.path.display());
        let (mode, owner) = (metadata.mode(), metadata.uid());
        let is_writable = mode & WRITABLE_BY_OTHERS != 0
            || mode & WRITABLE_BY_GROUP != 0
                && (metadata.gid() != process::group() || has_access_list(&self.path));
        let (fact, command) = match metadata.is_file() {
            true if ![0, user].contains(&owner) => {
                (format!("{name} belongs to another user (uid {owner})"), "chown")
            }
            false if ![0, user].contains(&owner) => (
                format!("another user (uid {owner}) can replace {name}, because {path} is theirs"),
                "chown",
            ),
            true if is_writable && mode & READABLE_BY_OTHERS != 0 => {
                (format!("other users can read and write {name}"), "chmod 600")
            }
            true if is_writable => (format!("other users can write to {name}"), "chmod 600"),
            false if is_writable && metadata.is_dir() && mode & STICKY == 0 => {
                (format!("other users can replace {name}"), "chmod go-w")
            }
            _ => return None,
        };
        let word = text::shell_word(&self.path);
        let (is_root, can_change_mode) = (process::is_root(), process::can_change_mode(metadata));
        Some(match command {
            _ if is_read_only(&self.path) => Warning::new(fact),
            "chown" if is_root => Warning::fixed_by(fact, format!("chown -h {user} {word}")),
            "chown" => Warning::new(fact).advise(advice::OWN_DIRECTORY),
            command if can_change_mode => Warning::fixed_by(fact, format!("{command} {word}")),
            _ => Warning::new(format!("{fact}, because they can write to {path}"))
                .advise(advice::OWN_DIRECTORY),
        })
    }
}

/// What the kernel passes on the way to a path, from the root directory to the path itself, as far as it exists.
fn way_to(path: &Path) -> Vec<Step> {
    /// As many symbolic links as the kernel follows.
    const MAX_LINKS: usize = 40;
    let names = |path: &Path| path.iter().rev().map(OsStr::to_owned).collect::<Vec<_>>();
    let path = std::path::absolute(path).unwrap_or_default();
    let mut left = names(&path);
    let (mut way, mut links) = (Vec::new(), 0);
    let mut at = PathBuf::with_capacity(path.as_os_str().len());
    while let Some(name) = left.pop() {
        if name == ".." {
            at.pop();
            continue;
        }
        // An absolute name replaces the path.
        at.push(name);
        let Ok(metadata) = fs::symlink_metadata(&at) else { break };
        let is_link = metadata.is_symlink();
        way.push(Step { path: at.clone(), metadata });
        if is_link {
            links += 1;
            let target = fs::read_link(&at).ok().filter(|_| links <= MAX_LINKS);
            let Some(target) = target else { break };
            left.extend(names(&target));
            at.pop();
        }
    }
    way
}

/// Whether an access list lets other users in. The bits of the group are then the most that it grants (acl(5)).
fn has_access_list(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    if let Ok(path) = CString::new(path.as_os_str().as_bytes()) {
        let name = c"system.posix_acl_access";
        // SAFETY: C strings; with a length of zero, the call fills in nothing.
        return unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), null_mut(), 0) > 0 };
    }
    false
}

/// Whether the file system is mounted read-only.
fn is_read_only(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    let mut info = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: a C string; the call fills in the struct, which is valid when zeroed.
    let info = unsafe {
        libc::statvfs(path.as_ptr(), info.as_mut_ptr());
        info.assume_init()
    };
    info.f_flag & libc::ST_RDONLY != 0
}
