//! `[[llm.endpoints]]`: one LLM server after the other, in the order in which they are tried.

use llm::settings::{EndpointSettings, ServerKind};

/// Endpoints that `[[llm.endpoints]]` may list.
pub(crate) const MAX_ENDPOINTS: usize = 16;
/// The model of an endpoint that only `OLLAMA_BASE_URL` names: small enough for a CPU.
pub(crate) const DEFAULT_OLLAMA_MODEL: &str = "llama3.2:3b";

/// An endpoint before its keys are read.
pub(crate) fn new_endpoint() -> EndpointSettings {
    EndpointSettings::new("", ServerKind::Ollama, "", "")
}

/// Fills in a name and an address where the settings leave them out. Names of a kind are
/// numbered from the second one.
pub(crate) fn fill_in(endpoints: &mut [EndpointSettings]) {
    let mut taken: Vec<String> = endpoints.iter().map(|e| e.name.clone()).collect();
    for endpoint in endpoints {
        if endpoint.base_url.is_empty() {
            endpoint.base_url = default_url(endpoint.kind).into();
        }
        while endpoint.base_url.ends_with('/') {
            endpoint.base_url.pop();
        }
        if endpoint.name.is_empty() {
            let kind = endpoint.kind.as_str();
            let numbered = (2_usize..).map(|n| format!("{kind}-{n}"));
            let mut names = std::iter::once(kind.to_owned()).chain(numbered);
            // Endless, and only finitely many are taken.
            let free = names.find(|name| !taken.contains(name)).unwrap_or_default();
            taken.push(free.clone());
            endpoint.name = free;
        }
    }
}

/// What is wrong with the endpoints beyond their single values: (key, problem).
pub(crate) fn check(endpoints: &[EndpointSettings]) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (i, endpoint) in endpoints.iter().enumerate() {
        let key = |name: &str| format!("llm.endpoints[{i}].{name}");
        if endpoints[..i].iter().any(|other| other.name == endpoint.name) {
            let message = format!("`{}` is taken; give each endpoint its own name", endpoint.name);
            problems.push((key("name"), message));
        }
        if endpoint.kind == ServerKind::Rules {
            continue;
        }
        if endpoint.model.is_empty() {
            problems.push((key("model"), "is missing; name a model that the server has".into()));
        }
        let url = &endpoint.base_url;
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            problems.push((key("base_url"), "is no http:// or https:// address".into()));
        } else if url.contains('@') {
            let message = "holds a user or password; put the key into a file, `api_key_file`";
            problems.push((key("base_url"), message.into()));
        }
    }
    problems
}

const fn default_url(kind: ServerKind) -> &'static str {
    match kind {
        ServerKind::Rules => "",
        ServerKind::Ollama => "http://127.0.0.1:11434",
        ServerKind::OpenAi => "http://127.0.0.1:8080",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_filled_in() {
        let mut endpoints = vec![new_endpoint(), new_endpoint(), new_endpoint()];
        endpoints[1].kind = ServerKind::OpenAi;
        endpoints[2].base_url = "http://gpu:11434/".into();
        fill_in(&mut endpoints);
        let shown: Vec<_> =
            endpoints.iter().map(|e| (e.name.as_str(), e.base_url.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("ollama", "http://127.0.0.1:11434"),
                ("openai", "http://127.0.0.1:8080"),
                ("ollama-2", "http://gpu:11434"),
            ]
        );
    }

    #[test]
    fn a_wrong_endpoint_is_named_by_its_key() {
        let mut endpoints = vec![new_endpoint(), new_endpoint()];
        fill_in(&mut endpoints);
        endpoints[0].model = "m".into();
        endpoints[1].name = "ollama".into();
        endpoints[1].base_url = "gpu:11434".into();
        let keys: Vec<_> = check(&endpoints).into_iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            ["llm.endpoints[1].name", "llm.endpoints[1].model", "llm.endpoints[1].base_url"]
        );
    }
}
