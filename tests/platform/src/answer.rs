//! What comes back: an HTTP answer, or one of the ways in which there is none.

use std::io::Write;
use std::time::Duration;

use serde_json::Value;
use tiny_http::{Header, Response};

use crate::wire::Wire;

/// One answer to one request.
#[derive(Debug)]
pub struct Answer(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Reply(Reply),
    Raw(Vec<u8>),
    HangUp,
    Stall(Duration),
    Live,
}

#[derive(Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<Header>,
    body: Vec<u8>,
}

impl Answer {
    /// A JSON body.
    pub fn json(status: u16, body: Value) -> Answer {
        Answer::text(status, "application/json", body.to_string())
    }

    /// Any other body; bytes too, for one that is compressed or no UTF-8.
    pub fn text(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        let reply = Reply { status, headers: Vec::new(), body: body.into() };
        Answer(Kind::Reply(reply)).header("Content-Type", content_type)
    }

    /// Exactly these bytes, and the connection's end: for cut bodies, malformed HTTP, lying lengths.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Answer {
        Answer(Kind::Raw(bytes.into()))
    }

    /// The connection's end, without a byte.
    pub fn hang_up() -> Answer {
        Answer(Kind::HangUp)
    }

    /// Silence for so long, or until the platform is dropped; then the connection's end.
    pub fn stall(time: Duration) -> Answer {
        Answer(Kind::Stall(time))
    }

    /// What the platform answers by itself; to script only a later answer of the same call.
    pub fn live() -> Answer {
        Answer(Kind::Live)
    }

    /// Adds a header to a [`json`](Answer::json) or [`text`](Answer::text) answer.
    ///
    /// # Panics
    ///
    /// On an answer without headers, and on those headers that tiny_http keeps to itself and would
    /// silently leave out; [`raw`](Answer::raw) sends them.
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        const FRAMING: [&str; 5] =
            ["Connection", "Content-Length", "Trailer", "Transfer-Encoding", "Upgrade"];
        let ours = FRAMING.iter().all(|field| !field.eq_ignore_ascii_case(name));
        match (&mut self.0, Header::from_bytes(name, value)) {
            (Kind::Reply(reply), Ok(header)) if ours => reply.headers.push(header),
            _ => panic!("cannot put the header `{name}: {value}` there; use Answer::raw"),
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
        // Printed whole before it is sent: in pieces, each would wait for the other side's delayed acknowledgement.
        let mut printed = Vec::new();
        let version = incoming.http_version().clone();
        response
            .raw_print(&mut printed, version, incoming.headers(), false, None)
            .expect("memory takes everything");
        let mut writer = incoming.into_writer();
        // A client that has gone away is no fault of the platform's.
        let _ = writer.write_all(&printed).and_then(|()| writer.flush());
    }
}

impl Wire {
    /// Ends the connection after these bytes, and the request with it.
    pub(crate) fn end_with(&self, bytes: &[u8], incoming: tiny_http::Request) {
        self.write(bytes);
        self.cut();
        // tiny_http answers 500 to a request that is dropped; by now that goes nowhere.
        drop(incoming);
    }
}
