//! Requests and answers, already read and not yet written.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{Method, Response, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};

/// What may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything.
    All,
    /// Health and numbers.
    Watching,
}

/// The body of an answer; may be a stream.
pub type Body = BoxBody<Bytes, io::Error>;

/// A request whose body is here and within its bound.
#[derive(Debug)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// The path's segments, without empty ones.
    pub path: Vec<String>,
    /// What follows the `?`, as pairs; nothing is decoded, since nothing that is sent needs it.
    pub query: Vec<(String, String)>,
    /// JSON, or nothing.
    pub body: Bytes,
}

/// What a route says.
pub type Answer = Result<Reply, Fault>;

/// A yes.
#[derive(Debug)]
pub struct Reply {
    content_type: &'static str,
    status: StatusCode,
    body: Body,
}

/// A no, with the sentence that the command prints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// For programs.
    pub status: StatusCode,
    /// Cause and remedy.
    pub message: String,
}

/// How a [`Fault`] looks in JSON.
#[derive(Serialize, serde::Deserialize)]
pub(super) struct FaultBody {
    pub error: String,
}

impl Request {
    /// The body as this type.
    ///
    /// # Errors
    /// A [`Fault`] if it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let body = if self.body.is_empty() { b"null" } else { &*self.body };
        serde_json::from_slice(body).map_err(|error| {
            Fault::new(StatusCode::BAD_REQUEST, format!("the request is not understood: {error}"))
        })
    }

    /// The first value of this name in the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }
}

impl Reply {
    /// A JSON document.
    ///
    /// # Errors
    /// A [`Fault`] if the value cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Answer {
        let text = serde_json::to_string(value)
            .map_err(|error| Fault::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        Ok(Self::text("application/json", text))
    }

    /// A text of this type.
    pub fn text(content_type: &'static str, text: String) -> Self {
        let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed();
        Self::stream(content_type, body)
    }

    /// A body that is made while it is sent.
    pub fn stream(content_type: &'static str, body: Body) -> Self {
        Self { content_type, status: StatusCode::OK, body }
    }

    /// The same with another status.
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

impl Fault {
    /// A no with its sentence.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// The database does not answer.
    pub fn unavailable() -> Self {
        let message = "the database cannot be read now; look at the relay's log";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }
}

impl From<crate::log::Unavailable> for Fault {
    fn from(_: crate::log::Unavailable) -> Self {
        Self::unavailable()
    }
}

/// The answer as HTTP.
pub(super) fn response(answer: Answer) -> Response<Body> {
    let Reply { content_type, status, body } = answer.unwrap_or_else(|Fault { status, message }| {
        let text = serde_json::to_string(&FaultBody { error: message }).unwrap_or_default();
        Reply::text("application/json", text).with_status(status)
    });
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
