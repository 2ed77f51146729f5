//! The API of rapyuta.io.

mod api;
pub mod environment;
pub mod hosts;

pub use api::*;
