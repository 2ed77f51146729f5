//! What users type: the declarations, the parser and the help.

pub mod args;
pub mod help;
pub mod parse;
