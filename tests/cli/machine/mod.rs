//! The machine that rio runs on: its files, memory, clock and signals.

mod browser;
mod clock;
pub mod config_file;
mod core_dump;
mod crash_safety;
#[cfg(target_os = "linux")]
mod from_scratch;
#[cfg(target_os = "linux")]
mod lost_logins;
#[cfg(target_os = "linux")]
mod memory;
mod owners;
#[cfg(target_os = "linux")]
mod passing_faults;
#[cfg(target_os = "linux")]
mod refused_calls;
mod simulation;
mod smoke;
