//! The events of `login --json`.

use super::id_token::with_claims;
use super::organizations::NAME;
use super::*;

pub fn cases() -> Vec<Case> {
    let json = |case: Case| case.with(&["auth", "login", "--json"]);
    vec![
        json(changed(Call::Discovery, "--json, an issuer that steers", "/issuer", json!(HOSTILE)))
            .fails(1, "\"event\":\"error\""),
        json(changed(
            Call::DeviceAuthorization,
            "--json, a code that steers",
            "/user_code",
            json!("A\u{9b}B"),
        ))
        .fails(1, "\"event\":\"error\""),
        json(changed(
            Call::DeviceAuthorization,
            "--json, a life of 2^64-1",
            "/expires_in",
            json!(u64::MAX),
        ))
        .says("\"expires_in\":86400"),
        json(answered(Call::Token, "--json, a no that steers", |_| error(400, HOSTILE)))
            .fails(1, "\"event\":\"error\""),
        json(with_claims("--json, an email that steers", |claims| {
            claims.replace(EMAIL, json!(HOSTILE).to_string().trim_matches('"'))
        }))
        .stores("email_id", HOSTILE)
        .says("ab\\u001b[2J"),
        json(changed(Call::UsersMe, "--json, a name that steers", NAME, json!(HOSTILE)))
            .with(&["auth", "login", "--json", "--email", EMAIL, "--password", "-"])
            .stores("organization_name", HOSTILE)
            .says("\\u009b31m\\u202e"),
    ]
}

#[test]
fn whatever_comes_the_events_of_json_are_json() {
    run(cases());
}
