//! The static binary in an empty root file system, as in a container `FROM scratch` or a rescue system: no C
//! library, no /etc/passwd, no resolv.conf, no certificates, no devices, no home directory.
//!
//! [`isolated`] runs each test again in a child process with its own mount and network namespaces. There, [`Root`]
//! is the root directory, read-only except for `/data`.

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::net::UdpSocket;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use platform::{Authority, EMAIL, PASSWORD, Platform};
use serde_json::{Value, json};

use crate::robot::namespaces;
use crate::robot::skip::skip;
use crate::robot::terminal::Terminal;
use crate::robot::{Outcome, Robot, binary, is_static, runner};

/// Runs the body of a test in namespaces of its own, if the binary is static.
fn isolated<Body: FnOnce()>(body: Body) {
    match runner().is_some() || !is_static(&binary()) {
        true => skip("needs a static rio for this machine"),
        false => namespaces::isolated(body),
    }
}

fn check(result: i32) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

fn mount_tmpfs(path: &Path, flags: libc::c_ulong) {
    const KIND: &CStr = c"tmpfs";
    let path = c_path(path);
    // SAFETY: the strings are valid, and there are no data.
    let mounted = unsafe {
        libc::mount(KIND.as_ptr(), path.as_ptr(), KIND.as_ptr(), flags, std::ptr::null())
    };
    check(mounted).unwrap();
}

/// A root directory, and the environment of the programs in it.
struct Root {
    robot: Robot,
    env: Vec<(&'static str, &'static str)>,
}

const CONFIG: &str = "/data/rio.json";

impl Root {
    /// A root with these files, `/bin/rio` and an empty `/data`.
    fn with(files: &[(&str, &str)]) -> Self {
        let root = Root { robot: Robot::new(), env: vec![("RIO_CONFIG", CONFIG)] };
        mount_tmpfs(&root.path("/"), 0);
        root.adopt(&binary(), "/bin/rio");
        for (path, text) in files {
            fs::create_dir_all(root.path(path).parent().unwrap()).unwrap();
            fs::write(root.path(path), text).unwrap();
        }
        fs::create_dir(root.path("/data")).unwrap();
        root
    }

    /// As [`Root::with`], with `/bin/sh`. `None` if the machine has no static busybox.
    fn with_shell(files: &[(&str, &str)]) -> Option<Self> {
        let busybox = ["/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox"]
            .map(Path::new)
            .into_iter()
            .find(|path| path.exists() && is_static(path));
        let Some(busybox) = busybox else {
            skip("needs a static busybox (Debian: apt install busybox-static)");
            return None;
        };
        let root = Root::with(files);
        root.adopt(busybox, "/bin/sh");
        Some(root)
    }

    fn adopt(&self, program: &Path, path: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::copy(program, self.path(path)).unwrap();
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes the root read-only, except for `/data`, and writes the config file.
    fn read_only(self, config: &Value) -> Self {
        mount_tmpfs(&self.path("/data"), 0);
        mount_tmpfs(&self.path("/"), libc::MS_REMOUNT | libc::MS_RDONLY);
        fs::write(self.path(CONFIG), config.to_string()).unwrap();
        self
    }

    fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    /// The path outside the root.
    fn path(&self, path: &str) -> PathBuf {
        self.robot.home().join(path.trim_start_matches('/'))
    }

    fn config(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path(CONFIG)).unwrap()).unwrap()
    }

    fn names_in(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(directory)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A command that runs in the root.
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.env.iter().copied());
        let root = c_path(self.robot.home());
        // SAFETY: both calls are async-signal-safe; the strings are valid.
        unsafe {
            command.pre_exec(move || {
                check(libc::chroot(root.as_ptr()))?;
                check(libc::chdir(c"/".as_ptr()))
            });
        }
        command
    }

    fn run(&self, arguments: &[&str], stdin: &str) -> Outcome {
        let rio = self.robot.rio(arguments).stdin(stdin);
        rio.run_command(self.command("/bin/rio", arguments))
    }
}

impl Drop for Root {
    /// A directory on which something is mounted cannot be removed.
    fn drop(&mut self) {
        let root = c_path(self.robot.home());
        // SAFETY: the string is valid. A failure only leaves a directory behind.
        unsafe { libc::umount2(root.as_ptr(), libc::MNT_DETACH) };
    }
}

/// An authority, and a platform with a certificate for this name.
fn certified(name: &str) -> (Authority, Platform) {
    let authority = Authority::new();
    let platform = Platform::start_tls(&authority.certify(&[name]));
    (authority, platform)
}

const HERE: &str = "127.0.0.1";
const SELECT: [&str; 4] = ["--organization", "Acme Robotics", "--project", "simulation"];
const VERIFY: [&str; 3] = ["auth", "status", "--verify"];

#[test]
fn device_login_works_in_empty_root() {
    isolated(|| {
        let (authority, platform) = certified(HERE);
        platform.interval(1);
        platform.approve_after(1);
        let root = Root::with(&[("/ca.pem", &authority.pem())]).env("SSL_CERT_FILE", "/ca.pem");
        let root = root.read_only(&platform.config());
        assert_eq!(root.names_in("/"), ["bin", "ca.pem", "data"]);
        assert_eq!(root.names_in("/bin"), ["rio"]);

        let login = [&["auth", "login"], &SELECT[..]].concat();
        let outcome = root.run(&login, "").exits(0).says("and enter this code:");
        outcome.says("Project: simulation");
        root.run(&VERIFY, "").exits(0);
        let old = root.config()["auth_token"].clone();
        root.run(&["auth", "refresh-token"], "").exits(0);
        assert_ne!(root.config()["auth_token"], old);
        let mode = fs::metadata(root.path(CONFIG)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        root.run(&["auth", "logout"], "").exits(0).says("Logged out.");
        // The lock of a refresh is never removed.
        assert_eq!(root.names_in("/data"), [".rio.json.refresh.lock", "rio.json"]);
    });
}

#[test]
fn password_prompt_works_without_a_terminal_device_file() {
    isolated(|| {
        let (authority, platform) = certified(HERE);
        let root = Root::with(&[("/ca.pem", &authority.pem())]).env("SSL_CERT_FILE", "/ca.pem");
        let root = root.read_only(&platform.config());
        let login = [&["auth", "login", "--email", EMAIL], &SELECT[..]].concat();
        let mut terminal = Terminal::start(root.command("/bin/rio", &login));
        terminal.waits_for("Password for ada@example.com: ");
        terminal.types(&format!("{PASSWORD}\n"));
        terminal.waits_for("Project: simulation");
        assert_eq!(terminal.ends(), 0);
        assert!(!terminal.text().contains(PASSWORD), "{}", terminal.text());
        root.run(&VERIFY, "").exits(0);
    });
}

#[test]
fn built_in_certificates_are_used_without_a_bundle() {
    isolated(|| {
        let (_, platform) = certified(HERE);
        let root = Root::with(&[]).read_only(&platform.config());
        let login = ["auth", "login", "--email", EMAIL, "--password", "-", "--silent"];
        let outcome = root.run(&login, PASSWORD).exits(3).hides(PASSWORD);
        outcome.says("not from an authority that this machine trusts").says("SSL_CERT_FILE");
        assert!(platform.requests().is_empty());
        assert_eq!(root.config(), platform.config());
    });
}

#[test]
fn missing_home_names_variable_to_set() {
    isolated(|| {
        let mut root = Root::with(&[]).read_only(&json!({}));
        root.env.clear();
        for command in ["login", "status", "logout", "token", "refresh-token"] {
            let outcome = root.run(&["auth", command], "").exits(1).prints("");
            outcome.says("there is no home directory").says("RIO_CONFIG=/data/rio.json");
        }
        root.run(&["version"], "").exits(0);
    });
}

#[test]
fn read_only_config_file_fails_before_any_request() {
    isolated(|| {
        let platform = Platform::start();
        let mut config = platform.config();
        config["auth_token"] = platform.issue_token().into();
        let mut root = Root::with(&[("/rio.json", &config.to_string())]).read_only(&json!({}));
        for (path, command) in [
            ("/rio.json", &["auth", "login", "--yes"][..]),
            ("/rio.json", &["auth", "refresh-token"]),
            ("/rio.json", &["auth", "logout"]),
            ("/new/rio.json", &["auth", "login"]),
        ] {
            println!("case: {path}, {command:?}");
            root.env = vec![("RIO_CONFIG", path)];
            let outcome = root.run(command, "").exits(1).prints("");
            outcome.says(path).says("read-only").says("RIO_CONFIG");
        }
        assert!(platform.requests().is_empty());
    });
}

#[test]
fn busybox_shell_captures_exact_token() {
    isolated(|| {
        const SCRIPT: &str = r#"T=$(rio auth token --current) && printf '<%s>' "$T""#;
        let Some(root) = Root::with_shell(&[]) else { return };
        let root = root.env("PATH", "/bin").read_only(&json!({"auth_token": "t0ken"}));
        let outcome = root.robot.rio(&["-c", SCRIPT]);
        outcome.run_command(root.command("/bin/sh", &["-c", SCRIPT])).exits(0).prints("<t0ken>");
    });
}

// Host names, resolved by musl.

const NAME: &str = "login.example";

/// A name server that knows one name. The receiver yields the names that were queried.
fn serve_names(address: &str) -> Receiver<String> {
    let socket = UdpSocket::bind((address, 53)).unwrap();
    let (sender, queries) = mpsc::channel();
    thread::spawn(move || {
        let mut query = [0; 512];
        // The thread ends with the child process.
        while let Ok((size, client)) = socket.recv_from(&mut query) {
            let (name, answer) = answer_to(&query[..size]);
            let _ = sender.send(name);
            socket.send_to(&answer, client).unwrap();
        }
    });
    queries
}

/// The queried name, and the DNS response (RFC 1035): an address, no such record, or no such name.
fn answer_to(query: &[u8]) -> (String, Vec<u8>) {
    const ADDRESS: &[u8] = &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1];
    let mut labels = Vec::new();
    let mut rest = &query[12..];
    while rest[0] > 0 {
        let (label, tail) = rest[1..].split_at(usize::from(rest[0]));
        labels.push(std::str::from_utf8(label).unwrap());
        rest = tail;
    }
    let name = labels.join(".");
    let is_known = name == NAME;
    let has_address = is_known && rest[1..3] == [0, 1];
    let flags = [0x81, if is_known { 0x80 } else { 0x83 }];
    let counts = [0, 1, 0, u8::from(has_address), 0, 0, 0, 0];
    let answer = if has_address { ADDRESS } else { &[] };
    (name, [&query[..2], &flags, &counts, &query[12..], answer].concat())
}

/// A platform with this host name, and a root with these files that is logged in there.
fn root_logged_in_at(name: &str, files: &[(&str, &str)]) -> (Platform, Root) {
    let (authority, platform) = certified(NAME);
    let authority = authority.pem();
    let root = Root::with(&[files, &[("/ca.pem", &authority)]].concat());
    let root = root.env("SSL_CERT_FILE", "/ca.pem").env("RIO_DEBUG", "1");
    let host = platform.url().replace(HERE, name);
    let root = root.read_only(&json!({"rip_host": host, "auth_token": platform.issue_token()}));
    (platform, root)
}

#[test]
fn name_in_hosts_file_is_found() {
    isolated(|| {
        let (_platform, root) =
            root_logged_in_at(NAME, &[("/etc/hosts", "127.0.0.1 login.example\n")]);
        root.run(&VERIFY, "").exits(0);
    });
}

#[test]
fn name_server_in_resolv_conf_is_used() {
    isolated(|| {
        let queries = serve_names("127.0.0.53");
        let servers = ("/etc/resolv.conf", "nameserver 127.0.0.53\n");
        let (_platform, root) = root_logged_in_at(NAME, &[servers]);
        root.run(&VERIFY, "").exits(0);
        let mut names: Vec<_> = queries.try_iter().collect();
        names.dedup();
        assert_eq!(names, [NAME]);
    });
}

#[test]
fn unknown_name_is_looked_up_three_times() {
    isolated(|| {
        let queries = serve_names("127.0.0.53");
        let servers = ("/etc/resolv.conf", "nameserver 127.0.0.53\n");
        let (_platform, root) = root_logged_in_at("nowhere.example", &[servers]);
        let outcome = root.run(&VERIFY, "").exits(3);
        outcome
            .says("could not resolve nowhere.example")
            .says("your network connection and DNS settings");
        assert!(queries.try_iter().count() >= 3);
    });
}
