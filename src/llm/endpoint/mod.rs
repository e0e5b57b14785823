//! One endpoint: its settings made ready for calls, and the state that its calls share.

pub(crate) mod breaker;
pub(crate) mod endpoint_queue;
pub(crate) mod event;
pub(crate) mod key;
pub(crate) mod metrics;
pub(crate) mod model_facts;
pub(crate) mod retry;
pub(crate) mod status;
pub(crate) mod tune;
pub(crate) mod upstream;
pub(crate) mod warm_up;

use std::{
    path::PathBuf,
    sync::Mutex,
    time::{Duration, Instant},
};

use breaker::{Breaker, BreakerState, Pass};
use endpoint_queue::EndpointQueue;
use event::{Events, GatewayEvent};
use key::{CacheKey, KeyPrefix};
use metrics::EndpointMetrics;
use reqwest::{Client, Url, header::HeaderValue};
use status::{EndpointStatus, ModelState, ModelStatus};

use crate::{
    error::LlmError,
    failure::Blame,
    locked,
    servers::{
        http::{self, Clients},
        protocol::{self, Pinned},
    },
    settings::{EndpointSettings, LlmSettings, ServerKind},
    tasks::{Task, TaskKind, prompts, schema::Schemas},
};

/// Where Ollama listens unless told otherwise; its own commands then need no address.
const OLLAMA_PORT: u16 = 11_434;

pub(crate) struct Endpoint {
    pub settings: EndpointSettings,
    pub client: Client,
    pub base: Url,
    pub authorization: Option<HeaderValue>,
    pub pinned: Pinned,
    pub queue: EndpointQueue,
    pub metrics: Mutex<EndpointMetrics>,
    /// In the order of [`TaskKind::ALL`].
    prefixes: [KeyPrefix; 3],
    breaker: Mutex<Breaker>,
    model: Mutex<Model>,
    /// When the server was last asked anything: what keep-alive counts from.
    last_call: Mutex<Option<Instant>>,
}

/// What is known of an endpoint's model.
#[derive(Clone, Default)]
struct Model {
    state: ModelState,
    /// How long the last warm-up took.
    warm_up: Option<Duration>,
    /// The longest context that it can have.
    context_tokens: Option<u32>,
}

impl Endpoint {
    /// `seed` is pinned in every call, so that a server answers the same question the same.
    ///
    /// # Errors
    /// A bad address, key file or certificate file.
    pub(crate) fn new(
        endpoint: EndpointSettings,
        settings: &LlmSettings,
        seed: u64,
        clients: &mut Clients,
        schemas: &Schemas,
    ) -> Result<Self, LlmError> {
        let base = http::base_url(&endpoint)?;
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let pinned = Pinned {
            num_ctx: endpoint.num_ctx,
            // Servers read it as a signed 32-bit number.
            seed: (seed & 0x7fff_ffff) as u32,
            keep_alive: settings.keep_alive,
        };
        let metrics = EndpointMetrics::new();
        Ok(Self {
            client: clients.client_for(&endpoint, &base, settings)?,
            base,
            authorization: http::authorization(&endpoint, credentials.as_deref())?,
            pinned,
            queue: EndpointQueue::new(endpoint.parallel, settings.queue_size),
            metrics: Mutex::new(metrics),
            prefixes: prefixes(&endpoint, pinned, schemas),
            breaker: Mutex::new(Breaker::new(settings.breaker_failures, settings.breaker_open)),
            model: Mutex::default(),
            last_call: Mutex::default(),
            settings: endpoint,
        })
    }

    pub(crate) fn key_of(&self, task: &Task) -> CacheKey {
        let [requirements, shares, prose] = &self.prefixes;
        match task.kind() {
            TaskKind::Requirements => requirements.key_of(task),
            TaskKind::Shares => shares.key_of(task),
            TaskKind::Prose => prose.key_of(task),
        }
    }

    /// Asks the breaker for one call; the returned guard tells it how the call ended.
    pub(crate) fn pass<'a>(&'a self, events: &'a Events) -> Option<CallGuard<'a>> {
        let pass = locked(&self.breaker).admit(Instant::now()).ok()?;
        Some(CallGuard { endpoint: self, events, pass: Some(pass) })
    }

    pub(crate) fn breaker_state(&self) -> BreakerState {
        locked(&self.breaker).view()
    }

    /// Whether asking for a pass is pointless just now.
    pub(crate) fn is_shut(&self) -> bool {
        locked(&self.breaker).is_shut(Instant::now())
    }

    /// A health check got an answer.
    pub(crate) fn seen_alive(&self) {
        locked(&self.breaker).seen_alive();
    }

    pub(crate) fn called_now(&self) {
        *locked(&self.last_call) = Some(Instant::now());
    }

    /// Time since the last call; `None` before the first.
    pub(crate) fn idle_for(&self) -> Option<Duration> {
        locked(&self.last_call).map(|last| last.elapsed())
    }

    /// Notes the model's state, and how long it took to get there where it was brought there; a
    /// change is an event. A load under way is not undone by a look that finds nothing loaded yet.
    pub(crate) fn set_model(&self, state: ModelState, took: Option<Duration>, events: &Events) {
        let mut model = locked(&self.model);
        let loads_still = model.state == ModelState::Loading && state == ModelState::Unloaded;
        if loads_still || model.state == state {
            model.warm_up = took.or(model.warm_up);
            return;
        }
        model.state = state.clone();
        model.warm_up = took.or(model.warm_up);
        drop(model);
        events.tell(GatewayEvent::ModelChanged {
            endpoint: self.settings.name.clone(),
            model: self.settings.model.clone(),
            state,
            took,
        });
    }

    pub(crate) fn set_context(&self, tokens: Option<u32>) {
        locked(&self.model).context_tokens = tokens;
    }

    pub(crate) fn model_status(&self) -> ModelStatus {
        let Model { state, warm_up, context_tokens } = locked(&self.model).clone();
        ModelStatus {
            endpoint: self.settings.name.clone(),
            model: self.settings.model.clone(),
            state,
            warm_up,
            context_tokens,
            num_ctx: self.settings.num_ctx,
        }
    }

    /// What to do where the server doesn't have the model.
    pub(crate) fn absent_remedy(&self) -> String {
        let model = &self.settings.model;
        if self.settings.kind != ServerKind::Ollama {
            return format!("set `model` to one that the server has, or start it with `{model}`");
        }
        let host = self.base.host_str().unwrap_or_default();
        let is_local = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
        if is_local && self.base.port_or_known_default() == Some(OLLAMA_PORT) {
            return format!("ollama pull {model}");
        }
        let address = self.base.as_str().trim_end_matches('/');
        format!("OLLAMA_HOST={address} ollama pull {model}")
    }

    pub(crate) fn status(&self) -> EndpointStatus {
        EndpointStatus {
            name: self.settings.name.clone(),
            kind: self.settings.kind,
            base_url: self.base.to_string(),
            parallel: self.settings.parallel,
            weight: self.settings.weight,
            breaker: self.breaker_state(),
            occupancy: self.queue.occupancy(),
            model: self.model_status(),
        }
    }
}

/// What the prompts of each kind of task have in common, hashed. A sample stands for the template
/// around a task's own fields, so that a changed template changes the keys.
fn prefixes(endpoint: &EndpointSettings, pinned: Pinned, schemas: &Schemas) -> [KeyPrefix; 3] {
    let prefix = |kind: TaskKind| {
        let sample = prompts::sample(kind);
        let mut parts = vec![
            // A reply is checked by the rules of one version.
            env!("CARGO_PKG_VERSION").to_owned(),
            protocol::call_path(endpoint).to_owned(),
            endpoint.model.clone(),
            format!("{} {} {}", pinned.num_ctx, pinned.seed, kind.max_tokens()),
            schemas.of(&sample).to_string(),
        ];
        let messages = prompts::messages(&sample, pinned.num_ctx);
        parts.extend(messages.into_iter().map(|message| message.text));
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        KeyPrefix::new(&parts)
    };
    TaskKind::ALL.map(prefix)
}

/// One call under the breaker's eyes. Dropped without a word, it was cancelled: nobody's blame.
pub(crate) struct CallGuard<'a> {
    endpoint: &'a Endpoint,
    events: &'a Events,
    pass: Option<Pass>,
}

impl CallGuard<'_> {
    /// Tells how the call ended: `None` for a good reply.
    pub(crate) fn end(mut self, blame: Option<Blame>) {
        self.record(blame);
    }

    fn record(&mut self, blame: Option<Blame>) {
        let Some(pass) = self.pass.take() else { return };
        let change = locked(&self.endpoint.breaker).record(pass, blame, Instant::now());
        if let Some(state) = change {
            let endpoint = self.endpoint.settings.name.clone();
            self.events.tell(GatewayEvent::BreakerChanged { endpoint, state });
        }
    }
}

impl Drop for CallGuard<'_> {
    fn drop(&mut self) {
        self.record(Some(Blame::Nobody));
    }
}
