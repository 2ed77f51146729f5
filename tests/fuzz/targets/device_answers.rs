//! The login server's answers: the parts are what discovery, the request for a code and then each poll
//! bring, as the program reads them. The device code of the polls is the sentinel, so that what a server
//! repeats of it is found.

#![no_main]

use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use rio::host::clock::SystemClock;
use rio::host::env::Env;
use rio::host::random::Fraction;
use rio::host::trace::Trace;
use rio::http::{Http, Response, Url};
use rio::oauth::device_flow::{Grant, Next, Poll};
use rio::oauth::provider::{self, Provider};
use rio::secret::Secret;
use rio::text;
use ureq::Body;
use ureq::http::Response;

const STATUS: [u16; 16] =
    [200, 400, 401, 403, 428, 429, 500, 502, 503, 302, 404, 204, 201, 408, 425, 599];
const HOST: &str = "https://oidc.example";
const NOW: u64 = 1_800_000_000;

/// The first byte says what is before the body: a status, and a line each for some headers.
fn response(part: &[u8]) -> Option<Response> {
    let (kind, mut rest) = part.split_first()?;
    let mut response = Response::builder().status(STATUS[usize::from(kind & 15)]);
    for (bit, name) in [(16, "content-type"), (32, "retry-after"), (64, "date")] {
        if kind & bit != 0 {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            response = response.header(name, &rest[..end]);
            rest = &rest[end + 1..];
        }
    }
    let response = response.body(Body::builder().data(rest)).ok()?;
    Some(Response::read("oidc.example", response, UNIX_EPOCH + Duration::from_secs(NOW)))
}

fn check_grant(grant: &Grant) {
    assert!(!grant.device_code.is_empty());
    assert!(!grant.user_code.trim().is_empty());
    assert!(grant.user_code.chars().all(text::is_printable));
    for page in [Some(&grant.verification_uri), grant.verification_uri_complete.as_ref()] {
        let page = page.unwrap_or(&grant.verification_uri);
        let scheme = page.split(':').next().unwrap().to_ascii_lowercase();
        assert!(scheme == "https" || scheme == "http", "{page:?}");
        assert!(page.bytes().all(|byte| byte.is_ascii_graphic()), "{page:?}");
    }
    assert!(!grant.interval.is_zero() && !grant.expires_in.is_zero());
    assert!(grant.interval < grant.expires_in.max(Duration::from_secs(6)));
}

fuzz_target!(|input: &[u8]| {
    let mut replies = fuzz::parts(input).map_while(response);
    let (clock, random) = (Rc::new(SystemClock::start()), Rc::new(Fraction::default));
    let http = Http::new(&Env::default(), clock, chance, Trace::default());
    let host = Url::parse(HOST, false).unwrap();
    let Some(discovery) = replies.next() else { return };
    let provider = match Provider::read(&http, &host, "rio-cli", &discovery) {
        Ok(provider) => provider,
        Err(_) => return,
    };
    // Who puts the code into the name of its own host, which errors name, has given it away already.
    if provider.parties().token_endpoint.contains(fuzz::SENTINEL) {
        return;
    }
    let Some(answer) = replies.next() else { return };
    let grant = match provider.read_grant(&answer) {
        Ok(grant) => grant,
        Err(_) => return,
    };
    check_grant(&grant);

    let device_code = Secret::new(fuzz::SENTINEL);
    let mut now = Duration::from_secs(1000);
    let mut poll = Poll::new(grant.expires_in, grant.interval, now);
    let end = now + grant.expires_in;
    for response in replies {
        match poll.next(now) {
            Next::GiveUp(wait) => {
                assert!(now + wait <= end);
                return fuzz::check_error(&poll.expired());
            }
            Next::Poll(wait) => {
                assert!(wait > grant.interval, "never sooner than the interval");
                now += wait;
            }
        }
        assert!(now <= end + Duration::from_secs(6), "never long after the end");
        let share = Fraction::new((response.size() as u32).wrapping_mul(0x9e37_79b9));
        match poll.receive(oidc::read_poll(&response, &device_code), now, share) {
            Ok(None) => poll.trouble().into_iter().for_each(fuzz::check_words),
            Err(error) => return fuzz::check_error(&error),
            Ok(Some(id_token)) => {
                match provider.accept(&id_token, NOW) {
                    Ok(claims) => assert!(claims.rio_token.is_visible_ascii()),
                    Err(error) => fuzz::check_error(&error),
                }
                return;
            }
        }
    }
});
