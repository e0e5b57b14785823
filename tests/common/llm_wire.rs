//! What an LLM server for tests says on the wire: good replies in each protocol, and every way to
//! fail in the middle of one.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::watch,
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
    /// The same, as a named event (OpenAI).
    ErrorEvent,
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

/// How replies are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Chat,
    Generate,
    OpenAi,
}

pub struct Request {
    pub head: String,
    pub path: String,
    pub body: Value,
}

/// Ends a connection on purpose.
pub struct Close;

impl From<std::io::Error> for Close {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

pub async fn behave(
    out: &mut (impl AsyncWrite + Unpin),
    wire: Wire,
    behaviour: Behaviour,
) -> Result<(), Close> {
    match behaviour {
        Behaviour::Reply(text) => good_reply(out, wire, &text).await,
        Behaviour::ReplyAfter(wait, text) => {
            tokio::time::sleep(wait).await;
            good_reply(out, wire, &text).await
        }
        Behaviour::Gated(mut gate, text) => {
            let _ = gate.wait_for(|open| *open).await;
            good_reply(out, wire, &text).await
        }
        Behaviour::Drip(pause, text) => {
            out.write_all(head(wire).as_bytes()).await?;
            for byte in reply_body(wire, &text) {
                chunk(out, &[byte]).await?;
                tokio::time::sleep(pause).await;
            }
            end(out).await
        }
        Behaviour::Silent => std::future::pending().await,
        Behaviour::Stall => {
            out.write_all(head(wire).as_bytes()).await?;
            chunk(out, piece(wire, "{").as_bytes()).await?;
            std::future::pending().await
        }
        Behaviour::Cut(after) => {
            let text =
                r#"{"styles":[],"cuisines":[],"amenities":[],"venue_types":[],"video":false}"#;
            let body = reply_body(wire, text);
            out.write_all(head(wire).as_bytes()).await?;
            // Never so late that the end marker is whole.
            chunk(out, &body[..after.min(body.len() - 1)]).await?;
            Err(Close)
        }
        Behaviour::HangUp => Err(Close),
        Behaviour::ErrorInStream => {
            out.write_all(head(wire).as_bytes()).await?;
            chunk(out, piece(wire, "{").as_bytes()).await?;
            let error = match wire {
                Wire::Chat | Wire::Generate => "{\"error\":\"runner stopped\"}\n".to_owned(),
                Wire::OpenAi => {
                    "data: {\"error\":{\"message\":\"boom\",\"code\":500}}\n\n".to_owned()
                }
            };
            chunk(out, error.as_bytes()).await?;
            end(out).await
        }
        Behaviour::ErrorEvent => {
            out.write_all(head(wire).as_bytes()).await?;
            chunk(out, piece(wire, "{").as_bytes()).await?;
            let error = match wire {
                Wire::Chat | Wire::Generate => "{\"error\":{\"code\":500}}\n",
                Wire::OpenAi => "event: error\ndata: boom\n\n",
            };
            chunk(out, error.as_bytes()).await?;
            end(out).await
        }
        Behaviour::OutOfTokens => {
            out.write_all(head(wire).as_bytes()).await?;
            chunk(out, piece(wire, "{\"styles\":").as_bytes()).await?;
            chunk(out, last(wire, "length").as_bytes()).await?;
            end(out).await
        }
        Behaviour::Endless => {
            out.write_all(head(wire).as_bytes()).await?;
            let words = piece(wire, &"word ".repeat(200));
            loop {
                chunk(out, words.as_bytes()).await?;
            }
        }
        Behaviour::GiganticLine => {
            out.write_all(head(wire).as_bytes()).await?;
            chunk(out, b"data: {\"x\":\"").await?;
            loop {
                chunk(out, &[b'x'; 8_192]).await?;
            }
        }
        Behaviour::Pings => {
            out.write_all(head(wire).as_bytes()).await?;
            loop {
                chunk(out, if wire != Wire::OpenAi { b"\n" } else { b": ping\n\n" }).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Behaviour::Plain(code, headers, body) => plain(out, code, &headers, &body).await,
    }
}

/// Reads one HTTP/1.1 request; `None` when the client is gone.
pub async fn read_request(
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

fn head(wire: Wire) -> String {
    let content = match wire {
        Wire::Chat | Wire::Generate => "application/x-ndjson",
        Wire::OpenAi => "text/event-stream; charset=utf-8",
    };
    format!("HTTP/1.1 200 OK\r\ncontent-type: {content}\r\ntransfer-encoding: chunked\r\n\r\n")
}

/// One piece of the reply's text.
fn piece(wire: Wire, text: &str) -> String {
    match wire {
        Wire::Chat => {
            let line = json!({"message": {"role": "assistant", "content": text}, "done": false});
            format!("{line}\n")
        }
        Wire::Generate => format!("{}\n", json!({"response": text, "done": false})),
        Wire::OpenAi => {
            format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
        }
    }
}

/// The end of the reply.
fn last(wire: Wire, reason: &str) -> String {
    match wire {
        Wire::Chat | Wire::Generate => {
            let line = json!({
                "done": true, "done_reason": reason, "prompt_eval_count": 11, "eval_count": 7,
            });
            format!("{line}\n")
        }
        Wire::OpenAi => {
            let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
            let usage =
                json!({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}});
            format!("data: {stop}\n\ndata: {usage}\n\ndata: [DONE]\n\n")
        }
    }
}

/// The whole body of a good reply in three pieces, with a ping in front for OpenAI.
fn reply_body(wire: Wire, text: &str) -> Vec<u8> {
    let mut body = String::new();
    if wire == Wire::OpenAi {
        body.push_str(": ping\n\n");
    }
    let mut cuts = [text.len() / 3, text.len() * 2 / 3];
    for cut in &mut cuts {
        while !text.is_char_boundary(*cut) {
            *cut -= 1;
        }
    }
    for part in [&text[..cuts[0]], &text[cuts[0]..cuts[1]], &text[cuts[1]..]] {
        body.push_str(&piece(wire, part));
    }
    body.push_str(&last(wire, "stop"));
    body.into_bytes()
}

/// Head, body and end in one write: a server without any delay.
async fn good_reply(
    out: &mut (impl AsyncWrite + Unpin),
    wire: Wire,
    text: &str,
) -> Result<(), Close> {
    let body = reply_body(wire, text);
    let mut all = head(wire).into_bytes();
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

pub async fn plain(
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
