//! `GET /v2/users/me/`. The login stands, whatever it returns.

use super::*;

pub const NAME: &str = "/spec/organizations/0/name";

pub fn cases() -> Vec<Case> {
    use Call::UsersMe as O;
    let answer =
        |name, status, body: Value| answered(O, name, move |_| Answer::json(status, body.clone()));
    let several = |name: &str, count: usize| {
        let all: Vec<_> = (0..count)
            .map(|number| json!({"guid": format!("org-{number}"), "name": format!("{HOSTILE}{number}")}))
            .collect();
        changed(O, name, "/spec/organizations", json!(all))
            .login_stands(0, "No organization is selected.")
            .says(TAMED)
    };
    let none = |name: &str, pointer: &'static str, value: Value| {
        changed(O, name, pointer, value)
            .login_stands(0, "The account belongs to no organization yet.")
    };
    let mut cases = vec![
        changed(O, "a name that steers", NAME, json!(HOSTILE))
            .stores("organization_name", HOSTILE)
            .says(&format!("Organization: {TAMED} (org-acme)")),
        // It is stored and sent as it came; here nobody has projects under it.
        changed(O, "a GUID that steers", "/spec/organizations/0/guid", json!(HOSTILE))
            .login_stands(1, "no such organization (404)"),
        changed(O, "an empty name", NAME, json!("")).stores("organization_name", ""),
        changed(O, "a name that no config file holds", NAME, json!("n".repeat(MIB - 300)))
            .login_stands(1, "would become larger than 1 MiB")
            .hides("nnn"),
        changed(O, "no short GUID", "/spec/organizations/0/shortGUID", json!(GONE))
            .stores("organization_short_id", ""),
        changed(O, "an email of another type", "/spec/emailID", verbatim("1e400")),
        changed(O, "a member nobody knows, nested deep", "/spec/extra", nested(100_000)),
        several("two whose names steer", 2),
        several("two thousand", 2000),
        none("an empty list", "/spec/organizations", json!([])),
        edited(O, "the GUID twice", twice("guid")).login_stands(3, SENSELESS),
        edited(O, "the list twice", |body| {
            body.replacen("\"organizations\"", "\"organizations\":[],\"organizations\"", 1)
        })
        .login_stands(3, SENSELESS),
        answer("lists for objects", 200, json!({"spec": [[["org-x", "FORGED", "x"]]]}))
            .login_stands(3, SENSELESS)
            .hides("FORGED"),
        answer("an empty object", 200, json!({})).login_stands(3, SENSELESS),
        answer("401 that steers", 401, json!({"error": HOSTILE}))
            .login_stands(1, TAMED)
            .says("you are logged in, but nothing was selected"),
        answered(O, "403 that repeats the token", |scene| error(403, &scene.token))
            .login_stands(1, "(status 403)"),
        answer("404", 404, json!({"response": {"error": "nobody"}}))
            .login_stands(1, "nobody (404)"),
        answer("429", 429, json!({})).login_stands(3, "(status 429)"),
        answer("500", 500, json!({"error": "broken"})).login_stands(3, "broken (500)"),
        answered(O, "502 as a page", |_| page(502))
            .times(3)
            .login_stands(3, "a web page (status 502)")
            .waits(&RETRIED),
    ];
    let unexpected = [
        ("no spec", "/spec", json!(GONE)),
        ("a spec of null", "/spec", json!(null)),
        ("a spec that is text", "/spec", json!("x")),
        ("a spec nested deep", "/spec", nested(100_000)),
        ("an object for a list", "/spec/organizations", json!({})),
        ("a number in the list", "/spec/organizations/0", json!(5)),
        ("null in the list", "/spec/organizations/0", json!(null)),
        ("nothing in an organization", "/spec/organizations/0", json!({})),
        ("a GUID that is a number", "/spec/organizations/0/guid", json!(u64::MAX)),
        ("an empty GUID", "/spec/organizations/0/guid", json!("")),
        ("a GUID of blanks", "/spec/organizations/0/guid", json!(" \t")),
        ("no name", NAME, json!(GONE)),
        ("a name of null", NAME, json!(null)),
        ("a name that is a number", NAME, json!(-1)),
        ("a short GUID that is a number", "/spec/organizations/0/shortGUID", json!(1.5)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(O, End::LoginStands(3), unexpected));
    cases
}

#[test]
fn whatever_comes_for_organizations_the_login_stands() {
    run(cases());
}
