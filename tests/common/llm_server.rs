//! An LLM server for tests: speaks Ollama's and OpenAI's protocols over raw TCP, so that it can do
//! what no HTTP library would: stall, cut, drip, lie.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use llm::settings::{EndpointSettings, ServerKind};
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub use super::llm_wire::Behaviour;
use super::llm_wire::{Close, Request, Wire, behave, plain, read_request};

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
    /// What `/api/show` says.
    pub shown: Value,
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
            shown: json!({
                "capabilities": ["completion"],
                "model_info": {"general.architecture": "x", "x.context_length": 8192},
            }),
        }));
        let decide: Arc<Decide> = Arc::new(decide);
        let (all_seen, all_models) = (Arc::clone(&seen), Arc::clone(&models));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                all_seen.connections.fetch_add(1, Ordering::SeqCst);
                let _ = stream.set_nodelay(true);
                let connection = Connection {
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
    seen: Arc<Seen>,
    models: Arc<Mutex<Models>>,
    decide: Arc<Decide>,
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
        let is_empty_chat = request.body["messages"].as_array().is_some_and(Vec::is_empty);
        let has_prompt = request.body["prompt"].is_string();
        match request.path.as_str() {
            "/api/chat" if is_empty_chat => self.load(stream, &request).await,
            "/api/generate" if !has_prompt => self.load(stream, &request).await,
            "/api/chat" => self.chat(stream, request, Wire::Chat).await,
            "/api/generate" => self.chat(stream, request, Wire::Generate).await,
            "/v1/chat/completions" => self.chat(stream, request, Wire::OpenAi).await,
            "/api/show" => {
                let shown = self.models.lock().unwrap().shown.to_string();
                plain(stream, 200, "", &shown).await
            }
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

    async fn chat(
        &self,
        stream: &mut TcpStream,
        request: Request,
        wire: Wire,
    ) -> Result<(), Close> {
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
            end = behave(&mut writes, wire, behaviour) => end,
            // A client that waits for its reply sends nothing: this is its leaving.
            _ = reads.read(&mut probe) => {
                self.seen.abandoned.fetch_add(1, Ordering::SeqCst);
                Err(Close)
            }
        };
        self.seen.busy.fetch_sub(1, Ordering::SeqCst);
        end
    }
}
