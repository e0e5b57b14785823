//! What clients were told, and whether the database says the same.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use common::{
    arena::{Arena, until},
    daemon::{Daemon, sample},
};
use jiff::{ToSpan, Zoned, civil::Date};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::http::{call, get, post};

/// Between two submissions of a client.
const PACE: Duration = Duration::from_millis(60);
/// Days that events are asked for: few, so that they compete for vendors.
const DAYS: u32 = 12;
/// A client asks so often what became of a plan before it leaves it to the end.
const LOOKS: u32 = 30;

/// What a client wants with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The options only: all such plans are equal.
    Look,
    /// The first option that can be had, with its vendors held and the blueprint written.
    Book,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub plan: String,
    pub wish: Wish,
    /// The option whose selection was acknowledged.
    pub selected: Option<u64>,
}

/// By idempotency key: everything that was acknowledged.
pub type Ledger = Arc<Mutex<BTreeMap<String, Entry>>>;

/// Clients that submit, select and write down, until they are stopped.
pub struct Clients {
    pub ledger: Ledger,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    pub fn start(sockets: Vec<PathBuf>, count: u64, seed: u64) -> Self {
        let (ledger, stop) = (Ledger::default(), Arc::new(AtomicBool::new(false)));
        let threads = (0..count).map(|number| {
            let client = Client {
                number,
                sockets: sockets.clone(),
                ledger: ledger.clone(),
                stop: stop.clone(),
                rng: ChaCha8Rng::seed_from_u64(seed ^ (number + 1)),
                today: Zoned::now().date(),
            };
            thread::spawn(move || client.run())
        });
        let threads = threads.collect();
        Self { ledger, stop, threads }
    }

    /// No more submissions; what is under way is brought to its end.
    pub fn finish(self) -> Ledger {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a client failed");
        }
        self.ledger
    }
}

struct Client {
    number: u64,
    sockets: Vec<PathBuf>,
    ledger: Ledger,
    stop: Arc<AtomicBool>,
    rng: ChaCha8Rng,
    today: Date,
}

impl Client {
    fn run(mut self) {
        let mut count = 0;
        while !self.stop.load(Ordering::Relaxed) {
            count += 1;
            let key = format!("client {} plan {count}", self.number);
            let wish = if count % 3 == 0 { Wish::Book } else { Wish::Look };
            self.submit(&key, wish);
            if self.rng.random_ratio(1, 4) {
                // As a client that lost the reply would, perhaps to another daemon.
                self.submit(&key, wish);
            }
            if wish == Wish::Book {
                self.book(&key);
            }
            thread::sleep(PACE);
        }
    }

    fn document(&self, wish: Wish, key: &str) -> Value {
        let days = match wish {
            Wish::Look => 180,
            Wish::Book => 200 + key.len() as i32 * 7 % DAYS.cast_signed() + self.number as i32,
        };
        document(self.today, days)
    }

    fn any_socket(&mut self) -> PathBuf {
        let index = self.rng.random_range(0..self.sockets.len());
        self.sockets[index].clone()
    }

    /// Until it is acknowledged: the same key is the same plan, whoever answers.
    fn submit(&mut self, key: &str, wish: Wish) {
        let document = self.document(wish, key).to_string();
        let header = format!("Idempotency-Key: {key}\r\n");
        let mut plan = None;
        until("a submission is acknowledged", || {
            let socket = self.any_socket();
            match call(&socket, "POST", "/v1/plans", &header, &document) {
                Ok((200 | 202, reply)) => plan = reply["id"].as_str().map(str::to_owned),
                // Overloaded, restarting, failed, dead: try again.
                Ok((500 | 503, _)) | Err(_) => {}
                Ok((status, reply)) => panic!("a submission got {status}: {reply}"),
            }
            plan.is_some()
        });
        let plan = plan.unwrap();
        let mut ledger = self.ledger.lock().unwrap();
        let entry = Entry { plan: plan.clone(), wish, selected: None };
        let known = ledger.entry(key.to_owned()).or_insert(entry);
        assert_eq!(known.plan, plan, "one key, two plans");
    }

    /// Selects the first option that can be had, once there are options.
    fn book(&mut self, key: &str) {
        let plan = self.ledger.lock().unwrap()[key].plan.clone();
        let mut number = 1;
        for _ in 0..LOOKS {
            let socket = self.any_socket();
            let state = match get(&socket, &format!("/v1/plans/{plan}")) {
                Ok((200, view)) => view["state"].as_str().unwrap_or_default().to_owned(),
                _ => String::new(),
            };
            if state == "awaiting_selection" {
                let body = json!({ "option": number }).to_string();
                match post(&socket, &format!("/v1/plans/{plan}/select"), &body) {
                    Ok((202, _)) => {
                        let mut ledger = self.ledger.lock().unwrap();
                        ledger.get_mut(key).unwrap().selected = Some(number);
                        return;
                    }
                    Ok((409, reply)) if reply["error"]["code"] == "taken" && number < 3 => {
                        number += 1;
                    }
                    Ok((409, _)) => return,
                    _ => {}
                }
            } else if !["", "queued", "running"].contains(&state.as_str()) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The sample wedding on a day.
pub fn document(today: Date, days: i32) -> Value {
    let text = std::fs::read(sample("wedding.json")).unwrap();
    let mut document: Value = serde_json::from_slice(&text).unwrap();
    let date = today.checked_add(days.days()).unwrap();
    document["date"] = json!(date.to_string());
    document
}

/// What the database must say in the end. Returns how many plans there were.
pub fn verify(arena: &Arena, daemon: &Daemon, ledger: &Ledger, digest: &str) -> usize {
    let ledger = ledger.lock().unwrap();
    let sql = arena.sql();
    let unsettled = "SELECT count(*) FROM plan WHERE state IN ('queued', 'running', 'writing')";
    until("every plan is settled", || sql.number(unsettled) == 0);

    let states = sql.rows("SELECT id::text, state, selected, error, result->>'digest' FROM plan");
    let states: BTreeMap<String, _> = states
        .iter()
        .map(|row| {
            let rest: (String, Option<i16>, Option<String>, Option<String>) =
                (row.get(1), row.get(2), row.get(3), row.get(4));
            (row.get::<_, String>(0), rest)
        })
        .collect();
    for (key, entry) in ledger.iter() {
        let (state, selected, error, found) =
            states.get(&entry.plan).unwrap_or_else(|| panic!("{key}: {} is lost", entry.plan));
        if state == "failed" {
            let trail = daemon.ctl(&["plan", "show", "--audit", &entry.plan]);
            panic!("{key}: {error:?}\n{}", String::from_utf8_lossy(&trail.stdout));
        }
        match (entry.wish, entry.selected) {
            (Wish::Look, _) => {
                assert_eq!(state, "awaiting_selection", "{key}");
                assert_eq!(found.as_deref(), Some(digest), "{key}: not as undisturbed");
            }
            (Wish::Book, Some(number)) => {
                assert_eq!(state, "completed", "{key}: selected {number}");
                assert_eq!(selected.map(i64::from), Some(number.cast_signed()), "{key}");
            }
            (Wish::Book, None) => {}
        }
    }
    check_outcomes(&sql);
    for entry in ledger.values().filter(|entry| states[&entry.plan].0 == "awaiting_selection") {
        let cancelled = daemon.ctl(&["plan", "cancel", &entry.plan]);
        assert!(cancelled.status.success(), "{cancelled:?}");
    }
    let proof = daemon.json(&["verify", "audit"]);
    assert_eq!(proof["broken"], json!([]));
    ledger.len()
}

/// One outcome per plan, no vendor twice at a time, and everything that belongs to an outcome.
fn check_outcomes(sql: &common::arena::Sql<'_>) {
    for to in ["awaiting_selection", "writing", "completed"] {
        let twice = format!(
            "SELECT count(*) FROM (SELECT FROM plan_event
             WHERE kind = 'state' AND detail->>'to' = '{to}' GROUP BY plan_id
             HAVING count(*) > 1) twice"
        );
        assert_eq!(sql.number(&twice), 0, "plans that became {to} twice");
    }
    let overlaps = "SELECT format('%s beside %s', to_jsonb(a), to_jsonb(b))
        FROM booking a JOIN booking b
        ON a.vendor_id = b.vendor_id AND a.slot = b.slot AND a.id < b.id AND a.during && b.during
        WHERE a.state IN ('held', 'confirmed') AND b.state IN ('held', 'confirmed')";
    let overlaps: Vec<String> = sql.rows(overlaps).iter().map(|row| row.get(0)).collect();
    assert!(overlaps.is_empty(), "double bookings: {overlaps:#?}");
    let half = "SELECT count(*) FROM plan p WHERE state = 'completed' AND
        ((SELECT count(*) FROM document d WHERE d.plan_id = p.id) <> 3
         OR NOT EXISTS (SELECT FROM booking b WHERE b.plan_id = p.id AND b.state = 'confirmed')
         OR EXISTS (SELECT FROM booking b WHERE b.plan_id = p.id AND b.state = 'held'))";
    assert_eq!(sql.number(half), 0, "completed plans with something missing");
    let other = "SELECT count(*) FROM plan_event e JOIN plan p ON p.id = e.plan_id
        WHERE e.kind = 'state' AND e.detail->>'to' = 'awaiting_selection'
          AND e.detail->>'digest' <> p.result->>'digest'";
    assert_eq!(sql.number(other), 0, "plans whose outcome is not the one on record");
}
