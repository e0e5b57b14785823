//! What both server protocols have in common: the request to send, the reply that came.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{body::Body, ollama, openai};
use crate::{
    failure::{Failure, FailureKind},
    settings::{EndpointSettings, ServerKind},
    tasks::prompts::Message,
};

/// A chat request, before it is written in a server's protocol.
pub(crate) struct ChatRequest<'a> {
    pub model: &'a str,
    pub messages: &'a [Message],
    pub schema: &'a Value,
    /// Name of the schema.
    pub name: &'a str,
    pub max_tokens: u32,
    pub pinned: Pinned,
}

/// Options that never change between calls: a change makes Ollama load the model anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pinned {
    pub num_ctx: u32,
    pub seed: u32,
    pub keep_alive: Duration,
}

/// A whole reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Completion {
    pub text: String,
    /// Prompt tokens, where the server tells.
    pub tokens_in: u64,
    /// Generated tokens, where the server tells.
    pub tokens_out: u64,
    /// From the request to the first byte of the reply.
    pub first_byte: Duration,
}

/// Path of the call behind the base address.
pub(crate) const fn call_path(endpoint: &EndpointSettings) -> &'static str {
    match endpoint.kind {
        ServerKind::Ollama => ollama::path(endpoint.ollama_api),
        ServerKind::OpenAi | ServerKind::Rules => "v1/chat/completions",
    }
}

/// Content type that a streamed reply must have.
pub(crate) const fn reply_type(kind: ServerKind) -> &'static str {
    match kind {
        ServerKind::Ollama => "application/x-ndjson",
        ServerKind::OpenAi | ServerKind::Rules => "text/event-stream",
    }
}

/// The request's body in the server's protocol, as JSON.
///
/// # Errors
/// `ClientError` for a request that is no JSON: a bug.
pub(crate) fn call_body(
    endpoint: &EndpointSettings,
    request: &ChatRequest<'_>,
) -> Result<Vec<u8>, Failure> {
    let written = match endpoint.kind {
        ServerKind::Ollama => serde_json::to_vec(&ollama::call_body(endpoint.ollama_api, request)),
        ServerKind::OpenAi | ServerKind::Rules => serde_json::to_vec(&openai::chat_body(request)),
    };
    written.map_err(|e| Failure::detailed(FailureKind::ClientError, e.to_string()))
}

/// A message as both protocols write it.
#[derive(Serialize)]
pub(crate) struct WireMessage<'a> {
    role: &'static str,
    content: &'a str,
}

pub(crate) fn wire_messages<'a>(messages: &'a [Message]) -> Vec<WireMessage<'a>> {
    messages
        .iter()
        .map(|message| WireMessage { role: message.role.as_str(), content: &message.text })
        .collect()
}

/// Reads a streamed reply to its end marker.
///
/// # Errors
/// Whatever keeps the reply from being whole.
pub(crate) async fn read_reply(
    kind: ServerKind,
    body: &mut Body,
    text_max: usize,
) -> Result<Completion, Failure> {
    match kind {
        ServerKind::Ollama => ollama::read_reply(body, text_max).await,
        ServerKind::OpenAi | ServerKind::Rules => openai::read_reply(body, text_max).await,
    }
}
