//! WebTransport (HTTP/3 over the relay's QUIC): from a connection to a session whose streams are rooms.

use std::time::Duration;

use hyper::{StatusCode, header::ORIGIN};
use proto::{CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN, NONCE_LEN, web_transport_binding};
use tokio::time::timeout;
use web_transport_quinn::{Request, Session};

use crate::net::web::Pages;

/// Where a page that signs the relay's number connects to.
const PATH: &str = "/schat";

/// And one whose browser has an exporter.
const EXPORTER_PATH: &str = "/schat/exporter";

/// TLS' label of what a session exports (draft-ietf-webtrans-http3, 4.9).
const EXPORTER_LABEL: &[u8] = b"EXPORTER-WebTransport";

/// Time for a page to hear that it is not welcome.
const GOODBYE: Duration = Duration::from_millis(500);

/// A page that was let in.
pub(crate) struct Visit {
    pub(crate) session: Session,
    /// Ties Joins to it.
    pub(crate) binding: [u8; CHANNEL_BINDING_LEN],
}

/// HTTP/3 on a connection, up to a session; `None` when none came of it.
pub(crate) async fn greet(connection: quinn::Connection, pages: &Pages) -> Option<Visit> {
    let request = Request::accept(connection.clone()).await.ok()?;
    let exports = match judge(&request, pages) {
        Ok(exports) => exports,
        Err(status) => {
            if request.reject(status).await.is_ok() {
                let _ = timeout(GOODBYE, connection.closed()).await;
            }
            return None;
        }
    };
    // Of whom it wanted to reach, the connection shows nothing but this.
    let leaf = pages.leaf()?;
    let session = request.ok().await.ok()?;
    if exports {
        return Some(Visit { session, binding: exporter(&connection)? });
    }
    let mut nonce = [0; NONCE_LEN];
    aws_lc_rs::rand::fill(&mut nonce).ok()?;
    let mut first = session.open_uni().await.ok()?;
    first.write_all(&nonce).await.ok()?;
    first.finish().ok()?;
    Some(Visit { session, binding: web_transport_binding(&nonce, &leaf) })
}

/// Whether it signs an exporter, or why it is not welcome.
fn judge(request: &Request, pages: &Pages) -> Result<bool, StatusCode> {
    let exports = match request.url.path() {
        PATH => false,
        EXPORTER_PATH => true,
        _ => return Err(StatusCode::NOT_FOUND),
    };
    // Of several the library keeps the last; a browser sends one, whatever its page wants.
    let origin = request.headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let origin = origin.ok_or(StatusCode::BAD_REQUEST)?;
    let host = request.url.host_str().ok_or(StatusCode::BAD_REQUEST)?;
    let authority = match request.url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    pages.judge(origin, &authority).map_err(super::origin::Foreign::status)?;
    Ok(exports)
}

/// The session is the connection's first stream, 0: only one is let in, and streams are taken in order.
fn exporter(connection: &quinn::Connection) -> Option<[u8; CHANNEL_BINDING_LEN]> {
    let mut binding = [0; CHANNEL_BINDING_LEN];
    let context = exporter_context(0, CHANNEL_BINDING_LABEL)?;
    connection.export_keying_material(&mut binding, EXPORTER_LABEL, &context).ok()?;
    Some(binding)
}

/// What sets one session's exports apart from others: its id, the page's label and the page's context, which is empty.
fn exporter_context(session: u64, label: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(label.len()).ok()?;
    Some([&session.to_be_bytes()[..], &[length], label, &[0]].concat())
}
