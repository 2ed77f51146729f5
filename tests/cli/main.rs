//! Black-box tests of `rio`: they run commands against a fake platform and check exit code, output, config file and
//! requests. Start with [`robot`], the machine under test. [`proxy`] is a proxy for tests that need one.
//!
//! | modules | what they test |
//! | --- | --- |
//! | `login`, `device_flow`, `pending`, `logout`, `refresh_token`, `status`, `token`, `environment`, `doctor` | one command each; the device flow and a resumed login have their own |
//! | `refresh`, `simulation` | staying logged in: `refresh-token` and `token --min-valid`; a simulation of months |
//! | `examples`, `units`, `install` | the scripts in the documentation, the systemd units, `make install` |
//! | `selection` | organization and project |
//! | `command_line`, `completion`, `man`, `output`, `screens`, `qr`, `terminal`, `signals`, `browser` | what the user types and sees |
//! | `config_file`, `under_fire`, `secrets`, `memory`, `core_dump`, `clock` | the machine: its files, memory and time |
//! | `network`, `connection`, `lookup`, `tls` | the connection to the server |
//! | `wire` | unusual and hostile responses, a table per call |
//! | `smoke`, `from_scratch` | a binary for another architecture; the static binary in an empty root |
//!
//! A test that cannot run on this machine calls [`skip::skip`]. `make test` lists these at the end.

mod proxy;
mod random;
mod robot;
mod skip;

mod browser;
mod clock;
mod command_line;
mod completion;
mod config_file;
mod connection;
mod core_dump;
mod device_flow;
mod doctor;
mod environment;
mod examples;
#[cfg(target_os = "linux")]
mod from_scratch;
mod install;
mod login;
mod logout;
mod lookup;
mod man;
#[cfg(target_os = "linux")]
mod memory;
mod network;
mod output;
mod pending;
mod qr;
mod refresh;
mod refresh_token;
mod screens;
mod secret_files;
mod secrets;
mod select;
mod selection;
mod signals;
mod simulation;
mod smoke;
mod status;
mod terminal;
mod tls;
mod token;
mod under_fire;
mod units;
mod wire;
