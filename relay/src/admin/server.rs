//! HTTP/1 for the operator: few connections, small requests, no waiting for slow ones.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::UnixListener,
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Admin, Body, Fault, Request, exchange, routes, socket::is_allowed};

/// Open connections: commands of one operator and their scripts. Who comes when all are taken waits.
const CONNECTIONS: usize = 16;

/// Greatest body of a request, in bytes: names and numbers, nothing else.
const MAX_BODY: usize = 64 << 10;

/// Greatest head of a request, in bytes: hyper's least.
const MAX_HEAD: usize = 8 << 10;

/// Time for the head of a request, and again for its body: a local program needs milliseconds.
const READ_TIME: Duration = Duration::from_secs(5);

/// Pause after a failed accept: what is exhausted is not back at once.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is dropped.
pub(crate) async fn serve(admin: Arc<Admin>, listener: UnixListener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) if is_allowed(&stream) => stream,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, "the admin socket takes no connection");
                sleep(PAUSE).await;
                continue;
            }
        };
        let admin = admin.clone();
        connections.spawn(async move {
            let _place = place;
            let service = service_fn(|request| respond(&admin, request));
            // What ends a connection early is the other side's affair.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(READ_TIME)
                .max_buf_size(MAX_HEAD)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond(admin: &Admin, request: hyper::Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let answer = match read(request).await {
        Ok(request) => routes::route(admin, &request).await,
        Err(fault) => Err(fault),
    };
    Ok(exchange::response(answer))
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, Fault> {
    let (head, body) = request.into_parts();
    let body = match timeout(READ_TIME, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large"));
        }
        Ok(Err(_)) => Bytes::new(),
        Err(_) => return Err(Fault::new(StatusCode::REQUEST_TIMEOUT, "the request did not come in time")),
    };
    let segments = head.uri.path().split('/').filter(|segment| !segment.is_empty());
    let pairs = head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    Ok(Request {
        method: head.method,
        path: segments.map(Into::into).collect(),
        query: pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(owned).collect(),
        body,
    })
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.into(), value.into())
}
