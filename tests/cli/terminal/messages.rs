//! A command that the user is to run stands alone on its line and is never broken, so that it can be pasted: in the
//! source, and in messages that commands show at 80 and 40 columns.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use platform::{Answer, Call, EMAIL, Organization, PASSWORD, Platform, World, jwt};
use rio::machine::terminal::{Screen, Size};
use serde_json::{Value, json};

use crate::robot::{ClosedPort, FakeClock, Outcome, Robot, screen};

/// The beginnings of commands that messages name.
const PROGRAMS: [&str; 18] = [
    "rio auth ",
    "rio organization ",
    "rio project ",
    "rio doctor",
    "rio --help",
    "rio completion ",
    "chmod ",
    "chown ",
    "chattr ",
    "sudo ",
    "mv ",
    "rm ",
    "rmdir ",
    "fuser ",
    "pip ",
    "openssl ",
    "mkdir ",
    "export ",
];

/// Whether a line names a command, also in the middle of a sentence.
fn names_a_command(line: &str) -> bool {
    PROGRAMS.iter().any(|program| {
        let ends = |before: &str| before.chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        line.match_indices(program).any(|(at, _)| ends(&line[..at]))
    })
}

/// Whether a line without its indentation is a command and nothing else.
fn is_command(line: &str) -> bool {
    let line = line.trim_start_matches("{sudo}").trim_start_matches('(');
    let starts =
        line.starts_with("cd ") || PROGRAMS.iter().any(|program| line.starts_with(program));
    starts && !line.ends_with(['.', ':', ',', ';']) && !line.contains(". ") && !line.contains('`')
}

// The source.

/// The string literals of a Rust source without its unit tests and its comments.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    let (mut literals, mut rest) = (Vec::new(), source);
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (start, after) = (&rest[at..], &rest[at + 1..]);
        rest = if start.starts_with("//") {
            start.find('\n').map_or("", |end| &start[end..])
        } else if start.starts_with("'\"'") || start.starts_with("'\\") {
            &start[start[2..].find('\'').unwrap() + 3..]
        } else if start.starts_with('"') {
            let raw = rest[..at].ends_with('r');
            let (literal, after) = literal(after, raw);
            literals.push(literal);
            after
        } else {
            after
        };
    }
    literals
}

/// The literal after its first quotation mark, and what follows it.
fn literal(text: &str, raw: bool) -> (String, &str) {
    let (mut literal, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (literal, &text[at + 1..]),
            '\\' if !raw => match chars.next() {
                Some((_, 'n')) => literal.push('\n'),
                // The next line goes on after its blanks.
                Some((at, '\n')) => {
                    let left = text[at..].len() - text[at..].trim_start().len();
                    for _ in 1..left {
                        chars.next();
                    }
                }
                Some((_, other)) => literal.push(other),
                None => break,
            },
            other => literal.push(other),
        }
    }
    panic!("a literal without an end: {literal}");
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn command_in_the_source_is_alone_on_its_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    // Help pages have examples, and their own test. The man page is no message.
    paths.retain(|path| !path.ends_with("cli/args.rs") && !path.starts_with(root.join("dist")));
    let (mut commands, mut wrong) = (0, Vec::new());
    for path in &paths {
        for literal in literals(&fs::read_to_string(path).unwrap()) {
            let is_whole = !literal.contains('\n');
            for line in literal.lines().filter(|line| names_a_command(line)) {
                commands += 1;
                // A literal that is a command is passed on to be indented.
                let is_alone =
                    is_command(line.trim_start()) && (is_whole || line.starts_with("  "));
                if !is_alone {
                    wrong.push(format!("{}: {line}", path.display()));
                }
            }
            if literal.contains('`') {
                wrong.push(format!("{}: a command in a sentence: {literal}", path.display()));
            }
        }
    }
    assert!(commands > 40, "only {commands} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn search_finds_a_command_in_a_sentence() {
    for (source, found) in [
        (r#"say("To log in, run:\n  rio auth login");"#, true),
        (r#"say("To log in, run `rio auth login`.");"#, false),
        (r#"say("none; run: rio auth login");"#, false),
        (r#"say("rio auth login. Then wait");"#, false),
        ("say(\"To log in, run:\\n  rio \\\n     auth login\");", true),
    ] {
        let literals = literals(source);
        let lines = literals.iter().flat_map(|literal| literal.lines());
        let named: Vec<_> = lines.filter(|line| names_a_command(line)).collect();
        assert!(!named.is_empty(), "{source}");
        assert_eq!(named.iter().all(|line| is_command(line.trim_start())), found, "{source}");
    }
}

// The screen.

/// The screen that a command line leaves.
struct Case {
    arguments: &'static [&'static str],
    /// Changes of a robot that is logged in; null for no config file.
    config: Value,
    answer: Option<(Call, Answer)>,
    commands: &'static [&'static str],
}

fn case(
    arguments: &'static [&'static str],
    config: Value,
    answer: Option<(Call, Answer)>,
    commands: &'static [&'static str],
) -> Case {
    Case { arguments, config, answer, commands }
}

const LOGIN: &str = "rio auth login";
const REFRESH: &str = "rio auth refresh-token";
const SELECT: [&str; 2] = ["rio organization select", "rio project select"];
const BY_PASSWORD: &[&str] = &["auth", "login", "--yes", "--email", EMAIL, "--password", "-"];
const WITH_NAMES: &[&str] = &[
    "auth",
    "login",
    "--yes",
    "--email",
    EMAIL,
    "--password",
    "-",
    "--organization",
    "Acme Robotics",
    "--project",
    "a",
];
const BY_TOKEN: &[&str] = &["auth", "login", "--yes", "--auth-token", "-"];
/// A token without a signature that is checked, of 1970.
const EXPIRED: &str = "e30.eyJleHAiOjF9.c2ln";

fn json_error(status: u16, message: &str) -> Answer {
    Answer::json(status, json!({"error": message}))
}

fn cases(closed: &ClosedPort) -> Vec<Case> {
    let none = || json!({});
    let logged_out = || json!({"auth_token": null});
    let unreachable =
        || json!({"oidc_host": closed.url(), "rip_host": closed.url(), "v2api_host": closed.url()});
    let web_page = || Answer::text(200, "text/html", "<h1>Hotel WiFi</h1>");
    let new_token = |claims| {
        Answer::json(200, json!({"data": {"token": jwt(json!({"alg": "RS256"}), claims)}}))
    };
    let old_token =
        || jwt(json!({"alg": "RS256"}), json!({"sub": "ada", "exp": 4_000_000_000_u64}));
    vec![
        case(&["auth", "status"], logged_out(), None, &[LOGIN]),
        case(&["auth", "status"], json!({"auth_token": EXPIRED}), None, &[LOGIN, REFRESH]),
        case(&["auth", "status"], none(), None, &SELECT),
        case(&["auth", "status"], json!({"organization_id": "org-a"}), None, &[SELECT[1]]),
        case(
            &["auth", "status", "--verify"],
            none(),
            Some((Call::UserInfo, json_error(401, "no"))),
            &[LOGIN],
        ),
        case(
            &["auth", "status", "--verify"],
            unreachable(),
            None,
            &[SELECT[0], SELECT[1], "rio doctor"],
        ),
        case(
            &["auth", "status", "--min-valid", "400d"],
            none(),
            None,
            &[SELECT[0], SELECT[1], REFRESH],
        ),
        case(
            &["auth", "token"],
            json!({"email_id": null}),
            None,
            &["rio auth token --email EMAIL"],
        ),
        case(&["auth", "token"], none(), None, &[LOGIN]),
        case(&["auth", "token", "--current"], logged_out(), None, &[LOGIN]),
        case(
            &["auth", "token", "--current"],
            json!({"auth_token": EXPIRED}),
            None,
            &[LOGIN, REFRESH],
        ),
        case(
            &["auth", "refresh-token", "--silent"],
            none(),
            Some((Call::RefreshToken, json_error(401, "no"))),
            &[LOGIN, "rio auth refresh-token --password-file FILE"],
        ),
        case(
            &["auth", "refresh-token"],
            json!({"email_id": null}),
            Some((Call::RefreshToken, json_error(401, "no"))),
            &[LOGIN],
        ),
        case(&["auth", "refresh-token"], unreachable(), None, &["rio doctor"]),
        case(
            &["auth", "refresh-token"],
            json!({"auth_token": old_token()}),
            Some((Call::RefreshToken, new_token(json!({"sub": "eve", "exp": 4_000_000_000_u64})))),
            &[LOGIN],
        ),
        case(
            &["auth", "refresh-token"],
            json!({"auth_token": old_token()}),
            Some((Call::RefreshToken, new_token(json!({"sub": "ada", "exp": 3_900_000_000_u64})))),
            &[LOGIN],
        ),
        case(&["auth", "status"], json!({"auth_token": "no token"}), None, &[LOGIN]),
        case(
            &["auth", "status", "--verify"],
            json!({"environment": "x", "rip_host": null}),
            None,
            &[SELECT[0], SELECT[1], "rio auth environment NAME"],
        ),
        case(&["auth", "environment"], json!({"auth_token": 5}), None, &[]),
        case(&["auth", "environment", "dev"], none(), None, &[LOGIN]),
        case(&["auth", "environment", "dev"], json!({"auth_token": 5}), None, &[LOGIN]),
        case(
            &["auth", "logout"],
            json!({"auth_token": 5}),
            None,
            &["(cd /home/ada/.config/rio-cli && mv config.json config.json.bad)"],
        ),
        case(&["auth", "login", "--silent"], none(), None, &["rio auth login --help"]),
        case(&["auth", "login"], none(), None, &["rio auth login --yes"]),
        case(BY_PASSWORD, none(), Some((Call::UserLogin, json_error(401, "no"))), &[LOGIN]),
        case(BY_PASSWORD, unreachable(), None, &["rio doctor"]),
        case(BY_PASSWORD, none(), Some((Call::UserLogin, web_page())), &["rio doctor"]),
        case(BY_PASSWORD, none(), Some((Call::UsersMe, json_error(500, "busy"))), &SELECT),
        case(BY_PASSWORD, none(), Some((Call::UsersMe, json_error(403, "no"))), &SELECT),
        case(BY_PASSWORD, none(), None, &SELECT),
        case(
            WITH_NAMES,
            none(),
            Some((Call::UsersMe, json_error(500, "busy"))),
            &["rio organization select 'Acme Robotics'", "rio project select a"],
        ),
        case(WITH_NAMES, none(), None, &SELECT),
        case(BY_TOKEN, none(), Some((Call::UserInfo, json_error(401, "no"))), &[LOGIN]),
        case(
            &["auth", "login", "--yes"],
            none(),
            Some((Call::Discovery, web_page())),
            &["rio doctor"],
        ),
        case(
            &["auth", "login", "--yes"],
            none(),
            Some((Call::Token, json_error(400, "access_denied"))),
            &[LOGIN],
        ),
        case(
            &["auth", "login", "--yes"],
            none(),
            Some((Call::Token, json_error(400, "invalid_grant"))),
            &[LOGIN],
        ),
        case(&["auth", "login", "--yes", "--timeout", "0s"], none(), None, &[LOGIN]),
        case(&["organization", "select", "Acme"], logged_out(), None, &[LOGIN]),
        case(&["organization", "select"], none(), None, &["rio organization select NAME"]),
        case(
            &["organization", "select", "Acme"],
            none(),
            Some((Call::UsersMe, json_error(401, "no"))),
            &[LOGIN, REFRESH],
        ),
        case(
            &["organization", "select", "Acme", "Robotics"],
            none(),
            None,
            &["rio organization select 'Acme Robotics'"],
        ),
        case(&["project", "select", "x"], none(), None, &[SELECT[0]]),
        case(
            &["project", "select", "x"],
            json!({"organization_id": "org-gone"}),
            None,
            &[SELECT[0]],
        ),
        case(
            &["auth", "login", "--organization", "Acme", "Robotics"],
            none(),
            None,
            &["rio auth login --organization 'Acme Robotics'"],
        ),
        case(
            &["project", "select", "x"],
            json!({"organization_id": "org-acme"}),
            Some((Call::Projects, json_error(403, "no"))),
            &[SELECT[0]],
        ),
        case(&["lgoin"], none(), None, &[LOGIN, "rio --help"]),
        case(&["auth", "lgoin"], none(), None, &[LOGIN, "rio auth --help"]),
        case(&["device", "list"], none(), None, &["rio --help", "pip install rapyuta-io-cli"]),
        case(&["auth", "login", "--emial", "x"], none(), None, &["rio auth login --help"]),
        case(
            &["doctor", "--offline"],
            json!({"organization_id": 5}),
            None,
            &["(cd ~/.config/rio-cli && mv config.json config.json.bad)"],
        ),
        case(&["doctor"], none(), Some((Call::UserInfo, json_error(401, "no"))), &[LOGIN]),
        case(&["doctor"], unreachable(), None, &[]),
    ]
}

/// Runs the case on a screen of this width, with a list of two organizations.
fn run(case: Case, columns: usize) -> (Robot, Outcome) {
    let world =
        World::of([Organization::new("Acme", ["a", "b"]), Organization::new("Beta", ["c"])]);
    let platform = Platform::with(world);
    let (robot, _) = Robot::logged_in(&platform);
    robot.set_config(case.config);
    if let Some((call, answer)) = case.answer {
        platform.answer(call, answer);
    }
    let stdout: Option<Size> = Some(Rc::new(move || (columns, 24)));
    let rio = robot.rio(case.arguments).screen(Screen { stdout, ..screen(columns, 24) });
    let stdin = match case.arguments {
        arguments if arguments == BY_TOKEN => "t0ken",
        arguments if arguments.contains(&"-") => PASSWORD,
        _ => "",
    };
    let outcome = rio.stdin(stdin).run_at(&FakeClock::new());
    (robot, outcome)
}

#[test]
fn command_on_the_screen_is_alone_on_its_line_and_unbroken() {
    let (closed, mut wrong) = (ClosedPort::new(), Vec::new());
    for columns in [80, 40] {
        for case in cases(&closed) {
            let wanted = case.commands;
            let (robot, outcome) = run(case, columns);
            let directory = robot.config_path().parent().unwrap().display().to_string();
            // The directory of a user whose name has three letters.
            let default = |line: &str| line.replace(&directory, "/home/ada/.config/rio-cli");
            let shown = default(&format!("{}{}", outcome.stdout, outcome.stderr));
            let commands: Vec<_> = shown.lines().filter(|line| names_a_command(line)).collect();
            let trimmed: Vec<_> = commands.iter().map(|line| line.trim_start()).collect();
            if trimmed != wanted || commands.iter().any(|line| line.len() > 80) {
                wrong.push(format!("at {columns} columns, wanted {wanted:?}\n{outcome}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
