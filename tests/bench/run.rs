//! Running a program, and what it cost.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::program;
use crate::robot::Robot;

/// The arguments of a program, and what it reads from standard input.
#[derive(Clone, Copy)]
pub struct Job {
    pub arguments: &'static [&'static str],
    pub input: &'static str,
}

/// What one run of a program cost.
pub struct Usage {
    pub wall: Duration,
    pub cpu: Duration,
    /// The most memory that was resident at once, in KiB.
    pub peak: u64,
}

/// Runs programs by way of `measure.c`, and has the empty program to compare them with.
pub struct Runner {
    measure: PathBuf,
    pub empty: PathBuf,
    /// The same with musl, which `make dist` brings.
    pub empty_of_musl: Option<PathBuf>,
    _directory: tempfile::TempDir,
}

impl Runner {
    /// Compiles both.
    pub fn new() -> Runner {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Runner {
            measure: compile(&mut Command::new("cc"), "measure.c", directory.path())
                .expect("cc -static must work"),
            empty: compile(&mut Command::new("cc"), "empty.c", directory.path())
                .expect("cc -static must work"),
            empty_of_musl: zig_cc().and_then(|mut zig| {
                fs::create_dir(directory.path().join("musl")).ok()?;
                compile(&mut zig, "empty.c", &directory.path().join("musl"))
            }),
            _directory: directory,
        }
    }

    pub fn start(&self, program: &Path, job: Job, robot: &Robot) -> Running {
        let output = robot.path("output");
        let input = robot.path("input");
        fs::write(&input, job.input).expect("a file in the robot's home");
        let mut measure = Command::new(&self.measure)
            .arg(program)
            .args(job.arguments)
            .env_clear()
            .envs(robot.env())
            .stdin(File::open(input).expect("the file of a moment ago"))
            .stdout(Stdio::piped())
            // A file, since whoever reads a pipe takes part in the race.
            .stderr(File::create(&output).expect("a file in the robot's home"))
            .spawn()
            .expect("a process");
        let report = measure.stdout.take().expect("a pipe");
        Running { measure, report, output }
    }

    /// Runs a program to its end, which must be a good one.
    pub fn run(&self, program: &Path, job: Job, robot: &Robot) -> Result<Usage, String> {
        self.start(program, job, robot).finish()
    }
}

/// A program that runs.
pub struct Running {
    measure: Child,
    report: ChildStdout,
    output: PathBuf,
}

impl Running {
    /// Its process id, if it runs and the kernel tells.
    pub fn pid(&self) -> Option<u32> {
        let measure = self.measure.id();
        let children = fs::read_to_string(format!("/proc/{measure}/task/{measure}/children"));
        children.ok()?.trim().parse().ok()
    }

    pub fn is_over(&mut self) -> bool {
        self.measure.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Waits for its end; an error is the last line that it printed.
    pub fn finish(mut self) -> Result<Usage, String> {
        let mut report = String::new();
        self.report.read_to_string(&mut report).expect("a pipe");
        self.measure.wait().map_err(|error| error.to_string())?;
        let numbers: Vec<i64> = report.split_whitespace().flat_map(str::parse).collect();
        let [wall, cpu, peak, code] = numbers[..] else {
            return Err(format!("it could not be measured: {report:?}"));
        };
        if code != 0 {
            let printed = fs::read(&self.output).unwrap_or_default();
            let printed = String::from_utf8_lossy(&printed);
            let last = printed.lines().rfind(|line| !line.trim().is_empty());
            return Err(format!("exit code {code}: {}", last.unwrap_or("no word")));
        }
        Ok(Usage {
            wall: Duration::from_nanos(wall.unsigned_abs()),
            cpu: Duration::from_micros(cpu.unsigned_abs()),
            peak: peak.unsigned_abs(),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The program goes with it.
        let _ = self.measure.kill();
        let _ = self.measure.wait();
    }
}

/// Compiles one of the C programs beside this file; `None` where the compiler cannot.
fn compile(compiler: &mut Command, source: &str, directory: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench").join(source);
    let program = directory.join(source.file_stem()?);
    let status = compiler.args(["-O2", "-static", "-o"]).arg(&program).arg(source).status();
    status.is_ok_and(|status| status.success()).then_some(program)
}

/// The C compiler that `make dist` links with.
fn zig_cc() -> Option<Command> {
    let python = program::target().join("zig/bin/python");
    let mut zig = Command::new(&python);
    zig.args(["-m", "ziglang", "cc", "-target"]);
    zig.arg(format!("{}-linux-musl", std::env::consts::ARCH));
    python.exists().then_some(zig)
}
