//! The commands' side of the socket.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Response, body::Incoming};
use serde::{Serialize, de::DeserializeOwned};

use super::exchange::FaultBody;

/// Time for the relay to begin its answer: a large database on a slow disk needs seconds.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Time for an answer that needs all of it.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// Greatest answer, in bytes: a page of rooms is far below.
const MAX_ANSWER: usize = 16 << 20;

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("no relay is running on {}; start it, or name another with --data-dir", data_dir.display())]
    NotRunning {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// Another user's.
    #[error("the relay on {} belongs to another user; run this as that user, or with sudo", data_dir.display())]
    NotPermitted {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// No answer.
    #[error("the relay on {} does not answer: {message}; look at its log, or restart it", data_dir.display())]
    Silent {
        /// The data directory.
        data_dir: PathBuf,
        /// What happened.
        message: String,
    },
    /// The relay says no, and why.
    #[error("{0}")]
    Refused(String),
}

/// Asks the relay on `data_dir` for something.
///
/// # Errors
/// [`ClientError`], a sentence with its remedy.
pub async fn get<T: DeserializeOwned>(data_dir: &Path, path: &str) -> Result<T, ClientError> {
    let answer = request(data_dir, Method::GET, path, Bytes::new()).await?;
    parse(data_dir, answer).await
}

/// The same for what takes as long as it takes: every row is read.
///
/// # Errors
/// [`ClientError`], a sentence with its remedy.
pub async fn get_patiently<T: DeserializeOwned>(data_dir: &Path, path: &str) -> Result<T, ClientError> {
    let answer = request_within(LONG, data_dir, Method::GET, path, Bytes::new()).await?;
    parse(data_dir, answer).await
}

/// Tells the relay on `data_dir` to do something.
///
/// # Errors
/// [`ClientError`], a sentence with its remedy.
pub async fn post<T: DeserializeOwned>(
    data_dir: &Path,
    path: &str,
    body: &impl Serialize,
) -> Result<T, ClientError> {
    let body = serde_json::to_vec(body).map_err(|error| silent(data_dir, error))?;
    let answer = request(data_dir, Method::POST, path, body.into()).await?;
    parse(data_dir, answer).await
}

/// The answer as it comes, for those that are too large or too long to wait for; a no is an error already.
///
/// # Errors
/// [`ClientError`], a sentence with its remedy.
pub async fn request(
    data_dir: &Path,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<Response<Incoming>, ClientError> {
    request_within(ANSWER_TIME, data_dir, method, path, body).await
}

#[cfg(unix)]
async fn request_within(
    time: Duration,
    data_dir: &Path,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<Response<Incoming>, ClientError> {
    let stream = super::socket::connect(data_dir).await.map_err(|error| unreachable(data_dir, error))?;
    let io = hyper_util::rt::TokioIo::new(stream);
    let handshake = hyper::client::conn::http1::handshake(io).await;
    let (mut sender, connection) = handshake.map_err(|error| silent(data_dir, error))?;
    // Ends with the answer's body.
    tokio::spawn(connection);
    let request = hyper::Request::builder().method(method).uri(path).header(hyper::header::HOST, "relay");
    let request = request.body(Full::new(body)).map_err(|error| silent(data_dir, error))?;
    let answer = tokio::time::timeout(time, sender.send_request(request)).await;
    let answer = answer.map_err(|error| silent(data_dir, error))?.map_err(|error| silent(data_dir, error))?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let FaultBody { error } = parse(data_dir, answer).await?;
    Err(ClientError::Refused(error))
}

/// There are no Unix sockets here.
#[cfg(not(unix))]
async fn request_within(
    _: Duration,
    data_dir: &Path,
    _: Method,
    _: &str,
    _: Bytes,
) -> Result<Response<Incoming>, ClientError> {
    Err(silent(data_dir, "this system has no Unix sockets"))
}

async fn parse<T: DeserializeOwned>(data_dir: &Path, answer: Response<Incoming>) -> Result<T, ClientError> {
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
    let body = body.map_err(|error| silent(data_dir, error))?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| silent(data_dir, error))
}

#[cfg(unix)]
fn unreachable(data_dir: &Path, error: super::socket::SocketError) -> ClientError {
    use super::socket::SocketError;
    let data_dir = data_dir.to_owned();
    match error {
        SocketError::Io(error) => match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
                ClientError::NotRunning { data_dir }
            }
            std::io::ErrorKind::PermissionDenied => ClientError::NotPermitted { data_dir },
            _ => silent(&data_dir, error),
        },
        other => silent(&data_dir, other),
    }
}

fn silent(data_dir: &Path, error: impl std::fmt::Display) -> ClientError {
    ClientError::Silent { data_dir: data_dir.to_owned(), message: error.to_string() }
}
