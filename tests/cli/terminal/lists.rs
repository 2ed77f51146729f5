//! Lists of organizations and projects on a screen: in columns, and no longer than the screen.

use platform::{Organization, Platform, World};
use rio::text::columns;
use serde_json::json;

use crate::robot::{FakeClock, Robot, screen};

/// What a login shows on this screen until it asks for an organization.
fn list(names: &[String], (width, lines): (usize, usize)) -> Vec<String> {
    let world = names.iter().map(|name| Organization::new(name.as_str(), ["fleet"]));
    let platform = Platform::with(World::of(world));
    let robot = Robot::of(&platform);
    let arguments = ["auth", "login", "--auth-token", &platform.issue_token()];
    let rio = robot.rio(&arguments).screen(screen(width, lines)).stdin("1\n");
    let shown = rio.run_at(&FakeClock::new()).exits(0).stderr;
    let (_, list) = shown.split_once("Logged in as ada@example.com.\n").unwrap();
    let (list, _) = list.split_once("Which organization?").unwrap();
    // After the line about the token.
    list.lines().skip_while(|line| !line.starts_with("  ")).map(str::to_owned).collect()
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn guids_are_in_line_whatever_the_names() {
    for names in [
        named(&["Acme", "東京ロボット a", "한국로봇 b", "🤖 fleet", "Zu\u{308}rich"]),
        named(&["ﾛﾎﾞｯﾄ 1", "ロボット 2", "نقل 3"]),
    ] {
        let rows = list(&names, (80, 24));
        let guid_column = |row: &String| columns(row.split_once("org-").unwrap().0);
        let expected = guid_column(&rows[0]);
        assert!(rows.iter().all(|row| guid_column(row) == expected), "{rows:#?}");
    }
}

#[test]
fn current_row_is_as_long_as_the_others() {
    let mut organizations = ["Acme", "Warehouse"].map(|name| Organization::new(name, ["fleet"]));
    for organization in &mut organizations {
        // As long as those of rapyuta.io.
        organization.name = format!("{:-<40}", organization.name);
        organization.guid = format!("org-{}", "x".repeat(24));
    }
    organizations[1].guid = format!("org-{}", "y".repeat(24));
    let current = organizations[1].guid.clone();
    let platform = Platform::with(World::of(organizations));
    let (robot, _) = Robot::logged_in(&platform);
    robot.set_config(json!({"organization_id": current}));
    let rio = robot.rio(&["organization", "select"]).screen(screen(80, 24)).stdin("\n");
    let outcome = rio.run_at(&FakeClock::new()).exits(0).says("Which organization? [2]");
    let rows: Vec<_> = outcome.stderr.lines().take(2).collect();
    assert!(
        rows[0].starts_with("  1  Acme-") && rows[1].starts_with("* 2  Warehouse-"),
        "{outcome}"
    );
    assert_eq!(rows[0].len(), rows[1].len(), "{outcome}");
}

#[test]
fn rows_are_no_wider_than_the_screen() {
    let long = "東京ロボット研究所の配送ロボット".repeat(5);
    for width in [30, 40, 80] {
        let rows = list(&named(&[&long, "Acme", "東京ロボット 1"]), (width, 24));
        let words = |row: &String| row.trim().split(' ').count();
        assert!(rows.iter().all(|row| columns(row) <= width || words(row) == 1), "{rows:#?}");
    }
}

#[test]
fn name_is_cut_at_100_columns() {
    let rows = list(&named(&[&"東".repeat(51), &"é".repeat(101), "Acme"]), (300, 24));
    assert!(rows[1].contains(&format!("  2  {}...  org-", "é".repeat(100))), "{rows:#?}");
    assert!(rows[2].contains(&format!("  3  {}...  org-", "東".repeat(50))), "{rows:#?}");
}

#[test]
fn list_fits_the_lines_of_the_screen() {
    let long = |number| format!("Organization with a long name {number:02} {}", "東".repeat(20));
    let short = |number| format!("Organization {number:02}");
    for (names, size) in [
        ((10..40).map(long).collect::<Vec<_>>(), (80, 24)),
        ((10..55).map(short).collect(), (80, 24)),
        ((10..55).map(short).collect(), (40, 12)),
        ((10..55).map(long).collect(), (30, 10)),
    ] {
        let rows = list(&names, size);
        let lines: usize = rows.iter().map(|row| columns(row).div_ceil(size.0)).sum();
        // The question and its answer need a line each.
        assert!(lines <= size.1 - 2, "{rows:#?}");
        assert!(lines > size.1 / 2, "{rows:#?}");
        let listed = rows.iter().filter(|row| row.contains("Organization")).count();
        let rest = format!("and {} more.", names.len() - listed);
        assert!(rows.iter().any(|row| row.contains(&rest)), "{rest}\n{rows:#?}");
    }
}
