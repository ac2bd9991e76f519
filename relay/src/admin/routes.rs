//! Which module answers what.

use hyper::Method;

use super::{Admin, Answer, Fault, Request, status, tokens};

/// Everything that the socket offers. Paths begin with the version of what they answer.
pub(super) async fn route(admin: &Admin, request: &Request) -> Answer {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match (&request.method, &*path) {
        (&Method::GET, ["v1", "status"]) => status::answer(admin).await,
        (_, ["v1", "tokens", rest @ ..]) => tokens::answer(admin, request, rest).await,
        _ => Err(Fault::not_found(
            "the running relay does not know this command; it is of another version than this program: restart it",
        )),
    }
}
