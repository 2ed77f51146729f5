//! The time and the instructions of the shortest command.

use std::path::Path;
use std::time::Duration;

use crate::Bench;
use crate::program::{Program, STATUS};
use crate::report::{Report, Row, grouped, median, ms, ratio};
use crate::robot::{Robot, Site};
use crate::run::{Job, NO_VALGRIND};

const ROUNDS: usize = 10;
/// Runs of each fast program per round. Python runs once per round.
const RUNS: usize = 50;
/// The job of the empty program.
const NOTHING: Job = Job { arguments: &[], input: "" };

/// Median wall times.
struct Times {
    empty: Duration,
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
    report.time(Row::new("time", ms(times.rio)).peer(peer.map(ms)));
    let empty = ms(times.empty);
    let figure = format!("{:.1}× its {empty}", ratio(times.rio, times.empty));
    report.time(Row::new("compared with an empty static C program", figure));
    if let Some(peer) = peer {
        let faster = ratio(peer, times.rio);
        let figure = format!("{}× faster", grouped(faster as usize));
        report.time(
            Row::new("compared with the Python `rio`", figure).target("≥ 500×", faster >= 500.0),
        );
    }
    count_instructions(bench, &robot, report);
}

/// Runs the programs in turn, so that other load on the machine affects them equally.
fn interleave(bench: &Bench, robot: &Robot) -> Times {
    let (mut empty, mut rio, mut peer) = (Vec::new(), Vec::new(), Vec::new());
    let wall = |program: &Path, job: Job| Ok(bench.runner.run(program, job, robot)?.wall);
    for _ in 0..ROUNDS {
        for _ in 0..RUNS {
            empty.push(wall(&bench.runner.empty, NOTHING).expect("an empty program runs"));
            rio.push(wall(&bench.rio.path, STATUS).expect("rio prints its status"));
        }
        peer.extend(bench.peer.as_ref().map(|Program { path, .. }| wall(path, STATUS)));
    }
    let peer: Result<Vec<Duration>, String> = peer.into_iter().collect();
    Times {
        empty: median(empty),
        rio: median(rio),
        peer: bench.peer.as_ref().map(|_| peer.map(median)),
    }
}

fn count_instructions(bench: &Bench, robot: &Robot, report: &mut Report) {
    const LIMIT: usize = 350_000;
    let count = |program: &Path, job: Job| bench.runner.instructions(program, job, robot);
    let (Some(rio), Some(empty)) =
        (count(&bench.rio.path, STATUS), count(&bench.runner.empty, NOTHING))
    else {
        return report.row(Row::new("instructions", NO_VALGRIND));
    };
    let what = format!("instructions (empty C program: {})", grouped(empty));
    report.row(Row::new(what, grouped(rio)).target("≤ 350,000", rio <= LIMIT));
}
