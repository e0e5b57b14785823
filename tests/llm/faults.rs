//! The gateway against servers that fail: every fault, with what the caller gets, what is
//! counted, how often the server was asked, and what the circuit breaker makes of it.

use std::time::{Duration, Instant};

use common::{
    llm_server::{Behaviour, LlmServer},
    llm_tasks::{VINTAGE, ask, failures, gateway, in_seconds, quick, requirements, until, vision},
};
use eventplanner::llm::{
    Answer, BreakerState, FailureKind, Gateway, Priority,
    settings::{EndpointSettings, LlmSettings, ServerKind},
};

const BOTH: [ServerKind; 2] = [ServerKind::Ollama, ServerKind::OpenAi];

/// Settings under which a single blamed failure opens the breaker.
fn touchy(endpoint: EndpointSettings) -> LlmSettings {
    LlmSettings { breaker_failures: 1, ..quick(vec![endpoint]) }
}

fn count(gateway: &Gateway, kind: FailureKind) -> u64 {
    failures(gateway).get(kind.as_str()).copied().unwrap_or(0)
}

fn breaker(gateway: &Gateway) -> BreakerState {
    gateway.status()[0].breaker
}

fn by_rules(answer: &Answer) -> bool {
    answer.server == "rules" && answer.fallback.is_some()
}

struct Fault {
    name: &'static str,
    behaviour: Behaviour,
    kind: FailureKind,
    /// How often this failure is counted for one question.
    count: u64,
    /// Chat calls that the server sees for it.
    calls: u64,
    /// Whether the server is to blame, so that the breaker opens.
    blamed: bool,
}

fn fault(
    name: &'static str,
    behaviour: Behaviour,
    kind: FailureKind,
    calls: u64,
    blamed: bool,
) -> Fault {
    Fault { name, behaviour, kind, count: calls, calls, blamed }
}

/// Faults that stay as long as the server is asked. With a breaker that opens at once, a blamed
/// failure that could be retried is not: the retry meets an open breaker.
fn lasting_faults() -> Vec<Fault> {
    use Behaviour as B;
    use FailureKind as K;
    let second = Duration::from_secs(1);
    let html = "content-type: text/html\r\n";
    let too_long = B::status(400, "", r#"{"error":{"type":"exceed_context_size_error"}}"#);
    let elsewhere = "location: http://127.0.0.1:1/\r\n";
    vec![
        fault("accepted but silent", B::Silent, K::FirstByteTimeout, 1, true),
        fault(
            "slow first byte",
            B::ReplyAfter(second, VINTAGE.into()),
            K::FirstByteTimeout,
            1,
            true,
        ),
        fault("stall in mid-stream", B::Stall, K::IdleTimeout, 1, true),
        fault("cut in mid-stream", B::Cut(90), K::Truncated, 1, true),
        // Once more at once, since a kept connection may just have been closed.
        Fault { calls: 2, ..fault("hang-up without a word", B::HangUp, K::Disconnected, 1, true) },
        fault("error in the stream", B::ErrorInStream, K::StreamError, 1, true),
        fault("error event", B::ErrorEvent, K::StreamError, 1, true),
        fault("endless reply", B::Endless, K::ReplyTooLong, 1, true),
        fault("gigantic line", B::GiganticLine, K::ReplyTooLong, 1, true),
        fault(
            "wrong content type",
            B::status(200, html, "<html>log in</html>"),
            K::ContentType,
            1,
            true,
        ),
        fault("redirect", B::status(302, elsewhere, ""), K::Redirect, 1, true),
        fault("lasting 500", B::status(500, "", "{}"), K::ServerError, 1, true),
        fault(
            "lasting 429",
            B::status(429, "retry-after-ms: 1\r\n", "{}"),
            K::RateLimited,
            3,
            false,
        ),
        fault("400", B::status(400, "", r#"{"error":"bad keep_alive"}"#), K::ClientError, 1, false),
        fault("400 for a prompt too long", too_long, K::ClientError, 1, false),
        fault("401", B::status(401, "", "{}"), K::Unauthorized, 1, false),
        fault(
            "404",
            B::status(404, "", r#"{"error":"model not found"}"#),
            K::ModelAbsent,
            1,
            false,
        ),
        fault("no JSON", B::Reply("I'd love to help!".into()), K::InvalidJson, 2, false),
        fault("cut JSON", B::Reply(VINTAGE[..40].into()), K::InvalidJson, 2, false),
        fault(
            "JSON beside the schema",
            B::Reply(r#"{"styles":[]}"#.into()),
            K::InvalidReply,
            2,
            false,
        ),
        fault("empty reply", B::Reply(String::new()), K::EmptyReply, 1, false),
        fault("out of tokens", B::OutOfTokens, K::OutOfTokens, 1, false),
    ]
}

#[tokio::test]
async fn every_lasting_fault_ends_in_the_rules_and_is_counted_for_what_it_is() {
    for kind in BOTH {
        for fault in lasting_faults() {
            let name = format!("{} from {}", fault.name, kind.as_str());
            let behaviour = fault.behaviour.clone();
            let server = LlmServer::start(kind, move |_, _| behaviour.clone()).await;
            let gateway = gateway(touchy(server.endpoint("one")));
            let answer = ask(&gateway, vision("a rustic secret")).await;
            assert!(by_rules(&answer), "{name}: {answer:?}");
            assert_eq!(requirements(&answer.reply).styles, ["rustic"], "{name}");
            let why = answer.fallback.unwrap();
            assert!(!why.contains("secret"), "{name}: {why}");
            if fault.kind == FailureKind::ModelAbsent {
                let remedy =
                    if kind == ServerKind::Ollama { "ollama pull test" } else { "`model`" };
                assert!(why.contains(remedy), "{name}: {why}");
            }
            assert_eq!(
                count(&gateway, fault.kind),
                fault.count,
                "{name}: {:?}",
                failures(&gateway)
            );
            assert_eq!(server.seen.chats(), fault.calls, "{name}");
            let want = if fault.blamed { BreakerState::Open } else { BreakerState::Closed };
            assert_eq!(breaker(&gateway), want, "{name}");
            assert_eq!(gateway.counters().cache.entries, 0, "{name}: nothing of it is cached");
        }
    }
}

#[tokio::test]
async fn a_refused_connection_and_a_failed_handshake_are_told_apart() {
    // A port that was free a moment ago.
    let server = LlmServer::start(ServerKind::Ollama, |_, _| Behaviour::Silent).await;
    let endpoint = server.endpoint("one");
    let mut tls = server.endpoint("one");
    tls.base_url = tls.base_url.replace("http://", "https://");
    let plain = gateway(LlmSettings { retries: 1, ..quick(vec![tls]) });
    assert!(by_rules(&ask(&plain, vision("x")).await));
    assert_eq!(count(&plain, FailureKind::Tls), 1, "{:?}", failures(&plain));
    server.stop().await;
    let gone = gateway(LlmSettings { retries: 2, ..quick(vec![endpoint]) });
    assert!(by_rules(&ask(&gone, vision("x")).await));
    assert_eq!(count(&gone, FailureKind::Connect), 3, "tried three times");
}

#[tokio::test]
async fn faults_that_pass_are_retried_with_the_wait_that_the_server_asks_for() {
    let in_two_seconds = || {
        let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
        then.strftime("retry-after: %a, %d %b %Y %H:%M:%S GMT\r\n").to_string()
    };
    let ms = Duration::from_millis;
    type Headers = fn() -> String;
    let none: Headers = String::new;
    let cases: [(&str, u16, Headers, &str, _); 6] = [
        ("seconds", 429, || "retry-after: 1\r\n".into(), "{}", ms(1_000)..ms(1_900)),
        // A date has whole seconds, so two of them are more than one.
        ("a date", 429, in_two_seconds, "{}", ms(600)..ms(2_900)),
        ("ms", 429, || "retry-after-ms: 300\r\n".into(), "{}", ms(300)..ms(1_000)),
        ("500 then ok", 500, none, "{}", ms(100)..ms(1_000)),
        ("503 then ok", 503, none, "{}", ms(100)..ms(1_000)),
        ("loading then ok", 503, none, "Loading model", ms(100)..ms(1_000)),
    ];
    let trials = cases.into_iter().flat_map(|case| BOTH.map(|kind| (kind, case.clone())));
    let trials = trials.map(|(kind, (name, code, headers, body, wait))| async move {
        let server = LlmServer::start(kind, move |number, _| match number {
            0 => Behaviour::status(code, &headers(), body),
            _ => Behaviour::Reply(VINTAGE.to_owned()),
        })
        .await;
        let gateway = gateway(quick(vec![server.endpoint("one")]));
        let started = Instant::now();
        let answer = ask(&gateway, vision("x")).await;
        assert_eq!(answer.server, "one", "{name}: {answer:?}");
        assert!(wait.contains(&started.elapsed()), "{name}: {:?}", started.elapsed());
        let counters = gateway.counters();
        assert_eq!((server.seen.chats(), counters.endpoints[0].retries), (2, 1), "{name}");
        assert_eq!(breaker(&gateway), BreakerState::Closed, "{name}");
    });
    futures_util::future::join_all(trials).await;
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_costs_neither_a_retry_nor_blame() {
    let server = LlmServer::start(ServerKind::OpenAi, |number, _| match number {
        1 => Behaviour::HangUp,
        _ => Behaviour::Reply(VINTAGE.to_owned()),
    })
    .await;
    let settings = LlmSettings { retries: 0, ..touchy(server.endpoint("one")) };
    let gateway = gateway(settings);
    for text in ["a", "b"] {
        assert_eq!(ask(&gateway, vision(text)).await.server, "one");
    }
    assert_eq!((server.seen.chats(), count(&gateway, FailureKind::StaleConnection)), (3, 1));
    assert_eq!(breaker(&gateway), BreakerState::Closed);
}

#[tokio::test]
async fn a_wait_beyond_reason_is_not_waited_out() {
    let wait = "retry-after: 3600\r\n";
    let server =
        LlmServer::start(ServerKind::OpenAi, |_, _| Behaviour::status(429, wait, "{}")).await;
    let gateway = gateway(quick(vec![server.endpoint("one")]));
    let started = Instant::now();
    assert!(by_rules(&ask(&gateway, vision("x")).await));
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(server.seen.chats(), 1);
}

#[tokio::test]
async fn a_long_load_is_waited_for() {
    let server =
        LlmServer::start(ServerKind::OpenAi, |_, _| Behaviour::Reply(VINTAGE.into())).await;
    // More answers than there are retries.
    server.models.lock().unwrap().loading_answers = 4;
    let gateway = gateway(LlmSettings { retries: 1, ..touchy(server.endpoint("one")) });
    let answer = ask(&gateway, vision("x")).await;
    assert_eq!(answer.server, "one", "{answer:?}");
    assert_eq!(count(&gateway, FailureKind::Loading), 4);
    assert_eq!(breaker(&gateway), BreakerState::Closed);
}

#[tokio::test]
async fn a_slow_loris_is_bound_by_the_total_time() {
    for behaviour in
        [Behaviour::Drip(Duration::from_millis(20), VINTAGE.to_owned()), Behaviour::Pings]
    {
        let server = LlmServer::start(ServerKind::OpenAi, move |_, _| behaviour.clone()).await;
        let settings = touchy(server.endpoint("one"));
        let gateway = gateway(LlmSettings { timeout: Duration::from_millis(500), ..settings });
        let started = Instant::now();
        assert!(by_rules(&ask(&gateway, vision("x")).await));
        assert!(started.elapsed() < Duration::from_millis(1_500));
        assert_eq!(count(&gateway, FailureKind::TotalTimeout), 1);
        assert_eq!(breaker(&gateway), BreakerState::Open);
    }
}

#[tokio::test]
async fn a_dripping_reply_within_its_times_is_taken() {
    let drip = Behaviour::Drip(Duration::from_millis(1), VINTAGE.to_owned());
    for kind in BOTH {
        let drip = drip.clone();
        let server = LlmServer::start(kind, move |_, _| drip.clone()).await;
        let gateway = gateway(quick(vec![server.endpoint("one")]));
        let answer = ask(&gateway, vision("x")).await;
        assert_eq!(answer.server, "one", "{answer:?}");
    }
}

#[tokio::test]
async fn a_server_that_restarts_is_found_again() {
    for kind in BOTH {
        let first = LlmServer::start(kind, |number, _| match number {
            0 => Behaviour::Reply(VINTAGE.to_owned()),
            _ => Behaviour::Stall,
        })
        .await;
        let address = first.address.to_string();
        let gateway = gateway(quick(vec![first.endpoint("one")]));
        assert_eq!(ask(&gateway, vision("a")).await.server, "one");
        // It goes down in the middle of a reply …
        let asked = tokio::spawn({
            let gateway = gateway.clone();
            async move { ask(&gateway, vision("b")).await }
        });
        until("the call", || first.seen.busy() > 0).await;
        first.stop().await;
        let second =
            LlmServer::start_at(&address, kind, |_, _| Behaviour::Reply(VINTAGE.to_owned())).await;
        assert!(by_rules(&asked.await.unwrap()), "a cut reply is not repeated");
        // … and its pooled connections are dead.
        let answer = ask(&gateway, vision("c")).await;
        assert_eq!(answer.server, "one", "{answer:?}");
        assert_eq!(second.seen.chats(), 1);
    }
}

#[tokio::test]
async fn a_caller_that_leaves_cancels_its_call_and_blames_nobody() {
    let server = LlmServer::start(ServerKind::OpenAi, |_, _| Behaviour::Silent).await;
    let settings = touchy(server.endpoint("one"));
    let long = Duration::from_secs(60);
    let gateway = gateway(LlmSettings { first_byte_timeout: long, timeout: long, ..settings });
    let caller = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.answer(vision("x"), Priority::Background, in_seconds(60)).await }
    });
    until("the call", || server.seen.busy() > 0).await;
    caller.abort();
    until("the client's leaving", || server.seen.abandoned() > 0).await;
    assert_eq!(breaker(&gateway), BreakerState::Closed);
    assert_eq!(gateway.counters().under_way, 0);
    assert_eq!(gateway.status()[0].occupancy.busy, 0);

    // A caller's deadline does the same, and the caller has the rules' answer in time.
    let started = Instant::now();
    let soon = started + Duration::from_millis(150);
    let answer = gateway.answer(vision("boho"), Priority::Interactive, soon).await;
    assert!(by_rules(&answer) && started.elapsed() < Duration::from_secs(1));
    assert_eq!(requirements(&answer.reply).styles, ["bohemian"]);
    assert_eq!(breaker(&gateway), BreakerState::Closed);
}
