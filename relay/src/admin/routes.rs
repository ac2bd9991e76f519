//! Which module answers what.

use hyper::Method;

use super::{
    Admin, Answer, Fault, Request, backup, check, clock, drain, exchange::Scope, health, metrics, openers,
    reload, rooms, status, tokens, top,
};

/// Everything that is offered: without a version for whoever watches, the rest on the socket alone. Its paths begin
/// with the version of what they answer.
pub(super) async fn route(admin: &Admin, scope: Scope, request: &Request) -> Answer {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match (&request.method, &*path) {
        (&Method::GET, ["healthz"]) => Ok(health::alive()),
        (&Method::GET, ["readyz"]) => Ok(health::ready(admin).await),
        (&Method::GET, ["metrics"]) => metrics::answer(admin).await,
        _ if scope == Scope::Watching => {
            Err(Fault::not_found("there are /healthz, /readyz and /metrics here; commands use the socket"))
        }
        (&Method::GET, ["v1", "status"]) => status::answer(admin).await,
        (&Method::GET, ["v1", "top"]) => top::answer(admin, request).await,
        (&Method::GET, ["v1", "check"]) => check::answer(admin, request).await,
        (&Method::GET, ["v1", "backup"]) => Ok(backup::stream(admin, request)),
        (_, ["v1", "tokens", rest @ ..]) => tokens::answer(admin, request, rest).await,
        (&Method::GET, ["v1", "rooms"]) => rooms::list(admin, request).await,
        (&Method::GET, ["v1", "rooms", prefix]) => rooms::find(admin, prefix).await,
        (&Method::GET, ["v1", "dropped"]) => rooms::dropped(admin).await,
        (&Method::POST, ["v1", "rooms", "drop"]) => {
            rooms::done(admin, "drop-room", rooms::drop(admin, request).await)
        }
        (&Method::POST, ["v1", "rooms", "freeze"]) => {
            rooms::done(admin, "freeze", rooms::freeze(admin, request).await)
        }
        (&Method::POST, ["v1", "rooms", "thaw"]) => {
            rooms::done(admin, "thaw", rooms::thaw(admin, request).await)
        }
        (_, ["v1", "openers", rest @ ..]) => openers::answer(admin, request, rest).await,
        (&Method::POST, ["v1", "drain"]) => {
            let answer = drain::answer(admin).await?;
            admin.did("drain");
            Ok(answer)
        }
        (&Method::POST, ["v1", "clock", "accept"]) => {
            let answer = clock::accept(admin).await?;
            admin.did("clock-accept");
            Ok(answer)
        }
        (&Method::POST, ["v1", "reload"]) => {
            let answer = reload::answer(admin).await?;
            admin.did("reload");
            Ok(answer)
        }
        _ => Err(Fault::not_found(
            "the running relay does not know this command; it is of another version than this program: restart it",
        )),
    }
}
