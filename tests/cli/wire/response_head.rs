//! Status lines and headers, tested with the POST that carries a password.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserLogin as L;
    let head = |name: &str, head: &str| {
        let head = head.to_owned();
        with_bytes(L, name, move |body| http(&head, body))
    };
    let ok = |name: &str, header: &str| head(name, &format!("HTTP/1.1 200 OK\r\n{header}"));
    let filler = |count: usize, line: &str| {
        (0..count).map(|number| format!("X-{number}: {line}")).collect::<Vec<_>>().join("\r\n")
    };
    vec![
        head("HTTP/1.0", "HTTP/1.0 200 OK"),
        head("empty reason", "HTTP/1.1 200 "),
        head("no reason and no space", "HTTP/1.1 200"),
        head("long reason", "HTTP/1.1 200 All is well, 100 %"),
        head("299", "HTTP/1.1 299 Odd"),
        head("leading blank lines", "\r\n\r\nHTTP/1.1 200 OK"),
        head("100 first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"),
        head("102 first", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK"),
        head("103 first", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK"),
        ok("lower-case header without a space", "content-type:application/json"),
        ok("empty header", "X-Empty:"),
        ok("Set-Cookie", "Set-Cookie: a=b; Domain=evil.example"),
        ok("100 headers", &filler(100, "y")),
        ok("16,000 bytes of headers", &filler(4, &"y".repeat(3_970))),
        with_bytes(L, "bare line feeds", |body| {
            format!("HTTP/1.1 200 OK\nConnection: close\nContent-Length: {}\n\n{body}", body.len())
                .into_bytes()
        }),
        // Not HTTP.
        head("no status line", "Content-Type: application/json").fails(3, NOT_HTTP),
        head("status with two digits", "HTTP/1.1 20 OK").fails(3, NOT_HTTP),
        head("status with four digits", "HTTP/1.1 2000 OK").fails(3, NOT_HTTP),
        head("negative status", "HTTP/1.1 -20 OK").fails(3, NOT_HTTP),
        head("HTTP/2", "HTTP/2 200 OK").fails(3, NOT_HTTP),
        head("HTTP/1.2", "HTTP/1.2 200 OK").fails(3, NOT_HTTP),
        head("lower-case http", "http/1.1 200 OK").fails(3, NOT_HTTP),
        head("ICY", "ICY 200 OK").fails(3, NOT_HTTP),
        head("reason with control characters", &format!("HTTP/1.1 200 {CONTROL_CHARS}"))
            .fails(3, NOT_HTTP),
        ok("ESC in a header", "X: \u{1b}[2J").fails(3, NOT_HTTP),
        ok("NUL in a header", "X: a\0b").fails(3, NOT_HTTP),
        ok("space in a header name", "X Y: z").fails(3, NOT_HTTP),
        ok("header without a name", ": z").fails(3, NOT_HTTP),
        ok("folded header", "X: a\r\n  b").fails(3, NOT_HTTP),
        ok("200 headers", &filler(200, "y")).fails(3, NOT_HTTP),
        ok("17,000 bytes of headers", &filler(4, &"y".repeat(4_240))).fails(3, NOT_HTTP),
        ok("70 KB of headers", &filler(7, &"y".repeat(10_000))).fails(3, NOT_HTTP),
        ok("header of 70 KB", &filler(1, &"y".repeat(70_000))).fails(3, NOT_HTTP),
        with_bytes(L, "100 only", |_| b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()).fails(3, CLOSED),
        with_bytes(L, "10,000 times 100", |_| {
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000).into_bytes()
        })
        .fails(3, NOT_HTTP),
        head("101", "HTTP/1.1 101 Switching\r\nUpgrade: x").fails(3, "(status 101)"),
        with_bytes(L, "truncated status line", |_| b"HTTP/1.1 2".to_vec()).fails(3, CLOSED),
        // HTTP, but not a usable response.
        with_bytes(L, "204", |_| b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())
            .fails(3, "(status 204)"),
        with_bytes(L, "204 with a body", |body| http("HTTP/1.1 204 No Content", body))
            .fails(3, "(status 204)"),
        with_bytes(L, "205", |_| http("HTTP/1.1 205 Reset", "")).fails(3, "(status 205)"),
        head("999", "HTTP/1.1 999 Odd").fails(3, "an error (status 999)").says(SERVER_ERROR),
    ]
}

#[test]
fn response_head_is_validated() {
    run(cases());
}
