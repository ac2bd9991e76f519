//! From HTTP to a WebSocket that speaks this.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self,
        client::IntoClientRequest,
        handshake::server::create_response_with_body,
        http::{
            HeaderValue, Request, Response,
            header::{ORIGIN, SEC_WEBSOCKET_PROTOCOL},
        },
    },
};

use crate::limits::web_socket;

/// Where a relay's HTTP server upgrades.
pub const PATH: &str = "/schat";

/// The WebSocket subprotocol (RFC 6455, 1.9), with its version.
pub const SUBPROTOCOL: &str = "schat.1";

/// The subprotocol of pages in browsers: first comes a number from the relay, as a message of its own.
pub const PAGE_SUBPROTOCOL: &str = "schat.web.1";

/// Why there is no WebSocket.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The other side speaks HTTP at best.
    #[error("the other side is not a relay of this version")]
    Protocol,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[source] std::io::Error),
}

/// What a relay answers to a request for [`PATH`]: a response that upgrades; `None` when it does not ask for this.
pub fn answer<B>(request: &Request<B>) -> Option<Response<()>> {
    take(request, SUBPROTOCOL)
}

/// The same where a page asks. Whether it may is for the caller to say.
pub fn answer_page<B>(request: &Request<B>) -> Option<Response<()>> {
    take(request, PAGE_SUBPROTOCOL)
}

fn take<B>(request: &Request<B>, subprotocol: &'static str) -> Option<Response<()>> {
    let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let mut offered = offered.iter().filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    if !offered.any(|protocol| protocol.trim() == subprotocol) {
        return None;
    }
    let mut response = create_response_with_body(request, || ()).ok()?;
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    Some(response)
}

/// Asks a relay for a WebSocket.
pub(crate) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    secured: S,
    host: &str,
) -> Result<WebSocketStream<S>, HandshakeError> {
    send(secured, request(host, SUBPROTOCOL)?).await
}

/// The same as a page of `origin` does it.
pub(crate) async fn ask_as_page<S: AsyncRead + AsyncWrite + Unpin>(
    secured: S,
    host: &str,
    origin: &str,
) -> Result<WebSocketStream<S>, HandshakeError> {
    let mut request = request(host, PAGE_SUBPROTOCOL)?;
    let origin = HeaderValue::from_str(origin).map_err(|_| HandshakeError::Protocol)?;
    request.headers_mut().insert(ORIGIN, origin);
    send(secured, request).await
}

fn request(host: &str, subprotocol: &'static str) -> Result<Request<()>, HandshakeError> {
    let mut request =
        format!("wss://{host}{PATH}").into_client_request().map_err(|_| HandshakeError::Protocol)?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    Ok(request)
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    secured: S,
    request: Request<()>,
) -> Result<WebSocketStream<S>, HandshakeError> {
    match client_async_with_config(request, secured, Some(web_socket())).await {
        // The library has compared the subprotocol.
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Io(error)) => Err(HandshakeError::Io(error)),
        Err(_) => Err(HandshakeError::Protocol),
    }
}
