//! What a browser that asks for the page is told beside it.

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::{Body, Frame, SizeHint},
    header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
        ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, RETRY_AFTER, VARY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

use crate::net::web::{Pages, site::File};

/// What the page may do: run its own scripts and wasm, talk to the relay it came from, and nothing else. Nobody frames it, and no
/// text becomes a script (Trusted Types) but by the page's one policy.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
    img-src 'self' blob:; media-src 'self' blob:; font-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types schat";

/// Apart from all other pages: none shares its process, opens it with a handle on it, or reads what it is made of.
const ALONE: [(&str, &str); 4] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    // A camera reads the other device's code; the rest is not asked for.
    ("permissions-policy", "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"),
];

/// Kept for a year, and not asked for again: its name changes when it does.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Asked for each time whether it changed.
const ASK: HeaderValue = HeaderValue::from_static("no-cache");

/// What is sent, at once.
#[derive(Debug, Default)]
pub(crate) struct Whole(Option<Bytes>);

impl Whole {
    /// These bytes.
    pub(crate) fn of(bytes: impl Into<Bytes>) -> Self {
        Self(Some(bytes.into()).filter(|bytes| !bytes.is_empty()))
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// A file of the page, for who pays.
pub(crate) fn file<B>(pages: &Pages, payer: IpAddr, request: &Request<B>, file: &File) -> Response<Whole> {
    let asked = request.headers();
    let is_known =
        values(asked, IF_NONE_MATCH).any(|tag| tag.as_bytes() == file.tag.as_bytes() || tag == "*");
    let brotli = file.brotli.as_ref().filter(|_| takes_brotli(asked));
    let bytes = brotli.unwrap_or(&file.bytes);
    let mut response = match is_known {
        true => status(StatusCode::NOT_MODIFIED, ""),
        false => match pages.charge(payer, bytes.len()) {
            Ok(()) => Response::new(Whole::of(bytes.clone())),
            Err(later) => {
                let mut response =
                    status(StatusCode::TOO_MANY_REQUESTS, "Too much at once; try again in a minute.\n");
                let headers = response.headers_mut();
                headers.insert(RETRY_AFTER, HeaderValue::from(later.as_secs().saturating_add(1)));
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
                return response;
            }
        },
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.kind));
    headers.insert(ETAG, file.tag.clone());
    headers.insert(CACHE_CONTROL, if file.is_for_ever { FOR_EVER } else { ASK });
    if file.brotli.is_some() {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    if brotli.is_some() && !is_known {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    response
}

/// A few words, under the same rules as a page.
pub(crate) fn status(status: StatusCode, text: impl Into<Bytes>) -> Response<Whole> {
    let mut response = Response::new(Whole::of(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What the relay says of itself, new each time.
pub(crate) fn json(text: Bytes) -> Response<Whole> {
    let mut response = status(StatusCode::OK, text);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What every answer says, whatever it is.
pub(crate) fn guard(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for (name, value) in ALONE {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

/// Whether brotli is named, and not as what is not wanted (RFC 9110, 12.5.3).
fn takes_brotli(asked: &HeaderMap) -> bool {
    values(asked, ACCEPT_ENCODING).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("br") && weight.is_some_and(|weight| weight > 0.0)
    })
}

/// The members of a list in a header (RFC 9110, 5.6.1).
fn values(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let all = headers.get_all(name).into_iter();
    all.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_sent_to_who_names_it_alone() {
        for (asked, wanted) in [
            ("gzip, deflate, br, zstd", true),
            ("br;q=0.5", true),
            ("BR", true),
            ("", false),
            ("gzip", false),
            ("br;q=0", false),
            ("br;q=x", false),
            ("brotli", false),
            ("*", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(asked));
            assert_eq!(takes_brotli(&headers), wanted, "{asked}");
        }
    }
}
