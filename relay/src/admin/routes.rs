//! Which module answers what.

use hyper::Method;

use super::{Admin, Answer, Fault, Request, rooms, status};

/// Everything that the socket offers. Paths begin with the version of what they answer.
pub(super) async fn route(admin: &Admin, request: &Request) -> Answer {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match (&request.method, &*path) {
        (&Method::GET, ["v1", "status"]) => status::answer(admin).await,
        (&Method::GET, ["v1", "rooms"]) => rooms::list(admin, request).await,
        (&Method::GET, ["v1", "rooms", prefix]) => rooms::find(admin, prefix).await,
        (&Method::POST, ["v1", "rooms", "drop"]) => rooms::drop(admin, request).await,
        _ => Err(Fault::not_found(
            "the running relay does not know this command; it is of another version than this program: restart it",
        )),
    }
}
