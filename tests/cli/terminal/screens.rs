//! Output on many kinds of terminals: no escape sequences or characters that the terminal cannot show, and no
//! line that it would break inside a word.

use platform::{EMAIL, Organization, Platform, World};
use serde_json::{Value, from_str, json};

use crate::robot::Robot;
use crate::robot::terminal::{CTRL_C, Terminal, at_terminal, dash, find};

/// The environment of a terminal, and what it can show.
struct Kind {
    variables: &'static [(&'static str, &'static str)],
    color: bool,
    utf8: bool,
    half_blocks: bool,
}

impl Kind {
    /// Whether a line can be drawn again in place.
    fn has_status(&self) -> bool {
        self.variables.iter().any(|(name, value)| *name == "TERM" && *value != "dumb")
    }
}

const fn kind(
    variables: &'static [(&'static str, &'static str)],
    color: bool,
    utf8: bool,
    half_blocks: bool,
) -> Kind {
    Kind { variables, color, utf8, half_blocks }
}

const KINDS: [Kind; 9] = [
    kind(&[("TERM", "xterm"), ("LANG", "C.UTF-8")], true, true, true),
    kind(&[("TERM", "xterm"), ("LANG", "de_DE.UTF-8@euro")], true, true, true),
    kind(&[("TERM", "xterm"), ("LANG", "C.UTF-8"), ("NO_COLOR", "1")], false, true, true),
    kind(&[("TERM", "dumb"), ("LANG", "C.UTF-8")], false, true, true),
    kind(&[("LANG", "C.UTF-8")], false, true, true),
    // Most fonts of the Linux console have no half blocks.
    kind(&[("TERM", "linux"), ("LANG", "C.UTF-8")], true, true, false),
    kind(&[("TERM", "linux"), ("LANG", "C")], true, false, false),
    kind(&[("TERM", "xterm"), ("LANG", "C")], true, false, false),
    kind(&[("TERM", "dumb")], false, false, false),
];

/// Columns and lines. A serial line has no size, and counts as 80 by 24.
const SIZES: [(u16, u16); 5] = [(80, 24), (40, 12), (30, 16), (132, 43), (0, 0)];

fn world() -> World {
    World::of([
        Organization::new("Zürcher Verkehrsbetriebe", ["depot"]),
        Organization::new("Acme Robotics", ["fleet"]),
    ])
}

/// What the terminal shows until the text appears. Then Ctrl-C ends the program.
fn shown_until(
    text: &str,
    robot: &Robot,
    arguments: &[&str],
    kind: &Kind,
    size: (u16, u16),
) -> String {
    let mut command = robot.rio(arguments).command();
    command.envs(kind.variables.iter().copied());
    let mut terminal = Terminal::start_of_size(size, command);
    terminal.waits_for(text);
    terminal.types(CTRL_C);
    terminal.wait();
    // The terminal may show the key before the end of a line.
    terminal.text().replace("^C", "")
}

/// Checks what is true of all output.
#[track_caller]
fn check(shown: &str, kind: &Kind, (columns, lines): (u16, u16)) {
    let about = format!("{:?} {columns}x{lines}\n{shown}", kind.variables);
    assert!(kind.color || !shown.contains('\x1b'), "{about}");
    assert!(kind.utf8 || shown.is_ascii(), "{about}");
    assert!(kind.half_blocks || !shown.contains(['▀', '▄', '█']), "{about}");
    let columns = if columns == 0 { 80 } else { usize::from(columns) };
    for line in plain(shown).split(['\n', '\r']) {
        // A URL or a path is one word, which the user copies. Only the terminal breaks it.
        let word = line.trim();
        let is_long_word = !word.contains(' ') && word.chars().count() > columns;
        assert!(line.chars().count() <= columns || is_long_word, "{line}\n{about}");
    }
}

/// The text without escape sequences; all of them must set colors.
fn plain(shown: &str) -> String {
    let mut parts = shown.split("\x1b[");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (color, text) = part.split_once('m').unwrap();
        assert!(color.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{color}");
        plain.push_str(text);
    }
    plain
}

/// Runs the check on each kind of terminal, in each size.
fn on_every_screen(mut look: impl FnMut(&Kind, (u16, u16))) {
    for kind in &KINDS {
        for size in SIZES {
            look(kind, size);
        }
    }
}

#[test]
fn login_fits_every_screen() {
    let platform = Platform::with(world());
    let robot = Robot::of(&platform);
    on_every_screen(|kind, size| {
        let arguments = ["auth", "login", "--no-browser"];
        let end = if kind.has_status() { "Waiting" } else { "Waiting for approval." };
        let shown = shown_until(end, &robot, &arguments, kind, size);
        check(&shown, kind, size);
        let about = format!("{:?} {size:?}\n{shown}", kind.variables);
        assert_eq!(shown.contains('\x1b'), kind.color, "{about}");
        // The status line is shown as a whole.
        assert_eq!(shown.contains(" left)"), kind.has_status(), "{about}");
        let code_fits = match size {
            _ if kind.variables.contains(&("TERM", "dumb")) => false,
            (132, 43) => true,
            (80, 24) | (0, 0) => kind.half_blocks,
            _ => false,
        };
        assert_eq!(shown.contains("Scan the QR code"), code_fits, "{about}");
        assert_eq!(shown.contains("No QR code: "), !code_fits, "{about}");
        // All of it but the first line is on the screen at once.
        let (columns, lines) = if size.0 == 0 { (80, 24) } else { size };
        let rows = |line: &str| line.trim().chars().count().div_ceil(columns.into()).max(1);
        // The terminal, not rio, shows ^C.
        let text = plain(&shown).replace("^C", "");
        let seen: usize = text.trim_end().lines().skip(1).map(rows).sum();
        assert!(seen <= lines.into(), "{seen} lines\n{about}");
    });
}

#[test]
fn selection_list_fits_every_screen() {
    let platform = Platform::with(world());
    let robot = Robot::of(&platform);
    let token = platform.issue_token();
    on_every_screen(|kind, size| {
        let arguments = ["auth", "login", "--yes", "--auth-token", &token];
        let shown = shown_until("Which organization?", &robot, &arguments, kind, size);
        check(&shown, kind, size);
        assert_eq!(shown.contains("Zürcher"), kind.utf8, "{shown}");
    });
}

#[test]
fn status_fits_every_screen() {
    let robot = Robot::new();
    robot.write_config(&json!({
        "auth_token": "opaque", "email_id": EMAIL, "organization_id": "org-zuercherverkehrsbetriebe",
        "organization_name": "Zürcher Verkehrsbetriebe", "project_id": "project-d",
        "project_name": "Depôt",
    }));
    on_every_screen(|kind, size| {
        let shown = shown_until("config.json", &robot, &["auth", "status"], kind, size);
        check(&shown, kind, size);
        assert!(!shown.contains('\x1b'), "{shown}");
    });
}

#[test]
fn help_fits_every_screen() {
    let robot = Robot::new();
    for (arguments, end) in [
        (&["help"] as &[&str], "rapyuta-io-cli"),
        (&["help", "auth", "login"], "rio auth login"),
        (&["auth"], "rio auth login"),
    ] {
        on_every_screen(|kind, size| {
            let shown = shown_until(end, &robot, arguments, kind, size);
            check(&shown, kind, size);
            assert!(shown.is_ascii() && !shown.contains('\x1b'), "{shown}");
        });
    }
}

#[test]
fn error_fits_every_screen() {
    let platform = Platform::with(world());
    let (robot, token) = Robot::logged_in(&platform);
    on_every_screen(|kind, size| {
        for (arguments, end) in [
            (&["deploy"] as &[&str], "pip install rapyuta-io-cli"),
            (&["auth", "login", "--levle", "2"], "--help"),
            (&["auth", "login", "--auth-token", &token], "[y/N] "),
            (
                &["auth", "login", "--yes", "--auth-token", &token, "--organization", "nope"],
                "rio project select",
            ),
        ] {
            check(&shown_until(end, &robot, arguments, kind, size), kind, size);
        }
    });
}

#[test]
fn pipe_gets_no_colors_and_no_line_breaks() {
    let platform = Platform::with(world());
    platform.approve_after(0);
    platform.interval(1);
    for kind in &KINDS {
        let mut robot = Robot::of(&platform);
        for (name, value) in kind.variables {
            robot = robot.env(name, *value);
        }
        let long = ["auth", "login", "--no-browser", "--organization", "Acme Robotics"];
        let login = robot.rio(&long).run().exits(0).says("enter this code").hides("\x1b");
        let status = robot.rio(&["auth", "status"]).run().exits(0).hides("\x1b");
        let error = robot.rio(&["deploy"]).run().exits(2).hides("\x1b");
        assert!(!login.stderr.contains("Scan the QR code"), "{login}");
        assert!(status.stdout.contains("Organization  Acme Robotics (org-acmerobotics)"));
        let advice = "The Python rio has more commands. To install it, run:\n    pip install rapyuta-io-cli\n";
        assert!(error.stderr.contains(advice), "{error}");
    }
}

/// What a command shows on a terminal, with these environment variables.
fn shown(robot: &Robot, arguments: &[&str], variables: &[(&str, &str)], until: &str) -> Terminal {
    let mut command = robot.rio(arguments).command();
    command.env_remove("LANG").envs(variables.iter().copied());
    let mut terminal = Terminal::start(command);
    terminal.waits_for(until);
    terminal.types(CTRL_C);
    terminal.wait();
    terminal
}

#[test]
fn ascii_terminal_gets_ascii() {
    let world = World::of([Organization::new("Zürich", ["a"]), Organization::new("Łódź", ["b"])]);
    let platform = Platform::with(world);
    let robot = at_terminal(Robot::of(&platform));
    let token = platform.issue_token();
    for (variables, utf8) in [
        (&[] as &[(&str, &str)], false),
        (&[("LANG", "C")], false),
        (&[("LANG", "POSIX")], false),
        (&[("LANG", "de_DE.ISO-8859-1")], false),
        (&[("LANG", "C.UTF-8"), ("LC_ALL", "C")], false),
        (&[("LANG", "C.UTF-8"), ("LC_CTYPE", "C")], false),
        (&[("LANG", "C.UTF-8")], true),
        (&[("LANG", "de_DE.utf8")], true),
        (&[("LANG", "C"), ("LC_ALL", "C.UTF-8")], true),
        (&[("LANG", "C.UTF-8"), ("LC_ALL", "")], true),
    ] {
        let arguments = ["auth", "login", "--yes", "--auth-token", &token];
        let terminal = shown(&robot, &arguments, variables, "Which organization?");
        assert_eq!(terminal.text().contains("Zürich"), utf8, "{variables:?}\n{}", terminal.text());
        assert_eq!(terminal.screen.is_ascii(), !utf8, "{variables:?}\n{}", terminal.text());
        assert!(terminal.text().contains("rich"), "{}", terminal.text());
    }
}

#[test]
fn ascii_terminal_gets_ascii_status() {
    let robot = at_terminal(Robot::new());
    robot.write_config(&json!({
        "auth_token": "t", "email_id": EMAIL, "organization_id": "org-z",
        "organization_name": "Zürich", "project_id": "project-z", "project_name": "東京",
    }));
    for (language, utf8) in [("C", false), ("C.UTF-8", true)] {
        let variables = [("LANG", language)];
        let terminal = shown(&robot, &["auth", "status"], &variables, "Config file");
        assert_eq!(terminal.screen.is_ascii(), !utf8, "{}", terminal.text());
        assert_eq!(terminal.text().contains("Zürich"), utf8, "{}", terminal.text());
    }
}

#[test]
fn json_is_escaped_to_ascii() {
    let robot = at_terminal(Robot::new());
    robot.write_config(&json!({
        "auth_token": "t", "organization_id": "org-z", "organization_name": "Zürich 🤖",
    }));
    let variables = [("LANG", "C")];
    let terminal = shown(&robot, &["auth", "status", "--json"], &variables, "}\r\n");
    assert!(terminal.screen.is_ascii(), "{}", terminal.text());
    let json: Value = from_str(terminal.text().lines().next().unwrap()).unwrap();
    assert_eq!(json["organization"]["name"], "Zürich 🤖", "nothing is lost");
}

#[test]
fn colors_need_a_terminal_that_supports_them() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    for (variables, colour) in [
        (&[("TERM", "xterm")] as &[(&str, &str)], true),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
        // no-color.org: an empty value is no value.
        (&[("TERM", "xterm"), ("NO_COLOR", "")], true),
    ] {
        let arguments = ["auth", "login", "--no-browser"];
        let terminal = shown(&robot, &arguments, variables, "Waiting for approval");
        let escapes = terminal.screen.contains(&0x1b);
        assert_eq!(escapes, colour, "{variables:?}\n{}", terminal.text());
    }
}

#[test]
fn file_gets_no_colors() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let Some(mut terminal) = dash(&robot) else { return };
    platform.approve_after(0);
    platform.interval(1);
    terminal.types("\"$RIO\" auth login --no-browser </dev/null 2>shown; echo \"code=$?\"\n");
    terminal.waits_for("code=0\r\n");
    let shown = std::fs::read(robot.home().join("shown")).unwrap();
    assert!(find(&shown, b"enter this code").is_some());
    assert!(!shown.contains(&0x1b));
}
