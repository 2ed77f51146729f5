//! The login server: discovery, and the device flow of RFC 8628.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::jwt::{jwt, random, random_token};
use crate::live::{DAY, HOUR, Live};
use crate::{Answer, Call, Request};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Both cases, as Hydra draws them; without the letters that are mistaken for another or for a digit.
const USER_CODE_LETTERS: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz";

/// So much may a poll come early, for timers and networks that are not exact.
const LEEWAY: Duration = Duration::from_millis(50);

/// A device authorization, from the request of the device to the end of its code.
pub(crate) struct Grant {
    pub(crate) user_code: String,
    pub(crate) client_id: String,
    pub(crate) user_agent: String,
    pub(crate) peer: SocketAddr,
    pub(crate) asked: Instant,
    pub(crate) verdict: Verdict,
    device_code: String,
    lifetime: Duration,
    interval: Duration,
    polled: Option<Instant>,
    pendings: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    Pending,
    Approved,
    Denied,
    /// Approved, and the tokens were fetched.
    Used,
}

impl Live {
    pub(crate) fn discovery(&self) -> Answer {
        let url = &self.url;
        let metadata = json!({
            "issuer": url,
            "device_authorization_endpoint": format!("{url}{}", Call::DeviceAuthorization.path()),
            "token_endpoint": format!("{url}{}", Call::Token.path()),
            "grant_types_supported": [DEVICE_CODE],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        Answer::json(200, metadata)
    }

    pub(crate) fn device_authorization(&mut self, request: &Request) -> Answer {
        oauth(self.grant(request))
    }

    pub(crate) fn token(&mut self, request: &Request) -> Answer {
        oauth(self.redeem(request))
    }

    fn grant(&mut self, request: &Request) -> Result<Value, &'static str> {
        let form = form(request)?;
        let client_id = form.get("client_id").ok_or("invalid_request")?;
        let scope = form.get("scope").ok_or("invalid_scope")?;
        if !["openid", "email"].iter().all(|part| scope.split(' ').any(|scope| scope == *part)) {
            return Err("invalid_scope");
        }
        let grant = Grant {
            user_code: random(8, USER_CODE_LETTERS),
            client_id: client_id.clone(),
            user_agent: request.header("User-Agent").unwrap_or("not told").into(),
            peer: request.peer,
            asked: Instant::now(),
            verdict: Verdict::Pending,
            device_code: random_token(),
            lifetime: Duration::from_secs(self.expires_in),
            interval: Duration::from_secs(self.interval),
            polled: None,
            pendings: 0,
        };
        let verification_uri = format!("{}/device", self.url);
        let answer = json!({
            "device_code": grant.device_code,
            "user_code": grant.user_code,
            "verification_uri_complete": format!("{verification_uri}?user_code={}", grant.user_code),
            "verification_uri": verification_uri,
            "expires_in": self.expires_in,
            "interval": self.interval,
        });
        self.grants.push(grant);
        Ok(answer)
    }

    fn redeem(&mut self, request: &Request) -> Result<Value, &'static str> {
        let form = form(request)?;
        let field = |name| form.get(name).ok_or("invalid_request");
        if field("grant_type")? != DEVICE_CODE {
            return Err("unsupported_grant_type");
        }
        let (client_id, device_code) = (field("client_id")?, field("device_code")?);
        self.grants
            .iter_mut()
            .find(|grant| grant.device_code == *device_code && grant.client_id == *client_id)
            .ok_or("invalid_grant")?
            .poll(self.lenient, self.approve_after)?;
        let claims = self.claims(client_id);
        Ok(self.tokens(claims))
    }

    /// The claims of the first user's id_token, a new live `rio_token` among them.
    pub(crate) fn claims(&mut self, client_id: &str) -> Value {
        let now = self.now();
        let email = self.first_user().email.clone();
        json!({
            "iss": self.url,
            "sub": "8c1ff1ab-6c3d-4f0e-9a51-3b1f0d9f2a77",
            "aud": [client_id],
            "iat": now,
            "exp": now + HOUR,
            "email": email,
            "email_verified": true,
            "rio_token": self.issue(&email, 7 * DAY),
        })
    }

    /// What the token endpoint answers when all is well, with an id_token of these claims.
    pub(crate) fn tokens(&self, claims: Value) -> Value {
        json!({
            "access_token": random_token(),
            "token_type": "bearer",
            "expires_in": HOUR,
            "scope": "openid email",
            "id_token": id_token(claims),
        })
    }

    /// The newest device authorization that waits for the user.
    pub(crate) fn newest_pending(&mut self) -> Option<&mut Grant> {
        let mut newest_first = self.grants.iter_mut().rev();
        newest_first.find(|grant| grant.verdict == Verdict::Pending && !grant.is_over())
    }
}

impl Grant {
    pub(crate) fn is_over(&self) -> bool {
        self.asked.elapsed() >= self.lifetime
    }

    fn poll(&mut self, lenient: bool, approve_after: Option<usize>) -> Result<(), &'static str> {
        let last = self.polled.replace(Instant::now());
        let early = last.is_some_and(|last| last.elapsed() + LEEWAY < self.interval);
        if self.is_over() {
            return Err("expired_token");
        }
        if early && !lenient {
            // RFC 8628 §3.5: for this and all later polls.
            self.interval = self.interval.saturating_add(Duration::from_secs(5));
            return Err("slow_down");
        }
        if self.verdict == Verdict::Pending && approve_after.is_some_and(|n| self.pendings >= n) {
            self.verdict = Verdict::Approved;
        }
        match self.verdict {
            Verdict::Pending => {
                self.pendings += 1;
                Err("authorization_pending")
            }
            Verdict::Denied => Err("access_denied"),
            Verdict::Used => Err("invalid_grant"),
            Verdict::Approved => {
                self.verdict = Verdict::Used;
                Ok(())
            }
        }
    }
}

/// An id_token of these claims, as the login server would sign it.
pub(crate) fn id_token(claims: Value) -> String {
    jwt(json!({"alg": "RS256", "typ": "JWT", "kid": "fake-1"}), claims)
}

/// The fields of an OAuth request, none of which may come twice (RFC 6749 §3.2).
fn form(request: &Request) -> Result<HashMap<String, String>, &'static str> {
    let media_type = request.header("Content-Type").unwrap_or_default();
    if !media_type.starts_with("application/x-www-form-urlencoded") {
        return Err("invalid_request");
    }
    let mut fields = HashMap::new();
    for (name, value) in request.form() {
        // An empty value is the same as none (RFC 6749 §3.2).
        if !value.is_empty() && fields.insert(name, value).is_some() {
            return Err("invalid_request");
        }
    }
    Ok(fields)
}

fn oauth(result: Result<Value, &'static str>) -> Answer {
    let answer = match result {
        Ok(body) => Answer::json(200, body),
        Err(error) => Answer::json(400, json!({"error": error})),
    };
    answer.header("Cache-Control", "no-store")
}
