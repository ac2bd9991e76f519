//! A colour as people write it.

use std::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

use super::error::WrongValue;

/// Names of the first sixteen colours of a terminal's table, in its order.
const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// A colour of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// What the terminal uses by itself.
    Default,
    /// An entry of the 256-colour table; 0 to 15 are the ones with names.
    Indexed(u8),
    /// Red, green, blue; for terminals with true colour.
    Rgb(u8, u8, u8),
}

impl FromStr for Colour {
    type Err = WrongValue;

    fn from_str(text: &str) -> Result<Self, WrongValue> {
        let known = |name: &&str| name.eq_ignore_ascii_case(text);
        if text.eq_ignore_ascii_case("default") {
            return Ok(Self::Default);
        }
        if let Some(index) = NAMES.iter().position(known) {
            return Ok(Self::Indexed(u8::try_from(index).unwrap_or_default()));
        }
        if let Ok(index) = text.parse() {
            return Ok(Self::Indexed(index));
        }
        rgb(text).ok_or_else(|| WrongValue::Colour(text.to_owned()))
    }
}

fn rgb(text: &str) -> Option<Colour> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some(Colour::Rgb(red, green, blue))
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Indexed(index) => match NAMES.get(usize::from(*index)) {
                Some(name) => f.write_str(name),
                None => write!(f, "{index}"),
            },
            Self::Rgb(red, green, blue) => write!(f, "#{red:02x}{green:02x}{blue:02x}"),
        }
    }
}

impl Serialize for Colour {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Colour;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a colour")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Colour, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, index: i64) -> Result<Colour, E> {
        u8::try_from(index).map(Colour::Indexed).map_err(|_| E::custom(WrongValue::Colour(index.to_string())))
    }

    fn visit_u64<E: de::Error>(self, index: u64) -> Result<Colour, E> {
        u8::try_from(index).map(Colour::Indexed).map_err(|_| E::custom(WrongValue::Colour(index.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_read_back_as_they_are_written() {
        for (text, colour) in [
            ("default", Colour::Default),
            ("black", Colour::Indexed(0)),
            ("bright-white", Colour::Indexed(15)),
            ("16", Colour::Indexed(16)),
            ("255", Colour::Indexed(255)),
            ("#00ff7f", Colour::Rgb(0, 255, 127)),
        ] {
            assert_eq!(text.parse(), Ok(colour), "{text}");
            assert_eq!(colour.to_string(), text);
        }
        assert_eq!("RED".parse(), Ok(Colour::Indexed(1)));
        assert_eq!("7".parse(), Ok(Colour::Indexed(7)));
    }

    #[test]
    fn text_that_is_no_colour_is_refused() {
        for text in ["", "rad", "256", "-1", "#fff", "#gggggg", "#+12345", "#12345é"] {
            assert!(text.parse::<Colour>().is_err(), "{text}");
        }
    }
}
