//! Prints the man page. Its date is the time SOURCE_DATE_EPOCH.

#![expect(clippy::disallowed_methods, reason = "this is a build tool")]

mod page;

use std::time::{Duration, UNIX_EPOCH};

fn main() {
    let epoch = std::env::var("SOURCE_DATE_EPOCH").expect("SOURCE_DATE_EPOCH is not set");
    let since_epoch =
        Duration::from_secs(epoch.parse().expect("SOURCE_DATE_EPOCH is not a number"));
    let time = humantime::format_rfc3339(UNIX_EPOCH + since_epoch).to_string();
    let (date, _) = time.split_once('T').expect("a date and a time");
    print!("{}", page::page(date));
}
