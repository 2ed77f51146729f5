//! `POST /user/login`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserLogin as L;
    let answer =
        |name, status, body: Value| answered(L, name, move |_| Answer::json(status, body.clone()));
    let mut cases = vec![
        edited(L, "the other spelling", |body| body.replace("token", "Token")),
        changed(L, "the other spelling beside, of null", "/data/Token", json!(null)),
        changed(L, "a member nobody knows, nested deep", "/data/extra", nested(100_000)),
        edited(L, "the token twice", twice("token")).fails(3, SENSELESS),
        edited(L, "the data twice", |body| body.replacen('{', r#"{"data":{},"#, 1))
            .fails(3, SENSELESS),
        // serde reads a struct from a list just as well.
        answer("lists for objects", 200, json!({"data": ["t0ken", null]}))
            .fails(3, SENSELESS)
            .hides("t0ken"),
        answer("an error, and 200", 200, json!({"error": HOSTILE})).fails(3, SENSELESS),
        answer("wrong password", 401, json!({"error": "wrong password"}))
            .fails(1, &format!("refused the login of {EMAIL}: wrong password (401)"))
            .says("SSO"),
        answer("a no that steers", 401, json!({"error": HOSTILE})).fails(1, TAMED),
        answer("a no that steers, nested", 400, json!({"response": {"error": HOSTILE}}))
            .fails(1, TAMED),
        answer("a no that repeats the password", 401, json!({"error": format!("{PASSWORD}?")}))
            .fails(1, "(status 401)"),
        answer(
            "a password hidden in the words",
            401,
            json!({"error": PASSWORD.replace("horse", "ho\u{202e}rse")}),
        )
        .fails(1, "(status 401)"),
        answer("a password over several lines", 401, json!({"error": PASSWORD.replace(' ', "\n")}))
            .fails(1, "(status 401)"),
        answer("a no in a list", 401, json!({"error": ["wrong"]})).fails(1, "(status 401)"),
        answer("a no of another shape", 403, json!(["wrong"])).fails(1, "(status 403)"),
        answered(L, "a no nested deep", |_| {
            let body = json!({"error": nested(100_000)});
            Answer::text(401, "application/json", render(&body))
        })
        .fails(1, "(status 401)"),
        answered(L, "a no with nothing", |_| text(422, "")).fails(1, "an error (status 422)"),
        answered(L, "401 as a page", |_| page(401)).fails(1, "(status 401)"),
        answered(L, "407 as a page", |_| page(407))
            .fails(3, "a web page (status 407)")
            .hides("SSO"),
        answered(L, "429 for an hour", |_| error(429, "slowly").header("Retry-After", "3600"))
            .fails(3, "slowly (429)")
            .says("The server asks to wait"),
        answer("500 that repeats the password", 500, json!({"error": PASSWORD}))
            .fails(3, "an error (status 500)"),
    ];
    let unexpected = [
        ("data of null", "/data", json!(null)),
        ("data that is text", "/data", json!("t0ken")),
        ("data nested deep", "/data", nested(100_000)),
        ("a token of null", "/data/token", json!(null)),
        ("a token that steers", "/data/token", json!(HOSTILE)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(L, End::Unchanged(3), unexpected));
    cases
}

#[test]
fn whatever_answers_a_login_by_password_is_told_or_used() {
    run(cases());
}
