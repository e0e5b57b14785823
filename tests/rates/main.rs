//! The LLM gateway at four times what its server can do. One test in a binary of its own, since
//! it measures rates: Cargo runs one binary after the other, so nothing runs beside it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    llm_server::{Behaviour, LlmServer},
    llm_tasks::{VINTAGE, failures, gateway, quick, vision},
};
use eventplanner::llm::{
    FailureKind, Gateway, Priority,
    settings::{LlmSettings, ServerKind},
};

/// How long one rate is measured.
const PERIOD: Duration = Duration::from_secs(5);
/// Measurements of the ratio at most.
const TRIES: usize = 6;

/// Good answers per second while requests, all different, come at `per_second` for `period`.
async fn goodput(gateway: &Gateway, per_second: u32, period: Duration) -> f64 {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let good = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let requests = (f64::from(per_second) * period.as_secs_f64()) as u32;
    let mut callers = Vec::new();
    for index in 0..requests {
        let due = started + Duration::from_secs(1) * index / per_second;
        tokio::time::sleep_until(due.into()).await;
        let (gateway, good) = (gateway.clone(), Arc::clone(&good));
        let text = format!("request {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        callers.push(tokio::spawn(async move {
            let deadline = Instant::now() + Duration::from_millis(1_000);
            let answer = gateway.answer(vision(&text), Priority::Background, deadline).await;
            good.fetch_add(u64::from(answer.server == "one"), Ordering::Relaxed);
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    good.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_costs_no_goodput_and_the_server_never_gets_more_than_it_takes() {
    // Four at a time, 80 ms each: fifty per second.
    let server = LlmServer::start(ServerKind::OpenAi, |_, _| {
        Behaviour::ReplyAfter(Duration::from_millis(80), VINTAGE.to_owned())
    })
    .await;
    let mut endpoint = server.endpoint("one");
    endpoint.parallel = 4;
    let gateway = gateway(LlmSettings {
        first_byte_timeout: Duration::from_secs(5),
        ..quick(vec![endpoint])
    });
    // A rate says something only where the machine is steady, so a ratio that something else spoilt
    // is taken again.
    let mut ratio = 0.0;
    for _ in 0..TRIES {
        let peak = goodput(&gateway, 50, PERIOD).await;
        ratio = goodput(&gateway, 200, PERIOD).await / peak;
        if ratio >= 0.95 {
            break;
        }
    }
    assert!(ratio >= 0.95, "{:.0} % of the peak", 100.0 * ratio);
    assert_eq!(server.seen.peak(), 4);
    let failures = failures(&gateway);
    let refused = failures.get(FailureKind::TooLate.as_str()).copied().unwrap_or(0);
    assert!(refused > 300, "refused at once, not timed out: {failures:?}");
}
