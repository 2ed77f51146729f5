//! The calls with passwords and tokens: RIP and the v2 API. Some members are only for the Python `rio`, which fails
//! without them.

use serde_json::{Value, json};

use crate::backend::{Backend, DAY, HOUR};
use crate::{Answer, Organization, Request};

/// An error status, and the error in the body.
pub(crate) struct Refusal(u16, &'static str);

const BAD_TOKEN: Refusal = Refusal(401, "the token is not valid");

pub(crate) fn answer(result: Result<Value, Refusal>) -> Answer {
    match result {
        Ok(body) => Answer::json(200, body),
        Err(Refusal(status, error)) => Answer::json(status, json!({"error": error})),
    }
}

impl Backend {
    pub(crate) fn user_login(&mut self, request: &Request) -> Result<Value, Refusal> {
        let lifetime = match request.param("type").as_deref() {
            Some("low") => 24 * HOUR,
            Some("med") => 7 * DAY,
            Some("high") => 30 * DAY,
            _ => return Err(Refusal(400, "type must be low, med or high")),
        };
        let credentials = request.json();
        let mut users = self.world.users.iter();
        let email = users
            .find(|user| {
                credentials["email"] == user.email && credentials["password"] == user.password
            })
            .map(|user| user.email.clone())
            .ok_or(Refusal(401, "wrong email or password"))?;
        Ok(json!({"data": {"token": self.issue(&email, lifetime)}}))
    }

    pub(crate) fn refresh_token(&mut self, request: &Request) -> Result<Value, Refusal> {
        let body = request.json();
        let token = body["token"].as_str().ok_or(Refusal(400, "no token"))?;
        let email = self.user_of(token).ok_or(BAD_TOKEN)?.to_owned();
        if self.rotates_tokens {
            self.tokens.remove(token);
        }
        let token = self.issue(&email, self.token_lifetime);
        Ok(json!({"data": {&self.refreshed_as: token}}))
    }

    pub(crate) fn user_info(&self, request: &Request) -> Result<Value, Refusal> {
        Ok(json!({"data": {"email": self.bearer(request)?}}))
    }

    pub(crate) fn user_logout(&mut self, request: &Request) -> Result<Value, Refusal> {
        let token = token(request).ok_or(BAD_TOKEN)?;
        self.tokens.remove(token).ok_or(BAD_TOKEN)?;
        Ok(json!({"data": {}}))
    }

    pub(crate) fn users_me(&self, request: &Request) -> Result<Value, Refusal> {
        let email = self.bearer(request)?;
        let organizations = self.world.organizations.iter();
        let organizations: Vec<Value> = organizations.map(describe).collect();
        Ok(json!({
            "metadata": {"name": email},
            "spec": {"emailID": email, "organizations": organizations},
        }))
    }

    pub(crate) fn projects(&self, request: &Request) -> Result<Value, Refusal> {
        self.bearer(request)?;
        let guid = request.param("organizations").unwrap_or_default();
        let mut organizations = self.world.organizations.iter();
        organizations
            .find(|organization| organization.guid == guid)
            .map(|organization| project_page(organization, request))
            .ok_or(Refusal(404, "no such organization"))
    }

    /// The email of the user whose token the request carries.
    fn bearer(&self, request: &Request) -> Result<&str, Refusal> {
        token(request).and_then(|token| self.user_of(token)).ok_or(BAD_TOKEN)
    }
}

fn token(request: &Request) -> Option<&str> {
    request.header("Authorization")?.strip_prefix("Bearer ")
}

fn describe(organization: &Organization) -> Value {
    json!({
        "guid": organization.guid,
        "name": organization.name,
        "shortGUID": organization.short_guid,
        "roleNames": [],
    })
}

fn project_page(organization: &Organization, request: &Request) -> Value {
    let number = |name| request.param(name).and_then(|value| value.parse().ok());
    let start = number("continue").unwrap_or(0);
    let wanted = request.param("name");
    let items: Vec<Value> = organization
        .projects
        .iter()
        .filter(|project| wanted.as_ref().is_none_or(|name| project.name == *name))
        .skip(start)
        .take(number("limit").unwrap_or(50))
        .map(
            |project| json!({"metadata": {"guid": project.guid, "name": project.name}, "spec": {}}),
        )
        .collect();
    json!({"metadata": {"continue": start.saturating_add(items.len())}, "items": items})
}
