//! The page that the program was built with, if there was one: see `build.rs`.

use bytes::Bytes;

use crate::net::web::site::Site;

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The page; `None` where the program was built without one.
pub(crate) fn site() -> Option<Site> {
    Site::new(FILES.iter().map(|(name, bytes)| ((*name).to_owned(), Bytes::from_static(bytes))))
}
