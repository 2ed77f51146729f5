//! A fake rapyuta.io on a loopback port.
//!
//! [`Platform::start`] runs a small, correct rapyuta.io: OpenID discovery, the device flow with a web page to
//! approve it, tokens, users, organizations and projects. A test can script it: [`Platform::answer`] queues the
//! response to the next request of a call, such as an error, a truncated body or silence. [`Platform::requests`]
//! returns what clients sent. When it is dropped, it fails the test if a scripted response was not used or a request
//! was unknown.
//!
//! ```
//! use platform::{Answer, Call, Platform};
//! use std::io::{Read, Write};
//!
//! let platform = Platform::start();
//! platform.answer(Call::UserInfo, Answer::text(502, "text/html", "<h1>Bad gateway</h1>"));
//!
//! let address = platform.host();
//! let mut client = std::net::TcpStream::connect(address).unwrap();
//! client.write_all(b"GET /user/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).unwrap();
//!
//! assert!(answer.starts_with("HTTP/1.1 502 "));
//! assert_eq!(platform.calls(Call::UserInfo).len(), 1);
//! ```
//!
//! | file | content |
//! | --- | --- |
//! | `platform` | what a test uses: scripted responses, recorded requests, the check on drop |
//! | `call`, `request`, `answer` | the API calls, recorded requests, and responses |
//! | `relay` | connections that the platform can close at any time |
//! | `tls` | TLS in front of them, and certificates |
//! | `backend` | the state of the correct rapyuta.io, and which part answers a call |
//! | `oidc`, `page`, `api` | its parts: device flow, approval page, calls with passwords and tokens |
//! | `world` | users, organizations and projects |
//! | `jwt` | random tokens, and JWTs with a fake signature |

mod answer;
mod api;
mod backend;
mod call;
mod jwt;
mod oidc;
mod page;
mod platform;
mod relay;
mod request;
mod tls;
mod world;

pub use answer::Answer;
pub use call::Call;
pub use jwt::jwt;
pub use platform::Platform;
pub use request::Request;
pub use tls::{Authority, Certificate, TlsPort};
pub use world::{EMAIL, Organization, PASSWORD, Project, User, World};
