//! HTTPS to the authority. Of our own, because answers of strangers need a bound and a time, and because an
//! authority that says how long it wants to be left alone (RFC 9110, 10.2.3) is to be heard.

use std::{
    future::Future,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use http_body_util::{BodyExt, Limited};
use hyper::{
    Request, Uri,
    body::Bytes,
    client::conn::http1,
    header::{HOST, HeaderValue, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::error::OrderError;

/// Time for one request, in which authorities validate and sign nothing: they answer at once.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// The most that one answer may hold, in bytes. Certificate chains are the longest, below 20 KiB.
const MAX_ANSWER: usize = 256 << 10;

/// A client for one authority.
#[derive(Clone)]
pub(super) struct Http {
    tls: TlsConnector,
    asked: Arc<Mutex<Option<Duration>>>,
}

impl Http {
    /// One that trusts the roots in this file, or those of the system.
    pub fn new(ca: Option<&Path>) -> Result<Self, OrderError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let setup = |error: rustls::Error| OrderError::Unreachable { cause: error.to_string() };
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(setup)?;
        let config = match ca {
            Some(path) => builder.with_root_certificates(roots(path)?).with_no_client_auth(),
            None => {
                let verifier = Verifier::new(provider).map_err(setup)?;
                // "Dangerous" is what rustls calls any verifier that is not its own; this one is the system's.
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
            }
        };
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), asked: Arc::default() })
    }

    /// How long the authority last asked to be left alone.
    pub fn asked_to_wait(&self) -> Option<Duration> {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(self, mut request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let uri = request.uri().clone();
        let (Some("https"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(Error::Str("an https:// address of the authority"));
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let tcp = TcpStream::connect((bare, uri.port_u16().unwrap_or(443))).await.map_err(other)?;
        let name = ServerName::try_from(bare.to_owned()).map_err(other)?;
        let stream = self.tls.connect(name, tcp).await.map_err(other)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let authority = uri.authority().map_or(host, |authority| authority.as_str());
        request.headers_mut().insert(HOST, HeaderValue::from_str(authority).map_err(other)?);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse::<Uri>().map_err(other)?;
        let exchange = async {
            let (parts, body) = sender.send_request(request).await?.into_parts();
            let asked = parts.headers.get(RETRY_AFTER).and_then(wait);
            *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = asked;
            let bytes = Limited::new(body, MAX_ANSWER).collect().await.map_err(Error::Other)?.to_bytes();
            Ok(BytesResponse { parts, body: Box::new(bytes) })
        };
        tokio::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            // The connection ends by itself only when it fails or has answered.
            ended = connection => {
                ended?;
                exchange.await
            }
        }
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let answer = timeout(REQUEST_TIME, self.clone().send(request));
        Box::pin(async move { answer.await.unwrap_or(Err(Error::Str("an answer within 30 seconds"))) })
    }
}

/// Seconds, or a date.
fn wait(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok()
}

fn roots(path: &Path) -> Result<RootCertStore, OrderError> {
    let bad = |reason: String| OrderError::Roots { path: path.to_owned(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))? {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() { Err(bad("there is no certificate in it".to_owned())) } else { Ok(roots) }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Other(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_ask_for_a_pause_are_understood_and_rubbish_is_none() {
        let wait = |text| wait(&HeaderValue::from_static(text));
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert!(wait("Tue, 31 Dec 2199 23:59:59 GMT").unwrap() > Duration::from_secs(1));
        for rubbish in ["", "soon", "-1", "Fri, 31 Dec 1999 23:59:59 GMT"] {
            assert_eq!(wait(rubbish), None, "{rubbish}");
        }
    }

    #[test]
    fn file_without_a_root_is_refused_with_its_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let Err(error) = Http::new(Some(file.path())) else { panic!("accepted") };
        assert!(error.to_string().contains(file.path().to_str().unwrap()));
    }
}
