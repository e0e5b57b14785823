//! An LLM server for tests: speaks Ollama's and OpenAI's protocols over raw TCP, so that it can do
//! what no HTTP library would: stall, cut, drip, lie.

#![allow(dead_code)] // Each test binary uses its own part.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use eventplanner::llm::settings::{EndpointSettings, ServerKind};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What the server does with one chat call.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// A good reply with this text, in a few pieces.
    Reply(String),
    /// The same, the first byte after a while.
    ReplyAfter(Duration, String),
    /// The same, one byte at a time with a pause between.
    Drip(Duration, String),
    /// Reads the request and never answers.
    Silent,
    /// Begins the reply, then neither goes on nor ends.
    Stall,
    /// Closes the connection in mid-reply, after this many bytes of the body.
    Cut(usize),
    /// Closes the connection without a word.
    HangUp,
    /// An error inside a reply under status 200.
    ErrorInStream,
    /// The model stops for want of tokens.
    OutOfTokens,
    /// Text without end.
    Endless,
    /// One line without end.
    GiganticLine,
    /// Only comment pings (OpenAI) or empty lines (Ollama), without end.
    Pings,
    /// A plain HTTP reply: status, extra header lines, body.
    Plain(u16, String, String),
    /// Waits for the gate to open, then a good reply.
    Gated(watch::Receiver<bool>, String),
}

impl Behaviour {
    pub fn status(code: u16, headers: &str, body: &str) -> Self {
        Self::Plain(code, headers.to_owned(), body.to_owned())
    }
}

type Decide = dyn Fn(u64, &Value) -> Behaviour + Send + Sync;

/// What the server saw.
#[derive(Default)]
pub struct Seen {
    pub connections: AtomicU64,
    pub chats: AtomicU64,
    pub loads: AtomicU64,
    /// Calls whose client went away before the reply was over.
    pub abandoned: AtomicU64,
    busy: AtomicUsize,
    peak: AtomicUsize,
    /// The last few chat bodies and heads.
    last: Mutex<VecDeque<(String, Value)>>,
}

impl Seen {
    pub fn chats(&self) -> u64 {
        self.chats.load(Ordering::SeqCst)
    }

    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }

    pub fn abandoned(&self) -> u64 {
        self.abandoned.load(Ordering::SeqCst)
    }

    pub fn busy(&self) -> usize {
        self.busy.load(Ordering::SeqCst)
    }

    /// Head and body of the last chat.
    pub fn last_chat(&self) -> (String, Value) {
        self.last.lock().unwrap().back().cloned().expect("a chat call")
    }

    pub fn chat_bodies(&self) -> Vec<Value> {
        self.last.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
    }
}

/// A running server; stops when dropped.
pub struct LlmServer {
    pub address: SocketAddr,
    pub kind: ServerKind,
    pub seen: Arc<Seen>,
    pub models: Arc<Mutex<Models>>,
    task: JoinHandle<()>,
}

/// What the server says of its models.
pub struct Models {
    pub pulled: Vec<String>,
    pub loaded: Vec<String>,
    /// How long a load takes.
    pub load: Duration,
    /// `/health` and chats say 503 "Loading model" this many times.
    pub loading_answers: u32,
}

impl Drop for LlmServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl LlmServer {
    /// Starts on a free port. `decide` gets the number of the chat call (from 0) and its body.
    pub async fn start(
        kind: ServerKind,
        decide: impl Fn(u64, &Value) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        Self::start_at("127.0.0.1:0", kind, decide).await
    }

    pub async fn start_at(
        address: &str,
        kind: ServerKind,
        decide: impl Fn(u64, &Value) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let models = Arc::new(Mutex::new(Models {
            pulled: vec!["test:latest".to_owned()],
            loaded: vec![],
            load: Duration::ZERO,
            loading_answers: 0,
        }));
        let decide: Arc<Decide> = Arc::new(decide);
        let (all_seen, all_models) = (Arc::clone(&seen), Arc::clone(&models));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                all_seen.connections.fetch_add(1, Ordering::SeqCst);
                let _ = stream.set_nodelay(true);
                let connection = Connection {
                    kind,
                    seen: Arc::clone(&all_seen),
                    models: Arc::clone(&all_models),
                    decide: Arc::clone(&decide),
                };
                connections.spawn(connection.serve(stream));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, kind, seen, models, task }
    }

    /// Stops and waits until its port is free and its connections are closed.
    pub async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Settings of an endpoint at this server, for its model `test`.
    pub fn endpoint(&self, name: &str) -> EndpointSettings {
        EndpointSettings::new(name, self.kind, &self.url(), "test")
    }
}

struct Connection {
    kind: ServerKind,
    seen: Arc<Seen>,
    models: Arc<Mutex<Models>>,
    decide: Arc<Decide>,
}

struct Request {
    head: String,
    path: String,
    body: Value,
}

/// Ends a connection on purpose.
struct Close;

impl From<std::io::Error> for Close {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

impl Connection {
    async fn serve(self, mut stream: TcpStream) {
        let mut rest = Vec::new();
        while let Some(request) = read_request(&mut stream, &mut rest).await {
            if self.answer(&mut stream, request).await.is_err() {
                break;
            }
        }
    }

    async fn answer(&self, stream: &mut TcpStream, request: Request) -> Result<(), Close> {
        let is_load = request.body["messages"].as_array().is_some_and(Vec::is_empty);
        match request.path.as_str() {
            "/api/chat" if is_load => self.load(stream, &request).await,
            "/api/chat" | "/v1/chat/completions" => self.chat(stream, request).await,
            "/api/tags" | "/api/ps" => {
                let names = {
                    let models = self.models.lock().unwrap();
                    let tags = request.path == "/api/tags";
                    if tags { models.pulled.clone() } else { models.loaded.clone() }
                };
                let list: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
                plain(stream, 200, "", &json!({"models": list}).to_string()).await
            }
            "/v1/models" => {
                let names = self.models.lock().unwrap().pulled.clone();
                let list: Vec<Value> = names
                    .iter()
                    .map(|name| json!({"id": name.trim_end_matches(":latest")}))
                    .collect();
                plain(stream, 200, "", &json!({"data": list}).to_string()).await
            }
            "/health" if self.is_loading() => {
                let body = r#"{"error":{"code":503,"message":"Loading model"}}"#;
                plain(stream, 503, "", body).await
            }
            "/health" => plain(stream, 200, "", r#"{"status":"ok"}"#).await,
            _ => plain(stream, 404, "", r#"{"error":"no such page"}"#).await,
        }
    }

    fn is_loading(&self) -> bool {
        let mut models = self.models.lock().unwrap();
        let is = models.loading_answers > 0;
        models.loading_answers = models.loading_answers.saturating_sub(1);
        is
    }

    async fn load(&self, stream: &mut TcpStream, request: &Request) -> Result<(), Close> {
        self.seen.loads.fetch_add(1, Ordering::SeqCst);
        let name = request.body["model"].as_str().unwrap_or_default().to_owned();
        let (known, wait) = {
            let models = self.models.lock().unwrap();
            let tagged = format!("{name}:latest");
            let found = models.pulled.iter().find(|known| **known == name || **known == tagged);
            (found.cloned(), models.load)
        };
        let Some(known) = known else {
            return plain(stream, 404, "", r#"{"error":"model not found"}"#).await;
        };
        let is_loaded = self.models.lock().unwrap().loaded.contains(&known);
        if !is_loaded {
            tokio::time::sleep(wait).await;
            self.models.lock().unwrap().loaded.push(known);
        }
        let body = json!({"model": name, "done": true, "done_reason": "load"});
        plain(stream, 200, "", &body.to_string()).await
    }

    async fn chat(&self, stream: &mut TcpStream, request: Request) -> Result<(), Close> {
        let number = self.seen.chats.fetch_add(1, Ordering::SeqCst);
        let behaviour = if self.is_loading() {
            Behaviour::status(503, "", r#"{"error":{"message":"Loading model"}}"#)
        } else {
            (self.decide)(number, &request.body)
        };
        {
            let mut last = self.seen.last.lock().unwrap();
            last.push_back((request.head, request.body));
            if last.len() > 8 {
                last.pop_front();
            }
        }
        let busy = self.seen.busy.fetch_add(1, Ordering::SeqCst) + 1;
        self.seen.peak.fetch_max(busy, Ordering::SeqCst);
        let (mut reads, mut writes) = stream.split();
        let mut probe = [0_u8; 1];
        let end = tokio::select! {
            end = self.behave(&mut writes, behaviour) => end,
            // A client that waits for its reply sends nothing: this is its leaving.
            _ = reads.read(&mut probe) => {
                self.seen.abandoned.fetch_add(1, Ordering::SeqCst);
                Err(Close)
            }
        };
        self.seen.busy.fetch_sub(1, Ordering::SeqCst);
        end
    }

    async fn behave(
        &self,
        out: &mut (impl AsyncWrite + Unpin),
        behaviour: Behaviour,
    ) -> Result<(), Close> {
        let kind = self.kind;
        match behaviour {
            Behaviour::Reply(text) => good_reply(out, kind, &text).await,
            Behaviour::ReplyAfter(wait, text) => {
                tokio::time::sleep(wait).await;
                good_reply(out, kind, &text).await
            }
            Behaviour::Gated(mut gate, text) => {
                let _ = gate.wait_for(|open| *open).await;
                good_reply(out, kind, &text).await
            }
            Behaviour::Drip(pause, text) => {
                out.write_all(head(kind).as_bytes()).await?;
                for byte in reply_body(kind, &text) {
                    chunk(out, &[byte]).await?;
                    tokio::time::sleep(pause).await;
                }
                end(out).await
            }
            Behaviour::Silent => std::future::pending().await,
            Behaviour::Stall => {
                out.write_all(head(kind).as_bytes()).await?;
                chunk(out, piece(kind, "{").as_bytes()).await?;
                std::future::pending().await
            }
            Behaviour::Cut(after) => {
                let text =
                    r#"{"styles":[],"cuisines":[],"amenities":[],"venue_types":[],"video":false}"#;
                let body = reply_body(kind, text);
                out.write_all(head(kind).as_bytes()).await?;
                // Never so late that the end marker is whole.
                chunk(out, &body[..after.min(body.len() - 1)]).await?;
                Err(Close)
            }
            Behaviour::HangUp => Err(Close),
            Behaviour::ErrorInStream => {
                out.write_all(head(kind).as_bytes()).await?;
                chunk(out, piece(kind, "{").as_bytes()).await?;
                let error = match kind {
                    ServerKind::Ollama => "{\"error\":\"runner stopped\"}\n".to_owned(),
                    _ => "data: {\"error\":{\"message\":\"boom\",\"code\":500}}\n\n".to_owned(),
                };
                chunk(out, error.as_bytes()).await?;
                end(out).await
            }
            Behaviour::OutOfTokens => {
                out.write_all(head(kind).as_bytes()).await?;
                chunk(out, piece(kind, "{\"styles\":").as_bytes()).await?;
                chunk(out, last(kind, "length").as_bytes()).await?;
                end(out).await
            }
            Behaviour::Endless => {
                out.write_all(head(kind).as_bytes()).await?;
                let words = piece(kind, &"word ".repeat(200));
                loop {
                    chunk(out, words.as_bytes()).await?;
                }
            }
            Behaviour::GiganticLine => {
                out.write_all(head(kind).as_bytes()).await?;
                chunk(out, b"data: {\"x\":\"").await?;
                loop {
                    chunk(out, &[b'x'; 8_192]).await?;
                }
            }
            Behaviour::Pings => {
                out.write_all(head(kind).as_bytes()).await?;
                loop {
                    chunk(out, if kind == ServerKind::Ollama { b"\n" } else { b": ping\n\n" })
                        .await?;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            Behaviour::Plain(code, headers, body) => plain(out, code, &headers, &body).await,
        }
    }
}

/// Reads one HTTP/1.1 request; `None` when the client is gone.
async fn read_request(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    rest: &mut Vec<u8>,
) -> Option<Request> {
    let head_end = loop {
        if let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(rest).await.ok()? == 0 {
            return None;
        }
        if !rest[0].is_ascii_uppercase() {
            // No HTTP: a TLS greeting, for instance.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            return None;
        }
    };
    let head = String::from_utf8_lossy(&rest[..head_end]).into_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    while rest.len() < head_end + length {
        if stream.read_buf(rest).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&rest[head_end..head_end + length]).unwrap_or(Value::Null);
    rest.drain(..head_end + length);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    Some(Request { head, path, body })
}

fn head(kind: ServerKind) -> String {
    let content = match kind {
        ServerKind::Ollama => "application/x-ndjson",
        _ => "text/event-stream; charset=utf-8",
    };
    format!("HTTP/1.1 200 OK\r\ncontent-type: {content}\r\ntransfer-encoding: chunked\r\n\r\n")
}

/// One piece of the reply's text.
fn piece(kind: ServerKind, text: &str) -> String {
    match kind {
        ServerKind::Ollama => {
            let line = json!({"message": {"role": "assistant", "content": text}, "done": false});
            format!("{line}\n")
        }
        _ => {
            format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
        }
    }
}

/// The end of the reply.
fn last(kind: ServerKind, reason: &str) -> String {
    match kind {
        ServerKind::Ollama => {
            let line = json!({
                "message": {"role": "assistant", "content": ""}, "done": true,
                "done_reason": reason, "prompt_eval_count": 11, "eval_count": 7,
            });
            format!("{line}\n")
        }
        _ => {
            let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
            let usage =
                json!({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}});
            format!("data: {stop}\n\ndata: {usage}\n\ndata: [DONE]\n\n")
        }
    }
}

/// The whole body of a good reply in three pieces, with a ping in front for OpenAI.
fn reply_body(kind: ServerKind, text: &str) -> Vec<u8> {
    let mut body = String::new();
    if kind == ServerKind::OpenAi {
        body.push_str(": ping\n\n");
    }
    let mut cuts = [text.len() / 3, text.len() * 2 / 3];
    for cut in &mut cuts {
        while !text.is_char_boundary(*cut) {
            *cut -= 1;
        }
    }
    for part in [&text[..cuts[0]], &text[cuts[0]..cuts[1]], &text[cuts[1]..]] {
        body.push_str(&piece(kind, part));
    }
    body.push_str(&last(kind, "stop"));
    body.into_bytes()
}

/// Head, body and end in one write: a server without any delay.
async fn good_reply(
    out: &mut (impl AsyncWrite + Unpin),
    kind: ServerKind,
    text: &str,
) -> Result<(), Close> {
    let body = reply_body(kind, text);
    let mut all = head(kind).into_bytes();
    all.extend(format!("{:x}\r\n", body.len()).into_bytes());
    all.extend(body);
    all.extend(b"\r\n0\r\n\r\n");
    Ok(out.write_all(&all).await?)
}

async fn chunk(out: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Close> {
    let mut all = format!("{:x}\r\n", bytes.len()).into_bytes();
    all.extend_from_slice(bytes);
    all.extend_from_slice(b"\r\n");
    out.write_all(&all).await?;
    Ok(out.flush().await?)
}

async fn end(out: &mut (impl AsyncWrite + Unpin)) -> Result<(), Close> {
    Ok(out.write_all(b"0\r\n\r\n").await?)
}

async fn plain(
    out: &mut (impl AsyncWrite + Unpin),
    code: u16,
    headers: &str,
    body: &str,
) -> Result<(), Close> {
    let content = if headers.to_ascii_lowercase().contains("content-type") {
        ""
    } else {
        "content-type: application/json\r\n"
    };
    let reply = format!(
        "HTTP/1.1 {code} X\r\n{content}{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    Ok(out.write_all(reply.as_bytes()).await?)
}
