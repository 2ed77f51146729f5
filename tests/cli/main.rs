//! The program as its users meet it. Start with `robot`, the machine that each test sets up; then one
//! module a command, and one for each thing that all commands have in common.

mod robot;

mod command_line;
mod completion;
mod config_file;
mod device_flow;
mod environment;
mod login;
mod logout;
mod network;
mod refresh_token;
mod secrets;
mod selection;
mod status;
mod terminal;
mod token;
mod under_fire;
