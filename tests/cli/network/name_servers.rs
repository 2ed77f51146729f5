//! Networks as robots meet them: name servers that answer badly, and addresses that do not respond. Each test has a
//! network of its own, with a real name server (dnsdist) and a packet filter (nftables).

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use platform::{Answer, Authority, Call, Platform};
use serde_json::json;

use super::GET;
use super::tls::trusting;
use crate::robot::namespaces::isolated;
use crate::robot::skip::{installed, skip};
use crate::robot::{Outcome, Robot};

const LOGIN: [&str; 4] = ["auth", "login", "--yes", "--no-browser"];

/// The living address of all names, unless a rule says otherwise.
const DEFAULT_RULES: &str = r#"
    setLocal("127.0.0.1:53")
    setSecurityPollSuffix("")
    addAction(QTypeRule(DNSQType.A), SpoofAction({"127.0.0.1"}))
    addAction(AllRule(), RCodeAction(DNSRCode.NOERROR))
"#;

/// Runs a command of the system, which must succeed.
fn system(command: &str) -> String {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A network with a name server.
struct Network {
    server: Child,
    directory: tempfile::TempDir,
}

impl Network {
    /// `None` if this machine lacks a program. The rules of the name server come before the default ones.
    fn start(rules: &str) -> Option<Self> {
        let dnsdist = installed("dnsdist")?;
        if !Path::new("/usr/sbin/nft").exists() {
            skip("needs nft (Debian: apt install nftables)");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        fs::write(path("dnsdist.conf"), format!("{rules}{DEFAULT_RULES}")).unwrap();
        fs::write(path("nsswitch.conf"), "hosts: files dns\n").unwrap();
        let mount = |name| {
            system(&format!("mount --bind {} /etc/{name}", path(name).display()));
        };
        fs::write(path("resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
        mount("resolv.conf");
        mount("nsswitch.conf");
        let mut command = Command::new(dnsdist);
        command.arg("-C").arg(path("dnsdist.conf")).args(["--supervised", "--disable-syslog"]);
        let log = fs::File::create(path("dnsdist.log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let server = command.spawn().unwrap();
        let network = Network { server, directory };
        network.wait_for_name_server();
        system(
            "echo 'table inet filter {
                counter dns {}
                chain input { type filter hook input priority 0; }
                chain output { type filter hook output priority 0; udp dport 53 counter name dns; }
            }' | nft -f -",
        );
        Some(network)
    }

    #[expect(clippy::disallowed_methods, reason = "another process starts")]
    fn wait_for_name_server(&self) {
        for _ in 0..500 {
            if TcpStream::connect("127.0.0.1:53").is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("{}", fs::read_to_string(self.directory.path().join("dnsdist.log")).unwrap());
    }

    fn resolv_conf(&self, lines: &str) {
        let path = self.directory.path().join("resolv.conf");
        fs::write(path, format!("nameserver 127.0.0.1\n{lines}\n")).unwrap();
    }

    /// Lets packets to these addresses vanish.
    fn kill(&self, addresses: &[String]) {
        for address in addresses {
            let (family, length) = if address.contains(':') { ("ip6", 128) } else { ("ip", 32) };
            system(&format!("ip address add {address}/{length} dev lo"));
            system(&format!("nft add rule inet filter input {family} daddr {address} drop"));
        }
    }

    /// How many questions were sent by UDP.
    fn questions(&self) -> u32 {
        let counter = system("nft list counter inet filter dns");
        counter
            .split_whitespace()
            .skip_while(|word| *word != "packets")
            .nth(1)
            .unwrap()
            .parse()
            .unwrap()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A robot that calls the platform by this name.
fn robot_that_calls(name: &str, platform: &Platform) -> Robot {
    let url = platform.url().replace("127.0.0.1", name);
    let robot = Robot::new().env("RIO_INSECURE_HTTP", "1").env("RIO_DEBUG", "1");
    robot.write_hosts(&url);
    robot.set_config(json!({"auth_token": platform.issue_token(), "email_id": platform::EMAIL}));
    platform.public_url(&url);
    robot
}

/// How long the requests that opened a connection took, in milliseconds.
fn milliseconds_to_connect(outcome: &Outcome) -> Vec<u64> {
    let lines = outcome.stderr.lines().filter_map(|line| line.split_once("new connection, "));
    lines.map(|(_, rest)| rest.split(' ').next().unwrap().parse().unwrap()).collect()
}

/// Relays from the same port of `::1` to a platform.
fn relay_from_ipv6(platform: &Platform) -> io::Result<()> {
    let target: SocketAddr = platform.host().parse().unwrap();
    let listener = TcpListener::bind(("::1", target.port()))?;
    thread::spawn(move || {
        for client in listener.incoming().map(Result::unwrap) {
            let server = TcpStream::connect(target).unwrap();
            for (mut from, mut to) in
                [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
            {
                thread::spawn(move || io::copy(&mut from, &mut to));
            }
        }
    });
    Ok(())
}

#[test]
fn bad_answer_about_one_family_does_not_hide_the_other() {
    isolated(|| {
        const BAD: [(&str, &str); 7] = [
            ("refused", "RCodeAction(DNSRCode.REFUSED)"),
            ("servfail", "RCodeAction(DNSRCode.SERVFAIL)"),
            ("nxdomain", "RCodeAction(DNSRCode.NXDOMAIN)"),
            ("notimp", "RCodeAction(DNSRCode.NOTIMP)"),
            ("formerr", "RCodeAction(DNSRCode.FORMERR)"),
            ("empty", "RCodeAction(DNSRCode.NOERROR)"),
            ("silence", "DropAction()"),
        ];
        let mut rules = String::new();
        for (name, action) in BAD {
            for (family, kind) in [("6", "AAAA"), ("4", "A")] {
                rules += &format!(
                    "addAction(AndRule({{QNameRule('{name}{family}.example'), \
                     QTypeRule(DNSQType.{kind})}}), {action})\n"
                );
                rules += &format!(
                    "addAction(AndRule({{QNameRule('{name}4.example'), \
                     QTypeRule(DNSQType.AAAA)}}), SpoofAction({{'::1'}}))\n"
                );
            }
        }
        let Some(_network) = Network::start(&rules) else { return };
        let platform = Platform::start();
        let has_ipv6 = relay_from_ipv6(&platform);
        if let Err(error) = &has_ipv6 {
            skip(format_args!("IPv6 alone: {error}"));
        }
        for (name, _) in BAD {
            for family in ["6", "4"].iter().filter(|family| **family == "6" || has_ipv6.is_ok()) {
                println!("case: {name}{family}");
                let robot = robot_that_calls(&format!("{name}{family}.example"), &platform);
                let outcome = robot.rio(&GET).run().exits(0);
                let took = milliseconds_to_connect(&outcome);
                assert!(took[0] < 1000, "{outcome}");
            }
        }
    });
}

#[test]
fn search_domain_does_not_hide_the_absolute_name() {
    isolated(|| {
        let rules = "
            addAction('servfail.test', RCodeAction(DNSRCode.SERVFAIL))
            addAction('refused.test', RCodeAction(DNSRCode.REFUSED))
            addAction('nxdomain.test', RCodeAction(DNSRCode.NXDOMAIN))
            addAction('silence.test', DropAction())
        ";
        let Some(network) = Network::start(rules) else { return };
        let platform = Platform::start();
        for domain in ["servfail", "refused", "nxdomain", "silence"] {
            println!("case: {domain}");
            network.resolv_conf(&format!("search a.{domain}.test {domain}.test\noptions ndots:5"));
            let robot = robot_that_calls("rip.example", &platform);
            let outcome = robot.rio(&GET).run().exits(0);
            let took = milliseconds_to_connect(&outcome);
            assert!(took[0] < 1500, "{outcome}");
        }
    });
}

/// Rules for a name with this many dead addresses of each family, and the addresses.
fn with_dead(name: &str, ipv6: usize, ipv4: usize) -> (String, Vec<String>) {
    let dead6: Vec<_> = (1..=ipv6).map(|number| format!("2001:db8:{ipv6}::{number}")).collect();
    let dead4: Vec<_> = (1..=ipv4).map(|number| format!("198.51.{ipv4}.{number}")).collect();
    let quoted = |addresses: &[String]| {
        addresses.iter().map(|address| format!("'{address}'")).collect::<Vec<_>>().join(", ")
    };
    let living = [dead4.clone(), vec!["127.0.0.1".to_owned()]].concat();
    let rule = |kind, addresses: &[String]| match addresses {
        [] => String::new(),
        addresses => format!(
            "addAction(AndRule({{QNameRule('{name}'), QTypeRule(DNSQType.{kind})}}), \
             SpoofAction({{{}}}))\n",
            quoted(addresses)
        ),
    };
    (rule("AAAA", &dead6) + &rule("A", &living), [dead6, dead4].concat())
}

#[test]
fn dead_address_costs_250_ms_and_nothing_on_the_next_connection() {
    isolated(|| {
        let cases = [(2, 0), (4, 0), (8, 0), (0, 2), (0, 8), (3, 3)];
        let named: Vec<_> = cases
            .iter()
            .map(|(ipv6, ipv4)| {
                let name = format!("dead{ipv6}-{ipv4}.example");
                let (rules, dead) = with_dead(&name, *ipv6, *ipv4);
                (name, ipv6 + ipv4, rules, dead)
            })
            .collect();
        let rules: String = named.iter().map(|(_, _, rules, _)| rules.as_str()).collect();
        let Some(network) = Network::start(&rules) else { return };
        for (name, dead_count, _, dead) in &named {
            println!("case: {name}");
            network.kill(dead);
            let platform = Platform::start();
            platform.interval(1);
            platform.approve_after(1);
            let closed = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 33\r\n\r\n\
                {\"error\":\"authorization_pending\"}";
            platform.answer(Call::Token, Answer::raw(closed));
            let robot = robot_that_calls(name, &platform);
            let outcome = robot.rio(&LOGIN).run().exits(0);
            let took = milliseconds_to_connect(&outcome);
            let limit = 300 * *dead_count as u64 + 500;
            assert_eq!(took.len(), 2, "{outcome}");
            assert!(took[0] < limit, "{name}: {took:?}\n{outcome}");
            assert!(took[1] < 250, "{name}: {took:?}\n{outcome}");
        }
    });
}

#[test]
fn login_asks_once_per_connection_and_survives_dns_outage() {
    isolated(|| {
        let Some(network) = Network::start("") else { return };
        let platform = Platform::start();
        platform.interval(1);
        platform.approve_after(3);
        let robot = robot_that_calls("rip.example", &platform);
        robot.rio(&LOGIN).run().exits(0);
        assert_eq!(network.questions(), 2);

        // The two questions of the first connection pass.
        system("nft add rule inet filter output udp dport 53 quota over 150 bytes drop");
        platform.approve_after(1);
        platform.answer(Call::Token, Answer::hang_up());
        platform.answer(Call::Token, Answer::raw("HTTP/1.1 4"));
        let robot = robot_that_calls("rip.example", &platform);
        let outcome = robot.rio(&LOGIN).run().exits(0);
        let took = milliseconds_to_connect(&outcome);
        assert!(took.iter().all(|took| *took < 1000), "{took:?}\n{outcome}");
    });
}

#[test]
fn login_works_on_a_path_with_a_small_mtu() {
    isolated(|| {
        let Some(_network) = Network::start("") else { return };
        system("ip link set lo mtu 576");
        let authority = Authority::new();
        let platform = Platform::start_tls(&authority.intermediate().certify(&["127.0.0.1"]));
        let (robot, _) = Robot::logged_in(&platform);
        trusting(robot, &authority).rio(&GET).run().exits(0);
    });
}

#[test]
fn delay_of_60_ms_does_not_add_up() {
    isolated(|| {
        let (rules, dead) = with_dead("far.example", 2, 0);
        let Some(network) = Network::start(&rules) else { return };
        let netem = Command::new("/usr/sbin/tc")
            .args(["qdisc", "add", "dev", "lo", "root", "netem", "delay", "60ms"])
            .output();
        if !netem.is_ok_and(|output| output.status.success()) {
            skip("needs tc and a kernel with netem");
            return;
        }
        network.kill(&dead);
        let platform = Platform::start();
        let robot = robot_that_calls("far.example", &platform);
        let outcome = robot.rio(&GET).run().exits(0);
        let took = milliseconds_to_connect(&outcome);
        // Three round trips of 120 ms, and two delays of 250 ms.
        assert!(took[0] < 1100, "{outcome}");
    });
}
