//! The time and the instructions of the shortest command.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Bench;
use crate::program::{Program, STATUS};
use crate::report::{Report, Row, grouped, median, ms, ratio};
use crate::robot::{Robot, Site};
use crate::run::Job;

const ROUNDS: usize = 10;
/// Runs of each fast program per round. Python runs once per round.
const RUNS: usize = 50;

/// Median wall times.
struct Times {
    empty: Duration,
    empty_musl: Option<Duration>,
    rio: Duration,
    peer: Option<Result<Duration, String>>,
}

pub fn measure(bench: &Bench, report: &mut Report) {
    let site = Site::new();
    let robot = site.robot();
    let login = bench.runner.run(&bench.rio.path, bench.rio.password_login, &robot);
    login.expect("rio logs in");
    let times = interleave(bench, &robot);
    let peer = report.peer("status", times.peer);
    report.section(format!(
        "Start-up: `auth status`, logged in, median of {} interleaved runs (Python: {ROUNDS})",
        ROUNDS * RUNS
    ));
    report.row(Row::new("time", ms(times.rio)).peer(peer.map(ms)));
    let against_empty = ratio(times.rio, times.empty);
    report.row(
        Row::new(
            format!("compared with an empty static C program ({})", ms(times.empty)),
            format!("{against_empty:.1}×"),
        )
        .peer(peer.map(|peer| format!("{}×", grouped(ratio(peer, times.empty) as usize))))
        .target("≤ 2×", against_empty <= 2.0),
    );
    if let Some(empty) = times.empty_musl {
        let what = format!("compared with the same linked with musl, like `rio` ({})", ms(empty));
        let row = Row::new(what, format!("{:.1}×", ratio(times.rio, empty)));
        report.row(row.target("≤ 2×", ratio(times.rio, empty) <= 2.0));
    }
    if let Some(peer) = peer {
        let faster = ratio(peer, times.rio);
        let figure = format!("{}× faster", grouped(faster as usize));
        report.row(
            Row::new("compared with the Python `rio`", figure).target("≥ 500×", faster >= 500.0),
        );
    }
    count_instructions(bench, &robot, report);
}

/// Runs the programs in turn, so that other load on the machine affects them equally.
fn interleave(bench: &Bench, robot: &Robot) -> Times {
    let (mut empty, mut musl) = (Vec::new(), Vec::new());
    let (mut rio, mut peer) = (Vec::new(), Vec::new());
    let wall = |program: &Path, job: Job| Ok(bench.runner.run(program, job, robot)?.wall);
    let no_arguments = Job { arguments: &[], input: "" };
    for _ in 0..ROUNDS {
        for _ in 0..RUNS {
            empty.push(wall(&bench.runner.empty, no_arguments).expect("an empty program runs"));
            let empty_musl = bench.runner.empty_musl.as_ref();
            musl.extend(
                empty_musl.map(|path| wall(path, no_arguments).expect("an empty program runs")),
            );
            rio.push(wall(&bench.rio.path, STATUS).expect("rio prints its status"));
        }
        peer.extend(bench.peer.as_ref().map(|Program { path, .. }| wall(path, STATUS)));
    }
    let peer: Result<Vec<Duration>, String> = peer.into_iter().collect();
    Times {
        empty: median(empty),
        empty_musl: bench.runner.empty_musl.as_ref().map(|_| median(musl)),
        rio: median(rio),
        peer: bench.peer.as_ref().map(|_| peer.map(median)),
    }
}

fn count_instructions(bench: &Bench, robot: &Robot, report: &mut Report) {
    let count = |program: &Path, job: Job| callgrind(program, job, robot);
    let no_arguments = Job { arguments: &[], input: "" };
    let (Some(rio), Some(empty)) =
        (count(&bench.rio.path, STATUS), count(&bench.runner.empty, no_arguments))
    else {
        return report.row(Row::new("instructions", "not measured: valgrind is not installed"));
    };
    report.row(
        Row::new(
            format!("instructions (callgrind; empty C program: {})", grouped(empty)),
            grouped(rio),
        )
        .target("≤ 60,000", rio <= 60_000),
    );
}

/// Instructions in user space, from start to exit.
fn callgrind(program: &Path, job: Job, robot: &Robot) -> Option<usize> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(job.arguments)
        .env_clear()
        .envs(robot.env())
        .output()
        .ok()?;
    let printed = String::from_utf8_lossy(&output.stderr);
    let total = printed.lines().find_map(|line| line.split_once("Collected : "))?.1;
    total.trim().parse().ok()
}
