//! The file systems that a power failure may leave.
//!
//! POSIX promises only what was synced: the data of a file after `fsync` of the file, a name after `fsync` of its
//! directory. So after each system call of a recorded run, any other data and names may or may not be on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::oracle::{self, Verdict};
use crate::scenario::{Machine, Scenario};
use crate::trace::{self, Running};

/// A change that a power failure may undo until it is synced.
#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Resize(usize),
}

#[derive(Clone, Default)]
struct Inode {
    synced: Vec<u8>,
    unsynced: Vec<Change>,
}

/// Each with the inodes that the names had: without the changes before it, a change has no effect.
#[derive(Clone)]
enum Entry {
    Link(String, usize),
    Unlink(String, usize),
    Rename(String, String, usize),
    Exchange(String, String, [usize; 2]),
}

type Names = BTreeMap<String, usize>;

/// The directory of the config file, as the system calls of a run change it.
#[derive(Clone, Default)]
struct Disk {
    inodes: Vec<Inode>,
    synced: Names,
    unsynced: Vec<Entry>,
    /// What programs see.
    names: Names,
    open: BTreeMap<String, (usize, usize)>,
}

/// The files of a state, by name.
type Files = BTreeMap<String, Vec<u8>>;

impl Disk {
    fn of(directory: &Path) -> Self {
        let mut disk = Disk::default();
        for file in fs::read_dir(directory).expect("a directory").flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let synced = fs::read(file.path()).expect("a file");
            disk.synced.insert(name, disk.inodes.len());
            disk.inodes.push(Inode { synced, unsynced: Vec::new() });
        }
        disk.names = disk.synced.clone();
        disk
    }

    fn change(&mut self, entry: Entry) {
        apply(&mut self.names, &entry);
        self.unsynced.push(entry);
    }

    /// Does what a successful system call did. `directory` is that of the config file.
    fn call(&mut self, call: &Successful, directory: &str) {
        let name = |path: &str| path.strip_prefix(directory)?.strip_prefix('/').map(str::to_owned);
        let number = |index: usize| call.numbers.get(index).copied().unwrap_or_default();
        match call.name {
            // musl opens files with `open`.
            "open" | "openat" => {
                let Some(name) = call.strings.first().and_then(|path| name(path)) else { return };
                if call.text.contains("O_CREAT") && !self.names.contains_key(&name) {
                    self.change(Entry::Link(name.clone(), self.inodes.len()));
                    self.inodes.push(Inode::default());
                }
                if let Some(inode) = self.names.get(&name) {
                    self.open.insert(call.result.to_owned(), (*inode, 0));
                }
            }
            "close" => drop(self.open.remove(call.descriptor)),
            "write" | "pwrite64" => {
                let written = call.result.parse().unwrap_or_default();
                let Some((inode, position)) = self.open.get_mut(call.descriptor) else { return };
                let is_positioned = call.name == "pwrite64";
                let offset = if is_positioned { number(1) } else { *position };
                *position += if is_positioned { 0 } else { written };
                let mut bytes = call.strings.first().cloned().unwrap_or_default().into_bytes();
                bytes.truncate(written);
                let inode = *inode;
                self.inodes[inode].unsynced.push(Change::Write { offset, bytes });
            }
            "ftruncate" => {
                if let Some((inode, _)) = self.open.get(call.descriptor) {
                    self.inodes[*inode].unsynced.push(Change::Resize(number(0)));
                }
            }
            "fsync" | "fdatasync" => {
                if let Some((inode, _)) = self.open.get(call.descriptor) {
                    let inode = &mut self.inodes[*inode];
                    inode.synced = inode.content(inode.unsynced.len(), false);
                    inode.unsynced.clear();
                } else if call.text.contains(&format!("<{directory}>")) {
                    self.synced = self.names.clone();
                    self.unsynced.clear();
                }
            }
            "unlink" | "unlinkat" => {
                let name = call.strings.first().and_then(|path| name(path));
                if let Some((name, inode)) = name.and_then(|name| self.names.get_key_value(&name)) {
                    self.change(Entry::Unlink(name.clone(), *inode));
                }
            }
            "rename" | "renameat" | "renameat2" => {
                let [Some(from), Some(to)] = [0, 1].map(|at| name(call.strings.get(at)?)) else {
                    return;
                };
                let Some(inode) = self.names.get(&from).copied() else { return };
                self.change(match self.names.get(&to) {
                    Some(old) if call.text.contains("RENAME_EXCHANGE") => {
                        Entry::Exchange(from, to, [inode, *old])
                    }
                    _ => Entry::Rename(from, to, inode),
                });
            }
            _ => {}
        }
    }

    /// The states after a power failure now.
    fn states(&self) -> BTreeSet<Files> {
        let mut states = BTreeSet::new();
        for kept in subsets(self.unsynced.len()) {
            let mut names = self.synced.clone();
            self.unsynced
                .iter()
                .zip(&kept)
                .filter(|(_, kept)| **kept)
                .for_each(|(entry, _)| apply(&mut names, entry));
            let inodes: BTreeSet<usize> = names.values().copied().collect();
            let mut contents: Vec<BTreeMap<usize, Vec<u8>>> = vec![BTreeMap::new()];
            for inode in inodes {
                let variants = self.inodes[inode].variants();
                contents = contents
                    .into_iter()
                    .flat_map(|content| {
                        variants.iter().map(move |bytes| {
                            let mut content = content.clone();
                            content.insert(inode, bytes.clone());
                            content
                        })
                    })
                    .collect();
            }
            for content in contents {
                states.insert(
                    names
                        .iter()
                        .map(|(name, inode)| (name.clone(), content[inode].clone()))
                        .collect(),
                );
            }
        }
        states
    }
}

impl Inode {
    /// The content after the first `count` changes, the last of them only in part.
    fn content(&self, count: usize, in_part: bool) -> Vec<u8> {
        let mut content = self.synced.clone();
        for (index, change) in self.unsynced.iter().take(count).enumerate() {
            match change {
                Change::Resize(size) => content.resize(*size, 0),
                Change::Write { offset, bytes } => {
                    let half = in_part && index + 1 == count;
                    let bytes = &bytes[..if half { bytes.len() / 2 } else { bytes.len() }];
                    content.resize(content.len().max(offset + bytes.len()), 0);
                    content[*offset..offset + bytes.len()].copy_from_slice(bytes);
                }
            }
        }
        content
    }

    fn variants(&self) -> BTreeSet<Vec<u8>> {
        let count = self.unsynced.len();
        let mut variants: BTreeSet<_> =
            (0..=count).map(|count| self.content(count, false)).collect();
        variants.insert(self.content(count, true));
        // The new size is on the disk, the data is not.
        if count > 0 {
            let size = self.content(count, false).len();
            let mut zeros = self.synced.clone();
            zeros.resize(size, 0);
            variants.insert(zeros);
        }
        variants
    }
}

fn apply(names: &mut Names, entry: &Entry) {
    let is = |names: &Names, name: &String, inode: &usize| names.get(name) == Some(inode);
    match entry {
        Entry::Link(name, inode) => drop(names.insert(name.clone(), *inode)),
        Entry::Unlink(name, inode) if is(names, name, inode) => drop(names.remove(name)),
        Entry::Rename(from, to, inode) if is(names, from, inode) => {
            names.remove(from);
            names.insert(to.clone(), *inode);
        }
        Entry::Exchange(one, two, [first, second])
            if is(names, one, first) && is(names, two, second) =>
        {
            names.insert(one.clone(), *second);
            names.insert(two.clone(), *first);
        }
        _ => {}
    }
}

/// Which of `count` changes are on the disk: all subsets, or the prefixes if there are many.
fn subsets(count: usize) -> Vec<Vec<bool>> {
    if count > 6 {
        return (0..=count).map(|kept| (0..count).map(|index| index < kept).collect()).collect();
    }
    (0..1_usize << count)
        .map(|bits| (0..count).map(|index| bits >> index & 1 == 1).collect())
        .collect()
}

/// A system call that succeeded, parsed from a line of strace with `-xx`.
struct Successful<'a> {
    name: &'a str,
    /// The first argument, without the path that `-y` adds.
    descriptor: &'a str,
    strings: Vec<String>,
    /// The arguments after the first one that are plain numbers.
    numbers: Vec<usize>,
    result: &'a str,
    text: String,
}

impl<'a> Successful<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (_, rest) = line.split_once(char::is_whitespace)?;
        let (name, rest) = rest.trim_start().split_once('(')?;
        let (arguments, result) = rest.rsplit_once(" = ")?;
        let result = result.split(['<', ' ']).next()?;
        if result.starts_with('-') || result.starts_with('?') {
            return None;
        }
        let arguments = arguments.trim_end().trim_end_matches(')');
        let strings = arguments.split('"').skip(1).step_by(2).map(unescape).collect();
        let numbers = arguments.split(", ").skip(1).filter_map(|word| word.parse().ok()).collect();
        let descriptor = arguments.split(['<', ',', ')']).next()?;
        let text = arguments.split('<').map(|part| match part.split_once('>') {
            Some((path, rest)) => format!("<{}>{rest}", unescape(path)),
            None => part.to_owned(),
        });
        Some(Successful { name, descriptor, strings, numbers, result, text: text.collect() })
    }
}

/// `\x41` is `A`.
fn unescape(text: &str) -> String {
    if !text.starts_with("\\x") {
        return text.to_owned();
    }
    let bytes =
        text.split("\\x").skip(1).map(|digits| u8::from_str_radix(digits, 16).unwrap_or(b'?'));
    String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
}

/// Records a run, and runs `rio` in each state that a power failure during it may leave.
pub fn check(binary: &Path, scenario: Scenario) -> Verdict {
    let machine = Machine::new(binary, &[scenario]);
    let directory = machine.directory();
    let mut disk = Disk::of(&directory);
    let mut tracer = trace::tracer(&machine, None);
    tracer.push("-xx".to_owned());
    let ended = Running::start(&mut machine.scenario(scenario, &tracer)).finish();
    assert!(ended.is_some_and(|ended| ended.status.success()), "{}", scenario.name());
    let new = oracle::current(&machine);
    let log = trace::log(&machine);
    let path = directory.to_string_lossy();
    let mut verdict = Verdict::default();
    // What a power failure leaves must be the new state from the moment at which the new token was synced.
    let (mut states, mut must_be_new) = (BTreeSet::new(), false);
    let mut synced_token = false;
    for line in log.lines() {
        let Some(call) = Successful::parse(line) else { continue };
        disk.call(&call, &path);
        if matches!(call.name, "fsync" | "fdatasync") {
            let has_new = |inode: &Inode| {
                new.as_ref().is_some_and(|new| {
                    String::from_utf8_lossy(&inode.synced).contains(new.as_str())
                })
            };
            synced_token |= disk.inodes.iter().any(has_new);
        }
        must_be_new = synced_token && (scenario == Scenario::Refresh || scenario.is_login());
        states.extend(disk.states().into_iter().map(|files| (files, must_be_new)));
    }
    // The command has ended with exit code 0.
    states.extend(disk.states().into_iter().map(|files| (files, true)));
    if !must_be_new && scenario.is_login() {
        verdict.broken.push("the new token was never synced".to_owned());
    }
    for (files, must_be_new) in states {
        let problems = check_state(&machine, scenario, &files, must_be_new.then_some(&new));
        verdict.tried += 1;
        verdict.broken_states += usize::from(!problems.is_empty());
        if !problems.is_empty() && verdict.broken.len() < 5 {
            let names: Vec<_> =
                files.iter().map(|(name, text)| format!("{name} ({} bytes)", text.len())).collect();
            verdict.broken.push(format!("{}: {}", names.join(", "), problems.join("; ")));
        }
    }
    verdict
}

/// `new` is the login that must be there: `None` if the old one may be.
fn check_state(
    machine: &Machine,
    scenario: Scenario,
    files: &Files,
    new: Option<&Option<String>>,
) -> Vec<String> {
    let directory = machine.directory();
    for file in fs::read_dir(&directory).expect("a directory").flatten() {
        fs::remove_file(file.path()).expect("a file");
    }
    for (name, bytes) in files {
        let path = directory.join(name);
        fs::write(&path, bytes).expect("a file");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("a mode");
    }
    let mut verdict = Verdict::default();
    match machine.config() {
        Ok(config) => {
            verdict.expect(config["foreign"]["kept"][1] == "two", "a member of others is lost");
            let effect = match scenario {
                Scenario::Select => config["organization_id"] == crate::scenario::ORGANIZATION,
                Scenario::Environment => config["environment"] == "qa",
                _ => true,
            };
            verdict.expect(effect || new.is_none(), "exit code 0 is not durable");
        }
        Err(error) => verdict.broken.push(format!("config file torn: {error}")),
    }
    let current = oracle::current(machine);
    match new {
        Some(new) => verdict.expect(current == *new, "the new state is lost"),
        None => {
            let is_old = current == machine.stored;
            let valid = machine.platform.valid_tokens();
            let is_valid = current.as_ref().is_none_or(|token| valid.contains(token));
            verdict.expect(is_old || is_valid, "the token is neither old nor new");
        }
    }
    verdict.broken
}
