//! Tasks and settings for gateway tests.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use llm::{
    Gateway, Priority, Reply, RequirementsTask, Task,
    settings::{EndpointSettings, LlmSettings},
};
use model::{EventType, Requirements};

/// A reply to [`vision`] that adds the style `vintage` and the amenity `stage`.
pub const VINTAGE: &str =
    r#"{"styles":["vintage"],"cuisines":[],"amenities":["stage"],"venue_types":[],"video":false}"#;

/// A requirements task; different texts are different requests.
pub fn vision(text: &str) -> Task {
    Task::Requirements(RequirementsTask {
        event_type: EventType::Wedding,
        vision: text.to_owned(),
        keywords: vec!["word".to_owned()],
    })
}

/// Settings with short times, so that faults show quickly.
pub fn quick(endpoints: Vec<EndpointSettings>) -> LlmSettings {
    LlmSettings {
        endpoints,
        timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(1),
        first_byte_timeout: Duration::from_millis(400),
        idle_timeout: Duration::from_millis(300),
        retries: 2,
        ..LlmSettings::default()
    }
}

pub fn gateway(settings: LlmSettings) -> Gateway {
    Gateway::new(settings, 7).expect("good settings")
}

/// Failures of all endpoints, by kind.
pub fn failures(gateway: &Gateway) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (kind, count) in
        gateway.counters().endpoints.into_iter().flat_map(|figures| figures.failures)
    {
        *all.entry(kind).or_default() += count;
    }
    all
}

pub fn in_seconds(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

/// Asks as a person would, with ten seconds to spare.
pub async fn ask(gateway: &Gateway, task: Task) -> llm::Answer {
    gateway.answer(task, Priority::Interactive, in_seconds(10)).await
}

pub fn requirements(reply: &Reply) -> &Requirements {
    match reply {
        Reply::Requirements(requirements) => requirements,
        other => panic!("not requirements: {other:?}"),
    }
}

/// Waits until something else's doing makes `condition` true; five seconds at most.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    let limit = Duration::from_secs(5);
    assert!(tokio::time::timeout(limit, wait).await.is_ok(), "never happened: {what}");
}
