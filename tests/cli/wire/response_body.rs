//! Lengths, chunks, encodings and sizes, by the call that carries a password and is never sent twice.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserLogin as L;
    let length = |name: &str, length: &'static str| {
        raw(L, name, move |body| {
            let length = length.replace("LENGTH", &body.len().to_string());
            format!("HTTP/1.1 200 OK\r\n{length}\r\n\r\n{body}").into_bytes()
        })
    };
    fn chunks(name: &str, chunks: impl Fn(&str, String) -> String + 'static) -> Case {
        raw(L, name, move |body| {
            let length = format!("{:x}", body.len());
            chunked(&chunks(&body, length))
        })
    }
    fn zipped(
        name: &str,
        encoding: &'static str,
        edit: impl Fn(Vec<u8>) -> Vec<u8> + 'static,
    ) -> Case {
        raw(L, name, move |body| encoded(encoding, edit(gzip(body.as_bytes()))))
    }
    let plain =
        |name: &str, encoding: &'static str| raw(L, name, move |body| encoded(encoding, body));
    vec![
        // Lengths.
        length("the length twice", "Content-Length: LENGTH\r\nContent-Length: LENGTH"),
        length("no length, and the end is told", "Connection: close"),
        length("a length that is too small", "Content-Length: 20").fails(3, SENSELESS),
        length("a length of nothing", "Content-Length: 0").fails(3, SENSELESS),
        length("a length of 2^64-1", "Content-Length: 18446744073709551615").fails(3, CUT),
        length("a length of 2^64", "Content-Length: 18446744073709551616").fails(3, NO_HTTP),
        length("a length with a fraction", "Content-Length: 1.5").fails(3, NO_HTTP),
        length("a length in hexadecimal", "Content-Length: 0x20").fails(3, NO_HTTP),
        length("an empty length", "Content-Length: ").fails(3, NO_HTTP),
        length("two lengths", "Content-Length: 5\r\nContent-Length: LENGTH").fails(3, NO_HTTP),
        // Chunks.
        chunks("one chunk", |body, length| format!("{length}\r\n{body}\r\n0\r\n\r\n")),
        chunks("a byte a chunk", |body, _| {
            body.chars().map(|c| format!("1\r\n{c}\r\n")).collect::<String>() + "0\r\n\r\n"
        }),
        chunks("an extension", |body, length| format!("{length};a=\"b\"\r\n{body}\r\n0\r\n\r\n")),
        chunks("large letters and zeros before", |body, length| {
            format!("000{}\r\n{body}\r\n000\r\n\r\n", length.to_uppercase())
        }),
        chunks("a trailer", |body, length| format!("{length}\r\n{body}\r\n0\r\nX-Sum: 5\r\n\r\n")),
        chunks("no chunk", |_, _| "0\r\n\r\n".to_owned()).fails(3, SENSELESS),
        chunks("a chunk that is too long", |body, _| format!("5\r\n{body}\r\n0\r\n\r\n"))
            .fails(3, CUT),
        chunks("a chunk of 2^64", |body, _| format!("10000000000000000\r\n{body}\r\n0\r\n\r\n"))
            .fails(3, CUT),
        chunks("a chunk below zero", |body, _| format!("-5\r\n{body}\r\n0\r\n\r\n")).fails(3, CUT),
        chunks("a chunk without a size", |body, _| format!("\r\n{body}\r\n0\r\n\r\n"))
            .fails(3, CUT),
        chunks("a size without end", |_, _| "0".repeat(100_000)).fails(3, CUT),
        chunks("an extension without end", |_, _| format!("5;{}", "x".repeat(100_000)))
            .fails(3, CUT),
        chunks("a trailer that steers", |body, length| {
            format!("{length}\r\n{body}\r\n0\r\nX: {HOSTILE}\r\n\r\n")
        })
        .hides("FORGED"),
        chunks("100 MB of spaces", |_, _| format!("5f5e100\r\n{}", " ".repeat(2 * MIB)))
            .fails(3, LARGE),
        length("chunks that are none", "Transfer-Encoding: chunked").fails(3, CUT),
        length("another transfer encoding", "Transfer-Encoding: gzip"),
        // Encodings.
        zipped("gzip", "gzip", |bytes| bytes),
        plain("no encoding by name", "identity"),
        zipped("gzip in large letters", "GZIP", |bytes| bytes).fails(3, SENSELESS),
        zipped("gzip that is not told", "identity", |bytes| bytes).fails(3, SENSELESS),
        zipped("gzip within gzip", "gzip", |bytes| gzip(&bytes)).fails(3, SENSELESS),
        zipped("gzip within gzip, told so", "gzip, gzip", |bytes| gzip(&bytes)).fails(3, SENSELESS),
        zipped("half of gzip", "gzip", |bytes| bytes[..40].to_vec()).fails(3, CUT),
        zipped("gzip without its end", "gzip", |bytes| bytes[..bytes.len() - 8].to_vec())
            .fails(3, CUT),
        zipped("gzip with a wrong sum", "gzip", |mut bytes| {
            let at = bytes.len() - 8;
            bytes[at] ^= 1;
            bytes
        })
        .fails(3, CUT),
        raw(L, "nothing that is called gzip", |_| encoded("gzip", "")).fails(3, CUT),
        // A wrong label does not matter where what is under it can be read.
        plain("br that is none", "br"),
        plain("deflate that is none", "deflate"),
        plain("an encoding that nobody knows", "x-FORGED").hides("FORGED"),
        raw(L, "br", |_| encoded("br", b"\x0b\x02\x80{}\x03")).fails(3, SENSELESS),
        raw(L, "a web page in gzip", |_| encoded("gzip", gzip(b"<html><h1>Hotel</h1>")))
            .fails(3, PAGE),
        // Sizes.
        raw(L, "1 MiB in gzip", |body| encoded("gzip", gzip(padded(body, MIB).as_bytes()))),
        raw(L, "1 MiB without a length", |body| {
            format!("HTTP/1.1 200 OK\r\n\r\n{}", padded(body, MIB)).into_bytes()
        }),
        raw(L, "1 MiB and a byte in gzip", |body| {
            encoded("gzip", gzip(padded(body, MIB + 1).as_bytes()))
        })
        .fails(3, LARGE),
        raw(L, "1 MiB and a byte without a length", |body| {
            format!("HTTP/1.1 200 OK\r\n\r\n{}", padded(body, MIB + 1)).into_bytes()
        })
        .fails(3, LARGE),
        raw(L, "an error of 2 MiB", |_| http("HTTP/1.1 500 Broken", " ".repeat(2 * MIB)))
            .fails(3, "more than 1 MiB (status 500)"),
        raw(L, "100 MB that break off", |body| {
            format!("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n{body}").into_bytes()
        })
        .fails(3, CUT),
        // Texts.
        raw(L, "zeros", |_| http("HTTP/1.1 200 OK", [0; 1000])).fails(3, SENSELESS),
        raw(L, "what steers", |_| http("HTTP/1.1 200 OK", HOSTILE))
            .fails(3, SENSELESS)
            .hides("FORGED"),
        raw(L, "no UTF-8 within the token", |_| {
            http("HTTP/1.1 200 OK", b"{\"data\":{\"token\":\"\xff\xfe\"}}")
        })
        .fails(3, SENSELESS),
        raw(L, "half a character", |_| http("HTTP/1.1 200 OK", r#"{"data":{"token":"\ud800"}}"#))
            .fails(3, SENSELESS),
        raw(L, "a line break within the token", |_| {
            http("HTTP/1.1 200 OK", "{\"data\":{\"token\":\"a\nb\"}}")
        })
        .fails(3, SENSELESS),
        raw(L, "brackets without end", |_| http("HTTP/1.1 200 OK", "[{".repeat(500_000)))
            .fails(3, SENSELESS),
        raw(L, "braces without end", |_| http("HTTP/1.1 200 OK", r#"{"data":"#.repeat(100_000)))
            .fails(3, SENSELESS),
        raw(L, "a number without end", |_| {
            http("HTTP/1.1 200 OK", format!("{{\"data\":{}}}", "9".repeat(900_000)))
        })
        .fails(3, SENSELESS),
    ]
}

#[test]
fn whatever_body_an_answer_has_is_told_or_used() {
    run(cases());
}
