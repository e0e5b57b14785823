//! After the offer: selecting looks again, plans are called off up to the end of their event, one
//! event is booked once, and replanning changes what it says.

mod calling_off;
mod families;
mod selecting;

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use common::daemon::{Daemon, json_of, stderr_of};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_postgres::Client;

const PATIENCE: Duration = Duration::from_secs(120);

/// A daemon on a database that the test can look into and change behind its back.
struct House {
    daemon: Daemon,
    runtime: Runtime,
    client: Client,
}

impl House {
    fn open() -> Self {
        let runtime = Runtime::new().unwrap();
        let url = runtime.block_on(common::database());
        let client = runtime.block_on(common::raw(&url));
        let daemon =
            Daemon::start_in(Arc::new(common::daemon::folder()), &[("DATABASE_URL", &url)]);
        Self { daemon, runtime, client }
    }

    fn sql(&self, statement: &str) {
        self.runtime.block_on(self.client.batch_execute(statement)).unwrap();
    }

    fn number(&self, statement: &str) -> i64 {
        self.runtime.block_on(self.client.query_one(statement, &[])).unwrap().get(0)
    }

    /// Live bookings of a plan.
    fn booked(&self, plan: &Value) -> i64 {
        self.number(&format!(
            "SELECT count(*) FROM booking WHERE plan_id = '{}' AND state IN ('held', 'confirmed')",
            id(plan)
        ))
    }

    fn import(&self, vendors: &[Value]) {
        let document = json!(vendors).to_string();
        let args = ["vendors", "import", "-", "--format", "json"];
        let imported = self.daemon.ctl_with(&args, document.as_bytes());
        assert!(imported.status.success(), "{}", stderr_of(&imported));
    }

    /// A plan with its options.
    fn planned(&self, document: &Value) -> Value {
        let args = ["--json", "plan", "submit", "-", "--wait"];
        let output = self.daemon.ctl_with(&args, document.to_string().as_bytes());
        assert!(output.status.success(), "{output:?}");
        json_of(&output)
    }

    fn replanned(&self, plan: &Value, change: &[&str]) -> Value {
        self.daemon.json(&[&["plan", "replan", id(plan), "--wait"], change].concat())
    }

    fn select(&self, plan: &Value, body: Value) -> (u16, Value) {
        post(&self.daemon.socket(), &format!("/v1/plans/{}/select", id(plan)), &body)
    }

    fn cancel(&self, plan: &Value) -> (u16, Value) {
        post(&self.daemon.socket(), &format!("/v1/plans/{}/cancel", id(plan)), &json!({}))
    }

    fn show(&self, plan: &Value) -> Value {
        self.daemon.json(&["plan", "show", id(plan)])
    }

    /// The plan once it is in this state.
    fn reaches(&self, plan: &Value, state: &str) -> Value {
        let began = Instant::now();
        loop {
            let now = self.show(plan);
            if now["state"] == state {
                return now;
            }
            assert!(began.elapsed() < PATIENCE, "it stays {}, not {state}", now["state"]);
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn documents(&self, plan: &Value, folder: &str) -> PathBuf {
        let out = self.daemon.folder.path().join(folder);
        self.daemon.json(&["plan", "documents", id(plan), "--output", out.to_str().unwrap()]);
        out
    }

    fn chains_are_whole(&self) {
        let audit = self.daemon.json(&["verify", "audit"]);
        assert!(self.daemon.ctl(&["verify", "audit"]).status.success(), "{audit}");
    }
}

fn id(plan: &Value) -> &str {
    plan["id"].as_str().unwrap_or_else(|| panic!("no plan: {plan}"))
}

/// Status and document of the reply.
fn post(socket: &Path, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = UnixStream::connect(socket).unwrap();
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    let document = reply.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(document).unwrap_or_else(|e| panic!("{e} in {reply}")))
}

/// A hundred days ahead, where the event is.
fn event_date() -> Date {
    Timestamp::now().in_tz("Asia/Kolkata").unwrap().date().saturating_add(100.days())
}

fn line(label: &str, basis: &str, amount: &str) -> Value {
    json!([{ "label": label, "basis": basis, "amount": amount, "currency": "INR" }])
}

/// A venue, a caterer and a photographer of a city; their ids begin with `name`.
fn vendors(name: &str, city: &str) -> [Value; 3] {
    let vendor = |category: &str, pricing: Value| {
        json!({
            "external_id": format!("{name}-{category}"), "category": category,
            "name": format!("{name} {category}"), "city": city, "pricing": pricing,
        })
    };
    let mut all = [
        vendor("venue", line("Hall", "flat", "1000.00")),
        vendor("caterer", line("Plate", "per_guest", "20.00")),
        vendor("photographer", line("Day", "flat", "500.00")),
    ];
    all[0]["capacity"] = json!({ "max": 300 });
    all[0]["policies"] = json!({ "catering": "outside" });
    all[1]["tags"] = json!(["vegan"]);
    all[2]["lead_days"] = json!(30);
    all
}

/// 100 guests, 10,000.00 INR without a contingency.
fn request(city: &str) -> Value {
    json!({
        "client": { "name": "A. Client" }, "event_type": "corporate",
        "date": event_date().to_string(), "start": "12:00", "time_zone": "Asia/Kolkata",
        "hours": 6, "city": city, "guests": 100, "contingency_percent": 0,
        "budget": { "amount": "10000.00", "currency": "INR" },
        "services": { "venue": {}, "caterer": {}, "photographer": {} },
        "preferences": { "dietary": ["vegan"] }
    })
}

fn table(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/edges/after").join(name);
    let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn merge(record: &mut Value, edit: &Value) {
    for (key, value) in edit.as_object().unwrap() {
        record[key] = value.clone();
    }
}

/// `field old new` of every change, sorted.
fn told(changes: &Value) -> Vec<Value> {
    let mut all: Vec<Value> = changes
        .as_array()
        .unwrap()
        .iter()
        .map(|c| json!([c["field"], c["old"], c["new"]]))
        .collect();
    all.sort_by_key(Value::to_string);
    all
}
