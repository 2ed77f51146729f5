//! What the user sees and types at a terminal.

mod lists;
mod messages;
mod output;
mod prompts;
mod qr;
mod screens;
mod signals;
mod status_line;
mod waiting;
