//! What several commands share: the config file and the HTTP client of a run, secrets, the token refresh, the
//! selection of an organization and a project, questions, and words for the same things.

pub mod clock_check;
pub mod confirmation;
pub mod context;
pub mod describe;
pub mod due;
pub mod kept_token;
pub mod list;
pub mod options;
pub mod refresh;
pub mod secrets;
pub mod selection;
