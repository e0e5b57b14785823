//! One file for each protocol of model servers.

pub(crate) mod body;
pub(crate) mod http;
pub(crate) mod ollama;
pub(crate) mod openai;
pub(crate) mod protocol;
