//! `GET /v2/projects/`. The login stands, whatever it returns.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::Projects as P;
    let answer =
        |name, status, body: Value| answered(P, name, move |_| Answer::json(status, body.clone()));
    let many = |count: usize, next: Value| {
        let one =
            |number| json!({"metadata": {"guid": format!("project-{number}"), "name": HOSTILE}});
        let items: Vec<_> = (0..count).map(one).collect();
        render(&json!({"metadata": {"continue": next}, "items": items}))
    };
    let undecided = |name: &str, body: String| {
        answered(P, name, move |_| Answer::text(200, "application/json", body.clone()))
            .says("No project is selected.")
            .says(TAMED)
            .stores("project_id", json!(null))
            .stores("project_name", json!(null))
    };
    let none = |name: &str, pointer: &'static str, value: Value| {
        changed(P, name, pointer, value)
            .says("The organization has no projects yet.")
            .stores("project_id", "")
            .stores("project_name", "")
    };
    let named = "/items/0/metadata/name";
    let empty = |_: &Scene| Answer::json(200, json!({"metadata": {}, "items": []}));
    let mut cases = vec![
        changed(P, "a name that steers", named, json!(HOSTILE))
            .stores("project_name", HOSTILE)
            .says(&format!("Project: {TAMED} (project-acmefleet)")),
        changed(P, "a GUID that steers", "/items/0/metadata/guid", json!(HOSTILE))
            .stores("project_id", HOSTILE)
            .says(&format!("Project: fleet ({TAMED})")),
        changed(P, "a member nobody knows, nested deep", "/extra", nested(100_000)),
        none("an empty list", "/items", json!([])),
        undecided("two whose names steer", many(2, json!(2))),
        // A page that is full says where to go on; what makes no sense there is the end.
        undecided("a full page that goes on at 2^64-1", many(100, json!(u64::MAX))).then(empty),
        undecided(
            "a full page that goes on beyond it",
            many(100, verbatim("18446744073709551616")),
        )
        .then(empty),
        undecided("a full page that goes on at -1", many(100, json!(-1))),
        undecided("a full page that goes on nowhere", many(100, json!(null))),
        undecided("a page that is too full", many(5000, json!(1))).then(empty),
        edited(P, "the list twice", |body| body.replacen('{', r#"{"items":[],"#, 1))
            .login_stands(3, SENSELESS),
        edited(P, "the GUID twice", twice("guid")).login_stands(3, SENSELESS),
        answer("lists for objects", 200, json!({"items": [[["project-x", "FORGED"]]]}))
            .login_stands(3, SENSELESS)
            .hides("FORGED"),
        answer("401", 401, json!({"error": "who?"})).login_stands(1, "who? (401)"),
        answer("403 that steers", 403, json!({"error": HOSTILE})).login_stands(1, TAMED),
        answered(P, "400 that repeats the token", |scene| error(400, &scene.token))
            .login_stands(1, "an error (status 400)"),
        answered(P, "404 as a page", |_| page(404)).login_stands(3, PORTAL),
        answered(P, "503 for two seconds", |_| error(503, "busy").header("Retry-After", "2"))
            .times(3)
            .login_stands(3, "busy (503)")
            .waits(&[2000, 2000]),
    ];
    // Of a page that is not full it does not matter where the next would begin.
    for (name, pointer, value) in [
        ("going on at -1", "/metadata/continue", json!(-1)),
        ("going on at 1e400", "/metadata/continue", verbatim("1e400")),
        ("going on at a word", "/metadata/continue", json!("next")),
        ("going on at a number in quotes", "/metadata/continue", json!("1")),
        ("going on deep", "/metadata/continue", nested(10_000)),
        ("going on nowhere", "/metadata/continue", json!(GONE)),
        ("metadata of null", "/metadata", json!(null)),
        ("no metadata", "/metadata", json!(GONE)),
    ] {
        cases.push(changed(P, name, pointer, value));
    }
    let unexpected = [
        ("an object for a list", "/items", json!({})),
        ("a number in the list", "/items/0", json!(1.5)),
        ("null in the list", "/items/0", json!(null)),
        ("nothing in a project", "/items/0", json!({})),
        ("metadata that is text", "/items/0/metadata", json!("project-x")),
        ("no GUID", "/items/0/metadata/guid", json!(GONE)),
        ("a GUID that is a number", "/items/0/metadata/guid", json!(5)),
        ("an empty GUID", "/items/0/metadata/guid", json!("")),
        ("a GUID of blanks", "/items/0/metadata/guid", json!(" \t")),
        ("no name", named, json!(GONE)),
        ("a name in a list", named, json!(["fleet"])),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(P, End::LoginStands(3), unexpected));
    cases
}

#[test]
fn whatever_comes_for_projects_the_login_stands() {
    run(cases());
}
