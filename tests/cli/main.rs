//! Black-box tests of `rio`: they run commands against a fake platform and check exit code, output, config file and
//! requests. Start with [`robot`], the machine under test. `tests/README.md` says what each folder tests.

mod robot;

mod commands;
mod docs;
mod machine;
mod network;
mod terminal;
mod wire;
