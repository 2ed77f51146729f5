//! `GET /v2/users/me/`. The login is kept, whatever the response.

use super::*;

pub const NAME: &str = "/spec/organizations/0/name";

pub fn cases() -> Vec<Case> {
    use Call::UsersMe as O;
    let several = |name: &str, count: usize| {
        let all: Vec<_> = (0..count)
            .map(|number| json!({"guid": format!("org-{number}"), "name": format!("{CONTROL_CHARS}{number}")}))
            .collect();
        with_member(O, name, "/spec/organizations", json!(all))
            .keeps_login(0, "No organization is selected.")
            .says(SANITIZED)
    };
    let none = |name: &str, pointer: &'static str, value: Value| {
        with_member(O, name, pointer, value)
            .keeps_login(0, "Your account has no organizations yet.")
    };
    let mut cases = vec![
        with_member(O, "name with control characters", NAME, json!(CONTROL_CHARS))
            .stores("organization_name", CONTROL_CHARS)
            .says(&format!("Organization: {SANITIZED} (org-acme)")),
        // The GUID is sent unchanged, and the fake platform does not know it.
        with_member(
            O,
            "GUID with control characters",
            "/spec/organizations/0/guid",
            json!(CONTROL_CHARS),
        )
        .keeps_login(1, "no such organization (404)"),
        with_member(O, "empty name", NAME, json!("")).stores("organization_name", ""),
        with_member(O, "name too large for the config file", NAME, json!("n".repeat(MIB - 300)))
            .keeps_login(1, "would become larger than 1 MiB")
            .hides("nnn"),
        with_member(O, "short GUID is missing", "/spec/organizations/0/shortGUID", json!(ABSENT))
            .stores("organization_short_id", ""),
        with_member(O, "emailID is a number", "/spec/emailID", raw_json("1e400")),
        with_member(O, "unknown member, deeply nested", "/spec/extra", nested(100_000)),
        several("two names with control characters", 2),
        several("2000 organizations", 2000),
        none("empty list", "/spec/organizations", json!([])),
        with_body(O, "malformed entries before a valid one", |body| {
            let malformed = r#""organizations":[{"guid":"org-x","name":null},{"name":"x"},5,null,"#;
            body.replacen("\"organizations\":[", malformed, 1)
        })
        .stores("organization_id", "org-acme"),
        with_body(O, "duplicate GUID", duplicate("guid")).keeps_login(1, NO_ORGANIZATIONS),
        with_body(O, "duplicate list", |body| {
            body.replacen("\"organizations\"", "\"organizations\":[],\"organizations\"", 1)
        })
        .keeps_login(1, NO_ORGANIZATIONS),
        with_response(
            O,
            "arrays instead of objects",
            200,
            json!({"spec": [[["org-x", "FORGED", "x"]]]}),
        )
        .keeps_login(1, NO_ORGANIZATIONS)
        .hides("FORGED"),
        with_response(O, "empty object", 200, json!({})).keeps_login(1, NO_ORGANIZATIONS),
        with_response(O, "401 with control characters", 401, json!({"error": CONTROL_CHARS}))
            .keeps_login(1, SANITIZED)
            .says("you are logged in, but the selection did not change"),
        case(O, "403 repeats the token", |fixture| error(403, &fixture.token))
            .keeps_login(1, "*** (403)"),
        with_response(O, "404", 404, json!({"response": {"error": "no such user"}}))
            .keeps_login(1, "no such user (404)"),
        with_response(O, "429", 429, json!({})).keeps_login(3, "(status 429)"),
        with_response(O, "500", 500, json!({"error": "broken"})).keeps_login(3, "broken (500)"),
        case(O, "502 with a web page", |_| web_page(502))
            .repeat(3)
            .keeps_login(3, "a web page (status 502)")
            .waits(&RETRY_WAITS),
    ];
    cases.extend(missing(
        O,
        Expected::LoginKept(1),
        NO_ORGANIZATIONS,
        [
            ("spec is missing", "/spec", json!(ABSENT)),
            ("spec is null", "/spec", json!(null)),
            ("spec is a string", "/spec", json!("x")),
            ("spec deeply nested", "/spec", nested(100_000)),
            ("list is an object", "/spec/organizations", json!({})),
            ("list contains a number", "/spec/organizations/0", json!(5)),
            ("list contains null", "/spec/organizations/0", json!(null)),
            ("organization is empty", "/spec/organizations/0", json!({})),
            ("GUID is a number", "/spec/organizations/0/guid", json!(u64::MAX)),
            ("empty GUID", "/spec/organizations/0/guid", json!("")),
            ("blank GUID", "/spec/organizations/0/guid", json!(" \t")),
            ("name is missing", NAME, json!(ABSENT)),
            ("name is null", NAME, json!(null)),
            ("name is a number", NAME, json!(-1)),
            ("short GUID is a number", "/spec/organizations/0/shortGUID", json!(1.5)),
        ],
    ));
    cases
}

#[test]
fn organizations_response_does_not_undo_login() {
    run(cases());
}
