//! The login server: discovery, and the device flow of RFC 8628.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::backend::{Backend, DAY, HOUR};
use crate::jwt::{jwt, random, random_token};
use crate::{Answer, Call, Request};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Both cases, as in Hydra, without letters that look like another letter or a digit.
const USER_CODE_LETTERS: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz";

/// How early a poll may come, because timers and networks are not exact.
const LEEWAY: Duration = Duration::from_millis(50);

/// A device authorization.
pub(crate) struct DeviceAuthorization {
    pub(crate) user_code: String,
    pub(crate) client_id: String,
    pub(crate) user_agent: String,
    pub(crate) peer: SocketAddr,
    pub(crate) requested: Instant,
    pub(crate) decision: Decision,
    device_code: String,
    lifetime: Duration,
    interval: Duration,
    last_poll: Option<Instant>,
    pending_polls: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Decision {
    Pending,
    Approved,
    Denied,
    /// Approved, and the device has its tokens.
    Used,
}

impl Backend {
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
        let grant = DeviceAuthorization {
            user_code: random(8, USER_CODE_LETTERS),
            client_id: client_id.clone(),
            user_agent: request.header("User-Agent").unwrap_or("unknown").into(),
            peer: request.peer,
            requested: Instant::now(),
            decision: Decision::Pending,
            device_code: random_token(),
            lifetime: Duration::from_secs(self.expires_in),
            interval: Duration::from_secs(self.interval),
            last_poll: None,
            pending_polls: 0,
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
            .poll(self.allow_early_polls, self.approve_after)?;
        let claims = self.claims(client_id);
        Ok(self.tokens(claims))
    }

    /// The claims of an id_token for the first user, with a new valid `rio_token`.
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

    /// A successful token response, with an id_token that has these claims.
    pub(crate) fn tokens(&self, claims: Value) -> Value {
        json!({
            "access_token": random_token(),
            "token_type": "bearer",
            "expires_in": HOUR,
            "scope": "openid email",
            "id_token": id_token(claims),
        })
    }

    /// The newest pending device authorization.
    pub(crate) fn newest_pending(&mut self) -> Option<&mut DeviceAuthorization> {
        let mut newest_first = self.grants.iter_mut().rev();
        newest_first.find(|grant| grant.decision == Decision::Pending && !grant.is_expired())
    }
}

impl DeviceAuthorization {
    pub(crate) fn is_expired(&self) -> bool {
        self.requested.elapsed() >= self.lifetime
    }

    fn poll(
        &mut self,
        allow_early_polls: bool,
        approve_after: Option<usize>,
    ) -> Result<(), &'static str> {
        let last = self.last_poll.replace(Instant::now());
        let early = last.is_some_and(|last| last.elapsed() + LEEWAY < self.interval);
        if self.is_expired() {
            return Err("expired_token");
        }
        if early && !allow_early_polls {
            // For this and all later polls (RFC 8628 §3.5).
            self.interval = self.interval.saturating_add(Duration::from_secs(5));
            return Err("slow_down");
        }
        if self.decision == Decision::Pending
            && approve_after.is_some_and(|n| self.pending_polls >= n)
        {
            self.decision = Decision::Approved;
        }
        match self.decision {
            Decision::Pending => {
                self.pending_polls += 1;
                Err("authorization_pending")
            }
            Decision::Denied => Err("access_denied"),
            Decision::Used => Err("invalid_grant"),
            Decision::Approved => {
                self.decision = Decision::Used;
                Ok(())
            }
        }
    }
}

/// An id_token with these claims.
pub(crate) fn id_token(claims: Value) -> String {
    jwt(json!({"alg": "RS256", "typ": "JWT", "kid": "fake-1"}), claims)
}

/// The fields of an OAuth request. None may be repeated (RFC 6749 §3.2).
fn form(request: &Request) -> Result<HashMap<String, String>, &'static str> {
    let media_type = request.header("Content-Type").unwrap_or_default();
    if !media_type.starts_with("application/x-www-form-urlencoded") {
        return Err("invalid_request");
    }
    let mut fields = HashMap::new();
    for (name, value) in request.form() {
        // An empty value counts as absent (RFC 6749 §3.2).
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
