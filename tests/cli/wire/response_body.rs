//! Lengths, chunks, encodings and sizes, tested with the POST that carries a password.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserLogin as L;
    let length = |name: &str, length: &'static str| {
        with_bytes(L, name, move |body| {
            let length = length.replace("LENGTH", &body.len().to_string());
            framed(&length, &body)
        })
    };
    fn chunks(name: &str, chunks: impl Fn(&str, String) -> String + 'static) -> Case {
        with_bytes(L, name, move |body| {
            let length = format!("{:x}", body.len());
            chunked(&chunks(&body, length))
        })
    }
    let plain = |name: &str, encoding: &'static str| {
        with_bytes(L, name, move |body| encoded(encoding, body))
    };
    vec![
        // Lengths.
        length("same length twice", "Content-Length: LENGTH\r\nContent-Length: LENGTH"),
        length("length too small", "Content-Length: 20").fails(3, UNEXPECTED),
        length("length 0", "Content-Length: 0").fails(3, UNEXPECTED),
        length("length 2^64-1", "Content-Length: 18446744073709551615").fails(3, INCOMPLETE),
        length("length 2^64", "Content-Length: 18446744073709551616").fails(3, NOT_HTTP),
        length("length with a fraction", "Content-Length: 1.5").fails(3, NOT_HTTP),
        length("length in hexadecimal", "Content-Length: 0x20").fails(3, NOT_HTTP),
        length("empty length", "Content-Length: ").fails(3, NOT_HTTP),
        length("two different lengths", "Content-Length: 5\r\nContent-Length: LENGTH")
            .fails(3, NOT_HTTP),
        // Chunks.
        chunks("one chunk", |body, length| format!("{length}\r\n{body}\r\n0\r\n\r\n")),
        chunks("one byte per chunk", |body, _| {
            body.chars().map(|c| format!("1\r\n{c}\r\n")).collect::<String>() + "0\r\n\r\n"
        }),
        chunks("extension", |body, length| format!("{length};a=\"b\"\r\n{body}\r\n0\r\n\r\n")),
        chunks("upper-case size with leading zeros", |body, length| {
            format!("000{}\r\n{body}\r\n000\r\n\r\n", length.to_uppercase())
        }),
        chunks("trailer", |body, length| format!("{length}\r\n{body}\r\n0\r\nX-Sum: 5\r\n\r\n")),
        chunks("no chunks", |_, _| "0\r\n\r\n".to_owned()).fails(3, UNEXPECTED),
        chunks("chunk longer than its size", |body, _| format!("5\r\n{body}\r\n0\r\n\r\n"))
            .fails(3, INCOMPLETE),
        chunks("chunk size 2^64", |body, _| format!("10000000000000000\r\n{body}\r\n0\r\n\r\n"))
            .fails(3, INCOMPLETE),
        chunks("negative chunk size", |body, _| format!("-5\r\n{body}\r\n0\r\n\r\n"))
            .fails(3, INCOMPLETE),
        chunks("empty chunk size", |body, _| format!("\r\n{body}\r\n0\r\n\r\n"))
            .fails(3, INCOMPLETE),
        chunks("chunk size of 100 KB", |_, _| "0".repeat(100_000)).fails(3, INCOMPLETE),
        chunks("chunk extension of 100 KB", |_, _| format!("5;{}", "x".repeat(100_000)))
            .fails(3, INCOMPLETE),
        chunks("trailer with control characters", |body, length| {
            format!("{length}\r\n{body}\r\n0\r\nX: {CONTROL_CHARS}\r\n\r\n")
        })
        .hides("FORGED"),
        chunks("100 MB of spaces", |_, _| format!("5f5e100\r\n{}", " ".repeat(2 * MIB)))
            .fails(3, TOO_LARGE),
        length("chunked header, plain body", "Transfer-Encoding: chunked").fails(3, INCOMPLETE),
        length("Transfer-Encoding: gzip", "Transfer-Encoding: gzip"),
        // Encodings.
        plain("identity", "identity"),
        // A wrong label is ignored if the body is readable.
        plain("plain body labelled br", "br"),
        plain("plain body labelled deflate", "deflate"),
        plain("unknown encoding", "x-FORGED").hides("FORGED"),
        with_bytes(L, "br", |_| encoded("br", b"\x0b\x02\x80{}\x03")).fails(3, UNEXPECTED),
        // Sizes.
        with_bytes(L, "1 MiB without a length", |body| {
            format!("HTTP/1.1 200 OK\r\n\r\n{}", padded(body, MIB)).into_bytes()
        }),
        with_bytes(L, "1 MiB and one byte without a length", |body| {
            format!("HTTP/1.1 200 OK\r\n\r\n{}", padded(body, MIB + 1)).into_bytes()
        })
        .fails(3, TOO_LARGE),
        with_bytes(L, "error of 2 MiB", |_| http("HTTP/1.1 500 Broken", " ".repeat(2 * MIB)))
            .fails(3, "more than 1 MiB (status 500)"),
        with_bytes(L, "truncated 100 MB", |body| {
            format!("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n{body}").into_bytes()
        })
        .fails(3, INCOMPLETE),
        // Content.
        with_bytes(L, "zeros", |_| http("HTTP/1.1 200 OK", [0; 1000])).fails(3, UNEXPECTED),
        with_bytes(L, "control characters", |_| http("HTTP/1.1 200 OK", CONTROL_CHARS))
            .fails(3, UNEXPECTED)
            .hides("FORGED"),
        with_bytes(L, "invalid UTF-8", |_| {
            http("HTTP/1.1 200 OK", b"{\"data\":{\"token\":\"\xff\xfe\"}}")
        })
        .fails(3, UNEXPECTED),
        with_bytes(L, "lone surrogate", |_| {
            http("HTTP/1.1 200 OK", r#"{"data":{"token":"\ud800"}}"#)
        })
        .fails(1, NO_TOKEN),
        with_bytes(L, "line break in a string", |_| {
            http("HTTP/1.1 200 OK", "{\"data\":{\"token\":\"a\nb\"}}")
        })
        .fails(3, UNEXPECTED),
        with_bytes(L, "500,000 open brackets", |_| http("HTTP/1.1 200 OK", "[{".repeat(500_000)))
            .fails(3, UNEXPECTED),
        with_bytes(L, "100,000 open braces", |_| {
            http("HTTP/1.1 200 OK", r#"{"data":"#.repeat(100_000))
        })
        .fails(3, UNEXPECTED),
        with_bytes(L, "number of 900,000 digits", |_| {
            http("HTTP/1.1 200 OK", format!("{{\"data\":{}}}", "9".repeat(900_000)))
        })
        .fails(1, NO_TOKEN),
    ]
}

#[test]
fn response_body_is_validated() {
    run(cases());
}
