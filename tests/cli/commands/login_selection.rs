//! Selecting an organization and a project at login: by option, because only one exists, or at a prompt.

use platform::{Answer, Call, EMAIL, Organization, PASSWORD, Platform, World};
use serde_json::{Value, json};

use crate::robot::{ClosedPort, FakeClock, Outcome, Robot};

/// Two organizations with several projects each, unsorted.
fn two_organizations() -> Platform {
    Platform::with(World::of([
        Organization::new("beta", ["B2", "b1", "B3"]),
        Organization::new("Alpha", ["zeta", "Eta"]),
    ]))
}

fn one_organization(projects: &[&str]) -> Platform {
    Platform::with(World::of([Organization::new("Acme", projects.to_vec())]))
}

/// A login by password, with these options and piped answers.
fn login(robot: &Robot, options: &[&str], answers: &str) -> Outcome {
    let by_password = ["auth", "login", "--yes", "--email", EMAIL, "--password", "-"];
    let stdin = format!("{PASSWORD}\n{answers}");
    robot.rio(&[&by_password, options].concat()).stdin(&stdin).run()
}

fn selected(robot: &Robot) -> [Value; 5] {
    let config = robot.config();
    assert!(config["auth_token"].is_string(), "the login must be kept: {config}");
    robot.selection()
}

const NOTHING: [Value; 5] = [const { Value::Null }; 5];

fn alpha(project_guid: &str, project: &str) -> [Value; 5] {
    ["org-alpha", "Alpha", "alpha", project_guid, project].map(Value::from)
}

/// Logged in, with this selection.
fn with_current(platform: &Platform, organization: &str, project: &str) -> Robot {
    let robot = Robot::of(platform);
    let mut config = platform.config();
    config["auth_token"] = "old".into();
    config["email_id"] = EMAIL.into();
    config["organization_id"] = organization.into();
    config["organization_name"] = "old name".into();
    config["project_id"] = project.into();
    config["project_name"] = "old name".into();
    robot.write_config(&config);
    robot
}

// By option

#[test]
fn option_selects_by_name_or_guid() {
    for (organization, project) in [
        ("Alpha", "Eta"),
        ("org-alpha", "Eta"),
        ("Alpha", "project-alphaeta"),
        ("org-alpha", "project-alphaeta"),
    ] {
        println!("case: {organization} {project}");
        let platform = two_organizations();
        let robot = Robot::of(&platform);
        let options = ["--organization", organization, "--project", project, "--silent"];
        login(&robot, &options, "").exits(0).says("Alpha").says("Eta").prints("");
        assert_eq!(selected(&robot), alpha("project-alphaeta", "Eta"));
        assert!(platform.requests().len() <= 3, "{:?}", platform.requests());
    }
}

#[test]
fn name_that_looks_like_a_guid_is_found() {
    let platform = Platform::with(World::of([
        Organization::new("org-chart", ["project-x", "project-y"]),
        Organization::new("other", ["a"]),
    ]));
    let robot = Robot::of(&platform);
    let options = ["--organization", "org-chart", "--project", "project-y", "--silent"];
    login(&robot, &options, "").exits(0);
    let names = ["org-orgchart", "org-chart", "orgch", "project-orgchartprojecty", "project-y"];
    assert_eq!(selected(&robot), names.map(Value::from));
}

#[test]
fn guid_takes_precedence_over_name() {
    // The second organization has the GUID of the first as its name.
    let platform = Platform::with(World::of([
        Organization::new("org-first", ["a"]),
        Organization { guid: "org-second".into(), ..Organization::new("org-orgfirst", ["b"]) },
    ]));
    let robot = Robot::of(&platform);
    login(&robot, &["--organization", "org-orgfirst", "--silent"], "").exits(0);
    assert_eq!(selected(&robot)[0], "org-orgfirst");
}

#[test]
fn name_is_case_sensitive() {
    let platform = two_organizations();
    let robot = Robot::of(&platform);
    login(&robot, &["--organization", "alpha", "--silent"], "").exits(1).says("Alpha");
}

#[test]
fn name_matches_as_it_is_shown() {
    let long = "a".repeat(120);
    for (name, typed) in [
        ("Robo\u{ad}tics", "Robotics"),
        ("Robo\u{ad}tics", "Robo\u{ad}tics"),
        ("Robotics", "Robo\u{200b}tics"),
        ("  Robotics ", "Robotics"),
        ("Robotics", " Robotics\t"),
        ("Robo\ttics", "Robo tics"),
        (long.as_str(), &format!("{}...", &long[..100])),
        (&long, &long),
    ] {
        let world = World::of([
            Organization::new("other", ["x", "y"]),
            Organization::new(name, [name, "other"]),
        ]);
        let platform = Platform::with(world);
        let robot = Robot::of(&platform);
        login(&robot, &["--organization", typed, "--project", typed], "").exits(0);
        assert_eq!(selected(&robot)[1], name, "{typed:?}");
        let robot = Robot::of(&platform);
        login(&robot, &[], &format!("{typed}\n{typed}\n")).exits(0);
        assert_eq!(selected(&robot)[4], name, "{typed:?}");
    }
}

#[test]
fn exact_name_comes_before_a_name_as_it_is_shown() {
    let mut hyphenated = Organization::new("Acme\u{ad} 1", ["x"]);
    hyphenated.guid = "org-hyphenated".into();
    let platform = Platform::with(World::of([hyphenated, Organization::new("Acme 1", ["y"])]));
    let robot = Robot::of(&platform);
    login(&robot, &["--organization", "Acme 1"], "").exits(0);
    assert_eq!(selected(&robot)[4], "y");
}

#[test]
fn exact_name_comes_before_a_number() {
    let platform = one_organization(&["alpha", "beta", "1", " 2"]);
    for (answer, project) in [("1", "1"), ("2", " 2"), ("3", "alpha"), ("4", "beta")] {
        let robot = Robot::of(&platform);
        login(&robot, &[], &format!("{answer}\n")).exits(0);
        assert_eq!(selected(&robot)[4], project, "{answer}");
    }
}

#[test]
fn account_is_the_same_whatever_its_case() {
    let platform = two_organizations();
    for (stored, kept) in [("ADA@Example.com", true), ("ada@example.co", false)] {
        let robot = with_current(&platform, "org-alpha", "project-alphaeta");
        robot.set_config(json!({"email_id": stored}));
        login(&robot, &["--silent"], "").exits(0);
        assert_eq!(selected(&robot)[0] == "org-alpha", kept, "{stored}");
        assert_eq!(robot.config()["email_id"], EMAIL);
    }
}

#[test]
fn name_with_special_characters_is_sent_unchanged() {
    let name = "R&D = 100% +/? ü";
    let platform = one_organization(&[name, "other"]);
    let robot = Robot::of(&platform);
    login(&robot, &["--organization", "Acme", "--project", name, "--silent"], "").exits(0);
    assert_eq!(selected(&robot)[4], name);
    let params = platform.calls(Call::Projects)[0].params();
    assert!(params.contains(&("name".to_owned(), name.to_owned())), "{params:?}");
}

#[test]
fn project_option_alone_prompts_for_organization() {
    let platform = two_organizations();
    let robot = Robot::of(&platform);
    login(&robot, &["--project", "Eta"], "Alpha\n").exits(0);
    assert_eq!(selected(&robot), alpha("project-alphaeta", "Eta"));
}

#[test]
fn option_overrides_the_current_selection() {
    let platform = two_organizations();
    let robot = with_current(&platform, "org-beta", "project-betab1");
    let options = ["--organization", "Alpha", "--project", "zeta", "--silent"];
    login(&robot, &options, "").exits(0);
    assert_eq!(selected(&robot), alpha("project-alphazeta", "zeta"));
}

#[test]
fn unknown_organization_lists_organizations() {
    for wanted in ["gamma", "org-gamma"] {
        println!("case: {wanted}");
        let platform = two_organizations();
        let robot = Robot::of(&platform);
        let outcome = login(&robot, &["--organization", wanted], "1\n1\n").exits(1).prints("");
        outcome.says("you are logged in").says(wanted).says("Alpha (org-alpha)").says("beta");
        assert_eq!(selected(&robot)[3..], NOTHING[3..]);
    }
}

#[test]
fn unknown_project_lists_projects() {
    for wanted in ["theta", "project-theta", "B2"] {
        println!("case: {wanted}");
        let platform = two_organizations();
        let robot = Robot::of(&platform);
        let options = ["--organization", "Alpha", "--project", wanted, "--silent"];
        let outcome = login(&robot, &options, "").exits(1).prints("").says("you are logged in");
        outcome.says(wanted).says("Eta (project-alphaeta)").says("zeta").hides("b1");
        assert_eq!(selected(&robot)[3..], NOTHING[3..]);
    }
}

#[test]
fn option_without_entries_says_that_there_are_none() {
    let cases: [(&str, Platform, &[&str]); 2] = [
        (
            "your account has no organizations",
            Platform::with(World::of([])),
            &["--organization", "x"],
        ),
        ("the organization has no projects", one_organization(&[]), &["--project", "x"]),
    ];
    for (fact, platform, options) in cases {
        let robot = Robot::of(&platform);
        let outcome = login(&robot, options, "").exits(1).says(fact);
        assert!(!outcome.stderr.contains("one of these"), "{outcome}");
        assert!(robot.config()["auth_token"].is_string());
    }
}

#[test]
fn name_of_two_projects_lists_their_guids() {
    let mut organization = Organization::new("Acme", ["twin", "twin", "other"]);
    organization.projects[1].guid = "project-twin2".into();
    let platform = Platform::with(World::of([organization]));
    let robot = Robot::of(&platform);
    let options = ["--organization", "Acme", "--project", "twin", "--silent"];
    let outcome = login(&robot, &options, "").exits(1).says("several projects match 'twin'");
    outcome.says("project-acmetwin").says("project-twin2").hides("project-acmeother");
    let options = ["--organization", "Acme", "--project", "project-twin2", "--silent"];
    login(&robot, &options, "").exits(0);
    assert_eq!(selected(&robot)[3], "project-twin2");
}

#[test]
fn name_of_two_organizations_lists_their_guids() {
    let other = Organization { guid: "org-other".into(), ..Organization::new("Acme", ["b"]) };
    let platform = Platform::with(World::of([Organization::new("Acme", ["a"]), other]));
    let robot = Robot::of(&platform);
    let outcome = login(&robot, &["--organization", "Acme", "--silent"], "").exits(1);
    outcome.says("several organizations").says("org-acme").says("org-other");
    login(&robot, &["--organization", "org-other", "--silent"], "").exits(0);
    assert_eq!(selected(&robot)[4], "b");
}

// Only one entry, or none

#[test]
fn only_entry_is_selected_without_a_prompt() {
    let cases: [&[&str]; 3] = [&[], &["--silent"], &["--json"]];
    for options in cases {
        let platform = one_organization(&["fleet"]);
        let robot = Robot::of(&platform);
        let outcome = login(&robot, options, "").exits(0);
        assert!(!outcome.stderr.contains('?'), "{outcome}");
        let all = ["org-acme", "Acme", "acmez", "project-acmefleet", "fleet"];
        assert_eq!(selected(&robot), all.map(Value::from));
    }
}

#[test]
fn login_without_organizations_selects_nothing() {
    let platform = Platform::with(World::of([]));
    let robot = with_current(&platform, "org-gone", "project-gone");
    login(&robot, &[], "").exits(0).says("no organizations yet");
    assert_eq!(selected(&robot), NOTHING);
    assert!(platform.calls(Call::Projects).is_empty());
}

#[test]
fn organization_without_projects_stores_empty_keys() {
    let platform = one_organization(&[]);
    let robot = with_current(&platform, "org-acme", "project-gone");
    login(&robot, &[], "").exits(0).says("no projects yet");
    assert_eq!(selected(&robot), ["org-acme", "Acme", "acmez", "", ""].map(Value::from));
}

// Prompts

#[test]
fn prompt_accepts_number_name_or_guid() {
    for (organization, project) in [
        ("1", "1"),
        ("Alpha", "Eta"),
        ("org-alpha", "project-alphaeta"),
        (" 1 ", "  Eta"),
        ("org-alpha", "1"),
    ] {
        println!("case: {organization:?} {project:?}");
        let platform = two_organizations();
        let robot = Robot::of(&platform);
        let answers = format!("{organization}\n{project}\n");
        login(&robot, &[], &answers).exits(0).prints("").says("organization?").says("project?");
        assert_eq!(selected(&robot), alpha("project-alphaeta", "Eta"));
    }
}

#[test]
fn list_is_sorted_case_insensitively() {
    let platform = two_organizations();
    let robot = Robot::of(&platform);
    let outcome = login(&robot, &[], "beta\n3\n").exits(0);
    let place =
        |text: &str| outcome.stderr.find(text).unwrap_or_else(|| panic!("no {text}\n{outcome}"));
    assert!(place("org-alpha") < place("org-beta"), "{outcome}");
    assert!(place("project-betab1") < place("project-betab2"), "{outcome}");
    assert!(place("project-betab2") < place("project-betab3"), "{outcome}");
    assert_eq!(selected(&robot)[4], "B3");
}

#[test]
fn enter_selects_the_current_entry() {
    let platform = two_organizations();
    let robot = with_current(&platform, "org-alpha", "project-alphazeta");
    let outcome = login(&robot, &[], "\n\n").exits(0).says("organization? [1]").says("[2]");
    assert_eq!(outcome.stderr.matches("\n* ").count(), 2, "{outcome}");
    // The stored names are updated.
    assert_eq!(selected(&robot), alpha("project-alphazeta", "zeta"));
}

#[test]
fn prompt_can_change_the_current_selection() {
    let platform = two_organizations();
    let robot = with_current(&platform, "org-beta", "project-betab1");
    login(&robot, &[], "1\n1\n").exits(0);
    assert_eq!(selected(&robot), alpha("project-alphaeta", "Eta"));
}

#[test]
fn deleted_selection_is_not_a_default() {
    let platform = two_organizations();
    let robot = with_current(&platform, "org-gone", "project-gone");
    let outcome = login(&robot, &[], "").exits(0).says("No organization is selected");
    assert!(!outcome.stderr.contains("* "), "{outcome}");
    assert_eq!(selected(&robot), NOTHING);
}

#[test]
fn answers_from_a_windows_editor_count() {
    let platform = two_organizations();
    let (robot, _) = Robot::logged_in(&platform);
    let answers = "\u{feff}1\r\n1\r\n";
    robot.rio(&["organization", "select"]).stdin(answers).run().exits(0);
    assert_eq!(robot.selection()[0], "org-alpha");
}

#[test]
fn piped_answer_without_match_exits_1() {
    for wrong in ["0", "3", "-1", "1.5", "99999999999999999999999", "gamma", "", "org-gamma"] {
        println!("case: {wrong:?}");
        let platform = two_organizations();
        let robot = Robot::of(&platform);
        let outcome = login(&robot, &[], &format!("{wrong}\n1\n")).exits(1).prints("");
        assert_eq!(outcome.stderr.matches("organization?").count(), 1, "{outcome}");
        let error = outcome.stderr.rfind("rio: you are logged in").expect("an error");
        for choice in ["Alpha (org-alpha)", "beta (org-beta)"] {
            assert!(outcome.stderr[error..].contains(choice), "{choice}\n{outcome}");
        }
        assert_eq!(selected(&robot), NOTHING);
    }
}

#[test]
fn error_says_whether_the_old_selection_stays() {
    let platform = two_organizations();
    let unknown = ["--organization", "Alpha", "--project", "zz", "--silent"];
    let robot = with_current(&platform, "org-beta", "project-betab2");
    login(&robot, &unknown, "").exits(1).says("logged in, but the selection did not change: no");
    assert_eq!(selected(&robot)[0], "org-beta");
    let robot = Robot::of(&platform);
    login(&robot, &unknown, "").exits(1).says("logged in, but nothing is selected: no project");
    assert_eq!(selected(&robot), NOTHING);
}

#[test]
fn piped_answer_without_match_is_not_shown() {
    // A script may have sent its password on the wrong line.
    let platform = two_organizations();
    let robot = Robot::of(&platform);
    login(&robot, &[], "hunter2\n").exits(1).hides("hunter2");
}

#[test]
fn piped_project_without_match_exits_1() {
    let platform = two_organizations();
    let robot = Robot::of(&platform);
    login(&robot, &[], "Alpha\ntheta\n").exits(1).says("Eta (project-alphaeta)");
    assert_eq!(selected(&robot), NOTHING);
}

#[test]
fn piped_name_of_two_projects_lists_their_guids() {
    let mut organization = Organization::new("Acme", ["twin", "twin", "other"]);
    organization.projects[1].guid = "project-twin2".into();
    let platform = Platform::with(World::of([organization]));
    let robot = Robot::of(&platform);
    let outcome = login(&robot, &[], "twin\n").exits(1);
    let error = &outcome.stderr[outcome.stderr.rfind("rio: you are").expect("an error")..];
    assert!(error.contains("project-acmetwin") && error.contains("project-twin2"), "{outcome}");
    assert!(!error.contains("project-acmeother"), "{outcome}");
}

#[test]
fn end_of_input_keeps_the_login_without_selection() {
    let platform = two_organizations();
    let robot = Robot::of(&platform);
    let outcome = login(&robot, &[], "").exits(0).says("No organization is selected");
    outcome.says("\n  rio organization select\n  rio project select\n");
    assert_eq!(selected(&robot), NOTHING);

    let robot = Robot::of(&platform);
    login(&robot, &[], "1\n")
        .exits(0)
        .says("No project is selected")
        .says("\n  rio project select\n");
    let [organization, .., project_id, project_name] = selected(&robot);
    assert_eq!(organization, "org-alpha");
    assert_eq!((project_id, project_name), (Value::Null, Value::Null));
}

#[test]
fn silent_and_json_never_prompt() {
    for option in ["--silent", "--no-interactive", "--json"] {
        println!("case: {option}");
        let platform = two_organizations();
        let robot = Robot::of(&platform);
        let outcome = login(&robot, &[option], "1\n1\n").exits(0);
        assert!(!outcome.stderr.contains('?'), "{outcome}");
        assert_eq!(selected(&robot), NOTHING);
    }
}

#[test]
fn json_project_without_organization_is_an_error_event() {
    let platform = two_organizations();
    let robot = Robot::of(&platform);
    let outcome = login(&robot, &["--json", "--project", "Eta"], "1\n").exits(1);
    let [event] = outcome.events().try_into().expect("one event");
    assert_eq!((&event["event"], &event["code"]), (&json!("error"), &json!(1)), "{outcome}");
    assert!(event["message"].as_str().unwrap().contains("you are logged in"), "{outcome}");
    assert!(event["advice"].as_str().unwrap().contains("--organization"), "{outcome}");
    assert_eq!(selected(&robot), NOTHING);
}

// The server

#[test]
fn projects_are_read_from_all_pages() {
    let names: Vec<String> = (0..250).map(|number| format!("p{number:03}")).collect();
    let world = || World::of([Organization::new("Acme", names.clone())]);

    let platform = Platform::with(world());
    let robot = Robot::of(&platform);
    login(&robot, &[], "250\n").exits(0);
    assert_eq!(selected(&robot)[4], "p249");
    let pages = platform.calls(Call::Projects);
    let continued: Vec<_> = pages.iter().map(|page| page.params()).collect();
    assert_eq!(continued.len(), 3);
    for (params, start) in continued.iter().zip(["0", "100", "200"]) {
        let expected = [("organizations", "org-acme"), ("continue", start), ("limit", "100")];
        assert_eq!(params, &expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    // The server finds a name; a GUID may be on any page.
    for (project, calls) in [("p249", 1), ("project-acmep249", 3)] {
        let platform = Platform::with(world());
        let robot = Robot::of(&platform);
        login(&robot, &["--organization", "Acme", "--project", project, "--silent"], "").exits(0);
        assert_eq!(selected(&robot)[4], "p249");
        assert_eq!(platform.calls(Call::Projects).len(), calls, "{project}");
    }
}

#[test]
fn endless_pages_stop_at_the_first_repeat() {
    let platform = one_organization(&[]);
    let items: Vec<Value> = (0..100)
        .map(|n| json!({"metadata": {"guid": format!("project-{n}"), "name": n.to_string()}}))
        .collect();
    // A full page that points to itself.
    platform.answer(
        Call::Projects,
        Answer::json(200, json!({"metadata": {"continue": 0}, "items": items})),
    );
    let robot = Robot::of(&platform);
    login(&robot, &[], "7\n").exits(0);
    assert_eq!(platform.calls(Call::Projects).len(), 1);
}

/// A full page of projects that ends at this number, with names of this length.
fn full_page(next: usize, length: usize) -> Answer {
    let one = |number: usize| {
        let name = "n".repeat(length);
        json!({"metadata": {"guid": format!("project-{number}"), "name": name}})
    };
    let items: Vec<Value> = (next - 100..next).map(one).collect();
    Answer::json(200, json!({"metadata": {"continue": next}, "items": items}))
}

#[test]
fn list_of_projects_over_8_mib_is_an_error() {
    let platform = one_organization(&[]);
    // 0.95 MiB each.
    (1..=9).for_each(|page| platform.answer(Call::Projects, full_page(100 * page, 9900)));
    let robot = Robot::of(&platform);
    let outcome = login(&robot, &[], "").exits(3).says("sent more than 8 MiB of projects");
    assert_eq!(platform.calls(Call::Projects).len(), 9, "{outcome}");
    assert_eq!(robot.config()["email_id"], EMAIL);
}

#[test]
fn list_of_projects_that_takes_over_60_seconds_is_an_error() {
    let platform = one_organization(&[]);
    let busy = || Answer::json(503, json!({"error": "busy"})).header("Retry-After", "5");
    // Each page costs a wait of five seconds.
    for page in 1..=11 {
        platform.answer(Call::Projects, busy());
        platform.answer(Call::Projects, full_page(100 * page, 10));
    }
    platform.answer(Call::Projects, busy());
    let robot = Robot::of(&platform);
    let clock = FakeClock::new();
    let by_password = ["auth", "login", "--email", EMAIL, "--password", "-"];
    robot.rio(&by_password).stdin(PASSWORD).run_at(&clock).exits(3);
    assert_eq!(clock.sleeps(), [5; 11]);
    assert_eq!(robot.config()["email_id"], EMAIL);
}

#[test]
fn selection_sends_the_new_token_on_one_connection() {
    let platform = two_organizations();
    let robot = Robot::of(&platform);
    login(&robot, &["--organization", "Alpha", "--project", "zeta"], "").exits(0);
    let token = robot.config()["auth_token"].as_str().unwrap().to_owned();
    let calls: Vec<_> = platform.requests().iter().map(|request| request.call.unwrap()).collect();
    assert_eq!(calls, [Call::UserLogin, Call::UsersMe, Call::Projects]);
    for request in &platform.requests()[1..] {
        assert_eq!(request.header("Authorization"), Some(&*format!("Bearer {token}")));
    }
    assert_eq!(platform.connections(), 1);
}

#[test]
fn names_are_shown_without_control_characters() {
    let evil = "no\u{1b}[31mde\u{202e}lta\u{7}\r\n";
    let platform = Platform::with(World::of([
        Organization { guid: "org-e\u{1b}[2Jvil".into(), ..Organization::new(evil, [evil, "a"]) },
        Organization::new("other", ["b"]),
    ]));
    let listed = Robot::of(&platform);
    let refused = ["--organization", "gamma"];
    for (robot, options, answers, code) in [
        (&listed, &[][..], "1\n2\n", 0),
        (&Robot::of(&platform), &refused[..], "", 1),
        (&Robot::of(&platform), &["--json", "--organization", evil], "", 0),
    ] {
        let outcome = login(robot, options, answers).exits(code);
        for bad in ["\u{1b}", "\u{202e}", "\u{7}", "\r"] {
            assert!(!outcome.stderr.contains(bad), "{bad:?}\n{outcome}");
            assert!(!outcome.stdout.contains(bad), "{bad:?}\n{outcome}");
        }
    }
    // The file keeps the name as the server sent it.
    assert_eq!(listed.config()["organization_name"], evil);
}

#[test]
fn unreachable_api_keeps_the_login() {
    let (platform, dead) = (two_organizations(), ClosedPort::new());
    let robot = with_current(&platform, "org-alpha", "project-alphazeta");
    robot.set_config(json!({"v2api_host": dead.url()}));
    let arguments = ["auth", "login", "--email", EMAIL, "--password", "-", "--silent"];
    let outcome = robot.rio(&arguments).stdin(PASSWORD).run_at(&FakeClock::new()).exits(3);
    let host = &dead.address();
    outcome.says("you are logged in").says(host).says("connection refused");
    let config = robot.config();
    assert_ne!(config["auth_token"], "old");
    // The same account keeps its selection.
    assert_eq!(config["project_id"], "project-alphazeta");
}

#[test]
fn temporary_api_failure_is_retried() {
    let platform = two_organizations();
    for call in [Call::UsersMe, Call::Projects] {
        platform.answer(call, Answer::text(503, "text/html", "<h1>Busy</h1>"));
        platform.answer(call, Answer::hang_up());
    }
    let robot = Robot::of(&platform);
    let options = ["--silent", "--organization", "Alpha", "--project", "zeta"];
    let by_password = ["auth", "login", "--email", EMAIL, "--password", "-"];
    let arguments = [&by_password[..], &options].concat();
    robot.rio(&arguments).stdin(PASSWORD).run_at(&FakeClock::new()).exits(0);
    assert_eq!(selected(&robot)[4], "zeta");
}

#[test]
fn failing_api_keeps_the_login() {
    let html = || Answer::text(403, "text/html", "<h1>Forbidden</h1>");
    let organizations = "to the request for the organizations has no valid list";
    let projects = "to the request for the projects has no valid list";
    let cases: [(&str, Call, Answer, i32, &str); 7] = [
        ("403", Call::UsersMe, Answer::json(403, json!({"error": "not today"})), 1, "not today"),
        (
            "403 in the other form",
            Call::Projects,
            Answer::json(403, json!({"response": {"error": "not today"}})),
            1,
            "not today",
        ),
        ("web page", Call::UsersMe, html(), 3, "a web page (status 403)"),
        ("500", Call::Projects, Answer::json(500, json!({"error": "boom"})), 3, "boom"),
        ("array", Call::UsersMe, Answer::json(200, json!([])), 1, organizations),
        ("string for items", Call::Projects, Answer::json(200, json!({"items": ""})), 1, projects),
        (
            "organization without a GUID",
            Call::UsersMe,
            Answer::json(200, json!({"spec": {"organizations": [{"name": "x"}]}})),
            1,
            organizations,
        ),
    ];
    for (name, call, answer, code, words) in cases {
        println!("case: {name}");
        let platform = two_organizations();
        platform.answer(call, answer);
        let robot = Robot::of(&platform);
        let options = ["--organization", "Alpha", "--project", "zeta", "--silent"];
        let options = if call == Call::UsersMe { &options[4..] } else { &options[..] };
        let outcome = login(&robot, options, "").exits(code).says("you are logged in").says(words);
        outcome.says("do not log in again").hides("Try again later").hides("<h1>");
        assert_eq!(selected(&robot), NOTHING, "{name}");
    }
}

#[test]
fn null_list_is_an_empty_list() {
    // Servers written in Go send null for an empty list.
    let platform = two_organizations();
    let none = json!({"spec": {"emailID": EMAIL, "organizations": null}});
    platform.answer(Call::UsersMe, Answer::json(200, none));
    login(&Robot::of(&platform), &[], "").exits(0).says("no organizations yet");

    let platform = one_organization(&[]);
    let none = json!({"metadata": {"continue": 0}, "items": null});
    platform.answer(Call::Projects, Answer::json(200, none));
    login(&Robot::of(&platform), &[], "").exits(0).says("no projects yet");
}

#[test]
fn missing_list_keeps_the_selection() {
    for (call, body) in [
        (Call::UsersMe, json!({"spec": {}})),
        (Call::UsersMe, json!({"spec": []})),
        (Call::Projects, json!({})),
    ] {
        println!("case: {call:?}");
        let platform = one_organization(&["fleet", "lab"]);
        let robot = with_current(&platform, "org-acme", "project-acmelab");
        platform.answer(call, Answer::json(200, body));
        login(&robot, &["--silent"], "").exits(1).says("no valid list");
        assert_eq!(selected(&robot)[3], "project-acmelab");
    }
}
