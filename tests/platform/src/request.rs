//! Recorded requests.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use serde_json::Value;

use crate::Call;

/// A request that the platform received completely.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query as sent, without the `?`. Empty if there was none.
    pub query: String,
    pub body: String,
    /// The API call; `None` for the web page and for unknown paths.
    pub call: Option<Call>,
    /// The client's address. Two requests with the same peer used the same connection.
    pub peer: SocketAddr,
    /// When the request was complete.
    pub at: Instant,
    /// When the response had been sent; `None` before that, and if the script sends no response.
    pub answered: Option<Instant>,
    headers: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn read(incoming: &mut tiny_http::Request, peer: SocketAddr) -> io::Result<Request> {
        // Always read to the end: the rest would be parsed as the next request.
        let mut body = Vec::new();
        incoming.as_reader().read_to_end(&mut body)?;
        let method = incoming.method().to_string();
        let (path, query) = incoming.url().split_once('?').unwrap_or((incoming.url(), ""));
        let headers = incoming.headers().iter();
        Ok(Request {
            call: Call::of(&method, path),
            path: path.into(),
            query: query.into(),
            headers: headers
                .map(|header| (header.field.to_string(), header.value.to_string()))
                .collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
            method,
            peer,
            at: Instant::now(),
            answered: None,
        })
    }

    /// The first header with this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All headers, in order.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The decoded form fields of the body, in order, including repeated ones.
    pub fn form(&self) -> Vec<(String, String)> {
        decode_form(&self.body)
    }

    /// The decoded parameters of the query, in order, including repeated ones.
    pub fn params(&self) -> Vec<(String, String)> {
        decode_form(&self.query)
    }

    /// The body as JSON, or `Null` if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn param(&self, name: &str) -> Option<String> {
        first(self.params(), name)
    }

    pub(crate) fn field(&self, name: &str) -> Option<String> {
        first(self.form(), name)
    }
}

fn first(pairs: Vec<(String, String)>, name: &str) -> Option<String> {
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn decode_form(encoded: &str) -> Vec<(String, String)> {
    encoded
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn decode(encoded: &str) -> String {
    let mut decoded = Vec::new();
    let mut rest = encoded.as_bytes();
    while let [byte, tail @ ..] = rest {
        let escape = tail.first_chunk().filter(|_| *byte == b'%').and_then(hex);
        decoded.push(escape.unwrap_or(if *byte == b'+' { b' ' } else { *byte }));
        rest = if escape.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex([high, low]: &[u8; 2]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decode_replaces_plus_and_percent_escapes() {
        for (encoded, decoded) in [
            ("openid+email", "openid email"),
            ("urn%3Aietf", "urn:ietf"),
            ("J%C3%BCrgen", "Jürgen"),
            ("100%", "100%"),
            ("%zz%2", "%zz%2"),
        ] {
            assert_eq!(decode(encoded), decoded);
        }
    }
}
