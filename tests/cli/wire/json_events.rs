//! The events of `login --json`.

use super::id_token::with_claims;
use super::organizations::NAME;
use super::*;

pub fn cases() -> Vec<Case> {
    let json = |case: Case| case.command(&["auth", "login", "--json"]);
    vec![
        json(with_member(
            Call::Discovery,
            "issuer with control characters",
            "/issuer",
            json!(CONTROL_CHARS),
        ))
        .fails(1, "\"event\":\"error\""),
        json(with_member(
            Call::DeviceAuthorization,
            "user code with C1",
            "/user_code",
            json!("A\u{9b}B"),
        ))
        .fails(1, "\"event\":\"error\""),
        json(with_member(
            Call::DeviceAuthorization,
            "expires_in 2^64-1",
            "/expires_in",
            json!(u64::MAX),
        ))
        .says("\"expires_in\":86400"),
        json(case(Call::Token, "error with control characters", |_| error(400, CONTROL_CHARS)))
            .fails(1, "\"event\":\"error\""),
        json(with_claims("email with control characters", |claims| {
            claims.replace(EMAIL, json!(CONTROL_CHARS).to_string().trim_matches('"'))
        }))
        .stores("email_id", CONTROL_CHARS)
        .says("ab\\u001b[2J"),
        json(with_member(
            Call::UsersMe,
            "name with control characters",
            NAME,
            json!(CONTROL_CHARS),
        ))
        .command(&["auth", "login", "--json", "--email", EMAIL, "--password", "-"])
        .stores("organization_name", CONTROL_CHARS)
        .says("\\u009b31m\\u202e"),
    ]
}

#[test]
fn json_output_is_ascii_events() {
    run(cases());
}
