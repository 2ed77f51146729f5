//! `rio organization list` and `rio project list`.

use platform::{Call, Organization, Platform, World};
use rio::machine::terminal::Screen;
use serde_json::json;

use crate::robot::{FakeClock, Robot, screen};

const LISTS: [[&str; 2]; 2] = [["organization", "list"], ["project", "list"]];

/// Logged in, with the second of these organizations selected.
fn robot(platform: &Platform) -> Robot {
    let (robot, _) = Robot::logged_in(platform);
    robot.set_config(json!({"organization_id": "org-b", "project_id": "project-bfleet"}));
    robot
}

fn platform() -> Platform {
    Platform::with(World::of([
        Organization::new("東京ロボット b", ["simulation", "Fleet"]),
        Organization::new("acme Robotics", ["x"]),
    ]))
}

#[test]
fn list_is_sorted_and_marks_the_current_entry() {
    let platform = platform();
    let robot = robot(&platform);
    let [organizations, projects] = LISTS.map(|list| robot.rio(&list).run().exits(0));
    organizations.prints("  acme Robotics  org-acmerobotics\n* 東京ロボット b  org-b\n");
    projects.prints("* Fleet  project-bfleet\n  simulation  project-bsimulation\n");
}

#[test]
fn json_has_the_whole_entries() {
    let platform = platform();
    let robot = robot(&platform);
    let json =
        |list: [&str; 2]| robot.rio(&[&list[..], &["--json"]].concat()).run().exits(0).json();
    let organizations = json!([
        {"guid": "org-acmerobotics", "name": "acme Robotics", "short_guid": "acmer", "current": false},
        {"guid": "org-b", "name": "東京ロボット b", "short_guid": "bzzzz", "current": true},
    ]);
    let projects = json!([
        {"guid": "project-bfleet", "name": "Fleet", "current": true},
        {"guid": "project-bsimulation", "name": "simulation", "current": false},
    ]);
    assert_eq!(LISTS.map(json), [organizations, projects]);
}

#[test]
fn terminal_gets_columns() {
    let platform = platform();
    let robot = robot(&platform);
    let screen = Screen { stdout: screen(80, 24).stderr, utf8: true, ..Screen::default() };
    let rio = robot.rio(&LISTS[0]).screen(screen);
    let rows = "  acme Robotics   org-acmerobotics\n* 東京ロボット b  org-b\n";
    rio.run_at(&FakeClock::new()).exits(0).prints(rows);
}

#[test]
fn empty_list_prints_nothing() {
    for world in [World::of([]), World::of([Organization::new("b", [""; 0])])] {
        let kind = world.organizations.len();
        let platform = Platform::with(world);
        let robot = robot(&platform);
        let list = LISTS[kind];
        robot.rio(&list).run().exits(0).prints("");
        robot.rio(&[&list[..], &["--json"]].concat()).run().exits(0).prints("[]\n");
    }
}

#[test]
fn list_needs_a_login_and_projects_an_organization() {
    let platform = platform();
    for list in LISTS {
        let robot = Robot::of(&platform);
        robot.rio(&list).run().exits(1).prints("").says("you are not logged in");
    }
    let (robot, _) = Robot::logged_in(&platform);
    robot.rio(&LISTS[1]).run().exits(1).prints("").says("no organization is selected");
    assert_eq!(platform.calls(Call::Projects).len(), 0);
}
