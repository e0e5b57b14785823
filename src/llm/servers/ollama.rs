//! Ollama's protocol: `/api/chat` or `/api/generate`, streamed as NDJSON.
//!
//! A failure in mid-stream is an `error` line under status 200; without a line `done: true` the
//! reply is truncated. The model is loaded by a call without messages or prompt.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    body::Body,
    protocol::{ChatRequest, Completion, Pinned, WireMessage, wire_messages},
};
use crate::{
    failure::{Failure, FailureKind},
    settings::OllamaApi,
    tasks::prompts::{Message, Role},
};

/// One line of a streamed reply.
#[derive(Deserialize)]
struct Line {
    /// Of `/api/chat`.
    message: Option<Said>,
    /// Of `/api/generate`.
    response: Option<String>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    error: Option<Value>,
    #[serde(default)]
    prompt_eval_count: u64,
    #[serde(default)]
    eval_count: u64,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: String,
}

pub(crate) const fn path(api: OllamaApi) -> &'static str {
    match api {
        OllamaApi::Chat => "api/chat",
        OllamaApi::Generate => "api/generate",
    }
}

/// A call of `/api/chat`, with messages, or of `/api/generate`, with system and prompt.
#[derive(Serialize)]
pub(crate) struct CallBody<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<WireMessage<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    stream: bool,
    /// Said explicitly: some models think by default, which takes time and tokens.
    think: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a Value>,
    /// Seconds.
    keep_alive: u64,
    options: Options,
}

#[derive(Serialize)]
struct Options {
    num_ctx: u32,
    seed: u32,
    temperature: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_predict: Option<u32>,
}

pub(crate) fn call_body<'a>(api: OllamaApi, request: &ChatRequest<'a>) -> CallBody<'a> {
    let mut body = load_body(api, request.model, request.pinned);
    match api {
        OllamaApi::Chat => body.messages = Some(wire_messages(request.messages)),
        OllamaApi::Generate => {
            let system = request.messages.iter().find(|message| message.role == Role::System);
            body.system = system.map(|message| message.text.as_str());
            body.prompt = Some(one_prompt(request.messages));
        }
    }
    body.stream = true;
    body.format = Some(request.schema);
    body.options.num_predict = Some(request.max_tokens);
    body
}

/// The conversation after the system message as one text, for a call that knows no turns.
fn one_prompt(messages: &[Message]) -> String {
    let turns = messages.iter().filter(|message| message.role != Role::System);
    let texts: Vec<String> = turns
        .map(|message| match message.role {
            Role::Assistant => format!("Your reply was:\n{}", message.text),
            Role::System | Role::User => message.text.clone(),
        })
        .collect();
    texts.join("\n\n")
}

/// A call without a question: loads the model with the options of real calls, or keeps it loaded.
pub(crate) fn load_body(api: OllamaApi, model: &str, pinned: Pinned) -> CallBody<'_> {
    CallBody {
        model,
        messages: (api == OllamaApi::Chat).then(Vec::new),
        system: None,
        prompt: None,
        stream: false,
        think: false,
        format: None,
        keep_alive: pinned.keep_alive.as_secs(),
        options: Options {
            num_ctx: pinned.num_ctx,
            seed: pinned.seed,
            temperature: 0,
            num_predict: None,
        },
    }
}

/// # Errors
/// See [`super::protocol::read_reply`].
pub(crate) async fn read_reply(body: &mut Body, text_max: usize) -> Result<Completion, Failure> {
    let mut reply = Completion::default();
    let mut rest: Vec<u8> = Vec::new();
    while let Some(piece) = body.chunk().await? {
        let mut piece = piece.as_ref();
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            let (line, after) = (&piece[..end], &piece[end + 1..]);
            piece = after;
            let done = if rest.is_empty() {
                take_line(line, &mut reply, text_max)?
            } else {
                rest.extend_from_slice(line);
                let done = take_line(&rest, &mut reply, text_max)?;
                rest.clear();
                done
            };
            if done {
                reply.first_byte = body.first_byte().unwrap_or_default();
                return Ok(reply);
            }
        }
        rest.extend_from_slice(piece);
    }
    // The last line may lack its newline; a cut one is no JSON.
    match take_line(&rest, &mut reply, text_max) {
        Ok(true) => {
            reply.first_byte = body.first_byte().unwrap_or_default();
            Ok(reply)
        }
        Err(failure) if failure.kind != FailureKind::BadStream => Err(failure),
        _ => Err(Failure::from(FailureKind::Truncated)),
    }
}

/// Adds a line to the reply; true where it is the last.
fn take_line(line: &[u8], reply: &mut Completion, text_max: usize) -> Result<bool, Failure> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(false);
    }
    let line: Line =
        serde_json::from_slice(line).map_err(|_| Failure::from(FailureKind::BadStream))?;
    if line.error.is_some() {
        return Err(Failure::from(FailureKind::StreamError));
    }
    if let Some(text) = line.message.map(|said| said.content).or(line.response) {
        if reply.text.len() + text.len() > text_max {
            return Err(Failure::from(FailureKind::ReplyTooLong));
        }
        reply.text.push_str(&text);
    }
    if !line.done {
        return Ok(false);
    }
    reply.tokens_in = line.prompt_eval_count;
    reply.tokens_out = line.eval_count;
    match line.done_reason.as_deref() {
        Some("length") => Err(Failure::from(FailureKind::OutOfTokens)),
        _ if reply.text.trim().is_empty() => Err(Failure::from(FailureKind::EmptyReply)),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_make_a_reply_or_say_what_is_wrong() {
        let mut reply = Completion::default();
        let said = br#"{"message":{"role":"assistant","content":"{\"a\""},"done":false}"#;
        assert!(!take_line(said, &mut reply, 100).unwrap());
        assert!(!take_line(b" \r", &mut reply, 100).unwrap());
        let last =
            br#"{"message":{"content":":1}"},"done":true,"done_reason":"stop","eval_count":7}"#;
        assert!(take_line(last, &mut reply, 100).unwrap());
        assert_eq!((reply.text.as_str(), reply.tokens_out), ("{\"a\":1}", 7));

        let mut generated = Completion::default();
        let line = br#"{"response":"{}","done":true,"done_reason":"stop"}"#;
        assert!(take_line(line, &mut generated, 100).unwrap());
        assert_eq!(generated.text, "{}");

        for (line, kind) in [
            (&br#"{"error":"model runner stopped"}"#[..], FailureKind::StreamError),
            (br#"{"done":true,"done_reason":"length"}"#, FailureKind::OutOfTokens),
            (br#"{"done":true}"#, FailureKind::EmptyReply),
            (br#"{"message":{"content":"0123456789"}}"#, FailureKind::ReplyTooLong),
            (b"<html>", FailureKind::BadStream),
        ] {
            let error = take_line(line, &mut Completion::default(), 5).unwrap_err();
            assert_eq!(error.kind, kind);
        }
    }
    #[test]
    fn a_conversation_is_one_prompt_for_generate() {
        let message = |role, text: &str| Message { role, text: text.to_owned() };
        let messages = [
            message(Role::System, "be brief"),
            message(Role::User, "sort this"),
            message(Role::Assistant, "no"),
            message(Role::User, "mend it"),
        ];
        let schema = serde_json::json!({"type": "object"});
        let pinned = Pinned { num_ctx: 512, seed: 7, keep_alive: std::time::Duration::ZERO };
        let request = ChatRequest {
            model: "m",
            messages: &messages,
            schema: &schema,
            name: "x",
            max_tokens: 9,
            pinned,
        };
        let body = serde_json::to_value(call_body(OllamaApi::Generate, &request)).unwrap();
        assert_eq!(body["system"], "be brief");
        assert_eq!(body["prompt"], "sort this\n\nYour reply was:\nno\n\nmend it");
        assert!(body.get("messages").is_none());
        let load = serde_json::to_value(load_body(OllamaApi::Generate, "m", pinned)).unwrap();
        assert!(load.get("prompt").is_none() && load.get("messages").is_none());
        let chat = serde_json::to_value(load_body(OllamaApi::Chat, "m", pinned)).unwrap();
        assert_eq!(chat["messages"], serde_json::json!([]));
    }
}
