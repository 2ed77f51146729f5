//! The checks of a host. All results come from one GET request, which changes nothing.

use std::time::Duration;

use serde::de::IgnoredAny;

use super::report::{Check, CheckResult};
use crate::config::{Config, OIDC_HOST, RIP_HOST, V2API_HOST};
use crate::error::Error;
use crate::http::{Action, Http, Request, Response, TransportError};
use crate::machine::clock::Clock;
use crate::net::connect_error::Stage;
use crate::net::url::Url;
use crate::oauth::provider::DISCOVERY;
use crate::platform::environment;
use crate::platform::{USER_INFO, USERS_ME};
use crate::token::Token;

/// In the order of [`Stage`].
const CHECKS: [&str; 5] = ["DNS", "connection", "TLS", "response", "captive portal"];
const CAPTIVE_PORTAL: usize = 4;

/// A host, and what to request from it.
pub struct Target {
    url: Url,
    /// Whether the host accepts the token, and rejects requests without one.
    needs_token: bool,
    /// Whether the response shows if the token is valid.
    pub checks_token: bool,
}

impl Target {
    fn new(key: &str, host: &Url) -> Self {
        let path = match key {
            RIP_HOST => USER_INFO,
            V2API_HOST => USERS_ME,
            _ => DISCOVERY,
        };
        Target {
            url: host.join(path),
            needs_token: key != OIDC_HOST,
            checks_token: key == RIP_HOST,
        }
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Host and port.
    pub fn name(&self) -> &str {
        self.url.authority()
    }

    /// Whether the response is from the API. Without a token, it may be a rejection.
    fn is_from_api(&self, response: &Response) -> bool {
        let is_rejection = response.is_rejection() && !response.is_unknown_endpoint();
        let is_object = response.is_success() && response.object::<IgnoredAny>().is_ok();
        is_object || (self.needs_token && is_rejection)
    }

    /// The checks with these outcomes. The rest is skipped for `reason`.
    fn checks(&self, outcomes: Vec<CheckResult>, reason: &str) -> Vec<Check> {
        let rest = std::iter::repeat_with(|| CheckResult::Skip(reason.to_owned()));
        let outcomes = outcomes.into_iter().chain(rest);
        let checks = CHECKS.into_iter().zip(outcomes);
        checks.map(|(name, outcome)| Check::for_host(name, self.name(), outcome)).collect()
    }

    pub fn skip(&self, reason: &str) -> Vec<Check> {
        self.checks(Vec::new(), reason)
    }
}

/// The distinct hosts in the config file, and the error for an invalid host key.
pub fn targets(config: &Config, http: &Http) -> (Vec<Target>, Option<Error>) {
    let (mut targets, mut invalid) = (Vec::<Target>::new(), None);
    for key in [OIDC_HOST, RIP_HOST, V2API_HOST] {
        let host = match environment::host(config, http, key) {
            Ok(host) => host,
            Err(error) => {
                invalid.get_or_insert(error);
                continue;
            }
        };
        let target = Target::new(key, &host);
        match targets.iter_mut().find(|known| known.url.same_origin(&host)) {
            None => targets.push(target),
            Some(known) if target.checks_token => *known = target,
            Some(_) => {}
        }
    }
    (targets, invalid)
}

/// Checks a host for at most `timeout`. Also returns its response, if there is a usable one.
pub fn check(
    http: &Http,
    clock: &dyn Clock,
    target: &Target,
    token: Option<&Token>,
    timeout: Duration,
) -> (Vec<Check>, Option<Response>) {
    if http.check_settings(&target.url).is_err() {
        return (target.skip("proxies or certificates failed"), None);
    }
    let start = clock.now();
    let bearer = token.filter(|_| target.checks_token).map(|token| &**token);
    let request = Request { bearer, timeout, ..Request::new(&target.url, Action::Get) };
    let result = http.send_once(&request);
    let took = clock.now().saturating_sub(start);
    let mut outcomes = passed(http, &target.url);
    if result.is_ok() {
        outcomes.push(CheckResult::Ok(format!("after {} ms", took.as_millis())));
        outcomes.push(CheckResult::Ok("none".to_owned()));
    }
    match fault(target, result) {
        Ok(response) => (target.checks(outcomes, ""), Some(response)),
        Err((failed, error)) => {
            outcomes.truncate(failed);
            outcomes.push(CheckResult::Fail(error));
            let name = CHECKS.get(failed).copied().unwrap_or_default();
            (target.checks(outcomes, &format!("{name} failed")), None)
        }
    }
}

/// The outcomes of DNS, connection and TLS if none of them failed.
fn passed(http: &Http, url: &Url) -> Vec<CheckResult> {
    let has_proxy = http.proxy(url).is_ok_and(|proxy| proxy.is_some());
    let dns = match http.addresses(url).first() {
        Some(address) => CheckResult::Ok(address.to_string()),
        None if has_proxy => CheckResult::Skip("resolved by the proxy".to_owned()),
        None => CheckResult::Ok("needs no lookup".to_owned()),
    };
    let connection = if has_proxy { "through the proxy" } else { "direct" };
    let tls = match url.is_https() {
        true => CheckResult::Ok("trusted".to_owned()),
        false => CheckResult::Skip("plain http".to_owned()),
    };
    vec![dns, CheckResult::Ok(connection.to_owned()), tls]
}

/// The response, or the index of the check that failed in [`CHECKS`] and its error.
fn fault(
    target: &Target,
    result: Result<Response, TransportError>,
) -> Result<Response, (usize, Error)> {
    let response = result.map_err(|failure| (failure.stage() as usize, failure.into_finding()))?;
    if !response.is_from_portal() && target.is_from_api(&response) {
        return Ok(response);
    }
    let check = match response.is_from_portal() {
        true => CAPTIVE_PORTAL,
        false => Stage::Response as usize,
    };
    let fact = format!("{} answered with {}", response.host, response.summary());
    Err((check, response.unusable_error(&fact)))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::rc::Rc;

    use super::*;
    use crate::machine::clock::SystemClock;
    use crate::machine::env::Env;
    use crate::machine::notice::Notice;
    use crate::machine::random::Fraction;
    use crate::machine::trace::Trace;

    #[test]
    fn silent_host_fails_when_the_limit_has_passed() {
        let timeout = Duration::from_millis(50);
        for (scheme, name) in [("http", "response"), ("https", "TLS")] {
            let silent = TcpListener::bind("127.0.0.1:0").unwrap();
            let host = format!("{scheme}://{}", silent.local_addr().unwrap());
            let random = Rc::new(Fraction::default);
            let http = Http::new(
                &Env::default(),
                Rc::new(SystemClock),
                random,
                Trace::default(),
                Notice::default(),
            );
            let target = Target::new(RIP_HOST, &Url::parse(&host, false).unwrap());
            let start = SystemClock.now();
            let (checks, response) = check(&http, &SystemClock, &target, None, timeout);
            let took = SystemClock.now() - start;
            assert!((timeout..timeout * 40).contains(&took), "{took:?}");
            assert!(response.is_none());
            let mut failed = checks.iter().filter(|check| check.error().is_some());
            let failed = failed.next().unwrap();
            assert_eq!(failed.name, name);
            let error = failed.error().unwrap();
            assert!(error.fact().ends_with("did not respond in time"), "{error:?}");
        }
    }
}
