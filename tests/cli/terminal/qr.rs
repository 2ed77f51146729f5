//! The QR code, as a camera sees it: the test draws the screen as a picture, and zbarimg reads it.

use std::process::{Command, Stdio};

use platform::{Answer, Call, Platform};
use rio::machine::terminal::Screen;
use serde_json::json;

use crate::robot::skip::skip;
use crate::robot::terminal::{Terminal, at_terminal, small_world};
use crate::robot::{FakeClock, Outcome, Robot, screen};

/// Pixels on each side of a module.
const SCALE: usize = 4;
const LIGHT: u8 = 255;
const DARK: u8 = 0;

/// A login whose complete URI has this length.
fn shown(length: usize, screen: Screen) -> (String, Outcome) {
    let platform = Platform::start();
    let page = format!("{}/device", platform.url());
    let mut complete = format!("{page}?user_code=");
    complete.extend("WDJBMJHT".chars().cycle().take(length - complete.len()));
    let offer = json!({"device_code": "d", "user_code": "WDJB-MJHT", "verification_uri": page,
        "verification_uri_complete": complete, "expires_in": 10, "interval": 5});
    platform.answer(Call::DeviceAuthorization, Answer::json(200, offer));
    platform.answer(Call::Token, Answer::json(403, json!({"error": "access_denied"})));
    let robot = Robot::of(&platform);
    let rio = robot.rio(&["auth", "login", "--no-browser"]).screen(screen);
    let outcome = rio.run_at(&FakeClock::new()).exits(1).says("WDJB-MJHT").says("Approve only");
    (complete, outcome)
}

/// The lines that draw the code.
fn code_in(outcome: &Outcome) -> Vec<String> {
    let drawn = |line: &&str| !line.is_empty() && line.chars().all(|c| " #█▀▄".contains(c));
    let full = if outcome.stderr.contains('▀') { "█" } else { "#" };
    let lines: Vec<String> = outcome.stderr.lines().map(|line| without_color(line, full)).collect();
    lines.iter().map(String::as_str).filter(drawn).map(str::to_owned).collect()
}

/// The line with `full` in place of each reversed space.
fn without_color(line: &str, full: &str) -> String {
    let line = line.replace("\x1b[0;97;40m", "").replace("\x1b[0m", "");
    let mut parts = line.split("\x1b[7m");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (reversed, after) = part.split_once("\x1b[27m").unwrap();
        plain.push_str(&reversed.replace(' ', full));
        plain.push_str(after);
    }
    plain
}

/// A picture of the lines, with a border in the color of the terminal.
fn picture(lines: &[String], background: u8) -> Vec<u8> {
    let modules: Vec<Vec<u8>> = lines.iter().flat_map(|line| modules(line)).collect();
    let width = (modules[0].len() + 8) * SCALE;
    let border = vec![background; 4 * SCALE];
    let mut pixels = vec![background; width * 4 * SCALE];
    for row in &modules {
        let row: Vec<u8> = row.iter().flat_map(|module| [*module; SCALE]).collect();
        for _ in 0..SCALE {
            pixels.extend([&border[..], &row, &border].concat());
        }
    }
    pixels.extend(vec![background; width * 4 * SCALE]);
    let height = pixels.len() / width;
    [format!("P5 {width} {height} 255\n").into_bytes(), pixels].concat()
}

/// The rows of modules that a line shows.
fn modules(line: &str) -> Vec<Vec<u8>> {
    if line.contains('#') {
        return vec![
            line.chars().step_by(2).map(|c| if c == '#' { LIGHT } else { DARK }).collect(),
        ];
    }
    let half = |full: char| {
        line.chars().map(|c| if c == '█' || c == full { LIGHT } else { DARK }).collect()
    };
    vec![half('▀'), half('▄')]
}

/// What zbarimg reads in the picture; `None` if it is not installed.
fn read(picture: &[u8]) -> Option<String> {
    let file = tempfile::Builder::new().suffix(".pgm").tempfile().unwrap();
    std::fs::write(file.path(), picture).unwrap();
    let output = Command::new("zbarimg")
        .args(["--quiet", "--raw"])
        .arg(file.path())
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        skip("needs zbarimg (Debian: apt install zbar-tools)");
        return None;
    };
    Some(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
}

#[test]
fn camera_reads_the_complete_uri() {
    for (length, columns, lines) in
        [(50, 80, 24), (75, 80, 24), (100, 80, 24), (100, 120, 40), (250, 132, 50), (60, 80, 60)]
    {
        for ascii_err in [false, true] {
            for color in [false, true] {
                let screen = Screen { color, utf8: !ascii_err, ..screen(columns, lines) };
                let (uri, outcome) = shown(length, screen);
                let code = code_in(&outcome);
                if ascii_err && code.is_empty() {
                    // A module takes two characters, which need a large screen.
                    assert!(lines < 60, "{length} in {columns}x{lines}\n{outcome}");
                    continue;
                }
                let Some(seen) = read(&picture(&code, DARK)) else { return };
                assert_eq!(seen, uri, "{columns}x{lines}, ascii {ascii_err}\n{outcome}");
                if color {
                    // Its own colors make it readable on a light terminal too.
                    assert_eq!(read(&picture(&code, LIGHT)).unwrap(), uri, "on light\n{outcome}");
                }
            }
        }
    }
}

#[test]
fn code_and_instructions_fit_the_screen() {
    for length in [50, 75, 100] {
        let screen = Screen { status_line: Some(|| true), ..screen(80, 24) };
        let (_, outcome) = shown(length, screen);
        let first = outcome.stderr.lines().position(|line| line.starts_with('█')).unwrap();
        let status =
            outcome.stderr.lines().position(|line| line.contains("Waiting for approval")).unwrap();
        assert!(status - first < 24, "{length}\n{outcome}");
        assert!(
            outcome.stderr.lines().all(|line| line.chars().count() <= 80 || line.contains('\r'))
        );
    }
}

#[test]
fn code_that_does_not_fit_is_replaced_by_the_url() {
    for (columns, lines) in [(40, 24), (80, 20), (20, 10)] {
        let screen = screen(columns, lines);
        let (uri, outcome) = shown(100, screen);
        assert!(code_in(&outcome).is_empty(), "{columns}x{lines}\n{outcome}");
        let reason = outcome.stderr.replace('\n', " ");
        assert!(reason.contains("No QR code: it needs 41 columns and "), "{reason}");
        outcome.says(&uri);
    }
    let ascii = Screen { utf8: false, ..screen(80, 24) };
    shown(60, ascii).1.says("No QR code: without a UTF-8 locale, it needs 74 columns and ");
    let linux = Screen { half_blocks: false, ..screen(80, 24) };
    shown(60, linux).1.says("No QR code: with TERM=linux, it needs 74 columns and ");
}

#[test]
fn screen_reader_gets_the_reason_and_no_code() {
    let platform = Platform::with(small_world());
    platform.interval(1);
    let cases = [
        ("dumb", &[][..], "No QR code: the terminal is dumb (TERM)."),
        ("xterm", &["--no-qr"], "No QR code: --no-qr."),
    ];
    for (term, options, reason) in cases {
        platform.approve_after(2);
        let robot = at_terminal(Robot::of(&platform)).env("TERM", term);
        let arguments = [&["auth", "login", "--no-browser"], options].concat();
        let mut terminal = Terminal::start(robot.rio(&arguments).command());
        assert_eq!(terminal.ends(), 0);
        let shown = terminal.text();
        assert!(!shown.contains(['█', '▀', '#']), "{shown}");
        assert!(shown.contains(reason), "{shown}");
        assert!(shown.contains("enter this code"), "{shown}");
        if term == "dumb" {
            assert_eq!(shown.matches("Waiting for approval").count(), 1, "{shown}");
            assert!(!shown.contains("\r\r") && shown.is_ascii(), "{shown}");
        }
    }
}

#[test]
fn pipe_gets_no_code() {
    let (uri, outcome) = shown(60, Screen::default());
    assert!(code_in(&outcome).is_empty(), "{outcome}");
    outcome.says(&uri).hides("\x1b");
}

#[test]
fn readme_picture_leads_to_the_url_below_it() {
    let readme = include_str!("../../../README.md");
    let drawn = readme.lines().filter(|line| line.starts_with('█'));
    let drawn: Vec<String> = drawn.map(str::to_owned).collect();
    let Some(seen) = read(&picture(&drawn, DARK)) else { return };
    let below = readme.lines().find(|line| line.starts_with("    https://")).unwrap();
    let (page, code) = below.trim().split_once("    ").unwrap();
    assert_eq!(seen, format!("{page}?user_code={code}"));
}
