//! The platform's own API: tokens (RIP), organizations and projects (v2), as in `protocol.md`.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::{Config, ENVIRONMENT};
use crate::environment::{Environment, VALID_NAMES};
use crate::error::Error;
use crate::http::{Body, Http, Reply, Request, Url};
use crate::secret::Secret;

/// How long the server may take to hear of a logout.
const LOGOUT_LIMIT: Duration = Duration::from_secs(5);
/// Projects a page.
const PAGE: usize = 100;
/// A server that has not come to an end after so many pages never will.
const MOST_PAGES: usize = 1000;

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
    pub guid: String,
    /// What people call it.
    pub name: String,
    /// Five letters.
    #[serde(rename = "shortGUID", default)]
    pub short_guid: String,
}

/// A project of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// `project-...`
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

/// The base URLs of one deployment, from the config file and its environment's defaults.
pub struct Hosts {
    /// The login server.
    pub oidc: Url,
    rip: Url,
    v2api: Url,
}

impl Hosts {
    /// Reads the host keys; a wrong one is an error before anything is sent.
    pub fn of(config: &Config, http: &Http) -> Result<Self, Error> {
        let environment = environment_of(config)?;
        let host = |key: &str, default: String| {
            let text = config.text(key)?.unwrap_or(default);
            http.url(&text).map_err(|wrong| {
                Error::refused(
                    format!("{key} in the config file {wrong}"),
                    format!("Correct {key}, or take it out for the default."),
                )
            })
        };
        Ok(Hosts {
            oidc: host("oidc_host", environment.oidc_host())?,
            rip: host("rip_host", environment.rip_host())?,
            v2api: host("v2api_host", environment.v2api_host())?,
        })
    }
}

/// The environment that the config file names.
pub fn environment_of(config: &Config) -> Result<Environment, Error> {
    let Some(name) = config.text(ENVIRONMENT)? else { return Ok(Environment::Production) };
    Environment::parse(&name).ok_or_else(|| {
        Error::refused(
            "the config file names an environment that does not exist",
            format!("Run `rio auth environment NAME` with {VALID_NAMES}."),
        )
    })
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
    data: T,
}

#[derive(Deserialize)]
struct NewToken {
    #[serde(alias = "Token")]
    token: Secret,
}

#[derive(Deserialize)]
struct UserInfo {
    email: String,
}

#[derive(Deserialize)]
struct Me {
    spec: MeSpec,
}

#[derive(Deserialize)]
struct MeSpec {
    #[serde(default)]
    organizations: Vec<Organization>,
}

#[derive(Deserialize)]
struct ProjectPage {
    metadata: PageMetadata,
    items: Vec<ProjectItem>,
}

#[derive(Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: u64,
}

#[derive(Deserialize)]
struct ProjectItem {
    metadata: Project,
}

impl Platform<'_> {
    /// A new token for an email and a password.
    pub fn login(&self, email: &str, password: &Secret, level: Level) -> Result<Secret, Error> {
        let url = self.hosts.rip.join("/user/login");
        let credentials = Credentials { email, password: password.expose() };
        let query = [("type", level.wire())];
        let request = Request { query: &query, ..Request::post(&url, json(&credentials)) };
        let reply = self.http.send(&request)?;
        if reply.is_refusal() {
            let refusal = reply.refusal(&format!("email and password of {email}"), &[password]);
            return Err(refusal.advise(
                "Check both and try again. An account that signs in through SSO has no password: \
                 run `rio auth login`.",
            ));
        }
        token_of(&reply, "a token", password)
    }

    /// A new token for an old one; `None` if the server says that the old one is no longer good.
    pub fn refresh(&self, token: &Secret) -> Result<Option<Secret>, Error> {
        let url = self.hosts.rip.join("/refreshtoken");
        let reply =
            self.http.send(&Request::post(&url, json(&OldToken { token: token.expose() })))?;
        if reply.is_refusal() {
            return Ok(None);
        }
        token_of(&reply, "a new token for the stored one", token).map(Some)
    }

    /// The email of the account that a token belongs to.
    pub fn user_info(&self, token: &Secret) -> Result<String, Error> {
        let info: Data<UserInfo> = self.ask_user_info(token)?.expect("the token", &[token])?;
        Ok(info.data.email)
    }

    /// Whether the server accepts a token, and what its clock reads.
    pub fn verify(&self, token: &Secret) -> Result<Verdict, Error> {
        let reply = self.ask_user_info(token)?;
        if !reply.is_refusal() {
            reply.expect::<Data<UserInfo>>("the token", &[token])?;
        }
        Ok(Verdict { accepted: reply.is_success(), date: reply.date })
    }

    fn ask_user_info(&self, token: &Secret) -> Result<Reply, Error> {
        self.http.send(&Request::get(&self.hosts.rip.join("/user/info")).bearer(token))
    }

    /// Makes the token useless; asked once, and not for long.
    pub fn logout(&self, token: &Secret) -> Result<(), Error> {
        let url = self.hosts.rip.join("/user/logout");
        let request =
            Request { limit: Some(LOGOUT_LIMIT), ..Request::post(&url, Body::Empty).bearer(token) };
        let reply = self.http.send_once(&request).map_err(Error::from)?;
        if reply.is_success() { Ok(()) } else { Err(reply.refusal("the logout", &[token])) }
    }

    /// The organizations of the user, as the server orders them.
    pub fn organizations(&self, token: &Secret) -> Result<Vec<Organization>, Error> {
        let url = self.hosts.v2api.join("/v2/users/me/");
        let reply = self.http.send(&Request::get(&url).bearer(token))?;
        let me: Me = reply.expect("the list of organizations", &[token])?;
        Ok(me.spec.organizations)
    }

    /// The projects of an organization; with a name, those of exactly that name.
    pub fn projects(
        &self,
        token: &Secret,
        organization: &Organization,
        name: Option<&str>,
    ) -> Result<Vec<Project>, Error> {
        let mut projects = Vec::new();
        let mut next = 0;
        for _ in 0..MOST_PAGES {
            let page = self.project_page(token, organization, name, next)?;
            let full = page.items.len() >= PAGE;
            projects.extend(page.items.into_iter().map(|item| item.metadata));
            if !full || page.metadata.next <= next {
                break;
            }
            next = page.metadata.next;
        }
        Ok(projects)
    }

    fn project_page(
        &self,
        token: &Secret,
        organization: &Organization,
        name: Option<&str>,
        next: u64,
    ) -> Result<ProjectPage, Error> {
        let url = self.hosts.v2api.join("/v2/projects/");
        let (next, limit) = (next.to_string(), PAGE.to_string());
        let mut query = vec![
            ("organizations", organization.guid.as_str()),
            ("continue", next.as_str()),
            ("limit", limit.as_str()),
        ];
        query.extend(name.map(|name| ("name", name)));
        let reply =
            self.http.send(&Request { query: &query, ..Request::get(&url).bearer(token) })?;
        reply.expect("the list of projects", &[token])
    }
}

fn json<T: Serialize>(body: &T) -> Body<'static> {
    // Structs of text always have a JSON form.
    Body::Json(Zeroizing::new(serde_json::to_string(body).unwrap_or_default()))
}

/// The token of an answer; one that cannot go into a header is none.
fn token_of(reply: &Reply, what: &str, secret: &Secret) -> Result<Secret, Error> {
    let new: Data<NewToken> = reply.expect(what, &[secret])?;
    match new.data.token.is_visible_ascii() {
        true => Ok(new.data.token),
        false => Err(reply.senseless(what)),
    }
}
