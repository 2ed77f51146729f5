//! `make test-fleet`: sets up robots with the real Ansible and pyinfra, and boots one with a real systemd. The script
//! `run` runs the tests in namespaces of their own; [`lab`] starts the robots in them.

mod ansible;
mod lab;
mod pyinfra;
mod systemd;
