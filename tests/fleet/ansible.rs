//! The Ansible playbook.

use std::collections::HashMap;
use std::fs;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use platform::{Call, EMAIL, PASSWORD};

use crate::lab::{Kind, Lab};

const KINDS: [Kind; 3] = [Kind::Debian, Kind::Dropbear, Kind::Busybox];

/// A run of the playbook.
struct Run {
    code: Option<i32>,
    output: String,
}

impl Run {
    fn of(lab: &Lab, arguments: &[&str]) -> Run {
        let robots: String = lab.robots.iter().map(|robot| robot.inventory()).collect();
        let inventory = lab.write("inventory", &format!("[robots]\n{robots}"));
        let mut command = lab.tool("ansible-playbook");
        command.arg("-i").arg(inventory).args(arguments).arg(lab.packed("fleet/playbook.yml"));
        let Output { status, stdout, stderr } = command.output().unwrap();
        let output = [stdout, stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        println!("{output}");
        Run { code: status.code(), output }
    }

    /// How many tasks changed each robot.
    fn changed(&self) -> Vec<usize> {
        self.counts("changed")
    }

    /// A column of the recap.
    fn counts(&self, name: &str) -> Vec<usize> {
        let (_, recap) = self.output.split_once("PLAY RECAP").expect("a recap");
        let lines = recap.lines().filter(|line| line.contains("unreachable="));
        let columns =
            lines.map(|line| line.split_whitespace().filter_map(|word| word.split_once('=')));
        let columns = columns.map(|columns| columns.collect::<HashMap<_, _>>());
        columns.map(|columns| columns[name].parse().unwrap()).collect()
    }

    #[track_caller]
    fn succeeds(self) -> Run {
        assert_eq!(self.code, Some(0));
        self
    }
}

#[test]
fn playbook_logs_in_robots_without_python_and_changes_nothing_twice() {
    let Some(lab) = Lab::start(&KINDS) else { return };
    let run = Run::of(&lab, &["--check"]).succeeds();
    assert_eq!(run.changed(), [1, 1, 1]);
    assert!(lab.robots.iter().all(|robot| !robot.root.join("usr/local/bin/rio").exists()));
    assert!(lab.platform.requests().is_empty());

    lab.platform.approve_after(1);
    let selection = "rio_organization='Acme Robotics' rio_project=simulation";
    let run = Run::of(&lab, &["-e", selection]).succeeds();
    assert_eq!(run.changed(), [3, 3, 3]);
    assert_eq!(run.output.matches("/device?user_code=").count(), 3);
    for robot in &lab.robots {
        assert_eq!(robot.config()["project_name"], "simulation");
    }
    let [debian, dropbear, busybox] = &lab.robots[..] else { panic!() };
    assert_eq!(debian.output("systemctl is-active rio-refresh.timer"), "active");
    assert_eq!(debian.output("systemctl is-enabled rio-refresh.timer"), "enabled");
    for robot in [dropbear, busybox] {
        let line = robot.output("crontab -l");
        let (_, command) = line.split_once(" * * * * sleep ").unwrap();
        let (_, command) = command.split_once("; ").unwrap();
        let command = command.replace("| logger -t rio", "|| :");
        assert_eq!(robot.output(&command), "");
    }

    let logins = lab.platform.calls(Call::DeviceAuthorization).len();
    for arguments in [&[][..], &["--check"]] {
        assert_eq!(Run::of(&lab, arguments).succeeds().changed(), [0, 0, 0]);
    }
    assert_eq!(lab.platform.calls(Call::DeviceAuthorization).len(), logins);
}

#[test]
fn report_finds_revoked_login_and_next_run_repairs_only_that_robot() {
    let Some(lab) = Lab::start(&[Kind::Busybox; 3]) else { return };
    lab.platform.approve_after(1);
    Run::of(&lab, &[]).succeeds();
    let token = lab.robots[1].config()["auth_token"].as_str().unwrap().to_owned();
    lab.platform.revoke(&token);

    let run = Run::of(&lab, &["--tags", "report"]);
    assert_eq!(run.code, Some(2));
    assert_eq!(run.counts("failed"), [0, 1, 0]);
    assert!(run.output.contains("rejected by the server, ada@example.com"));
    let elsewhere =
        r#"{"rio_command": "RIO_CONFIG=/missing.json /usr/local/bin/rio", "rio_archives": "/"}"#;
    let run = Run::of(&lab, &["--tags", "report", "-e", elsewhere]);
    assert_eq!(run.counts("failed"), [1, 1, 1]);
    assert_eq!(Run::of(&lab, &[]).succeeds().changed(), [0, 1, 0]);
    assert_eq!(Run::of(&lab, &["--tags", "logout"]).succeeds().changed(), [1, 1, 1]);
    assert_eq!(Run::of(&lab, &["--tags", "logout"]).succeeds().changed(), [0, 0, 0]);
}

#[test]
#[ignore = "takes minutes; prints how long 20 and 100 robots take"]
#[expect(clippy::disallowed_methods, reason = "measures time")]
fn hundred_robots_log_in_at_the_same_time() {
    for count in [20, 100] {
        let Some(lab) = Lab::start(&vec![Kind::Dropbear; count]) else { return };
        lab.platform.approve_after(1);
        for (changes, arguments) in [(3, &[][..]), (0, &[]), (1, &["--tags", "logout"])] {
            let start = Instant::now();
            let run = Run::of(&lab, &[&["--forks", "20"], arguments].concat()).succeeds();
            assert_eq!(run.changed(), vec![changes; count]);
            println!("Ansible, {count} robots, changed={changes}: {:.1?}", start.elapsed());
        }
    }
}

/// The command lines of all processes that contain a text.
fn command_lines_with(text: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.flat_map(|entry| fs::read_to_string(entry.path().join("cmdline")));
    lines.filter(|line| line.contains(text)).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "looks at processes while they run")]
fn secrets_of_vault_are_on_no_command_line() {
    let Some(lab) = Lab::start(&KINDS) else { return };
    let token = lab.platform.issue_token();
    let logout = ["--tags", "logout"];
    let token_file = encrypt(&lab, "token", &token);
    let password_file = encrypt(&lab, "password", PASSWORD);
    let by_token = format!("rio_token_file={token_file}");
    let by_password = format!("rio_password_file={password_file} rio_email={EMAIL}");
    let is_done = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut seen = Vec::new();
            while !is_done.load(Ordering::Relaxed) {
                seen.extend([token.as_str(), PASSWORD].into_iter().flat_map(command_lines_with));
                thread::sleep(Duration::from_millis(5));
            }
            seen
        });
        let vault = ["--vault-password-file", "vault-password", "-e"];
        let run = Run::of(&lab, &[&vault[..], &[&by_token]].concat()).succeeds();
        assert_eq!(run.changed(), [3, 3, 3]);
        assert!(lab.robots.iter().all(|robot| robot.config()["auth_token"] == token));
        Run::of(&lab, &logout).succeeds();
        let run = Run::of(&lab, &[&vault[..], &[&by_password]].concat()).succeeds();
        assert_eq!(run.changed(), [1, 1, 1]);
        is_done.store(true, Ordering::Relaxed);
        watch.join().unwrap()
    });
    assert_eq!(seen, Vec::<String>::new());
    for robot in &lab.robots {
        assert!(!robot.output("ls -a /tmp /root").contains("ansible-tmp"));
    }
}

/// Writes a file that is encrypted with ansible-vault. Its path.
fn encrypt(lab: &Lab, name: &str, secret: &str) -> String {
    lab.write("vault-password", "correct horse\n");
    let path = lab.write(name, &format!("{secret}\n"));
    let mut vault = lab.tool("ansible-vault");
    vault.args(["encrypt", "--vault-password-file", "vault-password"]).arg(&path);
    assert!(vault.output().unwrap().status.success());
    assert!(!fs::read_to_string(&path).unwrap().contains(secret));
    path.display().to_string()
}
