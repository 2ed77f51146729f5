//! Black-box tests of `rio`: they run commands against a fake platform and check exit code, output, config file and
//! requests. Start with [`robot`], the machine under test.
//!
//! | folder | what it tests |
//! | --- | --- |
//! | `commands` | each command, and the command line that they share |
//! | `network` | the connection to a server: retries, proxies, TLS, look-ups |
//! | `terminal` | what the user sees and types |
//! | `machine` | config file, memory, clock, processes |
//! | `docs` | the scripts in the documentation, the man page, the systemd units, `make install` |
//! | `wire` | unusual and hostile responses, a table per call |
//!
//! A test that cannot run on this machine calls [`robot::skip::skip`]. `make test` lists these at the end.

mod robot;

mod commands;
mod docs;
mod machine;
mod network;
mod terminal;
mod wire;
