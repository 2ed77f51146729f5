//! The status line: the time that is left, drawn again in place.

use platform::Platform;

use crate::robot::Robot;
use crate::robot::terminal::{Terminal, at_terminal, small_world};

#[test]
fn status_line_counts_down_and_disappears() {
    let platform = Platform::with(small_world());
    platform.interval(2);
    let robot = at_terminal(Robot::of(&platform));
    let command = robot.rio(&["auth", "login", "--no-browser"]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for("\rWaiting for approval (10:00 left)");
    terminal.waits_for("\rWaiting for approval (9:59 left)");
    platform.approve();
    // Spaces overwrite the line, and the cursor returns to its start.
    terminal.waits_for("   \rLogged in as ada@example.com");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn trace_replaces_the_status_line() {
    let platform = Platform::with(small_world());
    platform.interval(1);
    platform.approve_after(1);
    let robot = at_terminal(Robot::of(&platform)).env("RIO_DEBUG", "1");
    let command = robot.rio(&["auth", "login", "--no-browser"]).command();
    let mut terminal = Terminal::start(command);
    assert_eq!(terminal.ends(), 0);
    let shown = terminal.text();
    assert!(shown.contains("rio: debug: wait 1.05 s"), "{shown}");
    let traced = shown.lines().filter(|line| line.contains("rio: debug:"));
    assert!(traced.clone().all(|line| line.trim_start().starts_with("rio: debug:")), "{shown}");
    assert!(traced.count() > 5, "{shown}");
}
