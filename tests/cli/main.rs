//! The program as its users meet it. Start with `robot`, the machine that each test sets up, and `proxy`,
//! which some of them put in its way; then one module a command, and one for each thing that all commands
//! have in common. `smoke` is for a binary of another machine, and `from_scratch` for a static one alone.

mod proxy;
mod robot;
mod skip;

mod clock;
mod command_line;
mod completion;
mod config_file;
mod connection;
mod core_dump;
mod device_flow;
mod environment;
#[cfg(target_os = "linux")]
mod from_scratch;
mod login;
mod logout;
mod look_up;
mod network;
mod output;
mod pending;
mod qr;
mod refresh_token;
mod screens;
mod secrets;
mod selection;
mod signals;
mod smoke;
mod status;
mod terminal;
mod tls;
mod token;
mod under_fire;
mod wire;
