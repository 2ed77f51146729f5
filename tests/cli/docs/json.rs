//! The JSON examples in `src/dist/programs.md`, compared with what `rio` prints.

use platform::{Answer, Call, Platform};
use serde_json::{Value, json};

use crate::robot::{FakeClock, Robot};

pub const PROGRAMS: &str = include_str!("../../../src/dist/programs.md");

/// The examples below the heading of a command.
fn examples(command: &str) -> Vec<Value> {
    let sections = PROGRAMS.split("\n### ").skip(1).filter_map(|text| text.split_once('\n'));
    let of_command = |(title, _): &(&str, &str)| title.split(", ").any(|name| name == command);
    let (_, section) = sections.into_iter().find(of_command).expect("a section");
    let (section, _) = section.split_once("\n## ").unwrap_or((section, ""));
    let blocks = section.split("```json\n").skip(1);
    blocks.map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap()).collect()
}

/// Asserts that both have the same fields. Null has no fields.
#[track_caller]
fn has_fields_of(printed: &Value, example: &Value) {
    let kind = |value: &Value| std::mem::discriminant(value);
    match (printed, example) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(members), Value::Object(documented)) => {
            assert_eq!(members.keys().collect::<Vec<_>>(), documented.keys().collect::<Vec<_>>());
            members.iter().for_each(|(name, value)| has_fields_of(value, &documented[name]));
        }
        (Value::Array(values), Value::Array(documented)) => {
            assert!(!values.is_empty());
            values.iter().for_each(|value| has_fields_of(value, &documented[0]));
        }
        _ => assert_eq!(kind(printed), kind(example), "{printed} and {example}"),
    }
}

#[test]
fn documented_login_events_have_the_printed_fields() {
    let platform = Platform::start();
    platform.answer(Call::Token, Answer::json(503, json!({})));
    platform.approve_after(0);
    let robot = Robot::of(&platform);
    let login =
        ["auth", "login", "--json", "--organization", "Acme Robotics", "--project", "simulation"];
    let mut events = robot.rio(&login).run_at(&FakeClock::new()).exits(0).events();
    let keep = ["auth", "login", "--json", "--if-expires-within", "1m"];
    events.extend(robot.rio(&keep).run_at(&FakeClock::new()).exits(0).events());
    platform.answer(Call::Token, Answer::json(400, json!({"error": "access_denied"})));
    let denied = robot.rio(&["auth", "login", "--json"]).run_at(&FakeClock::new()).exits(1);
    events.extend(denied.events().pop());

    let examples = examples("rio auth login --json");
    let names = |events: &[Value]| -> Vec<_> {
        events.iter().map(|event| event["event"].clone()).collect()
    };
    assert_eq!(names(&events), names(&examples));
    events.iter().zip(&examples).for_each(|(event, example)| has_fields_of(event, example));
}

#[test]
fn documented_objects_have_the_printed_fields() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let mut documented: Vec<_> = PROGRAMS
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .flat_map(|title| title.split(", "))
        .filter(|command| *command != "rio auth login --json")
        .collect();
    // The order matters: nothing is selected before `select`.
    for (command, arguments) in [
        ("rio organization select --json", &["Acme Robotics"] as &[&str]),
        ("rio project select --json", &["simulation"]),
        ("rio organization list --json", &[]),
        ("rio project list --json", &[]),
        ("rio auth status --json", &[]),
        ("rio auth refresh-token --json", &[]),
        ("rio doctor --json", &[]),
        ("rio auth logout --json", &[]),
    ] {
        let words: Vec<_> = command.split(' ').skip(1).chain(arguments.iter().copied()).collect();
        let printed = robot.rio(&words).run().exits(0).json();
        has_fields_of(&printed, &examples(command)[0]);
        documented.retain(|name| *name != command);
    }
    assert_eq!(documented, <[&str; 0]>::default());
}
