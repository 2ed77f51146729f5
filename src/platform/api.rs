//! The requests, their responses and their errors.

use std::time::{Duration, SystemTime};

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use serde_json::value::RawValue;

use super::environment;
use crate::advice;
use crate::config::{Config, OIDC_HOST, RIP_HOST, V2API_HOST};
use crate::error::Error;
use crate::http::{Action, Http, Request, Response};
use crate::json::{self, Object};
use crate::net::url::Url;
use crate::secret::Secret;
use crate::token::Token;

/// Who a token belongs to.
pub const USER_INFO: &str = "/user/info";
/// The organizations of the user.
pub const USERS_ME: &str = "/v2/users/me/";
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(5);
/// In bytes: four times what RFC 5321 allows.
const MAX_EMAIL: usize = 1024;
/// In projects.
const PAGE_SIZE: usize = 100;
/// In case the pages never end.
const MAX_PAGES: usize = 100;
/// How long a list may take, with all its pages.
const LIST_TIMEOUT: Duration = Duration::from_secs(60);
/// How large a list may be, in bytes of all its pages.
const LARGEST_LIST: usize = 8 * 1024 * 1024;

const NO_ORGANIZATIONS: &str =
    "Your account may not list organizations. Ask the administrator of your account.";
const NO_ACCESS: &str = "Your account may have no access to the organization. Ask its administrator. To select another \
                         one, run:\n  rio organization select";

/// How long a new token is valid.
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
    /// Parses the value of `--level`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Level::Low),
            "1" => Some(Level::Medium),
            "2" => Some(Level::High),
            _ => None,
        }
    }

    /// How long a token of this level is valid.
    pub fn lifetime(self) -> Duration {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        match self {
            Level::Low => DAY,
            Level::Medium => DAY.saturating_mul(7),
            Level::High => DAY.saturating_mul(30),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Level::Low => "low",
            Level::Medium => "med",
            Level::High => "high",
        }
    }
}

/// An organization that the user is a member of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Organization {
    /// `org-...`
    #[serde(deserialize_with = "guid")]
    pub guid: String,
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
    pub name: String,
}

/// The server's answer to whether a token is valid.
pub struct TokenCheck {
    pub accepted: bool,
    /// The `Date` header.
    pub date: Option<SystemTime>,
}

/// What a token refresh led to.
pub enum Refresh {
    /// The new token.
    New(Token),
    /// The server no longer accepts the old token.
    Rejected,
    /// The response was lost, so the server may have replaced the token.
    Lost(Error),
}

/// A client of the API at the hosts in the config.
pub struct Platform<'a> {
    pub http: &'a Http,
    pub config: &'a Config,
}

#[derive(Deserialize)]
struct Data<T> {
    data: Object<T>,
}

/// The server sends either spelling, or both.
#[derive(Deserialize)]
struct NewToken {
    token: Option<String>,
    #[serde(rename = "Token")]
    capitalized: Option<String>,
}

#[derive(Deserialize)]
struct UserInfo {
    email: String,
}

#[derive(Deserialize)]
struct Me {
    spec: Object<MeSpec>,
}

#[derive(Deserialize)]
struct MeSpec {
    organizations: List<Organization>,
}

#[derive(Deserialize)]
struct ProjectPage {
    metadata: Option<Object<PageMetadata>>,
    items: List<ProjectItem>,
}

/// A list without its malformed entries. Null is an empty list.
struct List<T> {
    entries: Vec<T>,
    /// With the malformed entries.
    count: usize,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An Option would accept a missing member.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let list: Option<Vec<Box<RawValue>>> =
            serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        let list = list.unwrap_or_default();
        let entries = list.iter().filter_map(|raw| json::object(raw.get().as_bytes()).ok());
        let entries: Vec<T> = entries.collect();
        // Then it is a list of something else.
        if entries.is_empty() && !list.is_empty() {
            return Err(D::Error::custom("a list without a valid entry"));
        }
        Ok(List { entries, count: list.len() })
    }
}

#[derive(Deserialize)]
struct PageMetadata {
    /// May have any type on the last page.
    #[serde(rename = "continue")]
    next: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct ProjectItem {
    metadata: Object<Project>,
}

/// Rejects a blank GUID: in a request it would select nothing or everything.
fn guid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let guid = String::deserialize(deserializer)?;
    if guid.trim().is_empty() { Err(D::Error::custom("a blank GUID")) } else { Ok(guid) }
}

impl Platform<'_> {
    /// The base URL of the login server.
    pub fn oidc_host(&self) -> Result<Url, Error> {
        environment::host(self.config, self.http, OIDC_HOST)
    }

    /// The base URL of the token API.
    pub fn rip_host(&self) -> Result<Url, Error> {
        environment::host(self.config, self.http, RIP_HOST)
    }

    /// The base URL of the organization and project API.
    pub fn v2api_host(&self) -> Result<Url, Error> {
        environment::host(self.config, self.http, V2API_HOST)
    }

    /// Gets a token with an email and a password.
    pub fn login(&self, email: &str, password: &Secret, level: Level) -> Result<Token, Error> {
        let url = self.rip_host()?.join("/user/login");
        let credentials = json!({"email": email, "password": password.expose()});
        let action = Action::PostJson(credentials.to_string());
        let query = [("type", level.as_str())];
        let response = self.http.send(&Request { query: &query, ..Request::new(&url, action) })?;
        if response.is_rejection() && !response.is_unknown_endpoint() {
            let error = response.refusal_error(&format!("the login for {email}"), &[password]);
            return Err(error.advise(
                "Check the email and the password. An SSO account has no password: to log in by phone, run:\n  \
                 rio auth login",
            ));
        }
        new_token(&response, "the login", password)
    }

    /// Exchanges a token for a new one. A temporary error means that the server has not replaced the token.
    pub fn refresh(&self, token: &Token) -> Result<Refresh, Error> {
        let url = self.rip_host()?.join("/refreshtoken");
        let action = Action::PostJson(json!({"token": token.expose()}).to_string());
        let response = match self.http.send(&Request::new(&url, action)) {
            Ok(response) => response,
            Err(failure) if failure.nothing_was_sent() => return Err(failure.into()),
            Err(failure) => return Ok(Refresh::Lost(failure.into())),
        };
        // Other statuses, such as 404, come from a wrong host.
        if response.is_rejection() && matches!(response.status, 400 | 401 | 403) {
            return Ok(Refresh::Rejected);
        }
        match new_token(&response, "the token refresh", token) {
            Ok(token) => Ok(Refresh::New(token)),
            // No token can be read from a success: the old one may have been replaced.
            Err(error) if response.is_success() || response.is_lost() => Ok(Refresh::Lost(error)),
            Err(error) => Err(error),
        }
    }

    /// The email of a token's account. A token that the server rejects is an error.
    pub fn user_info(&self, token: &Token) -> Result<String, Error> {
        let response = self.get_user_info(token)?;
        if response.is_rejection() && !response.is_unknown_endpoint() {
            let error = response.refusal_error("the token", &[token]);
            return Err(
                error.advise("Use another token. To log in by phone, run:\n  rio auth login")
            );
        }
        email(&response, token)
    }

    /// Asks whether the server accepts a token.
    pub fn verify(&self, token: &Token) -> Result<TokenCheck, Error> {
        token_check(&self.get_user_info(token)?, token)
    }

    /// As [`Platform::verify`], with a single request.
    pub fn verify_once(&self, token: &Token) -> Result<TokenCheck, Error> {
        let url = self.rip_host()?.join(USER_INFO);
        token_check(&self.http.send_once(&Request::get(&url, token))?, token)
    }

    fn get_user_info(&self, token: &Token) -> Result<Response, Error> {
        let url = self.rip_host()?.join(USER_INFO);
        Ok(self.http.send(&Request::get(&url, token))?)
    }

    /// Revokes a token. Sends one request, for at most 5 seconds.
    pub fn logout(&self, token: &Token) -> Result<(), Error> {
        let url = self.rip_host()?.join("/user/logout");
        let request = Request {
            timeout: LOGOUT_TIMEOUT,
            bearer: Some(token),
            ..Request::new(&url, Action::Post)
        };
        let response = self.http.send_once(&request).map_err(Error::from)?;
        let was_invalid = response.is_rejection() && matches!(response.status, 401 | 403);
        // A captive portal answers any request with a page and status 200.
        let ended = was_invalid || (response.is_success() && !response.is_web_page());
        if ended { Ok(()) } else { Err(response.refusal_error("the logout", &[token])) }
    }

    /// The organizations of the user, in the server's order.
    pub fn organizations(&self, token: &Token) -> Result<Vec<Organization>, Error> {
        let url = self.v2api_host()?.join(USERS_ME);
        let deadline = self.http.deadline(LIST_TIMEOUT);
        let response = self.http.send_until(&Request::get(&url, token), deadline)?;
        let me: Me = response
            .success("the request for the organizations", "list of organizations", &[token])
            .map_err(|error| advise(error, &response, &[403], NO_ORGANIZATIONS))?;
        Ok(me.spec.0.organizations.entries)
    }

    /// The projects of an organization, or only those of exactly this name.
    pub fn projects(
        &self,
        token: &Token,
        organization_guid: &str,
        name: Option<&str>,
    ) -> Result<Vec<Project>, Error> {
        let url = self.v2api_host()?.join("/v2/projects/");
        let limit = PAGE_SIZE.to_string();
        let deadline = self.http.deadline(LIST_TIMEOUT);
        let (mut projects, mut start, mut size) = (Vec::new(), 0, 0_usize);
        for _ in 0..MAX_PAGES {
            let from = start.to_string();
            let mut query =
                vec![("organizations", organization_guid), ("continue", &from), ("limit", &limit)];
            query.extend(name.map(|name| ("name", name)));
            let request = Request { query: &query, ..Request::get(&url, token) };
            let response = self.http.send_until(&request, deadline)?;
            size = size.saturating_add(response.size());
            if size > LARGEST_LIST {
                return Err(Error::temporary(
                    format!("{} sent more than 8 MiB of projects", response.host),
                    "Use --project NAME with the name of one project.",
                ));
            }
            let page: ProjectPage = response
                .success("the request for the projects", "list of projects", &[token])
                .map_err(|error| advise(error, &response, &[403, 404], NO_ACCESS))?;
            let is_full = page.items.count >= PAGE_SIZE;
            projects.extend(page.items.entries.into_iter().map(|item| item.metadata.0));
            let next = page.metadata.and_then(|Object(metadata)| metadata.next);
            match next.and_then(|next| json::rounded_down(&next)) {
                Some(next) if is_full && next > start => start = next,
                _ => break,
            }
        }
        Ok(projects)
    }
}

/// With one of the statuses `forbidden`, the account may not read the list.
fn advise(error: Error, response: &Response, forbidden: &[u16], no_access: &str) -> Error {
    match response.status {
        401 => error.advise(advice::LOG_IN_AGAIN),
        status if forbidden.contains(&status) && response.is_rejection() => error.advise(no_access),
        _ => error,
    }
}

fn new_token(response: &Response, request: &str, secret: &Secret) -> Result<Token, Error> {
    let new: Data<NewToken> = response.success(request, "token", &[secret])?;
    let token = new.data.0.token.or(new.data.0.capitalized);
    token
        .and_then(|token| Token::parse(&token))
        .ok_or_else(|| response.missing_error("token", request, &[secret]))
}

/// Reads a response to [`USER_INFO`].
pub fn token_check(response: &Response, token: &Token) -> Result<TokenCheck, Error> {
    let accepted = !response.is_rejection() || response.is_unknown_endpoint();
    if accepted {
        email(response, token)?;
    }
    Ok(TokenCheck { accepted, date: response.date })
}

fn email(response: &Response, token: &Token) -> Result<String, Error> {
    let info: Data<UserInfo> = response.success("the token check", "email", &[token])?;
    Some(info.data.0.email)
        .filter(|email| email.len() <= MAX_EMAIL)
        .ok_or_else(|| response.missing_error("email", "the token check", &[token]))
}
