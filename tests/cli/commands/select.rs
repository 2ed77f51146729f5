//! `rio organization select` and `rio project select`.

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;

use platform::{Answer, Call, Organization, Platform, World};
use serde_json::{Value, json};

use crate::robot::terminal::{CTRL_C, CTRL_D, Terminal, at_terminal};
use crate::robot::{ClosedPort, FakeClock, Outcome, Robot};

const ORGANIZATION: [&str; 2] = ["organization", "select"];
const PROJECT: [&str; 2] = ["project", "select"];

fn world() -> World {
    World::of([
        Organization::new("Alpha", ["zeta", "Eta"]),
        Organization::new("beta", ["b1", "b2"]),
        Organization::new("solo", ["only"]),
        Organization::new("void", [""; 0]),
    ])
}

/// Logged in, with project zeta of Alpha selected under old names.
fn start() -> (Platform, Robot) {
    let platform = Platform::with(world());
    let (robot, _) = Robot::logged_in(&platform);
    robot.set_config(json!({
        "organization_id": "org-alpha",
        "organization_name": "old name",
        "organization_short_id": "oldzz",
        "project_id": "project-alphazeta",
        "project_name": "old name",
    }));
    (platform, robot)
}

fn select(robot: &Robot, command: [&str; 2], arguments: &[&str], answers: &str) -> Outcome {
    robot.rio(&[&command, arguments].concat()).stdin(answers).run()
}

fn calls(platform: &Platform) -> Vec<Call> {
    platform.requests().iter().map(|request| request.call.unwrap()).collect()
}

#[test]
fn organization_select_takes_name_or_guid() {
    for name in ["beta", "org-beta"] {
        let (platform, robot) = start();
        let token = robot.config()["auth_token"].clone();
        let outcome = select(&robot, ORGANIZATION, &[name, "--silent"], "1\n").exits(0).prints("");
        outcome.says("Organization: beta (org-beta)\n").says("\n  rio project select\n");
        let beta = ["org-beta", "beta", "betaz"].map(Value::from);
        assert_eq!(robot.selection()[..3], beta);
        assert_eq!(robot.selection()[3..], [Value::Null, Value::Null]);
        assert_eq!(robot.config()["auth_token"], token);
        assert_eq!(calls(&platform), [Call::UsersMe, Call::Projects]);
    }
}

#[test]
fn project_select_takes_name_or_guid() {
    for name in ["Eta", "project-alphaeta"] {
        let (platform, robot) = start();
        let outcome = select(&robot, PROJECT, &[name, "--no-interactive"], "").exits(0).prints("");
        outcome.says("Project: Eta (project-alphaeta)\n");
        let names = ["org-alpha", "old name", "oldzz", "project-alphaeta", "Eta"];
        assert_eq!(robot.selection(), names.map(Value::from));
        assert_eq!(calls(&platform), [Call::Projects]);
    }
}

#[test]
fn only_project_of_another_organization_is_selected() {
    let (_platform, robot) = start();
    let outcome = select(&robot, ORGANIZATION, &["solo"], "").exits(0);
    assert!(!outcome.stderr.contains('?'), "{outcome}");
    let names = ["org-solo", "solo", "soloz", "project-soloonly", "only"];
    assert_eq!(robot.selection(), names.map(Value::from));
}

#[test]
fn organization_without_projects_is_selected_with_a_note() {
    let (_platform, robot) = start();
    select(&robot, ORGANIZATION, &["void"], "").exits(0).says("no projects yet");
    assert_eq!(robot.selection(), ["org-void", "void", "voidz", "", ""].map(Value::from));
    let run = || select(&robot, PROJECT, &[], "");
    robot.changes_nothing(run).exits(1).says("the organization has no projects");
}

#[test]
fn same_organization_keeps_the_project() {
    for (arguments, answers) in [(&["Alpha"] as &[&str], ""), (&[], "\n"), (&[], "org-alpha\n")] {
        let (platform, robot) = start();
        let outcome = select(&robot, ORGANIZATION, arguments, answers).exits(0);
        outcome.says("Organization: Alpha (org-alpha)").hides("Which project?");
        let names = ["org-alpha", "Alpha", "alpha", "project-alphazeta", "old name"];
        assert_eq!(robot.selection(), names.map(Value::from));
        assert_eq!(calls(&platform), [Call::UsersMe]);
    }
}

#[test]
fn same_organization_without_project_prompts_for_one() {
    let (_platform, robot) = start();
    robot.set_config(json!({"project_id": null, "project_name": null}));
    select(&robot, ORGANIZATION, &["Alpha"], "Eta\n").exits(0).says("Which project?");
    assert_eq!(robot.selection()[3], "project-alphaeta");
}

#[test]
fn prompts_are_answered_by_lines_of_stdin() {
    let (_platform, robot) = start();
    let outcome = select(&robot, ORGANIZATION, &[], "2\nb2\n").exits(0).prints("");
    outcome.says("Which organization? [1]").says("* 1  Alpha").says("Which project? ");
    assert_eq!(robot.selection()[1], "beta");
    assert_eq!(robot.selection()[4], "b2");

    select(&robot, PROJECT, &[], "project-betab1\n").exits(0).says("Which project? [2]");
    assert_eq!(robot.selection()[4], "b1");
    select(&robot, PROJECT, &[], "\n").exits(0);
    assert_eq!(robot.selection()[4], "b1");
}

#[test]
fn end_of_input_without_name_changes_nothing() {
    let (_platform, robot) = start();
    for (command, kind) in [(ORGANIZATION, "organization"), (PROJECT, "project")] {
        let outcome = robot.changes_nothing(|| select(&robot, command, &[], "")).exits(1);
        outcome
            .says(&format!("no {kind} was selected"))
            .says(&format!("\n    rio {kind} select NAME\n"));
    }
}

#[test]
fn end_of_input_at_the_project_prompt_selects_the_organization() {
    let (_platform, robot) = start();
    let outcome = select(&robot, ORGANIZATION, &["beta"], "").exits(0);
    outcome.says("Which project?").says("No project is selected").says("\n  rio project select\n");
    assert_eq!(robot.selection()[0], "org-beta");
    assert_eq!(robot.selection()[3..], [Value::Null, Value::Null]);
}

#[test]
fn unknown_name_lists_the_existing_ones_and_changes_nothing() {
    let (_platform, robot) = start();
    for (command, arguments, answers, listed) in [
        (ORGANIZATION, &["gamma"] as &[&str], "", "beta (org-beta)"),
        (ORGANIZATION, &["org-gamma", "--silent"], "", "beta (org-beta)"),
        (ORGANIZATION, &[], "gamma\n", "beta (org-beta)"),
        (ORGANIZATION, &["beta"], "zeta\n", "b2 (project-betab2)"),
        (PROJECT, &["b1"], "", "Eta (project-alphaeta)"),
        (PROJECT, &["project-betab1", "--silent"], "", "Eta (project-alphaeta)"),
        (PROJECT, &[], "7\n", "Eta (project-alphaeta)"),
    ] {
        let outcome = robot.changes_nothing(|| select(&robot, command, arguments, answers));
        outcome.exits(1).prints("").says("matches").says(listed);
    }
}

#[test]
fn select_without_login_sends_nothing() {
    let platform = Platform::with(world());
    let robot = Robot::of(&platform);
    for command in [ORGANIZATION, PROJECT] {
        let outcome = robot.changes_nothing(|| select(&robot, command, &["Alpha"], "")).exits(1);
        outcome.says("you are not logged in").says("\n    rio auth login\n");
    }
    assert_eq!(platform.connections(), 0);
}

#[test]
fn project_select_needs_an_organization() {
    let platform = Platform::with(world());
    let (robot, _) = Robot::logged_in(&platform);
    let outcome = robot.changes_nothing(|| select(&robot, PROJECT, &["Eta"], "")).exits(1);
    outcome.says("no organization is selected").says("\n    rio organization select\n");
    assert_eq!(platform.connections(), 0);
}

#[test]
fn silent_select_without_name_is_a_usage_error() {
    let (platform, robot) = start();
    for command in [ORGANIZATION, PROJECT] {
        for option in ["--silent", "--no-interactive"] {
            let run = || select(&robot, command, &["--interactive", option], "1\n");
            robot.changes_nothing(run).exits(2).says(option).says("NAME");
        }
        let run = || select(&robot, command, &[""], "");
        robot.changes_nothing(run).exits(2).says("NAME is empty");
    }
    assert_eq!(platform.connections(), 0);
}

#[test]
fn unreachable_or_failing_server_changes_nothing() {
    let failure = || Answer::json(500, json!({"error": "boom"}));
    for (command, name, call) in [
        (ORGANIZATION, "beta", Call::UsersMe),
        (ORGANIZATION, "beta", Call::Projects),
        (PROJECT, "Eta", Call::Projects),
    ] {
        let (platform, robot) = start();
        platform.answer(call, failure());
        robot.changes_nothing(|| select(&robot, command, &[name], "")).exits(3).says("boom");

        let closed = ClosedPort::new();
        robot.set_config(json!({"v2api_host": closed.url()}));
        let rio = robot.rio(&[&command[..], &[name]].concat());
        let run = || rio.run_at(&FakeClock::new());
        robot.changes_nothing(run).exits(3).says(&closed.address());
    }
}

#[test]
fn select_with_a_revoked_token_names_what_to_run() {
    let (platform, robot) = start();
    platform.revoke(robot.config()["auth_token"].as_str().unwrap());
    for command in [ORGANIZATION, PROJECT] {
        let outcome = robot.changes_nothing(|| select(&robot, command, &["beta"], "")).exits(1);
        outcome.says("(401)").says("\n    rio auth refresh-token\n").says("\n    rio auth login\n");
    }
}

#[test]
fn lost_access_to_the_organization_names_what_to_run() {
    let (_platform, robot) = start();
    robot.set_config(json!({"organization_id": "org-gone"}));
    let outcome = robot.changes_nothing(|| select(&robot, PROJECT, &["Eta"], "")).exits(1);
    outcome.says("no such organization").says("\n    rio organization select\n");
}

/// Runs a command that prompts, and does something before it answers.
fn answer_after(robot: &Robot, command: &[&str], meanwhile: impl FnOnce()) -> Outcome {
    let mut command = robot.rio(command).command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut shown = Vec::new();
    while !shown.ends_with(b"? [1] ") && !shown.ends_with(b"? [2] ") {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        shown.extend(byte);
    }
    meanwhile();
    child.stdin.take().unwrap().write_all(b"2\n1\n").unwrap();
    stderr.read_to_end(&mut shown).unwrap();
    let output = child.wait_with_output().unwrap();
    Outcome::of(&command, std::process::Output { stderr: shown, ..output })
}

#[test]
fn change_of_another_rio_during_the_prompt_is_kept() {
    let logout = json!({"auth_token": null, "email_id": null});
    let login = json!({"auth_token": "t", "email_id": "grace@example.com"});
    let selection = json!({"organization_id": "org-solo", "organization_name": "solo"});
    for change in [logout, login, selection] {
        for command in [ORGANIZATION, PROJECT] {
            let (_platform, robot) = start();
            let mut wanted = Value::Null;
            let outcome = answer_after(&robot, &command, || {
                robot.set_config(change.clone());
                wanted = robot.config();
            });
            outcome.exits(1).says("another rio").says("your selection was not stored");
            assert_eq!(robot.config(), wanted);
        }
    }
}

#[test]
fn login_says_that_it_is_stored_if_the_selection_cannot_be() {
    let (platform, robot) = start();
    let token = platform.issue_token();
    let file = robot.home().join("token.txt");
    fs::write(&file, &token).unwrap();
    let login = ["auth", "login", "--yes", "--auth-token-file", file.to_str().unwrap()];
    let outcome = answer_after(&robot, &login, || {
        let temporary = robot.config_path().with_file_name(".config.json.tmp");
        fs::create_dir_all(temporary.join("x")).unwrap();
    });
    let outcome = outcome.exits(1).says("you are logged in, but the selection did not change: ");
    outcome
        .says("The login is stored; do not log in again.")
        .says("\n    rio organization select\n");
    assert_eq!(robot.config()["auth_token"], token);
}

#[test]
fn token_refreshed_during_the_prompt_is_kept() {
    let (_platform, robot) = start();
    let change = json!({"auth_token": "refreshed", "machine_id": 7});
    answer_after(&robot, &PROJECT, || robot.set_config(change)).exits(0);
    assert_eq!(robot.config()["auth_token"], "refreshed");
    assert_eq!(robot.config()["machine_id"], 7);
    assert_eq!(robot.selection()[3], "project-alphazeta");
}

#[test]
fn select_prompts_at_a_terminal() {
    let (_platform, robot) = start();
    let robot = at_terminal(robot);
    let mut terminal = Terminal::start(robot.rio(&ORGANIZATION).command());
    terminal.waits_for("Which organization? [1] ");
    terminal.types("bet\r");
    terminal.waits_for("Which project? ");
    terminal.types("b1\r");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(robot.selection()[4], "b1");
    let shown = terminal.text();
    assert!(
        shown.ends_with("Organization: beta (org-beta)\r\nProject: b1 (project-betab1)\r\n"),
        "{shown}"
    );
}

#[test]
fn aborted_select_changes_nothing() {
    let (_platform, robot) = start();
    let robot = at_terminal(robot);
    let before = robot.config_bytes();
    for (arguments, question) in [
        (&ORGANIZATION as &[&str], "Which organization? [1] "),
        (&["organization", "select", "beta"], "Which project? "),
        (&PROJECT, "Which project? [2] "),
    ] {
        let mut terminal = Terminal::start(robot.rio(arguments).command());
        terminal.waits_for(question);
        terminal.types(CTRL_C);
        assert_eq!(terminal.dies(), libc::SIGINT);
        assert_eq!(robot.config_bytes(), before);
    }
    for command in [ORGANIZATION, PROJECT] {
        let mut terminal = Terminal::start(robot.rio(&command).command());
        terminal.waits_for("? [");
        terminal.types(CTRL_D);
        assert_eq!(terminal.ends(), 1);
        assert_eq!(robot.config_bytes(), before);
    }
}

#[test]
fn login_and_status_name_the_select_commands() {
    let platform = Platform::with(world());
    let token = platform.issue_token();
    let robot = Robot::of(&platform);
    let commands = ["rio organization select", "rio project select"];
    for (options, answers, code) in [
        (&[] as &[&str], "", 0),
        (&["--json"], "", 0),
        (&["--silent"], "", 0),
        (&["--organization", "gamma"], "", 1),
        (&["--organization", "Alpha", "--project", "gamma"], "", 1),
        (&["--json", "--project", "zeta"], "", 1),
        (&[], "gamma\n", 1),
    ] {
        let login = ["auth", "login", "--yes", "--auth-token-file", "-"];
        let stdin = format!("{token}\n{answers}");
        let outcome = robot.rio(&[&login, options].concat()).stdin(&stdin).run().exits(code);
        for command in commands {
            let shown = [&*outcome.stdout, &outcome.stderr].concat();
            assert!(shown.contains(command), "{command}\n{outcome}");
        }
        outcome.hides("rio auth login");
    }
    platform.answer(Call::UsersMe, Answer::json(503, json!({"error": "busy"})));
    let arguments = ["auth", "login", "--yes", "--silent", "--auth-token", &token];
    platform.answer(Call::UsersMe, Answer::json(500, json!({"error": "busy"})));
    let outcome = robot.rio(&arguments).run_at(&FakeClock::new()).exits(3);
    outcome.says("busy").says(commands[0]).says(commands[1]);

    let status = robot.rio(&["auth", "status"]).run().exits(0);
    for command in ["rio organization select", "rio project select"] {
        assert!(status.stdout.contains(command), "{status}");
    }
}

#[test]
fn other_commands_of_the_groups_name_the_python_rio() {
    let robot = Robot::new();
    for words in [["organization", "delete"], ["project", "create"], ["o", "users"]] {
        let outcome = robot.rio(&words).run().exits(2).prints("");
        outcome.says(&format!("unknown command '{}'", words[1])).says("pip install rapyuta-io-cli");
    }
    let typo = robot.rio(&["project", "selct"]).run().exits(2);
    typo.says("Did you mean this?\n    rio project select\n");
}

#[test]
fn json_tells_what_is_selected_and_whether_that_is_new() {
    let (_platform, robot) = start();
    let run = |command, name| select(&robot, command, &[name, "--json"], "1\n").exits(0).json();
    let solo = json!({"guid": "org-solo", "name": "solo", "short_guid": "soloz"});
    let only = json!({"guid": "project-soloonly", "name": "only"});
    for changed in [true, false] {
        let expected = json!({"changed": changed, "organization": solo, "project": only});
        assert_eq!(run(ORGANIZATION, "solo"), expected);
    }
    assert_eq!(run(ORGANIZATION, "beta")["project"], Value::Null, "it never prompts");
    for changed in [true, false] {
        let selected = run(PROJECT, "b2");
        assert_eq!(selected["changed"], changed);
        assert_eq!(selected["organization"]["name"], "beta");
        assert_eq!(selected["project"]["name"], "b2");
    }
    select(&robot, ORGANIZATION, &["--json"], "1\n").exits(2).says("--json needs NAME");
}
