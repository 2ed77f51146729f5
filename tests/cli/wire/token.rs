//! `POST /oauth2/token` after the approval.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::Token as T;
    let mut cases = vec![
        changed(T, "BEARER", "/token_type", json!("BEARER")),
        changed(T, "an error of null", "/error", json!(null)),
        changed(T, "a life beyond any number", "/expires_in", verbatim("1e400")),
        changed(T, "a life of -1", "/expires_in", json!(-1)),
        changed(T, "a life that is nested deep", "/expires_in", nested(100_000)),
        changed(T, "a scope that is a list", "/scope", json!(["openid", 5])),
        changed(T, "an interval that is nested deep", "/interval", nested(10_000)),
        edited(T, "a member nobody knows, twice", |body| body.replacen('{', r#"{"x":1,"x":2,"#, 1)),
        answered(T, "tokens that are called plain text", |scene| {
            text(200, &scene.good(T).to_string())
        }),
        // A code is good once: what is not taken for tokens now is lost.
        answered(T, "tokens that are called a web page", |scene| {
            Answer::text(200, "text/html", scene.good(T).to_string())
        }),
        answered(T, "tokens with 201", |scene| Answer::json(201, scene.good(T))),
        raw(T, "tokens without a length", |body| {
            format!("HTTP/1.0 200 OK\r\n\r\n{body}").into_bytes()
        }),
        raw(T, "tokens in chunks", |body| {
            chunked(&format!(
                "{:x}\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                10,
                &body[..10],
                body.len() - 10,
                &body[10..]
            ))
        }),
        raw(T, "tokens compressed", |body| encoded("gzip", gzip(body.as_bytes()))),
        edited(T, "tokens in exactly 1 MiB", |body| padded(body, MIB)),
        edited(T, "tokens in 1 MiB and a byte", |body| padded(body, MIB + 1)).fails(3, LARGE),
        raw(T, "100 MB of spaces", |_| {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n";
            [head.as_bytes(), &vec![b' '; 2 * MIB]].concat()
        })
        .fails(3, LARGE),
        raw(T, "a bomb", |_| encoded("gzip", gzip_bomb())).fails(3, LARGE),
        raw(T, "half the tokens", |body| http("HTTP/1.1 200 OK", &body)[..200].to_vec())
            .fails(3, CUT),
        raw(T, "half of them in chunks", |body| {
            chunked(&format!("{:x}\r\n{body}", body.len() + 9))
        })
        .fails(3, CUT),
        raw(T, "half of them compressed", |body| {
            let bytes = gzip(body.as_bytes());
            encoded("gzip", &bytes[..bytes.len() / 2])
        })
        .fails(3, CUT),
        edited(T, "an object in an array", |body| format!("[{body}]")).fails(3, SENSELESS),
        edited(T, "the access token twice", twice("access_token")).fails(3, SENSELESS),
        edited(T, "the id_token twice", twice("id_token")).fails(3, SENSELESS),
        edited(T, "the type twice", twice("token_type")).fails(3, SENSELESS),
        answered(T, "nothing", |_| text(200, "")).fails(3, SENSELESS),
        answered(T, "204", |_| Answer::raw("HTTP/1.1 204 No Content\r\n\r\n"))
            .fails(3, "(status 204)"),
    ];
    let unexpected = [
        ("no access token", "/access_token", json!(GONE)),
        ("an access token of null", "/access_token", json!(null)),
        ("an access token that is a number", "/access_token", verbatim("1e400")),
        ("an empty access token", "/access_token", json!("")),
        ("no type", "/token_type", json!(GONE)),
        ("a type that is a number", "/token_type", json!(5)),
        ("another type", "/token_type", json!("mac")),
        ("a type that steers", "/token_type", json!(HOSTILE)),
        ("no id_token", "/id_token", json!(GONE)),
        ("an id_token of null", "/id_token", json!(null)),
        ("an id_token that is an object", "/id_token", json!({"rio_token": "x"})),
        ("an error beside them", "/error", json!("")),
        ("an error of another type beside them", "/error", json!(5)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(T, End::Unchanged(3), unexpected));
    cases.extend(rows(
        T,
        End::Unchanged(1),
        [
            ("a denial beside them", "/error", json!("access_denied"), "denied in the browser"),
            ("an empty id_token", "/id_token", json!(""), "an id_token that cannot be read"),
            (
                "an id_token that steers",
                "/id_token",
                json!(HOSTILE),
                "an id_token that cannot be read",
            ),
            (
                "an id_token of one part",
                "/id_token",
                json!("abc"),
                "an id_token that cannot be read",
            ),
            ("an id_token of dots", "/id_token", json!(".".repeat(100_000)), "cannot be read"),
        ],
    ));
    cases
}

#[test]
fn whatever_comes_for_tokens_is_told_or_used() {
    run(cases());
}
