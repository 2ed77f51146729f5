//! Robots with an ssh server, each in a root file system and at an address of its own, and their rapyuta.io.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use platform::Platform;
use serde_json::Value;

/// The repository.
pub const TOP: &str = env!("CARGO_MANIFEST_DIR");
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// systemd, sshd and Python.
    Debian,
    /// dropbear, cron and Debian's shell; neither Python nor sftp nor systemd.
    Dropbear,
    /// busybox and dropbear, nothing else.
    Busybox,
}

pub struct Lab {
    pub platform: Platform,
    pub robots: Vec<Robot>,
    directory: PathBuf,
    number: usize,
}

impl Lab {
    /// Starts these robots; `None` outside the namespaces of `run`.
    pub fn start(kinds: &[Kind]) -> Option<Lab> {
        Lab::start_with(kinds, &|_, _| {})
    }

    /// Calls `prepare` with each root file system before the robot boots.
    #[expect(clippy::disallowed_methods, reason = "`run` names the directory")]
    pub fn start_with(kinds: &[Kind], prepare: &dyn Fn(&Lab, &Path)) -> Option<Lab> {
        let Some(directory) = std::env::var_os("FLEET_LAB") else {
            println!("skipped: needs `make test-fleet`");
            return None;
        };
        let directory = PathBuf::from(directory);
        let mut platform = Platform::start();
        platform.expect_many_clients();
        platform.interval(1);
        // The robots of earlier tests stay until the end, so each test has its own directory and addresses.
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut lab = Lab { platform, robots: Vec::new(), directory, number };
        if !lab.key().exists() {
            let mut keygen = Command::new("ssh-keygen");
            run(keygen.args(["-q", "-N", "", "-t", "ed25519", "-f"]).arg(lab.key()));
            unpack_archives(&lab.directory);
        }
        let robots =
            kinds.iter().enumerate().map(|(number, kind)| lab.robot(*kind, number + 1, prepare));
        lab.robots = robots.collect();
        lab.robots.iter().for_each(Robot::wait_for_ssh);
        Some(lab)
    }

    fn robot(&self, kind: Kind, number: usize, prepare: &dyn Fn(&Lab, &Path)) -> Robot {
        let name = format!("robot-{number}");
        let address = format!("127.{}.{}.{number}", std::process::id() % 100 + 1, self.number);
        let home = self.directory.join(self.number.to_string()).join(&name);
        let root = overlay(kind, &home);
        set_up(kind, &root, &self.directory.join("key.pub"), &address);
        let state = root.join("var/lib/rio");
        DirBuilder::new().recursive(true).mode(0o700).create(&state).unwrap();
        fs::write(state.join("config.json"), self.platform.config().to_string()).unwrap();
        prepare(self, &root);
        let console = home.join("console");
        let process = boot(kind, &root, &console, &address);
        Robot { name, address, root, console, key: self.key(), process }
    }

    /// A file of the test.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// A file of the archive for this machine.
    pub fn packed(&self, name: &str) -> PathBuf {
        self.directory.join("archives").join(archive()).join(name)
    }

    /// The ssh key that all robots accept.
    pub fn key(&self) -> PathBuf {
        self.directory.join("key")
    }

    /// A command of the Python packages, without ssh's record of host keys.
    pub fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(Path::new(TOP).join("target/fleet/bin").join(name));
        command
            .env("HOME", &self.directory)
            .current_dir(&self.directory)
            .env("ANSIBLE_NOCOLOR", "1");
        command.stdin(Stdio::null());
        command
    }
}

pub struct Robot {
    pub name: String,
    pub address: String,
    pub root: PathBuf,
    /// What it printed on the console.
    pub console: PathBuf,
    key: PathBuf,
    process: Child,
}

impl Robot {
    pub const SSH_OPTIONS: &str =
        "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR";

    /// Its line of the inventory.
    pub fn inventory(&self) -> String {
        let Robot { name, address, .. } = self;
        let (key, options) = (self.key.display(), Robot::SSH_OPTIONS);
        format!(
            "{name} ansible_host={address} ansible_user=root ansible_ssh_private_key_file={key} \
             ansible_ssh_common_args='{options}'\n"
        )
    }

    /// Runs a command on the robot. Its output.
    pub fn run(&self, script: &str) -> Output {
        let mut ssh = Command::new("ssh");
        ssh.args(Robot::SSH_OPTIONS.split(' ')).args(["-o", "BatchMode=yes", "-i"]).arg(&self.key);
        ssh.arg(format!("root@{}", self.address)).arg(script).stdin(Stdio::null());
        ssh.output().unwrap()
    }

    /// What a command that succeeds prints.
    #[track_caller]
    pub fn output(&self, script: &str) -> String {
        let output = self.run(script);
        assert!(output.status.success(), "{}: {script}: {output:?}", self.name);
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// What a `rio` command that succeeds prints.
    #[track_caller]
    pub fn rio(&self, arguments: &str) -> String {
        self.output(&format!("RIO_CONFIG=/var/lib/rio/config.json /usr/local/bin/rio {arguments}"))
    }

    /// The members of its config file.
    pub fn config(&self) -> Value {
        let path = self.root.join("var/lib/rio/config.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    fn wait_for_ssh(&self) {
        wait_until(&format!("ssh to {}", self.name), || self.run("true").status.success());
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[track_caller]
#[expect(clippy::disallowed_methods, reason = "robots need real time")]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    // A hundred robots take almost a minute to boot.
    for _ in 0..1200 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("waited for two minutes: {what}");
}

/// Runs a command that must succeed.
#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

fn archive() -> String {
    format!("rio-{VERSION}-{}-unknown-linux-musl", std::env::consts::ARCH)
}

/// Puts the files side by side as in an archive.
fn unpack_archives(directory: &Path) {
    let archive = directory.join("archives").join(archive());
    fs::create_dir_all(&archive).unwrap();
    for name in ["fleet", "systemd"] {
        symlink(Path::new(TOP).join("src/dist").join(name), archive.join(name)).unwrap();
    }
    let target = format!("target/dist/{}-unknown-linux-musl/rio", std::env::consts::ARCH);
    fs::copy(Path::new(TOP).join(target), archive.join("rio")).expect("run `make dist` first");
}

/// A root file system whose changes are in memory.
fn overlay(kind: Kind, home: &Path) -> PathBuf {
    let name = if kind == Kind::Busybox { "busybox" } else { "debian" };
    let [upper, work, root] = ["upper", "work", "root"].map(|name| home.join(name));
    for directory in [&upper, &work, &root] {
        fs::create_dir_all(directory).unwrap();
    }
    let options = format!(
        "lowerdir={TOP}/target/fleet-roots/{name},upperdir={},workdir={}",
        upper.display(),
        work.display()
    );
    run(Command::new("mount").args(["-t", "overlay", "-o", &options, "overlay"]).arg(&root));
    root
}

fn set_up(kind: Kind, root: &Path, key: &Path, address: &str) {
    let keys = root.join("root/.ssh/authorized_keys");
    fs::create_dir_all(keys.parent().unwrap()).unwrap();
    fs::copy(key, &keys).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    match kind {
        Kind::Debian => {
            let listen = format!("ListenAddress {address}\nMaxStartups 100\n");
            fs::write(root.join("etc/ssh/sshd_config.d/lab.conf"), listen).unwrap();
            // Not every kernel lets a container set up its network.
            fs::write(root.join("etc/resolv.conf"), "").unwrap();
        }
        Kind::Dropbear => {
            for name in ["python3", "python3.11", "systemctl"] {
                let _ = fs::remove_file(root.join("usr/bin").join(name));
            }
            fs::remove_dir_all(root.join("usr/lib/openssh")).unwrap();
            fs::create_dir(root.join("etc/dropbear")).unwrap();
        }
        Kind::Busybox => {}
    }
}

/// Starts systemd, or only the ssh server.
fn boot(kind: Kind, root: &Path, console: &Path, address: &str) -> Child {
    let log = fs::File::create(console).unwrap();
    let mut command = match kind {
        Kind::Debian => {
            let mut command = Command::new("systemd-nspawn");
            command.args([
                "--quiet",
                "--register=no",
                "--keep-unit",
                "--boot",
                "--console=read-only",
            ]);
            command.args(["--resolv-conf=off", "--link-journal=no", "--directory"]).arg(root);
            command
        }
        Kind::Dropbear | Kind::Busybox => {
            mount_devices(root);
            let mut command = Command::new("chroot");
            command.arg(root).args(["/usr/sbin/dropbear", "-F", "-E", "-R", "-s", "-p"]);
            command.arg(format!("{address}:22"));
            command
        }
    };
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

fn mount_devices(root: &Path) {
    let script = "mount -t proc proc proc && mount -t tmpfs devices dev && mkdir dev/pts &&
        mknod dev/null c 1 3 && mknod dev/zero c 1 5 && mknod dev/urandom c 1 9 && chmod 666 dev/null dev/zero &&
        mount -t devpts -o newinstance,ptmxmode=666 pts dev/pts && ln -s pts/ptmx dev/ptmx";
    run(Command::new("sh").args(["-ec", script]).current_dir(root));
}
