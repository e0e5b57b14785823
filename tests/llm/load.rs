//! The gateway over many requests: storms of identical ones, thousands of cut streams, a model
//! that often talks nonsense, and a circuit breaker that opens and closes.

use std::time::{Duration, Instant};

use common::{
    llm_server::{Behaviour, LlmServer},
    llm_tasks::{VINTAGE, ask, failures, gateway, in_seconds, quick, requirements, until, vision},
};
use eventplanner::llm::{
    BreakerState, FailureKind, Gateway, GatewayEvent, Priority,
    settings::{EndpointSettings, LlmSettings, ServerKind},
    tasks::vocabulary,
};
use futures_util::{StreamExt, future::join_all, stream};
use tokio::{sync::watch, task::JoinHandle};

const BOTH: [ServerKind; 2] = [ServerKind::Ollama, ServerKind::OpenAi];

fn patient(settings: LlmSettings) -> LlmSettings {
    let long = Duration::from_secs(30);
    LlmSettings { timeout: long, first_byte_timeout: long, ..settings }
}

fn asking(gateway: &Gateway, text: &str) -> JoinHandle<eventplanner::llm::Answer> {
    let (gateway, task) = (gateway.clone(), vision(text));
    tokio::spawn(async move { gateway.answer(task, Priority::Background, in_seconds(30)).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_identical_requests_makes_one_call_also_without_its_leader() {
    for leader_leaves in [false, true] {
        let (open, gate) = watch::channel(false);
        let server = LlmServer::start(ServerKind::Ollama, move |_, _| {
            Behaviour::Gated(gate.clone(), VINTAGE.to_owned())
        })
        .await;
        let gateway = gateway(patient(quick(vec![server.endpoint("one")])));
        let leader = asking(&gateway, "the same for all");
        until("the call", || server.seen.busy() == 1).await;
        let storm: Vec<_> = (0..999).map(|_| asking(&gateway, "the same for all")).collect();
        until("all joined", || gateway.counters().coalesced == 999).await;
        if leader_leaves {
            leader.abort();
        }
        open.send(true).unwrap();
        for answer in storm {
            let answer = answer.await.unwrap();
            assert_eq!((answer.server.as_str(), answer.cached), ("one", false));
        }
        assert_eq!(server.seen.chats(), 1, "leader leaves: {leader_leaves}");
        assert_eq!(server.seen.abandoned(), 0);
        assert!(ask(&gateway, vision("the same for all")).await.cached);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_without_a_cache_makes_one_call_per_wave() {
    let server = LlmServer::start(ServerKind::OpenAi, |_, _| {
        Behaviour::ReplyAfter(Duration::from_millis(200), VINTAGE.to_owned())
    })
    .await;
    let settings = patient(quick(vec![server.endpoint("one")]));
    let gateway = gateway(LlmSettings { response_cache: false, ..settings });
    let storm: Vec<_> = (0..200).map(|_| asking(&gateway, "x")).collect();
    join_all(storm).await;
    assert_eq!(server.seen.chats(), 1);
    assert!(!ask(&gateway, vision("x")).await.cached);
    assert_eq!(server.seen.chats(), 2);
}

#[tokio::test]
async fn the_interactive_go_before_the_background() {
    let (open, gate) = watch::channel(false);
    let server = LlmServer::start(ServerKind::OpenAi, move |_, _| {
        Behaviour::Gated(gate.clone(), VINTAGE.to_owned())
    })
    .await;
    let settings = patient(quick(vec![server.endpoint("one")]));
    let gateway = gateway(LlmSettings { queue_size: 3, ..settings });
    let first = asking(&gateway, "first");
    until("the first call", || server.seen.busy() == 1).await;
    let later: Vec<_> = ["second", "third", "fourth"].map(|text| asking(&gateway, text)).into();
    until("a full queue", || gateway.status()[0].occupancy.queued == 3).await;
    let person = {
        let gateway = gateway.clone();
        tokio::spawn(async move {
            gateway.answer(vision("person"), Priority::Interactive, in_seconds(30)).await
        })
    };
    // The queue is full: the last of the background gives its place up.
    until("a displacement", || failures(&gateway).contains_key(FailureKind::QueueFull.as_str()))
        .await;
    open.send(true).unwrap();
    assert_eq!(person.await.unwrap().server, "one");
    let servers: Vec<String> =
        join_all(later).await.into_iter().map(|answer| answer.unwrap().server).collect();
    assert_eq!(servers, ["one", "one", "rules"]);
    assert_eq!(first.await.unwrap().server, "one");
    let order: Vec<String> = server
        .seen
        .chat_bodies()
        .iter()
        .map(|body| body["messages"][1]["content"].as_str().unwrap().to_owned())
        .collect();
    assert!(order[1].contains("person"), "{order:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_cut_streams_none_is_taken_for_a_success() {
    for kind in BOTH {
        let server =
            LlmServer::start(kind, |number, _| Behaviour::Cut(number as usize % 700)).await;
        let mut endpoint = server.endpoint("one");
        endpoint.parallel = 8;
        let settings = patient(quick(vec![endpoint]));
        // Never shut, and not retried: each request is one cut stream.
        let settings = LlmSettings { breaker_failures: u32::MAX, retries: 0, ..settings };
        let gateway = gateway(settings);
        let answers = stream::iter(0..5_000)
            .map(|number| {
                let gateway = gateway.clone();
                async move { ask(&gateway, vision(&format!("rustic {number}"))).await }
            })
            .buffer_unordered(16);
        let taken = answers.filter(|answer| std::future::ready(answer.server != "rules")).count();
        assert_eq!(taken.await, 0, "{kind:?}");
        assert_eq!(server.seen.chats(), 5_000);
        let counters = gateway.counters();
        assert_eq!((counters.cache.entries, counters.endpoints[0].succeeded), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_fifth_of_nonsense_every_accepted_reply_is_valid_and_calls_stay_few() {
    const REQUESTS: u64 = 1_000;
    let server = LlmServer::start(ServerKind::Ollama, |number, _| {
        // A fifth at random, but the same fifth in each run.
        let draw = blake3::hash(&number.to_le_bytes()).as_bytes()[0];
        Behaviour::Reply(match draw {
            0..17 => VINTAGE[..50].to_owned(),
            17..34 => "Sure! Here is your JSON:".to_owned(),
            34..51 => VINTAGE.replace("vintage", "gothic"),
            _ => VINTAGE.to_owned(),
        })
    })
    .await;
    let mut endpoint = server.endpoint("one");
    endpoint.parallel = 8;
    let gateway = gateway(patient(quick(vec![endpoint])));
    let answers: Vec<_> = stream::iter(0..REQUESTS)
        .map(|number| {
            let gateway = gateway.clone();
            async move { ask(&gateway, vision(&format!("number {number}"))).await }
        })
        .buffer_unordered(8)
        .collect()
        .await;
    let accepted: Vec<_> = answers.iter().filter(|answer| answer.server == "one").collect();
    for answer in &accepted {
        let styles = &requirements(&answer.reply).styles;
        assert!(styles.iter().all(|style| vocabulary::STYLES.contains(&style.as_str())));
    }
    assert!(accepted.len() as u64 >= REQUESTS * 93 / 100, "{} accepted", accepted.len());
    let calls = server.seen.chats() as f64 / REQUESTS as f64;
    assert!(calls <= 1.3, "{calls} calls per request");
    assert_eq!(gateway.counters().cache.entries, accepted.len());
}

#[tokio::test]
async fn an_open_breaker_spares_the_server_and_a_probe_closes_it() {
    let server = LlmServer::start(ServerKind::Ollama, |number, _| match number {
        0 | 1 => Behaviour::Cut(30),
        _ => Behaviour::Reply(VINTAGE.to_owned()),
    })
    .await;
    let settings = LlmSettings {
        breaker_failures: 2,
        breaker_open: Duration::from_millis(200),
        ..quick(vec![server.endpoint("one")])
    };
    let gateway = gateway(settings);
    let mut events = gateway.take_events().unwrap();
    for text in ["a", "b"] {
        assert!(ask(&gateway, vision(text)).await.server == "rules");
    }
    let opened = Instant::now();
    let answer = ask(&gateway, vision("c")).await;
    assert_eq!(answer.fallback.as_deref(), Some("one: the circuit breaker is open"));
    assert_eq!(server.seen.chats(), 2);
    tokio::time::sleep_until((opened + Duration::from_millis(201)).into()).await;
    assert_eq!(ask(&gateway, vision("d")).await.server, "one");
    assert_eq!(gateway.status()[0].breaker, BreakerState::Closed);
    let mut states = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let GatewayEvent::BreakerChanged { state, .. } = event {
            states.push(state);
        }
    }
    assert_eq!(states, [BreakerState::Open, BreakerState::Closed]);
}

#[tokio::test]
async fn a_server_that_is_back_gets_its_probe_at_the_next_health_check() {
    let good = |_: u64, _: &serde_json::Value| Behaviour::Reply(VINTAGE.to_owned());
    let server = LlmServer::start(ServerKind::OpenAi, good).await;
    let (address, endpoint) = (server.address.to_string(), server.endpoint("one"));
    server.stop().await;
    let gateway = gateway(LlmSettings { breaker_failures: 1, ..quick(vec![endpoint]) });
    assert_eq!(ask(&gateway, vision("a")).await.server, "rules");
    assert_eq!(gateway.check_health().await[0].breaker, BreakerState::Open);
    let _server = LlmServer::start_at(&address, ServerKind::OpenAi, good).await;
    assert_eq!(gateway.check_health().await[0].breaker, BreakerState::HalfOpen);
    assert_eq!(ask(&gateway, vision("b")).await.server, "one");
    assert_eq!(gateway.status()[0].breaker, BreakerState::Closed);
}

#[tokio::test]
async fn a_batch_goes_out_five_at_a_time_and_comes_back_in_order() {
    for (batching, together) in [(true, 5), (false, 1)] {
        let (open, gate) = watch::channel(false);
        let server = LlmServer::start(ServerKind::Ollama, move |_, _| {
            Behaviour::Gated(gate.clone(), VINTAGE.to_owned())
        })
        .await;
        let endpoint = EndpointSettings { parallel: 10, ..server.endpoint("one") };
        let gateway = gateway(LlmSettings { batching, ..patient(quick(vec![endpoint])) });
        let tasks = (0..7).map(|number| vision(&format!("task {number}"))).collect();
        let asked = tokio::spawn({
            let gateway = gateway.clone();
            async move { gateway.answer_batch(tasks, Priority::Background, in_seconds(30)).await }
        });
        until("a full batch", || server.seen.busy() == together).await;
        open.send(true).unwrap();
        let answers = asked.await.unwrap();
        assert!(answers.len() == 7 && answers.iter().all(|answer| answer.server == "one"));
        assert_eq!(server.seen.peak(), together);
    }
}
