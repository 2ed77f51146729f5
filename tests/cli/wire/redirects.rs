//! Redirects of a POST that carries a password.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserLogin as L;
    let to = |name: &str, status: u16, location: fn(&Scene) -> String| {
        answered(L, &format!("redirect, {name}"), move |scene| {
            text(status, "moved").header("Location", &location(scene))
        })
        .fails(3, &format!("{REDIRECT} (status {status})"))
        .says(PORTAL)
    };
    let bare = |name: &str, bytes: &str| {
        let bytes = bytes.to_owned();
        answered(L, &format!("redirect, {name}"), move |_| Answer::raw(bytes.as_bytes()))
    };
    let elsewhere: fn(&Scene) -> String = |scene| format!("{}/user/login", scene.elsewhere());
    let mut cases: Vec<Case> = [300, 304, 305, 306, 399]
        .into_iter()
        .map(|status| to(&format!("{status} elsewhere"), status, elsewhere))
        .collect();
    cases.extend([
        to("to a relative path", 302, |_| "../login".to_owned()),
        to("to another scheme", 302, |scene| scene.elsewhere().replace("http:", "ftp:")),
        to("without a scheme", 307, |scene| scene.elsewhere().replace("http:", "")),
        to("to a script", 302, |_| "javascript:alert(1)".to_owned()),
        to("to nothing", 302, |_| String::new()),
        to("to words", 302, |_| "the hotel's lounge".to_owned()).hides("lounge"),
        bare("nowhere", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").fails(3, REDIRECT),
        bare("nowhere, with a page", "HTTP/1.1 301 Moved\r\nContent-Length: 6\r\n\r\n<html>")
            .fails(3, REDIRECT),
        bare("304 with nothing", "HTTP/1.1 304 Not Modified\r\n\r\n").fails(3, REDIRECT),
        bare("to where it steers", "HTTP/1.1 302 Found\r\nLocation: \u{1b}]0;x\u{7}\r\n\r\n")
            .fails(3, NO_HTTP),
        bare("to where no ASCII is", "HTTP/1.1 302 Found\r\nLocation: http://\u{9b}31m/\r\n\r\n")
            .fails(3, REDIRECT),
        bare("to two places", "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n")
            .fails(3, REDIRECT),
        bare("with half a body", "HTTP/1.1 307 Moved\r\nContent-Length: 90\r\n\r\n{")
            .fails(3, REDIRECT),
    ]);
    cases
}

#[test]
fn whatever_the_redirect_nobody_is_called() {
    run(cases());
}
