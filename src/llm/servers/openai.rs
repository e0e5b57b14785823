//! The protocol of OpenAI-style servers (llama.cpp, vLLM and others): chat completions, streamed
//! as server-sent events.
//!
//! Comment events keep the connection alive while the model thinks. An error may come as an event
//! after a 200. Without a `finish_reason`, or with a connection that breaks before `[DONE]`, the
//! reply is truncated.

use std::pin::pin;

use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    body::Body,
    protocol::{ChatRequest, Completion, WireMessage, wire_messages},
};
use crate::failure::{Failure, FailureKind};

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// A call of `/v1/chat/completions`.
#[derive(Serialize)]
pub(crate) struct ChatBody<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    stream: bool,
    stream_options: StreamOptions,
    temperature: u8,
    seed: u32,
    max_tokens: u32,
    response_format: ResponseFormat<'a>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    r#type: &'static str,
    json_schema: NamedSchema<'a>,
}

#[derive(Serialize)]
struct NamedSchema<'a> {
    name: &'a str,
    strict: bool,
    schema: &'a Value,
}

pub(crate) fn chat_body<'a>(request: &ChatRequest<'a>) -> ChatBody<'a> {
    ChatBody {
        model: request.model,
        messages: wire_messages(request.messages),
        stream: true,
        stream_options: StreamOptions { include_usage: true },
        temperature: 0,
        seed: request.pinned.seed,
        max_tokens: request.max_tokens,
        response_format: ResponseFormat {
            r#type: "json_schema",
            json_schema: NamedSchema { name: request.name, strict: true, schema: request.schema },
        },
    }
}

/// # Errors
/// See [`super::protocol::read_reply`].
pub(crate) async fn read_reply(body: &mut Body, text_max: usize) -> Result<Completion, Failure> {
    let mut reply = Completion::default();
    let mut finished = false;
    {
        let pieces = stream::try_unfold(&mut *body, |body| async move {
            let piece = body.chunk().await?;
            Ok::<_, Failure>(piece.map(|piece| (piece, body)))
        });
        let mut events = pin!(pieces.eventsource());
        while let Some(event) = events.next().await {
            let event = match event {
                Ok(event) => event,
                Err(EventStreamError::Transport(failure)) => return Err(failure),
                Err(_) => return Err(Failure::from(FailureKind::BadStream)),
            };
            if event.data.trim() == "[DONE]" {
                break;
            }
            if event.event == "error" {
                return Err(Failure::from(FailureKind::StreamError));
            }
            finished |= take_event(&event.data, &mut reply, text_max)?;
        }
    }
    if !finished {
        return Err(Failure::from(FailureKind::Truncated));
    }
    if reply.text.trim().is_empty() {
        return Err(Failure::from(FailureKind::EmptyReply));
    }
    reply.first_byte = body.first_byte().unwrap_or_default();
    Ok(reply)
}

/// Adds an event to the reply; true where it carries the finish reason.
fn take_event(data: &str, reply: &mut Completion, text_max: usize) -> Result<bool, Failure> {
    let chunk: Chunk =
        serde_json::from_str(data).map_err(|_| Failure::from(FailureKind::BadStream))?;
    if chunk.error.is_some() {
        return Err(Failure::from(FailureKind::StreamError));
    }
    if let Some(usage) = chunk.usage {
        reply.tokens_in = usage.prompt_tokens;
        reply.tokens_out = usage.completion_tokens;
    }
    let Some(choice) = chunk.choices.into_iter().next() else { return Ok(false) };
    if let Some(text) = choice.delta.and_then(|delta| delta.content) {
        if reply.text.len() + text.len() > text_max {
            return Err(Failure::from(FailureKind::ReplyTooLong));
        }
        reply.text.push_str(&text);
    }
    match choice.finish_reason.as_deref() {
        None => Ok(false),
        Some("length") => Err(Failure::from(FailureKind::OutOfTokens)),
        Some("stop") => Ok(true),
        // `error`, `content_filter`, `tool_calls`: not the whole reply.
        Some(_) => Err(Failure::from(FailureKind::StreamError)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_make_a_reply_or_say_what_is_wrong() {
        let mut reply = Completion::default();
        for (data, last) in [
            (
                r#"{"choices":[{"delta":{"role":"assistant","content":null},"finish_reason":null}]}"#,
                false,
            ),
            (r#"{"choices":[{"delta":{"content":"{}"}}]}"#, false),
            (r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, true),
            (r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#, false),
        ] {
            assert_eq!(take_event(data, &mut reply, 100).unwrap(), last, "{data}");
        }
        assert_eq!((reply.text.as_str(), reply.tokens_in, reply.tokens_out), ("{}", 3, 2));

        for (data, kind) in [
            (r#"{"error":{"message":"boom"}}"#, FailureKind::StreamError),
            (r#"{"choices":[{"finish_reason":"length"}]}"#, FailureKind::OutOfTokens),
            (r#"{"choices":[{"finish_reason":"content_filter"}]}"#, FailureKind::StreamError),
            (r#"{"choices":[{"delta":{"content":"0123456789"}}]}"#, FailureKind::ReplyTooLong),
            ("hello", FailureKind::BadStream),
        ] {
            let error = take_event(data, &mut Completion::default(), 5).unwrap_err();
            assert_eq!(error.kind, kind, "{data}");
        }
    }
}
