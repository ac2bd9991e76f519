//! How values are written that have no form of their own: for what a daemon and its faces say to each other, and for the store.

/// A label that is shared, as text.
pub(crate) mod label {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(label: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(label)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(from).map(Arc::from)
    }
}

/// What has a text form, in it. Wiped, because links are among it.
pub(crate) mod text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use zeroize::Zeroizing;

    pub(crate) fn serialize<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&Zeroizing::new(value.to_string()))
    }

    pub(crate) fn deserialize<'de, T, D: Deserializer<'de>>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
    {
        Zeroizing::new(String::deserialize(from)?).parse().map_err(D::Error::custom)
    }
}

/// A room's id, as its bytes.
pub(crate) mod room_id {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use proto::RoomId;

    pub(crate) fn serialize<S: Serializer>(id: &RoomId, to: S) -> Result<S::Ok, S::Error> {
        id.0.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<RoomId, D::Error> {
        <[u8; RoomId::LEN]>::deserialize(from).map(RoomId)
    }
}

/// A group's view that is shared, as the view.
pub(crate) mod view {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use shared::room::GroupView;

    #[expect(clippy::ref_option, reason = "the signature that serde wants")]
    pub(crate) fn serialize<S: Serializer>(view: &Option<Arc<GroupView>>, to: S) -> Result<S::Ok, S::Error> {
        view.as_deref().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Arc<GroupView>>, D::Error> {
        Option::<GroupView>::deserialize(from).map(|view| view.map(Arc::new))
    }
}

/// A pin, as its bytes.
pub(crate) mod pin {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use certs::Pin;

    pub(crate) fn serialize<S: Serializer>(pin: &Pin, to: S) -> Result<S::Ok, S::Error> {
        pin.as_bytes().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Pin, D::Error> {
        <[u8; 32]>::deserialize(from).map(Pin::from)
    }
}

/// A path as text, for people: what is no Unicode in it is lost.
pub(crate) mod path {
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&path.to_string_lossy())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        String::deserialize(from).map(PathBuf::from)
    }
}

/// Why a relay closed a connection, as its number; none for what this version does not know.
pub(crate) mod close_code {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use proto::CloseCode;

    #[expect(clippy::ref_option, reason = "the signature that serde wants")]
    pub(crate) fn serialize<S: Serializer>(code: &Option<CloseCode>, to: S) -> Result<S::Ok, S::Error> {
        code.map(CloseCode::value).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<CloseCode>, D::Error> {
        let code = Option::<u32>::deserialize(from)?;
        Ok(code.and_then(|code| CloseCode::from_value(code.into())))
    }
}
