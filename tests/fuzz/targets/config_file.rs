//! The config file, with any contents. A change to a valid file keeps all other members unchanged. An invalid
//! file stays unchanged.

#![no_main]

use std::cell::Cell;
use std::fmt;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime};
use std::{env, fs};

use libfuzzer_sys::fuzz_target;
use rio::config::{AUTH_TOKEN, ConfigFile, EMAIL_ID};
use rio::json;
use rio::machine::clock::Clock;
use rio::machine::env::Env;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The names and values of the file in their order, read without rio's code.
#[derive(Debug, Clone, PartialEq)]
struct Members(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<Box<RawValue>, Box<RawValue>>()? {
                    members.push((json::to_ascii(name.get()), json::to_ascii(value.get())));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A clock whose sleeps take no time.
#[derive(Default)]
struct InstantClock(Cell<Duration>);

impl Clock for InstantClock {
    fn now(&self) -> Duration {
        self.0.get()
    }

    fn utc(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep_ticking(&self, duration: Duration, _tick: &mut dyn FnMut(Duration)) {
        self.0.set(self.0.get() + duration);
    }
}

fn members(path: &Path) -> Members {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn is_named(key: &str, name: &str) -> bool {
    serde_json::from_str::<String>(key).is_ok_and(|key| key == name)
}

/// The members after one is set: the last of that name, or a new one at the end.
fn with(mut members: Members, name: &str, value: &str) -> Members {
    match members.0.iter_mut().rev().find(|(known, _)| is_named(known, name)) {
        Some((_, old)) => *old = value.to_owned(),
        None => members.0.push((format!("{name:?}"), value.to_owned())),
    }
    members
}

fuzz_target!(|input: &[u8]| {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
    let directory = tempfile::tempdir_in(directory).unwrap();
    let path = directory.path().join("config.json");
    fs::write(&path, input).unwrap();
    let env = Env::new([("RIO_CONFIG", &path)], None);
    let file = ConfigFile::locate(&env, Rc::new(InstantClock::default())).unwrap();

    let config = match file.load() {
        Ok(config) => config,
        Err(error) => {
            fuzz::check_error(&error);
            assert!(file.check_writable().is_err() || file.update(|_| {}).is_err());
            assert_eq!(fs::read(&path).unwrap(), input);
            return;
        }
    };
    let before = if input.is_empty() { Members(Vec::new()) } else { members(&path) };
    for result in [config.string(EMAIL_ID).err(), config.auth_token().err()].into_iter().flatten() {
        fuzz::check_error(&result);
    }

    file.update(|config| config.set(AUTH_TOKEN, "t0ken")).unwrap();
    let after = with(before, AUTH_TOKEN, "\"t0ken\"");
    assert_eq!(members(&path), after);
    let stored = file.load().unwrap().auth_token().unwrap().valid().unwrap();
    assert_eq!(stored.unwrap().expose(), "t0ken");

    let bytes = fs::read(&path).unwrap();
    file.update(|_| {}).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes, "a second write changes nothing");

    file.update(|config| config.remove_login()).unwrap();
    let login = ["auth_token", "email_id", "organization_id", "organization_name"];
    let login = [&login[..], &["organization_short_id", "project_id", "project_name"]].concat();
    let mut rest = after;
    rest.0.retain(|(key, _)| !login.iter().any(|name| is_named(key, name)));
    assert_eq!(members(&path), rest);
    assert!(!file.load().unwrap().has_login());
});
