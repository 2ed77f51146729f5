//! A fake rapyuta.io on a loopback port.
//!
//! [`Platform::start`] gives a small, correct rapyuta.io: OpenID discovery, the device flow with a web page to
//! approve it, tokens, users, organizations and projects. A test then bends it: [`Platform::answer`] queues what
//! one call gets next, be it an error, half a body or silence; [`Platform::requests`] tells what was asked. When it is
//! dropped it fails the test if an answer was left over or a request went astray.
//!
//! ```
//! use platform::{Answer, Call, Platform};
//! use std::io::{Read, Write};
//!
//! let platform = Platform::start();
//! platform.answer(Call::UserInfo, Answer::text(502, "text/html", "<h1>Bad gateway</h1>"));
//!
//! let address = platform.url().trim_start_matches("http://");
//! let mut client = std::net::TcpStream::connect(address).unwrap();
//! client.write_all(b"GET /user/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).unwrap();
//!
//! assert!(answer.starts_with("HTTP/1.1 502 "));
//! assert_eq!(platform.calls(Call::UserInfo).len(), 1);
//! ```
//!
//! | file | idea |
//! | --- | --- |
//! | `platform` | what a test holds: scripts, records, the check at the end |
//! | `call`, `request`, `answer` | what is asked, and what comes back |
//! | `wire` | connections that can be cut |
//! | `tls` | TLS in front of them, and the certificates for it |
//! | `live` | the state of the correct rapyuta.io, and which part answers a call |
//! | `oidc`, `page`, `api` | its parts: device flow, the page to approve it, everything that takes a token |
//! | `world` | who and what exists there |
//! | `jwt` | tokens that look right |

mod answer;
mod api;
mod call;
mod jwt;
mod live;
mod oidc;
mod page;
mod platform;
mod request;
mod tls;
mod wire;
mod world;

pub use answer::Answer;
pub use call::Call;
pub use jwt::jwt;
pub use platform::Platform;
pub use request::Request;
pub use tls::{Authority, Certificate, TlsPort};
pub use world::{EMAIL, Organization, PASSWORD, Project, User, World};
