//! Runs a program and measures it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::program;
use crate::robot::Robot;

/// A program's arguments and standard input.
#[derive(Clone, Copy)]
pub struct Job {
    pub arguments: &'static [&'static str],
    pub input: &'static str,
}

/// The figure where [`Runner::instructions`] has none.
pub const NO_VALGRIND: &str = "not measured: valgrind is missing or failed";

/// The resources that one run took.
pub struct Usage {
    pub wall: Duration,
    pub cpu: Duration,
    /// Peak resident memory, in KiB.
    pub peak: u64,
}

/// Runs programs with `measure.c`.
pub struct Runner {
    measure: PathBuf,
    /// For comparison. Linked with musl like the static build, if `make dist` has installed zig.
    pub empty: PathBuf,
    _directory: tempfile::TempDir,
}

impl Runner {
    /// Compiles the C programs.
    pub fn new() -> Runner {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut musl = zig_cc().unwrap_or_else(|| Command::new("cc"));
        Runner {
            measure: compile(&mut Command::new("cc"), "measure.c", directory.path()),
            empty: compile(&mut musl, "empty.c", directory.path()),
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
            .stdin(File::open(input).expect("the input file"))
            .stdout(Stdio::piped())
            // A file: reading a pipe would take CPU time.
            .stderr(File::create(&output).expect("a file in the robot's home"))
            .spawn()
            .expect("a process");
        let report = measure.stdout.take().expect("a pipe");
        Running { measure, report, output }
    }

    /// Instructions in user space, from start to exit. `None` without valgrind.
    pub fn instructions(&self, program: &Path, job: Job, robot: &Robot) -> Option<usize> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(program)
            .args(job.arguments)
            .env_clear()
            .envs(robot.env())
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the program succeeds in valgrind: {printed}");
        let total = printed.lines().find_map(|line| line.split_once("Collected : "))?.1;
        total.trim().parse().ok()
    }

    /// Runs a program; any exit code but 0 is an error.
    pub fn run(&self, program: &Path, job: Job, robot: &Robot) -> Result<Usage, String> {
        self.start(program, job, robot).finish()
    }
}

/// A running program.
pub struct Running {
    measure: Child,
    report: ChildStdout,
    output: PathBuf,
}

impl Running {
    /// The process id, or `None` if the program has ended.
    pub fn pid(&self) -> Option<u32> {
        let measure = self.measure.id();
        let children = fs::read_to_string(format!("/proc/{measure}/task/{measure}/children"));
        children.ok()?.trim().parse().ok()
    }

    pub fn has_ended(&mut self) -> bool {
        self.measure.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Waits until the program ends. An error has the last line that it printed.
    pub fn finish(mut self) -> Result<Usage, String> {
        let mut report = String::new();
        self.report.read_to_string(&mut report).expect("a pipe");
        self.measure.wait().map_err(|error| error.to_string())?;
        let numbers: Vec<i64> = report.split_whitespace().flat_map(str::parse).collect();
        let [wall, cpu, peak, code] = numbers[..] else {
            return Err(format!("unexpected output of measure: {report:?}"));
        };
        if code != 0 {
            let printed = fs::read(&self.output).unwrap_or_default();
            let printed = String::from_utf8_lossy(&printed);
            let last = printed.lines().rfind(|line| !line.trim().is_empty());
            return Err(format!("exit code {code}: {}", last.unwrap_or("no output")));
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
        // `measure` takes the program with it (PR_SET_PDEATHSIG).
        let _ = self.measure.kill();
        let _ = self.measure.wait();
    }
}

/// Compiles a C program in this directory.
fn compile(compiler: &mut Command, source: &str, directory: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench").join(source);
    let program = directory.join(source.file_stem().expect("a name"));
    let status = compiler.args(["-O2", "-static", "-o"]).arg(&program).arg(source).status();
    assert!(status.expect("a C compiler").success(), "the C compiler works");
    program
}

/// zig as a C compiler for musl, installed by `make dist`.
fn zig_cc() -> Option<Command> {
    let python = program::target().join("zig/bin/python");
    let mut zig = Command::new(&python);
    zig.args(["-m", "ziglang", "cc", "-target"]);
    zig.arg(format!("{}-linux-musl", std::env::consts::ARCH));
    python.exists().then_some(zig)
}
