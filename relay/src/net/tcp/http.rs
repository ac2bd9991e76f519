//! HTTP on the relay's port: a page for people who wonder, and the way to the WebSocket.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONNECTION, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS},
    server::conn::http1,
    service::service_fn,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::policy::limits::HTTP_BUFFER;

/// What a browser shows.
const PAGE: &str = "\
This is a Schat relay.

It passes on chat that is encrypted from end to end: it cannot read any of it, and there is nothing to see here.
To join a chat, give the link that you were sent to the program schat.
";

/// Answers requests until one becomes a WebSocket. `None` when the connection ends without.
pub(super) async fn upgrade<S>(secured: S, header_time: Duration) -> Option<Upgraded>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let found: Arc<Mutex<Option<OnUpgrade>>> = Arc::default();
    let slot = found.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let answer = answer(&request);
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let upgrade = hyper::upgrade::on(&mut request);
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(upgrade);
        }
        async { Ok::<_, Infallible>(answer) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_buf_size(HTTP_BUFFER)
        .serve_connection(TokioIo::new(secured), service)
        .with_upgrades()
        .await;
    served.ok()?;
    let upgrade = found.lock().unwrap_or_else(PoisonError::into_inner).take();
    upgrade?.await.ok()
}

fn answer<B>(request: &Request<B>) -> Response<String> {
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/" if is_reading => text(StatusCode::OK, PAGE),
        tunnel::PATH => match tunnel::answer(request) {
            Some(response) => response.map(|()| String::new()),
            None => text(StatusCode::BAD_REQUEST, "This is for the program schat, not for browsers.\n"),
        },
        _ => text(StatusCode::NOT_FOUND, "There is nothing here.\n"),
    }
}

fn text(status: StatusCode, text: &'static str) -> Response<String> {
    let mut response = Response::new(text.to_owned());
    *response.status_mut() = status;
    let headers: &mut HeaderMap = response.headers_mut();
    // One answer each: nobody keeps a place by asking for the page again and again.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
