//! What Ollama's `/api/show` says of a model. Older servers say less: what is missing is unknown.

use serde::Deserialize;
use serde_json::{Map, Value};

/// What a model can do; `None`: the server doesn't tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ModelFacts {
    /// Whether it writes text at all: an embedding model doesn't.
    pub completes: Option<bool>,
    /// The longest context that it was trained for, in tokens.
    pub context_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct Shown {
    capabilities: Option<Vec<String>>,
    #[serde(default)]
    model_info: Map<String, Value>,
}

impl ModelFacts {
    /// Reads the body of a reply of `/api/show`.
    pub(crate) fn read(text: &str) -> Self {
        let Ok(shown) = serde_json::from_str::<Shown>(text) else { return Self::default() };
        let completes = |all: Vec<String>| all.iter().any(|each| each == "completion");
        let architecture = shown.model_info.get("general.architecture").and_then(Value::as_str);
        let context_tokens = architecture
            .and_then(|name| shown.model_info.get(&format!("{name}.context_length")))
            .and_then(Value::as_u64)
            .and_then(|tokens| u32::try_from(tokens).ok());
        Self { completes: shown.capabilities.map(completes), context_tokens }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_where_they_are_told() {
        let text = r#"{"capabilities":["completion","tools"],
            "model_info":{"general.architecture":"llama","llama.context_length":131072}}"#;
        let known = ModelFacts { completes: Some(true), context_tokens: Some(131_072) };
        assert_eq!(ModelFacts::read(text), known);
        let embeds = ModelFacts::read(r#"{"capabilities":["embedding"]}"#);
        assert_eq!(embeds, ModelFacts { completes: Some(false), context_tokens: None });
        for odd in ["", "[]", "{}", r#"{"model_info":{"general.architecture":7}}"#] {
            assert_eq!(ModelFacts::read(odd), ModelFacts::default(), "{odd}");
        }
    }
}
