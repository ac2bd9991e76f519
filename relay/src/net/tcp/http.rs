//! HTTP on the relay's port: the page, and the ways to a WebSocket.

use std::{
    convert::Infallible,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONNECTION, HOST, HeaderName, HeaderValue, ORIGIN},
    server::conn::http1,
    service::service_fn,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};

#[cfg(feature = "program")]
use crate::net::leaves::ANNOUNCED_AT;
use crate::{
    net::web::{
        Pages,
        answer::{self, Whole, guard, status},
        origin::Foreign,
    },
    policy::limits::{HTTP_BUFFER, PAGE_REQUESTS},
};

/// What a browser shows where there is no page.
const NO_PAGE: &str = "\
This is a Schat relay.

It passes on chat that is encrypted from end to end: it cannot read any of it, and there is nothing to see here.
To join a chat, give the link that you were sent to the program schat.
";

/// The same where browsers are welcome, and the program has nothing to show them.
const NOT_BUILT: &str = "\
This is a Schat relay.

It was built without the page by which a browser could join a chat. To join one, give the link that you were sent to the
program schat. Who runs this relay can name a build of the page with --web-dir.
";

/// Who asked for a WebSocket.
pub(super) enum Guest {
    /// A program, which signs TLS' exporter.
    Program,
    /// A page in a browser that called the relay by this name.
    Page { authority: String },
}

/// Who asks, and what there is for them.
#[derive(Clone)]
pub(super) struct Desk {
    pub pages: Option<Arc<Pages>>,
    pub payer: IpAddr,
    /// Told when the page is being read: that takes longer than a greeting.
    pub reads: watch::Sender<bool>,
}

type Found = Arc<Mutex<Option<(OnUpgrade, Guest)>>>;

/// Answers requests until one becomes a WebSocket. `None` when the connection ends without.
pub(super) async fn upgrade<S>(secured: S, header_time: Duration, desk: Desk) -> Option<(Upgraded, Guest)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (found, asked) = (Found::default(), AtomicU32::new(0));
    let slot = found.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (mut response, guest) = desk.answer(&request);
        if let Some(guest) = guest {
            let upgrade = hyper::upgrade::on(&mut request);
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((upgrade, guest));
        } else {
            guard(response.headers_mut());
            if asked.fetch_add(1, Ordering::Relaxed) + 1 >= PAGE_REQUESTS {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
        }
        async { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_buf_size(HTTP_BUFFER)
        .serve_connection(TokioIo::new(secured), service)
        .with_upgrades()
        .await;
    served.ok()?;
    let (upgrade, guest) = found.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    Some((upgrade.await.ok()?, guest))
}

impl Desk {
    fn answer<B>(&self, request: &Request<B>) -> (Response<Whole>, Option<Guest>) {
        if request.uri().path() == tunnel::PATH {
            return match self.web_socket(request) {
                Ok((response, guest)) => (response.map(|()| Whole::default()), Some(guest)),
                Err(response) => (*response, None),
            };
        }
        let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
        let site = self.pages.as_ref().and_then(|pages| Some((pages, pages.site.as_ref()?)));
        let response = match (site, request.uri().path()) {
            #[cfg(feature = "program")]
            (_, ANNOUNCED_AT) if is_reading => {
                match self.pages.as_ref().and_then(|pages| pages.announced()) {
                    Some(said) => answer::json(said),
                    None => refusal(StatusCode::NOT_FOUND, "There is nothing here.\n"),
                }
            }
            _ if !is_reading => refusal(StatusCode::METHOD_NOT_ALLOWED, "Nothing is taken here.\n"),
            (Some((pages, site)), path) => match site.find(path) {
                Some(file) => {
                    self.reads.send_replace(true);
                    answer::file(pages, self.payer, request, file)
                }
                None => refusal(StatusCode::NOT_FOUND, "There is nothing here.\n"),
            },
            (None, "/") if self.pages.is_some() => refusal(StatusCode::OK, NOT_BUILT),
            (None, "/") => refusal(StatusCode::OK, NO_PAGE),
            (None, _) => refusal(StatusCode::NOT_FOUND, "There is nothing here.\n"),
        };
        (response, None)
    }

    /// A program names no origin; a page cannot help it.
    fn web_socket<B>(&self, request: &Request<B>) -> Result<(Response<()>, Guest), Box<Response<Whole>>> {
        let headers = request.headers();
        let no = |status, text| Err(Box::new(refusal(status, text)));
        if !headers.contains_key(ORIGIN) {
            return match tunnel::answer(request) {
                Some(response) => Ok((response, Guest::Program)),
                None => no(StatusCode::BAD_REQUEST, "This is for the program schat.\n"),
            };
        }
        let Some(pages) = &self.pages else {
            return no(StatusCode::FORBIDDEN, "This relay takes no pages.\n");
        };
        let (Some(origin), Some(authority)) = (only(headers, ORIGIN), only(headers, HOST)) else {
            return no(StatusCode::BAD_REQUEST, "One Origin and one Host are wanted.\n");
        };
        // A second name in the request line would be another one than was looked at.
        if request.uri().authority().is_some() {
            return no(StatusCode::BAD_REQUEST, "A path is wanted.\n");
        }
        match pages.judge(origin, authority) {
            Ok(()) => {}
            Err(foreign @ Foreign::Page) => {
                return no(foreign.status(), "This is not for pages from elsewhere.\n");
            }
            Err(foreign @ Foreign::Name) => return no(foreign.status(), "This relay has another name.\n"),
        }
        match tunnel::answer_page(request) {
            Some(response) => Ok((response, Guest::Page { authority: authority.to_owned() })),
            None => no(StatusCode::BAD_REQUEST, "This is for a page of this version.\n"),
        }
    }
}

/// The one value of a header.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut all = headers.get_all(name).into_iter();
    let value = all.next()?;
    all.next().is_none().then(|| value.to_str().ok())?
}

/// A few words, and the end: nobody keeps a place by asking for what is not there again and again.
fn refusal(code: StatusCode, text: &'static str) -> Response<Whole> {
    let mut response = status(code, text);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
