//! The `openai` client against a real llama.cpp server. Opt-in, since it needs a Python package
//! with that server: `tests/llamacpp/run.sh` installs it, starts it and runs this with the feature
//! `check-llamacpp`, without which it is not built.

use common::llm_tasks::{ask, failures, gateway, in_seconds, quick, requirements, until, vision};
use eventplanner::llm::{
    FailureKind, ModelState, Priority, ProseTask, Task,
    settings::{EndpointSettings, LlmSettings, ServerKind},
    tasks::vocabulary,
};
use std::time::Duration;

fn settings(model: &str) -> LlmSettings {
    let url = std::env::var("LLAMACPP_URL").expect("LLAMACPP_URL, as run.sh sets it");
    let endpoint = EndpointSettings::new("llama", ServerKind::OpenAi, &url, model);
    LlmSettings {
        timeout: Duration::from_secs(60),
        first_byte_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(10),
        ..quick(vec![EndpointSettings { parallel: 2, ..endpoint }])
    }
}

#[tokio::test]
async fn replies_are_held_to_the_schema_by_the_server_itself() {
    let gateway = gateway(settings("tiny"));
    let status = gateway.warm_up().await.remove(0);
    assert_eq!((status.state, status.context_tokens), (ModelState::Ready, Some(4_096)));
    let questions = (0..6).map(|number| {
        let gateway = gateway.clone();
        async move { ask(&gateway, vision(&format!("a garden, number {number}"))).await }
    });
    for answer in futures_util::future::join_all(questions).await {
        assert_eq!((answer.server.as_str(), answer.fallback.as_deref()), ("llama", None));
        let found = requirements(&answer.reply);
        assert!(found.styles.contains(&"garden".to_owned()));
        assert!(found.styles.iter().all(|word| vocabulary::STYLES.contains(&word.as_str())));
    }
    let counters = gateway.counters();
    let endpoint = &counters.endpoints[0];
    // The server closes each connection after a streamed reply; one may be met just then.
    let stale = endpoint.failures.get(FailureKind::StaleConnection.as_str()).copied().unwrap_or(0);
    assert_eq!((endpoint.calls - stale, endpoint.repairs), (6, 0), "{:?}", endpoint.failures);
    assert!(endpoint.tokens_in > 6 * 100 && endpoint.tokens_out > 6 * 10);
}

#[tokio::test]
async fn noise_without_end_is_truncation_and_a_left_call_frees_its_slot() {
    let gateway = gateway(settings("tiny"));
    // Random weights never end a free text.
    let prose = Task::Prose(ProseTask {
        event_type: eventplanner::model::EventType::Gala,
        city: "Kochi".into(),
        guests: 10,
        date_text: "14 February 2027".into(),
        start_text: "18:00".into(),
        styles: vec![],
        vision: String::new(),
        vendors: vec![],
    });
    let answer = ask(&gateway, prose).await;
    assert_eq!(answer.server, "rules");
    let failures = failures(&gateway);
    let expected = [FailureKind::OutOfTokens, FailureKind::InvalidReply];
    assert!(expected.iter().any(|kind| failures.contains_key(kind.as_str())), "{failures:?}");

    let caller = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.answer(vision("left"), Priority::Background, in_seconds(30)).await }
    });
    until("the call", || gateway.status()[0].occupancy.busy == 1).await;
    caller.abort();
    let answer = ask(&gateway, vision("stayed")).await;
    assert_eq!(answer.server, "llama", "{answer:?}");
}

#[tokio::test]
async fn another_models_name_is_told() {
    let gateway = gateway(settings("other"));
    let ModelState::Absent { remedy } = &gateway.warm_up().await[0].state else {
        panic!("{:?}", gateway.status())
    };
    assert!(remedy.contains("tiny"), "{remedy}");
}
