//! Debug for generated messages that hold secrets or what people say: their name, nothing else.

use std::fmt;

use crate::content::{
    Card, Device, Entered, File, GroupState, HandOver, Invite, LinkPart, ResyncState, Text,
};

macro_rules! name_only {
    ($($message:ident),*) => {$(
        impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($message))
            }
        }
    )*};
}

name_only!(Card, Device, Entered, File, GroupState, HandOver, Invite, LinkPart, ResyncState, Text);
