//! Peak resident memory.

use crate::Bench;
use crate::program::{Program, STATUS};
use crate::report::{Report, Row, median, mib};
use crate::robot::Site;
use crate::run::Job;

const RUNS: usize = 5;

/// Medians, in KiB.
struct Peaks {
    password_login: u64,
    status: u64,
    device_login: u64,
}

pub fn measure(bench: &Bench, report: &mut Report) {
    let rio = peaks(bench, &bench.rio).expect("rio logs in");
    let peer = bench.peer.as_ref().map(|peer| peaks(bench, peer));
    let peer = report.peer("memory", peer);
    report.section("Peak memory (resident; every login reads the system's CA bundle)");
    for (what, peak, target, limit) in [
        ("`auth status`", (|peaks| peaks.status) as fn(&Peaks) -> u64, "≤ 4 MiB", 4.0),
        ("password login over TLS", |peaks| peaks.password_login, "", f64::MAX),
        ("phone login over TLS", |peaks| peaks.device_login, "≤ 6 MiB", 6.0),
    ] {
        let row = Row::new(what, mib(peak(&rio))).peer(peer.as_ref().map(peak).map(mib));
        report.row(match target {
            "" => row,
            _ => row.target(target, peak(&rio) as f64 <= limit * 1024.0),
        });
    }
}

fn peaks(bench: &Bench, program: &Program) -> Result<Peaks, String> {
    let site = Site::new();
    site.platform.interval(1);
    site.platform.approve_after(1);
    let robot = site.robot();
    let peak = |job: Job| -> Result<u64, String> {
        let runs = (0..RUNS).map(|_| Ok(bench.runner.run(&program.path, job, &robot)?.peak));
        runs.collect::<Result<_, String>>().map(median)
    };
    Ok(Peaks {
        password_login: peak(program.password_login)?,
        status: peak(STATUS)?,
        device_login: peak(program.device_login)?,
    })
}
