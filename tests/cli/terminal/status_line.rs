//! The status line: the time that is left, drawn again in place.

use platform::{Call, Platform};

use rio::machine::terminal::Screen;

use crate::robot::terminal::{CTRL_Z, Deadline, PAUSE, Terminal, at_terminal, dash, small_world};
use crate::robot::{FakeClock, Robot, screen};

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

#[test]
fn status_line_is_drawn_only_when_its_text_changes() {
    let platform = Platform::with(small_world());
    platform.allow_early_polls();
    platform.approve_after(3);
    let robot = Robot::of(&platform);
    let screen = Screen { status_line: Some(|| true), ..screen(80, 24) };
    let outcome = robot.rio(&["auth", "login"]).screen(screen).run_at(&FakeClock::new()).exits(0);
    let drawn: Vec<_> = outcome.stderr.split('\r').filter(|t| t.starts_with("Waiting")).collect();
    assert!(drawn.len() > 10, "{outcome}");
    assert!(drawn.windows(2).all(|pair| pair[0] != pair[1]), "{outcome}");
}

#[test]
fn status_line_is_not_drawn_in_the_background() {
    let platform = Platform::with(small_world());
    platform.interval(1);
    let robot = at_terminal(Robot::of(&platform));
    let Some(mut terminal) = dash(&robot) else { return };
    terminal.types("\"$RIO\" auth login --no-browser --no-qr\n");
    terminal.waits_for("Waiting for approval");
    terminal.types(CTRL_Z);
    terminal.waits_for("ready> ");
    terminal.types("bg\n");
    terminal.waits_for("ready> ");
    let stopped_at = terminal.screen.len();
    let (deadline, polls) = (Deadline::new(), platform.calls(Call::Token).len());
    while platform.calls(Call::Token).len() < polls + 2 {
        assert!(!deadline.is_over(), "it does not poll\n{}", terminal.text());
        terminal.look(PAUSE);
    }
    assert_eq!(String::from_utf8_lossy(&terminal.screen[stopped_at..]), "");
    terminal.types("fg\n");
    terminal.waits_for("\rWaiting for approval");
}
