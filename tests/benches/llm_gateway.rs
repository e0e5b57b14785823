//! Speed of the LLM gateway, beside a direct reqwest call to the same zero-delay server in the
//! same run: `cargo bench --bench llm_gateway`. Medians of interleaved runs; prints, asserts
//! nothing.

use std::{
    hint::black_box,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use eventplanner::{
    llm::{
        Gateway, ModelState, Priority, ProseTask, RequirementsTask, Task,
        settings::{EndpointSettings, LlmSettings, ServerKind},
    },
    model::EventType,
};

const ROUNDS: usize = 9;
const CALLS_PER_ROUND: u32 = 600;
const CALLERS: u32 = 16;
const HITS: u32 = 300_000;
const CACHED: u32 = 3_000;

/// A reply that passes the checks, some 80 bytes.
const WISHES: &str =
    r#"{"styles":["vintage"],"cuisines":[],"amenities":[],"venue_types":[],"video":false}"#;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for kind in [ServerKind::Ollama, ServerKind::OpenAi] {
        println!("{}", kind.as_str());
        runtime.block_on(uncached(kind));
    }
    println!("cache");
    runtime.block_on(hits());
    runtime.block_on(memory());
    println!("warm-up");
    runtime.block_on(first_after_warm_up());
}

async fn uncached(kind: ServerKind) {
    let address = serve(kind, reply_text(kind, WISHES), Duration::ZERO);
    let gateway = gateway(kind, address, CALLERS as usize);
    let direct = Direct::new(kind, address);
    let (mut one_gateway, mut one_direct) = (Vec::new(), Vec::new());
    let (mut all_gateway, mut all_direct) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one_direct.push(one_caller(|| direct.call()).await);
        one_gateway.push(one_caller(|| ask(&gateway)).await);
        all_direct.push(
            many_callers({
                let direct = direct.clone();
                move || {
                    let direct = direct.clone();
                    async move { direct.call().await }
                }
            })
            .await,
        );
        all_gateway.push(
            many_callers({
                let gateway = gateway.clone();
                move || {
                    let gateway = gateway.clone();
                    async move { ask(&gateway).await }
                }
            })
            .await,
        );
    }
    let (ours, theirs) = (median(&mut one_gateway), median(&mut one_direct));
    println!(
        "  one caller, p50: gateway {ours:.1} us, direct {theirs:.1} us, overhead {:.1} us",
        ours - theirs
    );
    let counted = gateway.counters().endpoints[0].overhead.p50 * 1e6;
    println!("  the gateway's own count of its overhead, p50: {counted:.0} us");
    let (ours, theirs) = (median(&mut all_gateway), median(&mut all_direct));
    println!(
        "  {CALLERS} callers: gateway {ours:.0}/s, direct {theirs:.0}/s, ratio {:.2}",
        ours / theirs
    );
}

async fn hits() {
    let kind = ServerKind::Ollama;
    let address = serve(kind, reply_text(kind, WISHES), Duration::ZERO);
    let gateway = gateway(kind, address, 1);
    let task = wishes("the one that is cached");
    gateway.answer(task.clone(), Priority::Interactive, soon()).await;
    let mut times = Vec::with_capacity(HITS as usize);
    for _ in 0..HITS / 10 {
        let started = Instant::now();
        let answer = gateway.answer(task.clone(), Priority::Interactive, soon()).await;
        times.push(micros(started.elapsed()));
        assert!(black_box(answer).cached, "a cache hit");
    }
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let halves = [0, 1].map(|_| {
            let (gateway, task) = (gateway.clone(), task.clone());
            tokio::spawn(async move {
                for _ in 0..HITS / 2 {
                    let deadline = soon();
                    black_box(gateway.answer(task.clone(), Priority::Interactive, deadline).await);
                }
            })
        });
        for half in halves {
            half.await.expect("a worker");
        }
        rates.push(f64::from(HITS) / started.elapsed().as_secs_f64());
    }
    println!(
        "  hit: p50 {:.2} us, {:.0}/s from two callers",
        median(&mut times),
        median(&mut rates)
    );
}

/// Resident memory of a gateway with its cache full of replies of 2 kB.
async fn memory() {
    let kind = ServerKind::Ollama;
    let sentence = "soft light and warm words, ";
    let prose = serde_json::json!({
        "summary": sentence.repeat(25), "atmosphere": sentence.repeat(18),
        "arrival_note": sentence.repeat(14), "closing": sentence.repeat(11),
    });
    let address = serve(kind, reply_text(kind, &prose.to_string()), Duration::ZERO);
    // Connections, buffers and the runtime's own memory are there before the measurement.
    let other = gateway(kind, address, 1);
    other.answer(blueprint(0), Priority::Interactive, soon()).await;
    let before = resident_bytes();
    let gateway = gateway(kind, address, 1);
    for number in 0..CACHED {
        let answer = gateway.answer(blueprint(number), Priority::Interactive, soon()).await;
        assert_eq!(answer.server, "one", "{:?}", answer.fallback);
    }
    let counters = gateway.counters();
    let grown = resident_bytes().saturating_sub(before) as f64 / 1e6;
    println!(
        "  {} replies of {} bytes: {grown:.1} MB",
        counters.cache.entries,
        prose.to_string().len()
    );
}

/// The first request after a warm-up, beside a steady one.
async fn first_after_warm_up() {
    let kind = ServerKind::Ollama;
    let work = Duration::from_millis(20);
    let mut ratios = Vec::new();
    for _ in 0..3 {
        let address = serve(kind, reply_text(kind, WISHES), work);
        let gateway = gateway(kind, address, 1);
        let started = Instant::now();
        let status = gateway.warm_up().await;
        assert_eq!(status[0].state, ModelState::Ready);
        let loaded = started.elapsed();
        let first = timed(ask(&gateway)).await;
        let mut steady = Vec::new();
        for _ in 0..20 {
            steady.push(timed(ask(&gateway)).await);
        }
        let steady = median(&mut steady);
        println!(
            "  load {:.2} s, first {first:.0} us, steady {steady:.0} us",
            loaded.as_secs_f64()
        );
        ratios.push(first / steady);
    }
    println!("  first / steady: {:.3}", median(&mut ratios));
}

fn gateway(kind: ServerKind, address: SocketAddr, parallel: usize) -> Gateway {
    let endpoint = EndpointSettings::new("one", kind, &format!("http://{address}"), "test");
    let endpoint = EndpointSettings { parallel, ..endpoint };
    let settings = LlmSettings {
        endpoints: vec![endpoint],
        max_connections: CALLERS as usize,
        ..LlmSettings::default()
    };
    Gateway::new(settings, 7).expect("good settings")
}

/// A question that was never asked before.
async fn ask(gateway: &Gateway) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let task = wishes(&format!("a garden wedding with lights in the trees, number {number}"));
    let answer = gateway.answer(task, Priority::Interactive, soon()).await;
    assert!(answer.server == "one" && !answer.cached, "{:?}", answer.fallback);
}

fn wishes(vision: &str) -> Task {
    Task::Requirements(RequirementsTask {
        event_type: EventType::Wedding,
        vision: vision.to_owned(),
        keywords: ["garden", "light", "tree", "wed"].map(str::to_owned).to_vec(),
    })
}

fn blueprint(number: u32) -> Task {
    Task::Prose(ProseTask {
        event_type: EventType::Wedding,
        city: "Kochi".to_owned(),
        guests: 100 + number,
        date_text: "14 February".to_owned(),
        start_text: "18:00".to_owned(),
        styles: vec![],
        vision: String::new(),
        vendors: vec![],
    })
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// The same request and reply without a gateway.
#[derive(Clone)]
struct Direct {
    client: reqwest::Client,
    url: String,
    body: String,
}

impl Direct {
    fn new(kind: ServerKind, address: SocketAddr) -> Self {
        let path = match kind {
            ServerKind::Ollama => "api/chat",
            _ => "v1/chat/completions",
        };
        let client = reqwest::Client::builder()
            .tls_certs_only([])
            .pool_max_idle_per_host(CALLERS as usize)
            .build()
            .expect("a client");
        // As long as the gateway's own request.
        let body = format!("{{\"model\":\"test\",\"pad\":\"{}\"}}", "x".repeat(2_600));
        Self { client, url: format!("http://{address}/{path}"), body }
    }

    async fn call(&self) {
        let request = self.client.post(&self.url).header("content-type", "application/json");
        let response = request.body(self.body.clone()).send().await.expect("a response");
        black_box(response.bytes().await.expect("a body"));
    }
}

/// Median time of a call in microseconds, one after the other.
async fn one_caller<F: Future<Output = ()>>(call: impl Fn() -> F) -> f64 {
    let mut times = Vec::new();
    for _ in 0..CALLS_PER_ROUND {
        times.push(timed(call()).await);
    }
    median(&mut times)
}

async fn timed(call: impl Future<Output = ()>) -> f64 {
    let started = Instant::now();
    call.await;
    micros(started.elapsed())
}

/// Calls per second of 16 callers.
async fn many_callers<F>(call: impl Fn() -> F + Clone + Send + 'static) -> f64
where
    F: Future<Output = ()> + Send,
{
    let started = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let call = call.clone();
            tokio::spawn(async move {
                for _ in 0..CALLS_PER_ROUND / 4 {
                    call().await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller");
    }
    f64::from(CALLERS * (CALLS_PER_ROUND / 4)) / started.elapsed().as_secs_f64()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

/// A whole HTTP reply with `text` in the server's protocol.
fn reply_text(kind: ServerKind, text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let (content, body) = match kind {
        ServerKind::Ollama => (
            "application/x-ndjson",
            format!(
                "{{\"message\":{{\"content\":{quoted}}},\"done\":false}}\n\
                 {{\"done\":true,\"done_reason\":\"stop\",\"eval_count\":9}}\n"
            ),
        ),
        _ => (
            "text/event-stream",
            format!(
                "data: {{\"choices\":[{{\"delta\":{{\"content\":{quoted}}}}}]}}\n\n\
                 data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n\
                 data: [DONE]\n\n"
            ),
        ),
    };
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content}\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    )
}

/// A server on threads of its own: `reply` to every chat, `work` after it came. A load takes 3 s.
fn serve(kind: ServerKind, reply: String, work: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let reply = Arc::new(reply);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let reply = Arc::clone(&reply);
            std::thread::spawn(move || serve_connection(stream, kind, &reply, work));
        }
    });
    address
}

fn serve_connection(mut stream: TcpStream, kind: ServerKind, reply: &str, work: Duration) {
    let _ = stream.set_nodelay(true);
    let mut buffer = vec![0_u8; 65_536];
    let mut filled = 0;
    loop {
        let Ok(read @ 1..) = stream.read(&mut buffer[filled..]) else { return };
        filled += read;
        let Some(length) = request_length(&buffer[..filled]) else { continue };
        if filled < length {
            continue;
        }
        let request = String::from_utf8_lossy(&buffer[..length]);
        let answer = if request.contains("/api/tags") {
            plain(r#"{"models":[{"name":"test:latest"}]}"#)
        } else if kind == ServerKind::Ollama && request.contains("\"messages\":[]") {
            std::thread::sleep(Duration::from_secs(3));
            plain(r#"{"done":true,"done_reason":"load"}"#)
        } else {
            if !work.is_zero() {
                std::thread::sleep(work);
            }
            reply.to_owned()
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
        filled = 0;
    }
}

fn plain(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Head and body together, once the head is there.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some(head + length.and_then(|length| length.trim().parse().ok()).unwrap_or(0))
}
