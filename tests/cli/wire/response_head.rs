//! Status lines and headers, by the call that carries a password and is never sent twice.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserLogin as L;
    let head = |name: &str, head: &str| {
        let head = head.to_owned();
        raw(L, name, move |body| http(&head, body))
    };
    let ok = |name: &str, header: &str| head(name, &format!("HTTP/1.1 200 OK\r\n{header}"));
    let filler = |count: usize, line: &str| {
        (0..count).map(|number| format!("X-{number}: {line}")).collect::<Vec<_>>().join("\r\n")
    };
    vec![
        head("HTTP/1.0", "HTTP/1.0 200 OK"),
        head("HTTP/1.0 that keeps the connection", "HTTP/1.0 200 OK\r\nConnection: keep-alive"),
        head("no reason", "HTTP/1.1 200 "),
        head("no reason and no blank", "HTTP/1.1 200"),
        head("a reason of many words", "HTTP/1.1 200 All is well, 100 %"),
        head("299", "HTTP/1.1 299 Odd"),
        head("blank lines before it", "\r\n\r\nHTTP/1.1 200 OK"),
        head("100 before it", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"),
        head("102 before it", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK"),
        head("103 before it", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK"),
        ok("small letters and no blank", "content-type:application/json"),
        ok("an empty header", "X-Empty:"),
        ok("a cookie that steers nothing", "Set-Cookie: a=b; Domain=evil.example"),
        ok("a hundred headers", &filler(100, "y")),
        ok("30 KB of headers", &filler(3, &"y".repeat(10_000))),
        raw(L, "line feeds alone", |body| {
            format!("HTTP/1.1 200 OK\nX: y\nContent-Length: {}\n\n{body}", body.len()).into_bytes()
        }),
        // What is no HTTP.
        head("a status line that is missing", "Content-Type: application/json").fails(3, NO_HTTP),
        head("a status of two digits", "HTTP/1.1 20 OK").fails(3, NO_HTTP),
        head("a status of four digits", "HTTP/1.1 2000 OK").fails(3, NO_HTTP),
        head("a status below zero", "HTTP/1.1 -20 OK").fails(3, NO_HTTP),
        head("HTTP/2", "HTTP/2 200 OK").fails(3, NO_HTTP),
        head("HTTP/1.2", "HTTP/1.2 200 OK").fails(3, NO_HTTP),
        head("small letters", "http/1.1 200 OK").fails(3, NO_HTTP),
        head("a radio station", "ICY 200 OK").fails(3, NO_HTTP),
        head("a reason that steers", &format!("HTTP/1.1 200 {HOSTILE}")).fails(3, NO_HTTP),
        ok("ESC in a header", "X: \u{1b}[2J").fails(3, NO_HTTP),
        ok("NUL in a header", "X: a\0b").fails(3, NO_HTTP),
        ok("a blank in a name", "X Y: z").fails(3, NO_HTTP),
        ok("a header without a name", ": z").fails(3, NO_HTTP),
        ok("a header that is continued", "X: a\r\n  b").fails(3, NO_HTTP),
        ok("200 headers", &filler(200, "y")).fails(3, NO_HTTP),
        ok("70 KB of headers", &filler(7, &"y".repeat(10_000))).fails(3, NO_HTTP),
        ok("one header of 70 KB", &filler(1, &"y".repeat(70_000))).fails(3, NO_HTTP),
        raw(L, "100 and nothing more", |_| b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())
            .fails(3, CLOSED),
        raw(L, "100 without end", |_| "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000).into_bytes())
            .fails(3, NO_HTTP),
        head("another protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x").fails(3, "(status 101)"),
        raw(L, "half a status line", |_| b"HTTP/1.1 2".to_vec()).fails(3, CLOSED),
        // What is HTTP, and not what was asked for.
        raw(L, "204", |_| b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()).fails(3, "(status 204)"),
        raw(L, "204 with a body", |body| http("HTTP/1.1 204 No Content", body))
            .fails(3, "(status 204)"),
        raw(L, "205", |_| http("HTTP/1.1 205 Reset", "")).fails(3, "(status 205)"),
        head("999", "HTTP/1.1 999 Odd").fails(3, "an error (status 999)").says(OWN_TROUBLE),
    ]
}

#[test]
fn whatever_an_answer_begins_with_is_told_or_used() {
    run(cases());
}
