//! How long the shortest command takes.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Bench;
use crate::program::{Program, STATUS};
use crate::report::{Report, Row, grouped, median, ms, ratio};
use crate::robot::{Robot, Site};
use crate::run::Job;

const ROUNDS: usize = 10;
/// In each round, of the two that are quick.
const RUNS: usize = 50;

/// Medians of the wall time.
struct Times {
    empty: Duration,
    empty_of_musl: Option<Duration>,
    rio: Duration,
    peer: Option<Result<Duration, String>>,
}

pub fn measure(bench: &Bench, report: &mut Report) {
    let site = Site::new();
    let robot = site.robot();
    let login = bench.runner.run(&bench.rio.path, bench.rio.password_login, &robot);
    login.expect("a login of rio");
    let times = take_turns(bench, &robot);
    let peer = report.peer("status", times.peer);
    report.section(format!(
        "Start-up: `auth status`, logged in, {} runs in turn (Python {ROUNDS})",
        ROUNDS * RUNS
    ));
    report.row(Row::new("time", ms(times.rio)).peer(peer.map(ms)));
    let against_empty = ratio(times.rio, times.empty);
    report.row(
        Row::new(
            format!("against an empty static C program, {}", ms(times.empty)),
            format!("{against_empty:.1}×"),
        )
        .peer(peer.map(|peer| format!("{}×", grouped(ratio(peer, times.empty) as usize))))
        .target("≤ 2×", against_empty <= 2.0),
    );
    if let Some(empty) = times.empty_of_musl {
        let what = format!("against one linked with musl, as `rio` is, {}", ms(empty));
        let row = Row::new(what, format!("{:.1}×", ratio(times.rio, empty)));
        report.row(row.target("≤ 2×", ratio(times.rio, empty) <= 2.0));
    }
    if let Some(peer) = peer {
        let faster = ratio(peer, times.rio);
        let figure = format!("{}× faster", grouped(faster as usize));
        report.row(Row::new("against the Python `rio`", figure).target("≥ 500×", faster >= 500.0));
    }
    count_instructions(bench, &robot, report);
}

/// All in turn, so that what else the machine does meets them alike.
fn take_turns(bench: &Bench, robot: &Robot) -> Times {
    let (mut empty, mut of_musl) = (Vec::new(), Vec::new());
    let (mut rio, mut peer) = (Vec::new(), Vec::new());
    let wall = |program: &Path, job: Job| Ok(bench.runner.run(program, job, robot)?.wall);
    let nothing = Job { arguments: &[], input: "" };
    for _ in 0..ROUNDS {
        for _ in 0..RUNS {
            empty.push(wall(&bench.runner.empty, nothing).expect("an empty program"));
            let musl = bench.runner.empty_of_musl.as_ref();
            of_musl.extend(musl.map(|path| wall(path, nothing).expect("an empty program")));
            rio.push(wall(&bench.rio.path, STATUS).expect("a status of rio"));
        }
        peer.extend(bench.peer.as_ref().map(|Program { path, .. }| wall(path, STATUS)));
    }
    let peer: Result<Vec<Duration>, String> = peer.into_iter().collect();
    Times {
        empty: median(empty),
        empty_of_musl: bench.runner.empty_of_musl.as_ref().map(|_| median(of_musl)),
        rio: median(rio),
        peer: bench.peer.as_ref().map(|_| peer.map(median)),
    }
}

fn count_instructions(bench: &Bench, robot: &Robot, report: &mut Report) {
    let count = |program: &Path, job: Job| callgrind(program, job, robot);
    let nothing = Job { arguments: &[], input: "" };
    let (Some(rio), Some(empty)) =
        (count(&bench.rio.path, STATUS), count(&bench.runner.empty, nothing))
    else {
        return report.row(Row::new("instructions", "n/a: valgrind is not installed"));
    };
    report.row(
        Row::new(
            format!("instructions (callgrind; the empty program: {})", grouped(empty)),
            grouped(rio),
        )
        .target("≤ 60,000", rio <= 60_000),
    );
}

/// Instructions in user space from the first to the last.
fn callgrind(program: &Path, job: Job, robot: &Robot) -> Option<usize> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(job.arguments)
        .env_clear()
        .envs(robot.env())
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let total = said.lines().find_map(|line| line.split_once("Collected : "))?.1;
    total.trim().parse().ok()
}
