//! The platform's own API: tokens (RIP), organizations and projects (v2), as in `protocol.md`.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::hosts::Hosts;
use crate::error::Error;
use crate::http::{Action, Http, Request, Response};
use crate::json::{self, Object};
use crate::secret::Secret;
use crate::token::Token;

/// How long the server may take to hear of a logout.
const LOGOUT_LIMIT: Duration = Duration::from_secs(5);
/// Projects a page.
const PAGE: usize = 100;
/// Ten thousand projects; a server that has not come to an end by then never will.
const MOST_PAGES: usize = 100;

/// How long a token lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// 24 hours.
    Low,
    /// 7 days.
    Medium,
    /// 30 days.
    High,
}

impl Level {
    /// Reads the number that the user gives.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Level::Low),
            "1" => Some(Level::Medium),
            "2" => Some(Level::High),
            _ => None,
        }
    }

    /// The value of `type` in `/user/login?type=`.
    fn wire(self) -> &'static str {
        match self {
            Level::Low => "low",
            Level::Medium => "med",
            Level::High => "high",
        }
    }
}

/// An organization that the user belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Organization {
    /// `org-...`
    #[serde(deserialize_with = "guid")]
    pub guid: String,
    /// What people call it.
    pub name: String,
    /// Five letters.
    #[serde(rename = "shortGUID", default)]
    pub short_guid: Option<String>,
}

/// A project of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// `project-...`
    #[serde(deserialize_with = "guid")]
    pub guid: String,
    /// What people call it.
    pub name: String,
}

/// What the server says of a token.
pub struct Verdict {
    /// Whether it is good.
    pub accepted: bool,
    /// The server's clock, if it tells it.
    pub date: Option<SystemTime>,
}

/// The platform, by its hosts.
pub struct Platform<'a> {
    /// Speaks to it.
    pub http: &'a Http,
    /// Where it is.
    pub hosts: &'a Hosts,
}

#[derive(Serialize)]
struct Credentials<'a> {
    email: &'a str,
    password: &'a str,
}

#[derive(Serialize)]
struct OldToken<'a> {
    token: &'a str,
}

#[derive(Deserialize)]
struct Data<T> {
    data: Object<T>,
}

/// The platform spells it either way.
#[derive(Deserialize)]
struct NewToken {
    token: Option<String>,
    #[serde(rename = "Token")]
    capital_token: Option<String>,
}

#[derive(Deserialize)]
struct UserInfo {
    email: String,
}

#[derive(Deserialize)]
struct Me {
    spec: Object<Members>,
}

#[derive(Deserialize)]
struct Members {
    #[serde(deserialize_with = "null_is_empty")]
    organizations: Vec<Object<Organization>>,
}

#[derive(Deserialize)]
struct ProjectPage {
    metadata: Option<Object<PageMetadata>>,
    #[serde(deserialize_with = "null_is_empty")]
    items: Vec<Object<ProjectItem>>,
}

/// Where the next page begins matters only if there is one, so it may be anything.
#[derive(Deserialize)]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct ProjectItem {
    metadata: Object<Project>,
}

/// An empty list may come as null; one that is not there at all is another answer than was asked for.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A blank GUID would select nothing, and ask for the projects of nobody, or of everybody.
fn guid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let guid = String::deserialize(deserializer)?;
    if guid.trim().is_empty() { Err(D::Error::custom("a blank GUID")) } else { Ok(guid) }
}

impl Platform<'_> {
    /// A new token for an email and a password.
    pub fn login(&self, email: &str, password: &Secret, level: Level) -> Result<Token, Error> {
        let url = self.hosts.rip()?.join("/user/login");
        let credentials = Credentials { email, password: password.expose() };
        let query = [("type", level.wire())];
        let response = self
            .http
            .send(&Request { query: &query, ..Request::new(&url, post_json(&credentials)) })?;
        if response.is_rejection() {
            let refusal = response.refusal(&format!("the login of {email}"), &[password]);
            return Err(refusal.advise(
                "Check email and password, and try again. An account that signs in through SSO has no \
                 password: run `rio auth login`.",
            ));
        }
        token_of(&response, "the login", password)
    }

    /// A new token for an old one; `None` if the server says that the old one is no longer good.
    pub fn refresh(&self, token: &Token) -> Result<Option<Token>, Error> {
        let url = self.hosts.rip()?.join("/refreshtoken");
        let old = OldToken { token: token.expose() };
        let response = self.http.send(&Request::new(&url, post_json(&old)))?;
        if response.is_rejection() {
            return Ok(None);
        }
        token_of(&response, "the refreshing of the token", token).map(Some)
    }

    /// The email of the account that a token belongs to.
    pub fn user_info(&self, token: &Token) -> Result<String, Error> {
        let url = self.hosts.rip()?.join("/user/info");
        let response = self.http.send(&Request::get(&url, token))?;
        if response.is_rejection() {
            return Err(response.refusal("the token", &[token]));
        }
        let info: Data<UserInfo> = response.success("the check of the token", &[token])?;
        Ok(info.data.0.email)
    }

    /// Whether the server accepts a token, and what its clock reads.
    pub fn verify(&self, token: &Token) -> Result<Verdict, Error> {
        let url = self.hosts.rip()?.join("/user/info");
        let response = self.http.send(&Request::get(&url, token))?;
        // A server without such a page is not the one to say anything of the token.
        let refused = response.is_rejection() && response.status != 404;
        if !refused {
            let read = response.success::<Data<UserInfo>>("the check of the token", &[token]);
            read.map_err(Error::into_temporary)?;
        }
        Ok(Verdict { accepted: !refused, date: response.date })
    }

    /// Makes the token useless; asked once, and not for long.
    pub fn logout(&self, token: &Token) -> Result<(), Error> {
        let url = self.hosts.rip()?.join("/user/logout");
        let request = Request {
            limit: Some(LOGOUT_LIMIT),
            bearer: Some(token),
            ..Request::new(&url, Action::Post)
        };
        let response = self.http.send_once(&request).map_err(Error::from)?;
        // A token that is no longer good needs no logout.
        let dead = response.is_rejection() && matches!(response.status, 401 | 403);
        // A captive portal says 200 to anything.
        let ended = dead || (response.is_success() && !response.is_web_page());
        if ended { Ok(()) } else { Err(response.refusal("the logout", &[token])) }
    }

    /// The organizations of the user, as the server orders them.
    pub fn organizations(&self, token: &Token) -> Result<Vec<Organization>, Error> {
        let url = self.hosts.v2api()?.join("/v2/users/me/");
        let response = self.http.send(&Request::get(&url, token))?;
        let me: Me = response.success("the request for the organizations", &[token])?;
        Ok(me.spec.0.organizations.into_iter().map(|Object(one)| one).collect())
    }

    /// The projects of an organization; with a name, those of exactly that name.
    pub fn projects(
        &self,
        token: &Token,
        organization: &Organization,
        name: Option<&str>,
    ) -> Result<Vec<Project>, Error> {
        let mut projects = Vec::new();
        let mut next = 0;
        for _ in 0..MOST_PAGES {
            let page = self.project_page(token, organization, name, next)?;
            let full = page.items.len() >= PAGE;
            projects.extend(page.items.into_iter().map(|Object(item)| item.metadata.0));
            let following = page.metadata.and_then(|Object(metadata)| metadata.next);
            let following = following.and_then(|next| json::whole_number(&next));
            let following = following.unwrap_or_default();
            if !full || following <= next {
                break;
            }
            next = following;
        }
        Ok(projects)
    }

    fn project_page(
        &self,
        token: &Token,
        organization: &Organization,
        name: Option<&str>,
        next: u64,
    ) -> Result<ProjectPage, Error> {
        let url = self.hosts.v2api()?.join("/v2/projects/");
        let (next, limit) = (next.to_string(), PAGE.to_string());
        let mut query = vec![
            ("organizations", organization.guid.as_str()),
            ("continue", next.as_str()),
            ("limit", limit.as_str()),
        ];
        query.extend(name.map(|name| ("name", name)));
        let response = self.http.send(&Request { query: &query, ..Request::get(&url, token) })?;
        response.success("the request for the projects", &[token])
    }
}

fn post_json<T: Serialize>(body: &T) -> Action<'static> {
    // Structs of text always have a JSON form.
    Action::PostJson(Zeroizing::new(serde_json::to_string(body).unwrap_or_default()))
}

fn token_of(response: &Response, what: &str, secret: &Secret) -> Result<Token, Error> {
    let new: Data<NewToken> = response.success(what, &[secret])?;
    let Object(new) = new.data;
    let token = new.token.or(new.capital_token);
    token.and_then(|token| Token::parse(&token)).ok_or_else(|| response.unexpected(what))
}
