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

use super::error::{OrderError, printable};

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
    pub(super) fn new(ca: Option<&Path>) -> Result<Self, OrderError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let setup = |error: rustls::Error| OrderError::Unreachable { cause: error.to_string(), wait: None };
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
    pub(super) fn asked_to_wait(&self) -> Option<Duration> {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the authority's terms of service are, if its directory says so (RFC 8555, 7.1.1).
    pub(super) async fn terms(&self, directory: &str) -> Option<String> {
        let request = Request::get(directory).body(BodyWrapper::default()).ok()?;
        let mut answer = self.request(request).await.ok()?;
        let directory: serde_json::Value =
            serde_json::from_slice(&answer.body.into_bytes().await.ok()?).ok()?;
        Some(printable(directory.get("meta")?.get("termsOfService")?.as_str()?))
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
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(other)?;
        let authority = uri.authority().map_or(host, |authority| authority.as_str());
        request.headers_mut().insert(HOST, HeaderValue::from_str(authority).map_err(other)?);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse::<Uri>().map_err(other)?;
        let exchange = async {
            let (parts, body) = sender.send_request(request).await.map_err(other)?.into_parts();
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
                ended.map_err(other)?;
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

    /// An HTTPS server that gives every request this answer.
    async fn answering(directory: &Path, answer: Vec<u8>) -> (Http, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let authority = certs::Authority::load_or_create(directory).unwrap();
        let leaf = authority.leaf(&["localhost".to_owned()]).unwrap();
        let config =
            rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(leaf.chain, leaf.key);
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            loop {
                let stream = listener.accept().await.unwrap().0;
                let mut stream = acceptor.accept(stream).await.unwrap();
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                // Whoever has read enough goes away.
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        (Http::new(Some(&directory.join(certs::CA_CERT_FILE))).unwrap(), url)
    }

    fn get(url: &str) -> Request<BodyWrapper<Bytes>> {
        Request::get(url).body(BodyWrapper::default()).unwrap()
    }

    #[tokio::test]
    async fn authority_that_wants_to_be_left_alone_is_heard() {
        let dir = tempfile::TempDir::new().unwrap();
        let answer =
            b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7200\r\nContent-Length: 2\r\n\r\n{}".to_vec();
        let (http, url) = answering(dir.path(), answer).await;
        assert_eq!(http.request(get(&url)).await.ok().unwrap().parts.status, 429);
        assert_eq!(http.asked_to_wait(), Some(Duration::from_secs(7200)));
        let failed = OrderError::from(Error::Str("an answer"), http.asked_to_wait());
        assert!(matches!(failed, OrderError::Unreachable { wait: Some(wait), .. } if wait.as_secs() == 7200));
    }

    #[tokio::test]
    async fn answer_without_end_is_given_up() {
        let dir = tempfile::TempDir::new().unwrap();
        let mut answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        answer.resize(2 * MAX_ANSWER, b' ');
        let (http, url) = answering(dir.path(), answer).await;
        assert!(http.request(get(&url)).await.is_err());
    }

    #[tokio::test]
    async fn server_that_the_roots_do_not_vouch_for_is_refused() {
        let (dir, other) = (tempfile::TempDir::new().unwrap(), tempfile::TempDir::new().unwrap());
        let (_, url) = answering(dir.path(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
        certs::Authority::load_or_create(other.path()).unwrap();
        let stranger = Http::new(Some(&other.path().join(certs::CA_CERT_FILE))).unwrap();
        assert!(stranger.request(get(&url)).await.is_err());
    }

    #[tokio::test]
    async fn terms_are_found_in_the_directory() {
        let dir = tempfile::TempDir::new().unwrap();
        let body = r#"{"meta":{"termsOfService":"https://ca.example/terms"}}"#;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
        let (http, url) = answering(dir.path(), answer).await;
        assert_eq!(http.terms(&url).await.as_deref(), Some("https://ca.example/terms"));
    }
}
