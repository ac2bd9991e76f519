//! A picture of a person, made of a file: square, small, and without anything else that the file tells.

use std::path::Path;

use crate::failure::{Exit, Failure};

/// Reads a file, and makes of it what is shown to others.
#[cfg(feature = "pictures")]
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    use crate::{
        faces::words,
        picture::{Refused, avatar, open},
        reason::FileFault,
    };

    let shown = path.display();
    let failure = |message| Failure::new(Exit::Local, "bad_picture", message, "Choose a JPEG, PNG or WebP.");
    let file = open(path).map_err(|error| {
        failure(format!("{shown} cannot be read: {}.", words::fault(&FileFault::from(&error))))
    })?;
    avatar(file).map_err(|refused| match refused {
        Refused::TooLarge => failure(format!("{shown} has too many pixels.")),
        Refused::Unreadable => failure(format!("{shown} is no picture that can be read here.")),
    })
}

/// There is nothing here that makes one.
#[cfg(not(feature = "pictures"))]
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let message = format!("This program was built without pictures, and makes none of {}.", path.display());
    let remedy = "Build it with --features full, or take a package.";
    Err(Failure::new(Exit::Local, "bad_picture", message, remedy))
}
