//! The pyinfra deploy.

use std::time::Instant;

use crate::lab::{Kind, Lab, Robot};

/// The output of a run, which must succeed.
#[track_caller]
fn deploy(lab: &Lab, arguments: &[&str]) -> String {
    let mut command = lab.tool("pyinfra");
    command.arg("-y").args(arguments).args(["--user", "root", "--key"]).arg(lab.key());
    command.args(["--data", "ssh_strict_host_key_checking=no", "--data", "rio_project=simulation"]);
    command.args(["--data", "rio_organization=Acme Robotics"]);
    let addresses: Vec<_> = lab.robots.iter().map(|robot| robot.address.as_str()).collect();
    let inventory = lab.write("inventory.py", &format!("robots = {addresses:?}\n"));
    command.arg(inventory).arg(lab.packed("fleet/deploy.py"));
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(output.status.success(), "{text}");
    println!("{text}");
    text
}

#[test]
fn deploy_logs_in_robots_and_changes_nothing_twice() {
    let Some(lab) = Lab::start(&[Kind::Debian]) else { return };
    let robot = &lab.robots[0];
    deploy(&lab, &["--dry"]);
    assert!(!robot.root.join("usr/local/bin/rio").exists());
    assert!(lab.platform.requests().is_empty());

    lab.platform.approve_after(1);
    let output = deploy(&lab, &[]);
    assert!(output.contains("/device?user_code="));
    assert!(robot.rio("auth status").contains("simulation"));
    assert_eq!(robot.output("systemctl is-active rio-refresh.timer"), "active");
    assert_eq!(robot.output("systemctl is-enabled rio-refresh.timer"), "enabled");

    let requests = lab.platform.requests().len();
    let output = deploy(&lab, &[]);
    assert!(output.contains("No changes") && !output.contains("] Success"));
    // Only the check of the token.
    assert_eq!(lab.platform.requests().len(), requests + 1);

    robot.output("mv /var/lib/rio/config.json /root/rio.json");
    let command = "rio_command=RIO_CONFIG=/root/rio.json /usr/local/bin/rio";
    assert!(deploy(&lab, &["--data", command]).contains("No changes"));
}

#[test]
#[ignore = "needs fs.inotify.max_user_instances=1024; prints how long 20 and 100 robots take"]
#[expect(clippy::disallowed_methods, reason = "measures time")]
fn hundred_robots_log_in_at_the_same_time() {
    for count in [20, 100] {
        let Some(lab) = Lab::start(&vec![Kind::Debian; count]) else { return };
        lab.platform.approve_after(1);
        for requests in [None, Some(count)] {
            let (start, before) = (Instant::now(), lab.platform.requests().len());
            deploy(&lab, &["--parallel", "20"]);
            println!("pyinfra, {count} robots, requests={requests:?}: {:.1?}", start.elapsed());
            let sent = lab.platform.requests().len() - before;
            assert!(requests.is_none_or(|requests| sent == requests), "{sent}");
        }
        let names = |robot: &Robot| robot.config()["project_name"] == "simulation";
        assert!(lab.robots.iter().all(names));
    }
}
