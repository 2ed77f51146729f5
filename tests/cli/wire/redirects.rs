//! Redirects, most of them of the POST that carries a password.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserLogin as L;
    let to = |name: &str, status: u16, location: fn(&Fixture) -> String| {
        case(L, &format!("redirect, {name}"), move |fixture| {
            text(status, "moved").header("Location", &location(fixture))
        })
        .fails(3, &format!("{REDIRECT} (status {status})"))
        .says(CAPTIVE_PORTAL)
    };
    let bare = |name: &str, bytes: &str| {
        let bytes = bytes.to_owned();
        case(L, &format!("redirect, {name}"), move |_| Answer::raw(bytes.as_bytes()))
    };
    let other_host: fn(&Fixture) -> String =
        |fixture| format!("{}/user/login", fixture.other_host());
    let mut cases: Vec<Case> = [300, 304, 305, 306, 399]
        .into_iter()
        .map(|status| to(&format!("{status} to another host"), status, other_host))
        .collect();
    cases.extend([
        to("relative path", 302, |_| "../login".to_owned()),
        to("other scheme", 302, |fixture| fixture.other_host().replace("http:", "ftp:")),
        to("no scheme", 307, |fixture| fixture.other_host().replace("http:", "")),
        to("script", 302, |_| "javascript:alert(1)".to_owned()),
        to("empty Location", 302, |_| String::new()),
        to("Location is not a URL", 302, |_| "the hotel's lounge".to_owned()).hides("lounge"),
        bare("no Location", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").fails(3, REDIRECT),
        bare("no Location, with a body", "HTTP/1.1 301 Moved\r\nContent-Length: 6\r\n\r\n<html>")
            .fails(3, REDIRECT),
        bare("304 without a body", "HTTP/1.1 304 Not Modified\r\n\r\n").fails(3, REDIRECT),
        bare(
            "Location with control characters",
            "HTTP/1.1 302 Found\r\nLocation: \u{1b}]0;x\u{7}\r\n\r\n",
        )
        .fails(3, NOT_HTTP),
        bare("Location is not ASCII", "HTTP/1.1 302 Found\r\nLocation: http://\u{9b}31m/\r\n\r\n")
            .fails(3, REDIRECT),
        bare("two Locations", "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n")
            .fails(3, REDIRECT),
        bare("truncated body", "HTTP/1.1 307 Moved\r\nContent-Length: 90\r\n\r\n{")
            .fails(3, REDIRECT),
    ]);
    for call in [Call::Discovery, Call::DeviceAuthorization] {
        for status in [301, 302, 303, 307, 308] {
            let redirect = move |fixture: &Fixture| {
                text(status, "moved").header("Location", &fixture.other_host())
            };
            cases.push(case(call, &format!("redirect with {status}"), redirect).fails(3, REDIRECT));
        }
    }
    cases
}

#[test]
fn redirect_is_not_followed() {
    run(cases());
}
