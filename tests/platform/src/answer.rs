//! What the platform does with a request: send a response, or fail to.

use std::io::Write;
use std::time::Duration;

use serde_json::Value;
use tiny_http::{Header, Response};

use crate::relay::Connection;

/// The answer to one request.
#[derive(Debug)]
pub struct Answer(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Reply(Reply),
    Raw(Vec<u8>),
    HangUp,
    Stall(Duration),
    Lost(Box<Answer>),
    Unscripted,
}

#[derive(Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<Header>,
    body: Vec<u8>,
}

impl Answer {
    /// A response with a JSON body.
    pub fn json(status: u16, body: Value) -> Answer {
        Answer::text(status, "application/json", body.to_string())
    }

    /// A response with any other body. It need not be UTF-8.
    pub fn text(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        let reply = Reply { status, headers: Vec::new(), body: body.into() };
        Answer(Kind::Reply(reply)).header("Content-Type", content_type)
    }

    /// Sends exactly these bytes and closes the connection: for truncated bodies, malformed HTTP or a wrong length.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Answer {
        Answer(Kind::Raw(bytes.into()))
    }

    /// Closes the connection without a response.
    pub fn hang_up() -> Answer {
        Answer(Kind::HangUp)
    }

    /// Sends nothing for this time, or until the platform is dropped, and then closes the connection.
    pub fn stall(time: Duration) -> Answer {
        Answer(Kind::Stall(time))
    }

    /// Carries the request out, but sends this answer: the client does not learn the result.
    pub fn after_acting(answer: Answer) -> Answer {
        Answer(Kind::Lost(Box::new(answer)))
    }

    /// The response that the platform sends without a script. Queue it to script only a later one.
    pub fn unscripted() -> Answer {
        Answer(Kind::Unscripted)
    }

    /// Adds a header to a [`json`](Answer::json) or [`text`](Answer::text) response.
    ///
    /// # Panics
    ///
    /// On other answers, and for headers that tiny_http sets itself and would silently leave out. Use
    /// [`raw`](Answer::raw) for these.
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        const FRAMING: [&str; 5] =
            ["Connection", "Content-Length", "Trailer", "Transfer-Encoding", "Upgrade"];
        let allowed = FRAMING.iter().all(|field| !field.eq_ignore_ascii_case(name));
        match (&mut self.0, Header::from_bytes(name, value)) {
            (Kind::Reply(reply), Ok(header)) if allowed => reply.headers.push(header),
            _ => panic!("cannot add the header `{name}: {value}`; use Answer::raw"),
        }
        self
    }
}

impl Reply {
    pub(crate) fn send(self, incoming: tiny_http::Request, date: Option<String>) {
        let has_date = self.headers.iter().any(|header| header.field.equiv("Date"));
        let mut response = Response::from_data(self.body).with_status_code(self.status);
        for header in self.headers {
            response.add_header(header);
        }
        if let (Some(date), false) = (date, has_date) {
            let header = Header::from_bytes("Date", date).expect("a date is ASCII");
            response.add_header(header);
        }
        // Sent in one write: each of several small ones would wait for a delayed acknowledgement.
        let mut printed = Vec::new();
        let version = incoming.http_version().clone();
        response
            .raw_print(&mut printed, version, incoming.headers(), false, None)
            .expect("memory takes everything");
        let mut writer = incoming.into_writer();
        // The client may have closed the connection already.
        let _ = writer.write_all(&printed).and_then(|()| writer.flush());
    }
}

impl Connection {
    /// Sends these bytes, then closes the connection and drops the request.
    pub(crate) fn end_with(&self, bytes: &[u8], incoming: tiny_http::Request) {
        self.write(bytes);
        self.cut();
        // tiny_http answers a dropped request with 500, which now reaches no one.
        drop(incoming);
    }
}
