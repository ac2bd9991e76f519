//! HTTP/1 for the operator: few connections, small requests, no waiting for slow ones.

use std::{convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    Admin, Body, Fault, Request,
    exchange::{self, Scope},
    routes,
};
use crate::net::networks::Networks;

/// Open connections per listener: commands of one operator and their scripts. Who comes when all are taken waits.
const CONNECTIONS: usize = 16;

/// Greatest body of a request, in bytes: names and numbers, nothing else.
const MAX_BODY: usize = 64 << 10;

/// Greatest head of a request, in bytes: hyper's least.
const MAX_HEAD: usize = 8 << 10;

/// Time for the head of a request, and again for its body: a local program needs milliseconds.
const READ_TIME: Duration = Duration::from_secs(5);

/// Pause after a failed accept: what is exhausted is not back at once.
const PAUSE: Duration = Duration::from_millis(100);

/// Where an operator's connections come from.
pub(crate) enum Listener {
    /// The socket in the data directory: whoever gets through may do everything.
    #[cfg(unix)]
    Socket(tokio::net::UnixListener),
    /// A port: any program of this machine may look at health and numbers, and these others.
    Watching(TcpListener, Networks),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Serves until it is dropped.
pub(crate) async fn serve(admin: Arc<Admin>, listener: Listener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let scope = listener.scope();
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok(Some(stream)) => stream,
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!(%error, "the admin listener takes no connection");
                sleep(PAUSE).await;
                continue;
            }
        };
        let admin = admin.clone();
        connections.spawn(async move {
            let _place = place;
            let service = service_fn(|request| respond(&admin, scope, request));
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

impl Listener {
    fn scope(&self) -> Scope {
        match self {
            #[cfg(unix)]
            Self::Socket(_) => Scope::All,
            Self::Watching(..) => Scope::Watching,
        }
    }

    /// The next connection; `None` for one that was sent away.
    async fn accept(&self) -> io::Result<Option<Box<dyn Stream>>> {
        Ok(match self {
            #[cfg(unix)]
            Self::Socket(listener) => {
                let (stream, _) = listener.accept().await?;
                super::socket::is_allowed(&stream).then(|| -> Box<dyn Stream> { Box::new(stream) })
            }
            Self::Watching(listener, from) => {
                let (stream, peer) = listener.accept().await?;
                // Who comes from the address that it came to is on this machine.
                let here = stream.local_addr()?.ip().to_canonical();
                let peer = peer.ip().to_canonical();
                let may = peer.is_loopback() || peer == here || from.have(peer);
                may.then(|| -> Box<dyn Stream> { Box::new(stream) })
            }
        })
    }
}

async fn respond(
    admin: &Admin,
    scope: Scope,
    request: hyper::Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let answer = match read(scope, request).await {
        Ok(request) => routes::route(admin, scope, &request).await,
        Err(fault) => Err(fault),
    };
    Ok(exchange::response(answer))
}

async fn read(scope: Scope, request: hyper::Request<Incoming>) -> Result<Request, Fault> {
    let (head, body) = request.into_parts();
    if scope == Scope::Watching && !is_meant(&head.headers) {
        return Err(Fault::new(StatusCode::FORBIDDEN, "ask by an address or as localhost"));
    }
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

/// A page in a browser of this machine may bend a name of its own to this address and read the answer; then the
/// name stands here.
fn is_meant(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}
