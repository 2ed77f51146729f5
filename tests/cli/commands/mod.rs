//! What each command does, and the command line that they share.

pub mod command_line;
mod completion;
pub mod concurrent_refresh;
mod device_flow;
mod doctor;
mod environment;
pub mod expiry;
mod hostile_text;
mod list;
mod login;
mod login_selection;
mod logout;
mod pending_login;
mod redaction;
mod refresh_token;
mod secret_files;
mod select;
mod status;
mod token;
