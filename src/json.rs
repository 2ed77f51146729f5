//! Parses JSON from servers and files that may hold anything.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Parses a JSON object. It is an error if a member of `T` occurs twice. Unknown members are ignored.
///
/// The error quotes nothing, because the text may hold a secret.
pub fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, InvalidObject> {
    serde_json::from_slice(bytes).map(|Object(object)| object).map_err(|_| InvalidObject)
}

/// The text is not JSON or not an object, or a member has the wrong type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidObject;

/// A value that must be a JSON object. It exists because serde_json also reads an array of its fields as a
/// struct, and a server that answers with an array has not answered with what was asked for.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Object)
    }
}

/// A number that is not negative, as a number or in quotes: `10`, `10.0`, `1e1`. Rounds down, and saturates at
/// `u64::MAX`; `None` for anything else.
pub fn rounded_down(raw: &RawValue) -> Option<u64> {
    number(raw).map(|(whole, _)| whole)
}

/// As [`rounded_down`], but rounds up.
pub fn rounded_up(raw: &RawValue) -> Option<u64> {
    number(raw).map(|(whole, has_fraction)| whole.saturating_add(has_fraction.into()))
}

/// The integer part of a number, and whether there is more.
fn number(raw: &RawValue) -> Option<(u64, bool)> {
    let text = raw.get();
    let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some((text.parse().unwrap_or(u64::MAX), false));
    }
    let number: f64 = serde_json::from_str(text).ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and the number is not negative"
    )]
    Some((number as u64, number.fract() > 0.0))
}

/// A NumericDate (RFC 7519 §2) in whole seconds since 1970, rounded down.
pub fn numeric_date(raw: &RawValue) -> Option<u64> {
    // A JSON number can fail to parse only because it is too large.
    let is_number = raw.get().starts_with(|first: char| first.is_ascii_digit());
    rounded_down(raw).or(is_number.then_some(u64::MAX))
}

/// A string; `None` if the member is missing or has another type.
pub fn string(member: Option<Box<RawValue>>) -> Option<String> {
    serde_json::from_str(member?.get()).ok()
}

/// JSON with every non-ASCII character, and DEL, as an escape (RFC 8259 §7).
pub fn to_ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\x7f' {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            ascii.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.into()).unwrap()
    }

    #[test]
    fn number_may_be_spelled_in_any_way() {
        for (text, down, up) in [
            ("7", 7, 7),
            ("\"7\"", 7, 7),
            ("0", 0, 0),
            ("10.0", 10, 10),
            ("\"10.0\"", 10, 10),
            ("1e1", 10, 10),
            ("\"1e1\"", 10, 10),
            ("1.5", 1, 2),
            ("0.2", 0, 1),
            ("1E+3", 1000, 1000),
            ("15e-1", 1, 2),
            ("1e40", u64::MAX, u64::MAX),
            ("18446744073709551615", u64::MAX, u64::MAX),
            ("99999999999999999999999", u64::MAX, u64::MAX),
        ] {
            assert_eq!((rounded_down(&raw(text)), rounded_up(&raw(text))), (Some(down), Some(up)));
        }
        for text in
            ["-1", "-0.5", "1e400", "\"abc\"", "\"1.\"", "\"1x\"", "\"\"", "null", "[5]", "true"]
        {
            assert_eq!(rounded_down(&raw(text)), None, "{text}");
            assert_eq!(rounded_up(&raw(text)), None, "{text}");
        }
    }

    #[test]
    fn numeric_date_truncates_fractions() {
        for (text, expected) in [
            ("1700000000", Some(1_700_000_000)),
            ("1700000000.9", Some(1_700_000_000)),
            ("1.7e9", Some(1_700_000_000)),
            ("1e400", Some(u64::MAX)),
            ("-5", None),
            ("\"soon\"", None),
            ("{}", None),
        ] {
            assert_eq!(numeric_date(&raw(text)), expected, "{text}");
        }
    }

    #[test]
    fn object_rejects_other_values_and_duplicates() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Pair {
            a: u8,
        }
        assert_eq!(object::<Pair>(b" {\"a\":1,\"b\":[]}"), Ok(Pair { a: 1 }));
        for text in ["[1]", "1", "", "{\"a\":1", "{\"a\":1,\"a\":2}", "{\"a\":1} x", "<html>"] {
            assert_eq!(object::<Pair>(text.as_bytes()), Err(InvalidObject), "{text}");
        }
    }

    #[test]
    fn nested_object_rejects_arrays() {
        #[derive(serde::Deserialize)]
        struct Inner {
            a: u8,
        }
        #[derive(serde::Deserialize)]
        struct Outer {
            inner: Object<Inner>,
        }
        let read = |text: &str| object::<Outer>(text.as_bytes()).map(|outer| outer.inner.0.a);
        assert_eq!(read("{\"inner\":{\"a\":1}}"), Ok(1));
        assert_eq!(read("{\"inner\":[1]}"), Err(InvalidObject));
    }
}
