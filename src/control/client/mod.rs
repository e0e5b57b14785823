//! The control API from its caller's side: HTTP over the daemon's Unix socket.

mod error;
pub(crate) mod event_reader;
pub(crate) mod follow;
mod http;
pub(crate) mod save;
pub(crate) mod socket;

use std::{
    error::Error as StdError,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

pub use error::ClientError;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};

use crate::EventReader;
use model::PlanId;
use wire::{ErrorDocument, PlanView};

/// How often a call that only reads is sent again where its connection broke.
const REPEATS_MAX: u32 = 2;
/// Silence on an event stream after which it counts as broken: three heartbeats.
const EVENTS_IDLE_TIMEOUT: Duration = Duration::from_secs(45);
/// What a `?wait=` may take beyond the span itself.
const WAIT_GRACE: Duration = Duration::from_secs(5);

/// A reply, read, and as the daemon wrote it.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    pub value: T,
    /// The JSON text itself, for `--json`: nothing that a newer daemon says gets lost.
    pub text: String,
}

/// A connection pool to one daemon.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    socket: PathBuf,
    timeout: Duration,
}

/// A reply's body on its way.
pub struct Body {
    client: Client,
    response: Response,
    doing: String,
}

impl Body {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// It broke off, or nothing came within the client's timeout.
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>, ClientError> {
        let piece = tokio::time::timeout(self.client.timeout, self.response.chunk()).await;
        let piece = piece.map_err(|_| self.client.timed_out(&self.doing))?;
        piece.map_err(|error| self.client.failed(&error, &self.doing))
    }
}

impl Client {
    /// `timeout`: for a whole call, event streams excepted.
    ///
    /// # Errors
    /// The HTTP client can't be built.
    pub fn new(socket: &Path, timeout: Duration) -> Result<Self, ClientError> {
        let broken = |reason| ClientError::Broken { doing: "preparing".into(), reason };
        let http = http::client(socket).map_err(broken)?;
        Ok(Self { http, socket: socket.to_owned(), timeout })
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The same pool with another timeout.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// `GET path?query` → JSON.
    ///
    /// # Errors
    /// See [`ClientError`]; the same holds for the other calls.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<Reply<T>, ClientError> {
        let request = self.request(Method::GET, &with_query(path, query)?);
        self.json(request.timeout(self.timeout), path).await
    }

    /// `GET path` → its text, whatever the media type.
    pub async fn get_text(&self, path: &str) -> Result<String, ClientError> {
        let request = self.request(Method::GET, path).timeout(self.timeout);
        self.text(request, path).await
    }

    /// `GET path` → its body piece by piece, of any length. The timeout holds for the head and for
    /// each piece.
    pub async fn get_body(&self, path: &str) -> Result<Body, ClientError> {
        let request = self.request(Method::GET, path);
        let sent = tokio::time::timeout(self.timeout, self.send(request, path)).await;
        let response = sent.map_err(|_| self.timed_out(path))??;
        Ok(Body { client: self.clone(), response, doing: path.to_owned() })
    }

    /// `POST path` with a JSON body → JSON.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Reply<T>, ClientError> {
        let request = self.request(Method::POST, path).json(body);
        self.json(request.timeout(self.timeout), path).await
    }

    /// `POST path?query` with a document as it is → JSON.
    pub async fn post_document<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
        body: impl Into<reqwest::Body>,
    ) -> Result<Reply<T>, ClientError> {
        let request = self.request(Method::POST, &with_query(path, query)?).body(body);
        self.json(request.timeout(self.timeout), path).await
    }

    /// Submits a request document. The same `key` with the same document is the same plan.
    pub async fn submit_plan(
        &self,
        document: Vec<u8>,
        key: Option<&str>,
        priority: i16,
    ) -> Result<Reply<PlanView>, ClientError> {
        self.submit_to(&format!("/v1/plans?priority={priority}"), document, key).await
    }

    /// As `submit_plan`, for another path that makes a plan.
    pub async fn submit_to(
        &self,
        path: &str,
        document: Vec<u8>,
        key: Option<&str>,
    ) -> Result<Reply<PlanView>, ClientError> {
        let mut request = self.request(Method::POST, path).body(document);
        request = request.header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.json(request.timeout(self.timeout), path).await
    }

    /// The plan, once it is settled or `wait` is over.
    pub async fn wait_plan(
        &self,
        id: PlanId,
        wait: Duration,
    ) -> Result<Reply<PlanView>, ClientError> {
        let path = format!("/v1/plans/{id}?wait={}ms", wait.as_millis());
        let request = self.request(Method::GET, &path).timeout(wait + WAIT_GRACE);
        self.json(request, &path).await
    }

    /// The plan's events after number `after`; 0 for all.
    pub(crate) async fn watch_plan(
        &self,
        id: PlanId,
        after: u64,
    ) -> Result<EventReader, ClientError> {
        let path = format!("/v1/plans/{id}/events");
        let request = self.request(Method::GET, &path).header("last-event-id", after);
        let sent = tokio::time::timeout(self.timeout, self.send(request, &path)).await;
        let response = sent.map_err(|_| self.timed_out(&path))??;
        let bytes = response.bytes_stream();
        Ok(EventReader::new(bytes, EVENTS_IDLE_TIMEOUT))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        // The host is a formality of HTTP; the socket decides who answers.
        self.http.request(method, format!("http://eventplanner{path}"))
    }

    async fn json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        doing: &str,
    ) -> Result<Reply<T>, ClientError> {
        let text = self.text(request, doing).await?;
        let value = serde_json::from_str(&text)
            .map_err(|error| ClientError::BadReply(format!("{doing}: {error}")))?;
        Ok(Reply { value, text })
    }

    async fn text(&self, request: RequestBuilder, doing: &str) -> Result<String, ClientError> {
        let response = self.send(request, doing).await?;
        response.text().await.map_err(|error| self.failed(&error, doing))
    }

    async fn send(&self, request: RequestBuilder, doing: &str) -> Result<Response, ClientError> {
        let sent = self.send_again(request).await;
        let response = sent.map_err(|error| self.failed(&error, doing))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.map_err(|error| self.failed(&error, doing))?;
        Err(refused(status, &text, doing))
    }

    /// A daemon that stops may close a connection that it had just taken, before its request came
    /// through. One that only reads is then sent again, to the next daemon.
    async fn send_again(&self, request: RequestBuilder) -> Result<Response, reqwest::Error> {
        let mut request = request.build()?;
        for _ in 0..REPEATS_MAX {
            let only_reads = *request.method() == Method::GET;
            let Some(again) = request.try_clone().filter(|_| only_reads) else { break };
            match self.http.execute(request).await {
                Err(error) if !error.is_connect() && !error.is_timeout() => request = again,
                done => return done,
            }
        }
        self.http.execute(request).await
    }

    fn failed(&self, error: &reqwest::Error, doing: &str) -> ClientError {
        if error.is_timeout() {
            return self.timed_out(doing);
        }
        let reason = root_cause(error);
        if !error.is_connect() {
            return ClientError::Broken { doing: format!("calling {doing}"), reason };
        }
        let socket = self.socket.clone();
        match io_cause(error).map(io::Error::kind) {
            Some(io::ErrorKind::PermissionDenied) => ClientError::SocketDenied { socket },
            _ => ClientError::NotRunning { socket, reason },
        }
    }

    fn timed_out(&self, doing: &str) -> ClientError {
        let seconds = self.timeout.as_secs_f64();
        ClientError::TimedOut { seconds, doing: format!("calling {doing}") }
    }
}

/// The daemon's own error where the body holds one, else one made of the status.
fn refused(status: StatusCode, text: &str, doing: &str) -> ClientError {
    match serde_json::from_str::<ErrorDocument>(text) {
        Ok(document) => document.error.into(),
        Err(_) => ClientError::BadReply(format!("{doing} answered {status}")),
    }
}

fn with_query(path: &str, query: &impl Serialize) -> Result<String, ClientError> {
    let unreadable = |error: String| ClientError::BadReply(format!("query of {path}: {error}"));
    let value = serde_json::to_value(query).map_err(|error| unreadable(error.to_string()))?;
    let mut url = reqwest::Url::parse("http://eventplanner")
        .map_err(|error| unreadable(error.to_string()))?;
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => {
                url.query_pairs_mut().append_pair(name, text);
            }
            other => {
                url.query_pairs_mut().append_pair(name, &other.to_string());
            }
        }
    }
    Ok(url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}

fn root_cause(error: &dyn StdError) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn io_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use wire::VendorQuery;

    #[tokio::test]
    async fn a_missing_socket_is_told_as_no_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("control.sock");
        let client = Client::new(&socket, Duration::from_secs(1)).unwrap();
        let error = client.get_text("/v1/health").await.unwrap_err();
        assert_eq!(error.exit_code(), 3, "{error}");
        assert!(error.to_string().contains("control.sock"), "{error}");
        // A socket file that nobody listens on any more.
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        let error = client.get_text("/v1/health").await.unwrap_err();
        assert_eq!(error.exit_code(), 3, "{error}");
    }

    #[tokio::test]
    async fn a_silent_daemon_is_a_timeout() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("control.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let client = Client::new(&socket, Duration::from_millis(50)).unwrap();
        let error = client.get_text("/v1/health").await.unwrap_err();
        assert_eq!(error.exit_code(), 6, "{error}");
    }

    /// As when a daemon stops between taking a connection and reading its request.
    #[tokio::test]
    async fn what_only_reads_is_sent_again_over_another_connection() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("control.sock");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let client = Client::new(&socket, Duration::from_secs(30)).unwrap();
        let serve = async {
            drop(listener.accept().await.unwrap());
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"GET /v1/health"));
            let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            stream.write_all(reply).await.unwrap();
        };
        let (answer, ()) = tokio::join!(client.get_text("/v1/health"), serve);
        assert_eq!(answer.unwrap(), "{}");
        // What may have changed something is not: nobody knows whether it did.
        let close = async { drop(listener.accept().await.unwrap()) };
        let body = serde_json::json!({});
        let (answer, ()) =
            tokio::join!(client.post::<serde_json::Value>("/v1/admin/stop", &body), close);
        assert!(matches!(answer, Err(ClientError::Broken { .. })), "{answer:?}");
    }

    #[test]
    fn a_query_is_escaped_and_leaves_out_what_is_not_asked() {
        let query = VendorQuery {
            city: Some("Navi Mumbai & más".into()),
            guests: Some(20),
            ..VendorQuery::default()
        };
        let path = with_query("/v1/vendors/search", &query).unwrap();
        assert_eq!(path, "/v1/vendors/search?city=Navi+Mumbai+%26+m%C3%A1s&guests=20");
        assert_eq!(with_query("/v1/plans", &()).unwrap(), "/v1/plans");
    }
}
