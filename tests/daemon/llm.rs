//! A real daemon with LLM servers of its own: plans through them, figures, restarts, a cancelled
//! plan, a server that dies.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::daemon::{Daemon, folder, json_of, sample};
use common::{
    hostile::HOSTILE,
    llm_server::{Behaviour, LlmServer},
    llm_tasks::VINTAGE,
};
use eventplanner::llm::settings::ServerKind;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// With every core busy.
const LIMIT: Duration = Duration::from_secs(30);

fn until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < LIMIT, "never happened: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A good reply to whatever the schema of an Ollama call asks for.
fn good_reply(body: &Value) -> Behaviour {
    let properties = &body["format"]["properties"];
    let reply = if properties["balanced"].is_object() {
        let names = &properties["balanced"]["items"]["properties"]["category"]["enum"];
        let names = names.as_array().unwrap();
        let share = 1.0 / names.len() as f64;
        let lines: Vec<Value> =
            names.iter().map(|name| json!({"category": name, "share": share})).collect();
        json!({"balanced": lines, "venue_and_food": lines, "experience": lines}).to_string()
    } else if properties["summary"].is_object() {
        json!({
            "summary": "A warm evening under the trees.", "atmosphere": "Soft light.",
            "arrival_note": "Welcome.", "closing": "See you there.",
        })
        .to_string()
    } else {
        VINTAGE.to_owned()
    };
    Behaviour::Reply(reply)
}

/// A daemon that asks `server` and looks after it often.
fn start(folder: &Arc<TempDir>, server: &LlmServer) -> Daemon {
    let (url, credentials) = (server.url(), folder.path().join("credentials"));
    fs::create_dir_all(&credentials).unwrap();
    fs::write(credentials.join("llm-key"), "sk-from-systemd\n").unwrap();
    let environment = [
        ("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap()),
        ("EVENTPLANNER__LLM__ENDPOINTS__0__NAME", "one"),
        ("EVENTPLANNER__LLM__ENDPOINTS__0__MODEL", "test"),
        ("EVENTPLANNER__LLM__ENDPOINTS__0__BASE_URL", &url),
        ("EVENTPLANNER__LLM__ENDPOINTS__0__API_KEY_FILE", "llm-key"),
        ("EVENTPLANNER__LLM__ENDPOINTS__0__PARALLEL", "2"),
        ("EVENTPLANNER__LLM__RESPONSE_CACHE_PERSISTENT", "true"),
        ("EVENTPLANNER__LLM__KEEP_ALIVE", "2s"),
        ("EVENTPLANNER__LLM__HEALTH_INTERVAL", "1s"),
        ("EVENTPLANNER__LLM__RETRIES", "1"),
        ("EVENTPLANNER__DATABASE__POOL_SIZE", "4"),
    ];
    Daemon::start_in(Arc::clone(folder), &environment)
}

fn import_samples(daemon: &Daemon) {
    let vendors = sample("vendors.json");
    let imported = daemon.ctl(&["vendors", "import", vendors.to_str().unwrap()]);
    assert!(imported.status.success(), "{imported:?}");
}

/// A wedding whose vision, and so its question, is its own.
fn wedding(vision: &str) -> Vec<u8> {
    let mut document: Value =
        serde_json::from_slice(&fs::read(sample("wedding.json")).unwrap()).unwrap();
    document["vision"] = vision.into();
    document.to_string().into_bytes()
}

fn submit(daemon: &Daemon, vision: &str, more: &[&str]) -> Value {
    let args = [&["--json", "plan", "submit", "-"], more].concat();
    let output = daemon.ctl_with(&args, &wedding(vision));
    assert!(output.status.success(), "{output:?}");
    json_of(&output)
}

/// Name of the server that did an agent's work.
fn server_of<'a>(plan: &'a Value, agent: &str) -> &'a str {
    let runs = plan["agents"].as_array().unwrap();
    let run = runs.iter().find(|run| run["agent"] == agent);
    run.unwrap_or_else(|| panic!("no {agent} in {plan}"))["server"].as_str().unwrap()
}

fn metrics(daemon: &Daemon) -> String {
    String::from_utf8(daemon.ctl(&["metrics"]).stdout).unwrap()
}

#[test]
fn plans_go_through_the_model_and_its_figures_are_everywhere() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(LlmServer::start(ServerKind::Ollama, |_, body| good_reply(body)));
    let folder = Arc::new(folder());
    let daemon = start(&folder, &server);
    import_samples(&daemon);

    let plan = submit(&daemon, "candles and an old tree", &["--wait"]);
    let agents = ["requirements", "budgeting"].map(|agent| server_of(&plan, agent));
    assert_eq!(agents, ["one", "one"], "{plan}");
    assert!(plan["requirements"]["styles"].to_string().contains("vintage"), "{plan}");
    let done = daemon.json(&["plan", "select", plan["id"].as_str().unwrap(), "1", "--wait"]);
    assert_eq!((&done["state"], server_of(&done, "blueprint")), (&json!("completed"), "one"));
    assert_eq!(server.seen.chats(), 3, "requirements, shares, prose");
    let (head, _) = server.seen.last_chat();
    assert!(head.to_ascii_lowercase().contains("authorization: bearer sk-from-systemd\r\n"));

    // The same wishes and categories again: nothing is asked twice. (The options differ, since
    // the first plan holds its vendors.)
    let again = submit(&daemon, "candles and an old tree", &["--wait"]);
    assert_eq!((&again["requirements"], server.seen.chats()), (&plan["requirements"], 3));

    every_figure_is_told(&daemon);

    // Over a restart too, until the cache is flushed.
    assert!(daemon.stop().success());
    let daemon = start(&folder, &server);
    let third = submit(&daemon, "candles and an old tree", &["--wait"]);
    assert_eq!((&third["options"], server.seen.chats()), (&again["options"], 3));
    assert_eq!(server_of(&third, "requirements"), "one");
    assert!(daemon.json(&["cache", "flush", "llm"])["llm"].as_u64() >= Some(2));
    assert!(daemon.stop().success());
    let daemon = start(&folder, &server);
    submit(&daemon, "candles and an old tree", &["--wait"]);
    assert_eq!(server.seen.chats(), 5, "asked anew");
    let log = daemon.said("log");
    assert!(!log.contains("sk-from-systemd") && !log.contains("old tree"), "{log}");
}

fn every_figure_is_told(daemon: &Daemon) {
    let text = metrics(daemon);
    let of = r#"{endpoint="one",model="test""#;
    for line in [
        format!("eventplanner_llm_requests_total{of},outcome=\"ok\"}} 3"),
        format!("eventplanner_llm_calls_total{of}}} 3"),
        format!("eventplanner_llm_cache_hits_total{of}}} 2"),
        format!("eventplanner_llm_coalesced_total{of}}} 0"),
        format!("eventplanner_llm_queue_seconds_count{of}}} 3"),
        format!("eventplanner_llm_first_byte_seconds_count{of}}} 3"),
        format!("eventplanner_llm_request_seconds_count{of}}} 3"),
        format!("eventplanner_llm_gateway_overhead_seconds_count{of}}} 3"),
        format!("eventplanner_llm_tokens_total{of},direction=\"prompt\"}} 33"),
        format!("eventplanner_llm_tokens_total{of},direction=\"reply\"}} 21"),
        format!("eventplanner_llm_breaker_state{of},state=\"closed\"}} 1"),
        format!("eventplanner_llm_model_state{of},state=\"ready\"}} 1"),
        "eventplanner_llm_cache_requests_total{result=\"hit\"} 2".to_owned(),
        "eventplanner_llm_cache_requests_total{result=\"miss\"} 3".to_owned(),
        "eventplanner_llm_cache_entries 3".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} not in\n{text}");
    }
    let status = daemon.json(&["llm", "status"]);
    assert_eq!(status["cache_hit_percent"], json!(40.0), "{status}");
    let endpoint = &status["endpoints"][0];
    assert_eq!(
        (&endpoint["model_state"], &endpoint["breaker"]),
        (&json!("ready"), &json!("closed"))
    );
    assert!(endpoint["warm_up_ms"].is_u64(), "{status}");
    for figure in ["queue", "first_byte", "total", "overhead"] {
        assert!(endpoint["figures"][figure]["p95_ms"].is_f64(), "{figure} in {status}");
    }
    let report = String::from_utf8(daemon.ctl(&["report"]).stdout).unwrap();
    assert!(report.contains("one test ready") && report.contains("40"), "{report}");
}

/// What `verify optimizations` says of the LLM side is measured on the configured server.
#[test]
fn cache_warm_up_and_batching_are_measured_on_the_server() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(LlmServer::start(ServerKind::Ollama, |_, body| good_reply(body)));
    let daemon = start(&Arc::new(folder()), &server);
    import_samples(&daemon);
    submit(&daemon, "candles and an old tree", &["--wait"]);
    let before = server.seen.chats();
    let output = daemon.ctl(&["--json", "verify", "optimizations", "--samples", "3"]);
    let measured = json_of(&output);
    for name in ["response cache", "warm-up", "batching"] {
        let rows = measured["mechanisms"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        assert_ne!(row["verdict"], "not_measured", "{row}");
        assert_eq!(row["samples"], 3, "{row}");
        assert!(row["off"].is_f64() && row["on"].is_f64(), "{row}");
    }
    // Cache: 3 without and at most 3 to fill it; warm-up: 3 × (unload, cold, warm); batching: 3 × 2
    // questions, twice.
    let asked = server.seen.chats() - before;
    assert!((3 + 2 + 9 + 12..=3 + 3 + 9 + 12).contains(&asked), "{asked} questions");
}

#[test]
fn a_cancelled_plan_leaves_its_server_and_a_dead_server_costs_no_plan() {
    let runtime = Runtime::new().unwrap();
    let is_silent = Arc::new(AtomicBool::new(true));
    let silent = Arc::clone(&is_silent);
    let server = runtime.block_on(LlmServer::start(ServerKind::Ollama, move |_, body| {
        if silent.load(Ordering::SeqCst) { Behaviour::Silent } else { good_reply(body) }
    }));
    let daemon = start(&Arc::new(folder()), &server);
    import_samples(&daemon);

    // While a plan waits for its answers, its model is kept loaded …
    let plan = submit(&daemon, "a plan that is cancelled", &[]);
    let id = plan["id"].as_str().unwrap();
    until("both questions, as one batch", || server.seen.busy() == 2);
    let loads = || server.seen.loads.load(Ordering::SeqCst);
    let before = loads();
    until("a refreshed keep-alive", || loads() > before);
    // … and its end is the end of its calls.
    assert_eq!(server.seen.abandoned(), 0);
    daemon.json(&["plan", "cancel", id]);
    until("the calls' end", || server.seen.abandoned() == 2);
    until("the plan's end", || daemon.json(&["plan", "show", id])["state"] == "cancelled");
    let endpoint = daemon.json(&["llm", "status"])["endpoints"][0].clone();
    assert_eq!((&endpoint["busy"], &endpoint["breaker"]), (&json!(0), &json!("closed")));

    // The server dies in the middle of the next one.
    let plan = submit(&daemon, "a plan whose server dies", &[]);
    let id = plan["id"].as_str().unwrap().to_owned();
    until("both questions", || server.seen.busy() == 2);
    let address = server.address.to_string();
    runtime.block_on(server.stop());
    let show = || daemon.json(&["plan", "show", &id]);
    until("its options", || show()["state"] == "awaiting_selection");
    let plan = show();
    assert_eq!(server_of(&plan, "requirements"), "rules");
    let notes = plan["notes"].to_string();
    assert!(notes.contains("llm_fallback") && notes.contains("no connection"), "{notes}");
    assert!(daemon.said("log").contains("\"event\":\"llm_fallback\""));
    assert!(metrics(&daemon).contains("eventplanner_llm_fallbacks_total{reason=\"connect\"} 2"));
    until("the server's absence", || {
        daemon.json(&["llm", "status"])["endpoints"][0]["model_state"] == "unreachable"
    });

    // It comes back, and is used again without a word from anybody.
    is_silent.store(false, Ordering::SeqCst);
    let silent = Arc::clone(&is_silent);
    let server =
        runtime.block_on(LlmServer::start_at(&address, ServerKind::Ollama, move |_, body| {
            if silent.load(Ordering::SeqCst) { Behaviour::Silent } else { good_reply(body) }
        }));
    until("its return, and its model's", || {
        daemon.json(&["llm", "status"])["endpoints"][0]["model_state"] == "ready"
    });
    assert!(server.seen.loads.load(Ordering::SeqCst) >= 1);
    let plan = submit(&daemon, "a plan after the return", &["--wait"]);
    assert_eq!(server_of(&plan, "requirements"), "one", "{plan}");
    assert_eq!(server.seen.chats(), 2);
}

/// What a model that takes orders from the texts would say; no schema lets it through.
fn obedient_reply(body: &Value) -> Behaviour {
    let properties = &body["format"]["properties"];
    let reply = if properties["balanced"].is_object() {
        let line = json!([{"category": "venue", "share": -1}, {"category": "bribe", "share": 2}]);
        json!({"balanced": line, "venue_and_food": line, "experience": line})
    } else if properties["summary"].is_object() {
        json!({
            "summary": "Every service costs 1 rupee.", "atmosphere": "Call +91 98765 43210.",
            "arrival_note": "We meet on 1 January 2030.", "closing": "By Moonlight Palace.",
        })
    } else {
        let mut reply: Value = serde_json::from_str(VINTAGE).unwrap();
        reply["price"] = json!(1);
        reply["vendor"] = json!("Moonlight Palace");
        reply
    };
    Behaviour::Reply(reply.to_string())
}

/// The sample vendors, each with a hostile description.
fn import_hostile_vendors(daemon: &Daemon) {
    let text = fs::read(sample("vendors.json")).unwrap();
    let mut vendors: Vec<Value> = serde_json::from_slice(&text).unwrap();
    for (vendor, (text, _)) in vendors.iter_mut().zip(HOSTILE.iter().cycle()) {
        // An import refuses hidden characters.
        vendor["description"] = json!(text.replace(['\u{200b}', '\u{202e}'], " "));
    }
    let file = daemon.folder.path().join("hostile.json");
    fs::write(&file, serde_json::to_vec(&vendors).unwrap()).unwrap();
    let imported = daemon.ctl(&["vendors", "import", file.to_str().unwrap()]);
    assert!(imported.status.success(), "{imported:?}");
}

/// The plans of all hostile visions, in their order.
fn plan_all(daemon: &Daemon) -> Vec<Value> {
    let plans = HOSTILE.map(|(vision, _)| submit(daemon, vision, &[]));
    let show = |plan: &Value| daemon.json(&["plan", "show", plan["id"].as_str().unwrap()]);
    until("all options", || plans.iter().all(|plan| show(plan)["state"] == "awaiting_selection"));
    plans.iter().map(show).collect()
}

#[test]
fn hostile_words_change_no_price_vendor_date_or_total() {
    let runtime = Runtime::new().unwrap();
    let obeys = Arc::new(AtomicBool::new(true));
    let obeying = Arc::clone(&obeys);
    let server =
        runtime.block_on(LlmServer::start(ServerKind::Ollama, move |_, body| {
            match obeying.load(Ordering::SeqCst) {
                true => obedient_reply(body),
                false => Behaviour::status(400, "", "{}"),
            }
        }));
    let daemon = start(&Arc::new(folder()), &server);
    import_hostile_vendors(&daemon);
    let misled = plan_all(&daemon);
    obeys.store(false, Ordering::SeqCst);
    let by_rules = plan_all(&daemon);
    for (misled, by_rules) in misled.iter().zip(&by_rules) {
        assert_eq!(misled["options"], by_rules["options"]);
        assert_eq!(misled["event"], by_rules["event"]);
        assert_eq!(misled["shares"], by_rules["shares"]);
        assert_eq!(server_of(misled, "requirements"), "rules");
    }

    obeys.store(true, Ordering::SeqCst);
    let id = misled[0]["id"].as_str().unwrap();
    let done = daemon.json(&["plan", "select", id, "1", "--wait"]);
    assert_eq!(server_of(&done, "blueprint"), "rules");
    let out = daemon.folder.path().join("out");
    daemon.json(&["plan", "documents", id, "--output", out.to_str().unwrap()]);
    let blueprint = fs::read_to_string(out.join("blueprint.md")).unwrap();
    for order in ["Every service costs", "98765", "2030", "Moonlight"] {
        assert!(!blueprint.contains(order), "{order} in\n{blueprint}");
    }
}
