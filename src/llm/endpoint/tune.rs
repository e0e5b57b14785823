//! The servers' own settings that fit the gateway's: what `llm tune` prints. Pure text.

use std::collections::{BTreeMap, BTreeSet};

use crate::settings::{EndpointSettings, LlmSettings, ServerKind};

/// Advice for every server in the settings, as text to read and lines to copy. Where the GPU's
/// memory is not known, Ollama's reserve is given as a formula.
pub(crate) fn tune(settings: &LlmSettings) -> String {
    let mut servers: BTreeMap<(&str, &str), Vec<&EndpointSettings>> = BTreeMap::new();
    for endpoint in settings.endpoints.iter().filter(|each| each.kind != ServerKind::Rules) {
        let address = endpoint.base_url.trim_end_matches('/');
        servers.entry((address, endpoint.kind.as_str())).or_default().push(endpoint);
    }
    if servers.is_empty() {
        return "No LLM server is configured: the built-in rules answer, and nothing needs \
                tuning.\n"
            .to_owned();
    }
    let mut text = String::new();
    for ((address, kind), endpoints) in servers {
        text += &format!("# {address} ({kind})\n");
        text += &match endpoints[0].kind {
            ServerKind::Ollama => ollama(&endpoints, settings),
            ServerKind::OpenAi | ServerKind::Rules => openai(&endpoints, settings),
        };
        text.push('\n');
    }
    text
}

/// Environment lines of a systemd drop-in for `ollama.service`.
fn ollama(endpoints: &[&EndpointSettings], settings: &LlmSettings) -> String {
    let models: BTreeSet<&str> = endpoints.iter().map(|each| each.model.as_str()).collect();
    let parallel = endpoints.iter().map(|each| each.parallel).max().unwrap_or(1);
    let contexts: BTreeSet<u32> = endpoints.iter().map(|each| each.num_ctx).collect();
    let reserved = 1.0 - settings.gpu_memory_fraction;
    let overhead = match settings.gpu_memory_mib {
        0 => format!(
            "# {:.0} % of the GPU's memory stay free: its bytes times {reserved:.2}; set \
             llm.gpu_memory_mib for the figure.\n\
             # Environment=OLLAMA_GPU_OVERHEAD=…\n",
            reserved * 100.0
        ),
        mib => {
            let bytes = mib.saturating_mul(1 << 20) as f64 * reserved;
            format!("Environment=OLLAMA_GPU_OVERHEAD={:.0}\n", bytes.max(0.0))
        }
    };
    let mut text = format!(
        "# systemctl edit ollama.service\n[Service]\n\
         Environment=OLLAMA_NUM_PARALLEL={parallel}\n\
         Environment=OLLAMA_KEEP_ALIVE={}s\n\
         Environment=OLLAMA_MAX_LOADED_MODELS={}\n\
         Environment=OLLAMA_MAX_QUEUE={}\n{overhead}",
        settings.keep_alive.as_secs(),
        models.len(),
        parallel + settings.queue_size,
    );
    if contexts.len() > 1 && models.len() < endpoints.len() {
        text += "# Endpoints of one model differ in `num_ctx`: each change reloads the model.\n";
    }
    text
}

/// Command-line options of vLLM and of llama.cpp's server.
fn openai(endpoints: &[&EndpointSettings], settings: &LlmSettings) -> String {
    let mut text = String::new();
    for endpoint in endpoints {
        let (parallel, num_ctx) = (endpoint.parallel.max(1), endpoint.num_ctx);
        let model = if endpoint.model.is_empty() { "MODEL" } else { &endpoint.model };
        text += &format!(
            "# vLLM\nvllm serve {model} --max-num-seqs {parallel} --max-model-len {num_ctx} \
             --gpu-memory-utilization {:.2} --enable-prefix-caching\n\
             # llama.cpp: the context is shared by the slots\n\
             llama-server --alias {model} --parallel {parallel} --ctx-size {} --cont-batching\n",
            settings.gpu_memory_fraction,
            u64::from(num_ctx) * parallel as u64,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(kind: ServerKind, url: &str, model: &str, parallel: usize) -> EndpointSettings {
        EndpointSettings { parallel, ..EndpointSettings::new(model, kind, url, model) }
    }

    #[test]
    fn servers_get_the_settings_that_fit() {
        let local = "http://127.0.0.1:11434";
        let settings = LlmSettings {
            endpoints: vec![
                endpoint(ServerKind::Ollama, local, "small", 4),
                endpoint(ServerKind::Ollama, &format!("{local}/"), "big", 2),
                endpoint(ServerKind::OpenAi, "http://gpu:8000", "m", 8),
            ],
            gpu_memory_mib: 8_192,
            ..LlmSettings::default()
        };
        let text = tune(&settings);
        for line in [
            "Environment=OLLAMA_NUM_PARALLEL=4\n",
            "Environment=OLLAMA_KEEP_ALIVE=300s\n",
            "Environment=OLLAMA_MAX_LOADED_MODELS=2\n",
            "Environment=OLLAMA_GPU_OVERHEAD=1717986918\n",
            "--gpu-memory-utilization 0.80",
            "--max-num-seqs 8",
            "--parallel 8 --ctx-size 32768",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        assert_eq!(text.matches("[Service]").count(), 1);
        let unknown = LlmSettings { gpu_memory_mib: 0, ..settings };
        assert!(tune(&unknown).contains("20 %"));
        assert!(tune(&LlmSettings::default()).contains("rules"));
    }
}
