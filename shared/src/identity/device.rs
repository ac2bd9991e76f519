//! A device, as one room knows it.

use std::{fmt, str::FromStr};

/// Names a device in one room: random for each device and room, so that two rooms cannot tell that it is the same one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeviceId(pub [u8; 16]);

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceId({self})")
    }
}

/// Text that names no device.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a device is named by 32 hexadecimal digits")]
pub struct DeviceIdError;

impl FromStr for DeviceId {
    type Err = DeviceIdError;

    fn from_str(text: &str) -> Result<Self, DeviceIdError> {
        let digit = |c: char| c.to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(DeviceIdError);
        let digits: Vec<u8> = text.chars().map(digit).collect::<Result<_, _>>()?;
        let (pairs, rest) = digits.as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        match rest {
            [] => bytes.try_into().map(Self).map_err(|_| DeviceIdError),
            _ => Err(DeviceIdError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_survives_text_and_refuses_other_text() {
        let device = DeviceId([0xa7; 16]);
        assert_eq!(device.to_string().parse(), Ok(device));
        for wrong in ["", "12", "zz", &"0".repeat(31), &"0".repeat(33), &"é".repeat(32)] {
            assert_eq!(wrong.parse::<DeviceId>(), Err(DeviceIdError), "{wrong}");
        }
    }
}
