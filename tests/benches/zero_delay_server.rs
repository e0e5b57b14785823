//! An LLM server that costs next to nothing, for the gateway's bench: threads, one write per reply; and
//! a direct call to it.

use std::{
    hint::black_box,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use eventplanner::llm::settings::ServerKind;

/// How long it takes to load its model.
pub const LOAD: Duration = Duration::from_secs(3);

/// The same request and reply without a gateway.
#[derive(Clone)]
pub struct Direct {
    client: reqwest::Client,
    url: String,
    body: String,
}

impl Direct {
    pub fn new(kind: ServerKind, address: SocketAddr, connections: usize) -> Self {
        let path = match kind {
            ServerKind::Ollama => "api/chat",
            _ => "v1/chat/completions",
        };
        let client = reqwest::Client::builder()
            .tls_certs_only([])
            .pool_max_idle_per_host(connections)
            .build()
            .expect("a client");
        // As long as the gateway's own request.
        let body = format!("{{\"model\":\"test\",\"pad\":\"{}\"}}", "x".repeat(2_600));
        Self { client, url: format!("http://{address}/{path}"), body }
    }

    pub async fn call(&self) {
        let request = self.client.post(&self.url).header("content-type", "application/json");
        let response = request.body(self.body.clone()).send().await.expect("a response");
        black_box(response.bytes().await.expect("a body"));
    }
}

/// A whole HTTP reply with `text` in the server's protocol.
pub fn reply_text(kind: ServerKind, text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let (content, body) = match kind {
        ServerKind::Ollama => (
            "application/x-ndjson",
            format!(
                "{{\"message\":{{\"content\":{quoted}}},\"done\":false}}\n\
                 {{\"done\":true,\"done_reason\":\"stop\",\"eval_count\":9}}\n"
            ),
        ),
        _ => (
            "text/event-stream",
            format!(
                "data: {{\"choices\":[{{\"delta\":{{\"content\":{quoted}}}}}]}}\n\n\
                 data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n\
                 data: [DONE]\n\n"
            ),
        ),
    };
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content}\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    )
}

/// A server on threads of its own: `reply` to every chat, `work` after it came. A load takes [`LOAD`].
pub fn serve(kind: ServerKind, reply: String, work: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let reply = Arc::new(reply);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let reply = Arc::clone(&reply);
            std::thread::spawn(move || serve_connection(stream, kind, &reply, work));
        }
    });
    address
}

fn serve_connection(mut stream: TcpStream, kind: ServerKind, reply: &str, work: Duration) {
    let _ = stream.set_nodelay(true);
    let mut buffer = vec![0_u8; 65_536];
    let mut filled = 0;
    loop {
        let Ok(read @ 1..) = stream.read(&mut buffer[filled..]) else { return };
        filled += read;
        let Some(length) = request_length(&buffer[..filled]) else { continue };
        if filled < length {
            continue;
        }
        let request = String::from_utf8_lossy(&buffer[..length]);
        let answer = if request.contains("/api/show") {
            plain("{}")
        } else if request.contains("/api/tags") {
            plain(r#"{"models":[{"name":"test:latest"}]}"#)
        } else if kind == ServerKind::Ollama && request.contains("\"messages\":[]") {
            std::thread::sleep(LOAD);
            plain(r#"{"done":true,"done_reason":"load"}"#)
        } else {
            if !work.is_zero() {
                std::thread::sleep(work);
            }
            reply.to_owned()
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
        filled = 0;
    }
}

fn plain(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Head and body together, once the head is there.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some(head + length.and_then(|length| length.trim().parse().ok()).unwrap_or(0))
}
