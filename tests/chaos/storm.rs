//! Two daemons under a storm: kills, crashes of the database, cut connections, pauses, faults in
//! actors, no room for documents, and a model server that breaks off all it begins.

use std::{sync::Arc, thread, time::Duration};

use common::{
    arena::{Arena, signal, until},
    daemon::Daemon,
    llm_server::{Behaviour, LlmServer},
};
use eventplanner::llm::settings::ServerKind;
use nix::sys::signal::Signal;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    http::post,
    ledger::{Clients, document, verify},
};

/// Of the short form.
const KILLS: u64 = 25;
const CLIENTS: u64 = 3;
/// Longer than the arena's lease.
const PAUSE: Duration = Duration::from_millis(5_500);
const ACTORS: [&str; 4] = ["beam_coordinator", "vendor_search", "llm_gateway", "metrics"];
const FAULTS: [&str; 3] = ["panic", "stop", "freeze"];

const NO_ROOM: &str = "
    CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device'
       USING ERRCODE = 'disk_full'; END $$";

/// The second daemon asks a model; once, so that no plan waits for a hopeless server longer than
/// its daemon lives.
fn start(arena: &Arena, llm: &LlmServer, index: usize, folder: Option<Arc<TempDir>>) -> Daemon {
    let url = format!("http://{}", llm.address);
    let asks = [
        ("OLLAMA_BASE_URL", url.as_str()),
        ("EVENTPLANNER__LLM__WARM_UP", "false"),
        ("EVENTPLANNER__LLM__RETRIES", "0"),
    ];
    let more = if index == 1 { &asks[..] } else { &[] };
    arena.daemon_in(folder.unwrap_or_else(|| Arc::new(common::daemon::folder())), more)
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn nothing_acknowledged_is_lost_in_a_storm() {
    let kills = number_of("EVENTPLANNER_CHAOS_KILLS").unwrap_or(KILLS);
    let seed = number_of("EVENTPLANNER_CHAOS_SEED").unwrap_or_else(rand::random);
    println!("storm of {kills} kills, EVENTPLANNER_CHAOS_SEED={seed}");
    let mut storm = Storm::begin(seed);
    let sockets = storm.daemons.iter().map(|daemon| daemon.as_ref().unwrap().socket()).collect();
    let clients = Clients::start(sockets, CLIENTS, seed);
    // Evenly: in the short form 3 crashes of the database and one pause.
    let (crashes, pauses) = ((kills / 20).clamp(3, 50), (kills / 100).clamp(1, 10));
    for round in 1..=kills {
        storm.kill();
        if round % (kills / crashes) == 0 {
            storm.arena.crash_database();
        }
        if round % 4 == 1 {
            storm.cut_connections();
        }
        if round % 2 == 0 {
            storm.inject(round / 2);
        }
        if round % 5 == 2 {
            storm.take_room();
        }
        if round % 5 == 4 {
            storm.give_room();
        }
        if round % (kills / pauses) == kills / pauses / 2 {
            storm.pause();
        }
    }
    storm.give_room();
    let ledger = clients.finish();
    let daemon = storm.daemons[0].as_ref().unwrap();
    let plans = verify(&storm.arena, daemon, &ledger, &storm.digest);
    assert!(plans >= 5, "the storm was over too soon: {plans} plans");
    let failed = storm.arena.sql().number("SELECT count(*) FROM plan WHERE state = 'failed'");
    println!("{plans} plans acknowledged, none lost, {failed} failed");
}

struct Storm {
    daemons: Vec<Option<Daemon>>,
    arena: Arena,
    /// What the second daemon asks: it cuts its replies, hangs up, refuses. The rules stand in.
    llm: LlmServer,
    rng: ChaCha8Rng,
    /// Of a plan that nothing disturbed.
    digest: String,
}

impl Storm {
    fn begin(seed: u64) -> Self {
        let arena = Arena::start();
        arena.sql().execute(NO_ROOM);
        let llm = arena.runtime.block_on(LlmServer::start(ServerKind::Ollama, |call, _| {
            match call % 3 {
                0 => Behaviour::Cut(40),
                1 => Behaviour::HangUp,
                _ => Behaviour::status(503, "", r#"{"error":"overloaded"}"#),
            }
        }));
        let daemons =
            (0..2).map(|index| Some(start(&arena, &llm, index, None))).collect::<Vec<_>>();
        let first = daemons[0].as_ref().unwrap();
        arena.import(first);
        let wedding = document(jiff::Zoned::now().date(), 180).to_string();
        let plan = first.ctl_with(&["--json", "plan", "submit", "-", "--wait"], wedding.as_bytes());
        let plan = common::daemon::json_of(&plan);
        let digest = plan["plan_digest"].as_str().expect("a digest").to_owned();
        Self { daemons, arena, llm, rng: ChaCha8Rng::seed_from_u64(seed), digest }
    }

    fn wait(&mut self, most_ms: u64) {
        thread::sleep(Duration::from_millis(self.rng.random_range(20..most_ms)));
    }

    fn any(&mut self) -> usize {
        self.rng.random_range(0..self.daemons.len())
    }

    /// One of the two, or both at once, as a power cut would; then they start anew.
    fn kill(&mut self) {
        self.wait(400);
        let victim = self.any();
        let both = self.rng.random_ratio(1, 5);
        let victims = (0..self.daemons.len()).filter(|index| both || *index == victim);
        let folders: Vec<(usize, Arc<TempDir>)> = victims
            .map(|index| (index, self.daemons[index].take().expect("it runs").kill()))
            .collect();
        for (index, folder) in folders {
            self.daemons[index] = Some(start(&self.arena, &self.llm, index, Some(folder)));
        }
    }

    /// From now on PostgreSQL says of every document that its disk is full.
    fn take_room(&self) {
        self.arena.sql().execute(
            "CREATE OR REPLACE TRIGGER no_room BEFORE INSERT ON document
             EXECUTE FUNCTION public.no_room()",
        );
    }

    fn give_room(&self) {
        self.arena.sql().execute("DROP TRIGGER IF EXISTS no_room ON document");
    }

    /// Ends every connection of the daemons, the links too.
    fn cut_connections(&mut self) {
        self.arena.sql().rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'eventplannerd' AND pid <> pg_backend_pid()",
        );
    }

    /// Each fault in each actor, in turn.
    fn inject(&mut self, round: u64) {
        let actor = ACTORS[round as usize % ACTORS.len()];
        let fault = FAULTS[round as usize / ACTORS.len() % FAULTS.len()];
        let index = self.any();
        let socket = self.daemons[index].as_ref().unwrap().socket();
        let body = json!({"actor": actor, "fault": fault}).to_string();
        let (status, reply) = post(&socket, "/v1/admin/fault", &body).unwrap();
        assert_eq!(status, 200, "{reply}");
    }

    /// Longer than its lease; then it wakes and believes that it still has its plans.
    fn pause(&mut self) {
        let index = self.any();
        let daemon = self.daemons[index].as_ref().unwrap();
        signal(daemon, Signal::SIGSTOP);
        thread::sleep(PAUSE);
        signal(daemon, Signal::SIGCONT);
        until("a paused daemon answers again", || daemon.ctl(&["status"]).status.success());
    }
}
