//! The login server's responses. The parts of the input are the responses to discovery, to the device
//! authorization request, and to each poll. The device code is the sentinel, so a message that repeats it
//! is found.

#![no_main]

use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use rio::http::{Http, Response};
use rio::machine::clock::SystemClock;
use rio::machine::env::Env;
use rio::machine::notice::Notice;
use rio::machine::random::Fraction;
use rio::machine::trace::Trace;
use rio::net::url::Url;
use rio::oauth::device_flow::{DeviceAuthorization, Polling};
use rio::oauth::provider::Provider;
use rio::secret::Secret;
use rio::text;
use ureq::Body;

const STATUS: [u16; 16] =
    [200, 400, 401, 403, 428, 429, 500, 502, 503, 302, 404, 204, 201, 408, 425, 599];
const HOST: &str = "https://oidc.example";
const NOW: u64 = 1_800_000_000;

/// The first byte selects the status and which headers follow, one a line. The rest is the body.
fn response(url: &Url, part: &[u8]) -> Option<Response> {
    let (kind, mut rest) = part.split_first()?;
    let mut response = ureq::http::Response::builder().status(STATUS[usize::from(kind & 15)]);
    for (bit, name) in [(16, "content-type"), (32, "retry-after"), (64, "date")] {
        if kind & bit != 0 {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            response = response.header(name, &rest[..end]);
            rest = &rest[end + 1..];
        }
    }
    let response = response.body(Body::builder().data(rest)).ok()?;
    Some(Response::read(url, response, UNIX_EPOCH + Duration::from_secs(NOW)))
}

fn check_authorization(authorization: &DeviceAuthorization) {
    assert!(!authorization.device_code.is_empty());
    assert!(!authorization.user_code.trim().is_empty());
    assert!(authorization.user_code.chars().all(text::is_printable));
    for page in
        [Some(&authorization.verification_uri), authorization.verification_uri_complete.as_ref()]
    {
        let page = page.unwrap_or(&authorization.verification_uri);
        let scheme = page.split(':').next().unwrap().to_ascii_lowercase();
        assert!(scheme == "https" || scheme == "http", "{page:?}");
        assert!(page.bytes().all(|byte| byte.is_ascii_graphic()), "{page:?}");
    }
    assert!(!authorization.interval.is_zero() && !authorization.expires_in.is_zero());
    assert!(authorization.interval < authorization.expires_in.max(Duration::from_secs(6)));
}

fuzz_target!(|input: &[u8]| {
    let host = Url::parse(HOST, false).unwrap();
    let mut responses = fuzz::parts(input).map_while(|part| response(&host, part));
    let (clock, random) = (Rc::new(SystemClock), Rc::new(Fraction::default));
    let http = Http::new(&Env::default(), clock, random, Trace::default(), Notice::default());
    let Some(discovery) = responses.next() else { return };
    let provider = match Provider::from_response(&http, &host, "rio-cli", &discovery) {
        Ok(provider) => provider,
        Err(_) => return,
    };
    // Errors name the host of the endpoint, so it must not contain the sentinel itself.
    if provider.identity().concat().contains(fuzz::SENTINEL) {
        return;
    }
    let Some(response) = responses.next() else { return };
    let authorization = match provider.read_device_authorization(&response) {
        Ok(authorization) => authorization,
        Err(_) => return,
    };
    check_authorization(&authorization);

    let device_code = Secret::new(fuzz::SENTINEL);
    let mut now = Duration::from_secs(1000);
    let mut polling = Polling::new(authorization.clone(), Duration::ZERO, now);
    let end = now + authorization.expires_in;
    for response in responses {
        assert!(
            polling.wait() >= polling.interval() && polling.interval() >= authorization.interval
        );
        now += polling.wait();
        assert!(now <= end + Duration::from_secs(6), "a poll long after the code expired");
        let random = Fraction::new((response.size() as u32).wrapping_mul(0x9e37_79b9));
        let poll = provider.read_poll(&response, &device_code);
        match polling.receive(poll, response.retry_after, now, random) {
            Ok(None) => {
                if let Some(failure) = polling.failure() {
                    fuzz::check_text(&failure.reason);
                }
            }
            Err(error) => return fuzz::check_error(&error),
            Ok(Some(id_token)) => {
                if let Err(error) = provider.validate(&id_token, NOW) {
                    fuzz::check_error(&error);
                }
                return;
            }
        }
    }
});
