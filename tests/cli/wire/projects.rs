//! `GET /v2/projects/`. The login is kept, whatever the response.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::Projects as P;
    let many = |count: usize, next: Value| {
        let one = |number| json!({"metadata": {"guid": format!("project-{number}"), "name": CONTROL_CHARS}});
        let items: Vec<_> = (0..count).map(one).collect();
        to_json(&json!({"metadata": {"continue": next}, "items": items}))
    };
    let not_selected = |name: &str, body: String| {
        case(P, name, move |_| Answer::text(200, "application/json", body.clone()))
            .says("No project is selected.")
            .says(SANITIZED)
            .stores("project_id", json!(null))
            .stores("project_name", json!(null))
    };
    let none = |name: &str, pointer: &'static str, value: Value| {
        with_member(P, name, pointer, value)
            .says("The organization has no projects yet.")
            .stores("project_id", "")
            .stores("project_name", "")
    };
    let named = "/items/0/metadata/name";
    let empty = |_: &Fixture| Answer::json(200, json!({"metadata": {}, "items": []}));
    let mut cases = vec![
        with_member(P, "name with control characters", named, json!(CONTROL_CHARS))
            .stores("project_name", CONTROL_CHARS)
            .says(&format!("Project: {SANITIZED} (project-acmefleet)")),
        with_member(
            P,
            "GUID with control characters",
            "/items/0/metadata/guid",
            json!(CONTROL_CHARS),
        )
        .stores("project_id", CONTROL_CHARS)
        .says(&format!("Project: fleet ({SANITIZED})")),
        with_member(P, "unknown member, deeply nested", "/extra", nested(100_000)),
        none("empty list", "/items", json!([])),
        with_body(P, "malformed entries before a valid one", |body| {
            let malformed = r#""items":[{"metadata":{"guid":"project-x","name":null}},{},5,null,"#;
            body.replacen("\"items\":[", malformed, 1)
        })
        .stores("project_id", "project-acmefleet"),
        not_selected("two names with control characters", many(2, json!(2))),
        // Only a full page has a next page. An invalid `continue` ends the list.
        not_selected("full page, continue 2^64-1", many(100, json!(u64::MAX))).then(empty),
        not_selected("full page, continue 2^64", many(100, raw_json("18446744073709551616")))
            .then(empty),
        not_selected("full page, continue -1", many(100, json!(-1))),
        not_selected("full page, continue null", many(100, json!(null))),
        not_selected("page over the limit", many(5000, json!(1))).then(empty),
        with_body(P, "duplicate list", |body| body.replacen('{', r#"{"items":[],"#, 1))
            .keeps_login(1, NO_PROJECTS),
        with_body(P, "duplicate GUID", duplicate("guid")).keeps_login(1, NO_PROJECTS),
        with_response(
            P,
            "arrays instead of objects",
            200,
            json!({"items": [[["project-x", "FORGED"]]]}),
        )
        .keeps_login(1, NO_PROJECTS)
        .hides("FORGED"),
        with_response(P, "401", 401, json!({"error": "who?"})).keeps_login(1, "who? (401)"),
        with_response(P, "403 with control characters", 403, json!({"error": CONTROL_CHARS}))
            .keeps_login(1, SANITIZED),
        case(P, "400 repeats the token", |fixture| error(400, &fixture.token))
            .keeps_login(1, "*** (400)"),
        case(P, "404 with a web page", |_| web_page(404)).keeps_login(3, CAPTIVE_PORTAL),
        case(P, "503 with Retry-After 2", |_| error(503, "busy").header("Retry-After", "2"))
            .repeat(3)
            .keeps_login(3, "busy (503)")
            .waits(&[2000, 2000]),
    ];
    // `continue` is ignored on a page that is not full.
    for (name, pointer, value) in [
        ("continue -1", "/metadata/continue", json!(-1)),
        ("continue 1e400", "/metadata/continue", raw_json("1e400")),
        ("continue is a word", "/metadata/continue", json!("next")),
        ("continue is a numeric string", "/metadata/continue", json!("1")),
        ("continue deeply nested", "/metadata/continue", nested(10_000)),
        ("continue is missing", "/metadata/continue", json!(ABSENT)),
        ("metadata is null", "/metadata", json!(null)),
        ("metadata is missing", "/metadata", json!(ABSENT)),
    ] {
        cases.push(with_member(P, name, pointer, value));
    }
    cases.extend(missing(
        P,
        Expected::LoginKept(1),
        NO_PROJECTS,
        [
            ("list is an object", "/items", json!({})),
            ("list contains a number", "/items/0", json!(1.5)),
            ("list contains null", "/items/0", json!(null)),
            ("project is empty", "/items/0", json!({})),
            ("metadata is a string", "/items/0/metadata", json!("project-x")),
            ("GUID is missing", "/items/0/metadata/guid", json!(ABSENT)),
            ("GUID is a number", "/items/0/metadata/guid", json!(5)),
            ("empty GUID", "/items/0/metadata/guid", json!("")),
            ("blank GUID", "/items/0/metadata/guid", json!(" \t")),
            ("name is missing", named, json!(ABSENT)),
            ("name is an array", named, json!(["fleet"])),
        ],
    ));
    cases
}

#[test]
fn projects_response_does_not_undo_login() {
    run(cases());
}
