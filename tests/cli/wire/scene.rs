//! The fake platform of a case, and the good response to each call.

use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use platform::{Call, EMAIL, Organization, Platform, World};
use serde_json::{Value, json};

use super::{ACCESS_TOKEN, DEVICE_CODE, GONE, USER_CODE};

/// What an answer is made for.
pub struct Scene {
    pub platform: Platform,
    /// The token that a login is to end with; the platform knows it.
    pub token: String,
    /// The token of the login before.
    pub old_token: String,
    /// Another host, which nobody is to call.
    pub elsewhere: TcpListener,
}

impl Scene {
    pub fn new() -> Self {
        let platform = Platform::with(World::of([Organization::new("Acme", ["fleet"])]));
        let (token, old_token) = (platform.issue_token(), platform.issue_token());
        let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        Scene { platform, token, old_token, elsewhere }
    }

    pub fn host(&self) -> &str {
        self.platform.url().trim_start_matches("http://")
    }

    pub fn elsewhere(&self) -> String {
        format!("http://{}", self.elsewhere.local_addr().unwrap())
    }

    /// The body that the call is made for.
    pub fn good(&self, call: Call) -> Value {
        let url = self.platform.url();
        match call {
            Call::Discovery => json!({
                "issuer": url,
                "device_authorization_endpoint": format!("{url}/oauth2/device/auth"),
                "token_endpoint": format!("{url}/oauth2/token"),
            }),
            Call::DeviceAuthorization => json!({
                "device_code": DEVICE_CODE,
                "user_code": USER_CODE,
                "verification_uri": format!("{url}/device"),
                "verification_uri_complete": format!("{url}/device?user_code={USER_CODE}"),
                "expires_in": 600,
                "interval": 5,
            }),
            Call::Token => self.tokens(&jwt(GOOD_HEADER, &render(&self.claims()))),
            Call::UserLogin => json!({"data": {"token": self.token}}),
            Call::RefreshToken => json!({"data": {"Token": self.token}}),
            Call::UserInfo => json!({"data": {"email": EMAIL}}),
            Call::UserLogout => json!({"data": {}}),
            Call::UsersMe => json!({"spec": {
                "emailID": EMAIL,
                "organizations": [{"guid": "org-acme", "name": "Acme", "shortGUID": "acmez"}],
            }}),
            Call::Projects => json!({
                "metadata": {"continue": 1},
                "items": [{"metadata": {"guid": "project-acmefleet", "name": "fleet"}}],
            }),
        }
    }

    pub fn claims(&self) -> Value {
        let mut claims = self.platform.claims();
        claims["rio_token"] = self.token.clone().into();
        claims
    }

    pub fn tokens(&self, id_token: &str) -> Value {
        json!({"access_token": ACCESS_TOKEN, "token_type": "bearer", "expires_in": 3600,
               "id_token": id_token})
    }
}

pub const GOOD_HEADER: &str = r#"{"alg":"RS256","typ":"JWT"}"#;

/// A JWT of these very texts.
pub fn jwt(header: &str, claims: &str) -> String {
    let encode = |text| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", encode(header), encode(claims), encode("signature"))
}

/// A value that is written into the JSON as it stands: for what `Value` cannot hold.
pub fn verbatim(text: &str) -> Value {
    format!("@{text}@").into()
}

/// The JSON, `verbatim` values and all.
pub fn render(value: &Value) -> String {
    value.to_string().replace("\"@", "").replace("@\"", "")
}

/// Puts a value at a JSON pointer, whose parent is there; `GONE` takes away what is there.
pub fn put(object: &mut Value, pointer: &str, value: Value) {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    match object.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[member.parse::<usize>().unwrap()] = value,
        Value::Object(members) if value == GONE => drop(members.remove(member).unwrap()),
        Value::Object(members) => drop(members.insert(member.to_owned(), value)),
        other => panic!("{other} has no members"),
    }
}
