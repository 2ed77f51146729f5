//! The fake platform of a case, and the good response to each call.

use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use platform::{Call, EMAIL, Organization, Platform, World};
use serde_json::{Value, json};

use super::{ABSENT, ACCESS_TOKEN, DEVICE_CODE, USER_CODE};

/// The fake platform, and the values that a case compares with.
pub struct Fixture {
    pub platform: Platform,
    /// The token that the command stores. The platform accepts it.
    pub token: String,
    /// The token of the earlier login.
    pub old_token: String,
    /// Another host, which must not be called.
    pub other_host: TcpListener,
}

impl Fixture {
    pub fn new() -> Self {
        let platform = Platform::with(World::of([Organization::new("Acme", ["fleet"])]));
        let (token, old_token) = (platform.issue_token(), platform.issue_token());
        let other_host = TcpListener::bind("127.0.0.1:0").unwrap();
        other_host.set_nonblocking(true).unwrap();
        Fixture { platform, token, old_token, other_host }
    }

    pub fn other_host(&self) -> String {
        format!("http://{}", self.other_host.local_addr().unwrap())
    }

    /// The body of a good response.
    pub fn good_body(&self, call: Call) -> Value {
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
            Call::Token => self.tokens(&jwt(GOOD_HEADER, &to_json(&self.claims()))),
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

/// A JWT with this header and these claims, which need not be valid JSON.
pub fn jwt(header: &str, claims: &str) -> String {
    let encode = |text| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", encode(header), encode(claims), encode("signature"))
}

/// Text that [`to_json`] writes unchanged, for what `Value` cannot hold.
pub fn raw_json(text: &str) -> Value {
    format!("@{text}@").into()
}

/// The JSON text, with [`raw_json`] values unchanged.
pub fn to_json(value: &Value) -> String {
    value.to_string().replace("\"@", "").replace("@\"", "")
}

/// Sets the value at a JSON pointer whose parent exists; `ABSENT` removes the member.
pub fn set(object: &mut Value, pointer: &str, value: Value) {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    match object.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[member.parse::<usize>().unwrap()] = value,
        Value::Object(members) if value == ABSENT => drop(members.remove(member).unwrap()),
        Value::Object(members) => drop(members.insert(member.to_owned(), value)),
        other => panic!("{other} has no members"),
    }
}
