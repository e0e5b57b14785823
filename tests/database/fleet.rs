//! Several daemons on one database: links, deaths, turns, suspects; and forgetting.

use std::time::{Duration, Instant};

use common::{
    database,
    fixtures::{claim, new_plan, no_options, now, outcome, request, request_document, submit},
    open, raw, store,
};
use eventplanner::{
    model::{Infeasibility, Note, PlanId, PlanState, Request, Requirements},
    store::{
        ChainCheck, GiveBack, NewPlan, PeerEvent, PlanResult, ProofRow, SearchOutcome, Store,
        StoreError, Transition,
    },
};
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(60);
const OVER: Duration = Duration::ZERO;
/// For what takes milliseconds on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn fresh_id() -> PlanId {
    PlanId(Uuid::now_v7())
}

/// The next thing heard that fits.
async fn hear(
    heard: &mut mpsc::Receiver<PeerEvent>,
    fits: impl Fn(&PeerEvent) -> bool,
) -> PeerEvent {
    let fitting = async {
        loop {
            let next = heard.recv().await.expect("the link ended");
            if fits(&next) {
                return next;
            }
        }
    };
    tokio::time::timeout(PATIENCE, fitting).await.expect("nothing fitting was heard")
}

async fn joined(
    store: &Store,
    name: &str,
) -> (eventplanner::store::FleetLink, mpsc::Receiver<PeerEvent>) {
    let (link, mut heard) = store.join_fleet(name.to_owned()).expect("joins once");
    hear(&mut heard, |heard| *heard == PeerEvent::Joined).await;
    (link, heard)
}

#[tokio::test]
async fn what_one_daemon_does_the_other_hears() {
    let url = database().await;
    let (one, other) = (open(url.clone()).await, open(url).await);
    let (_link, _) = joined(&one, "one").await;
    let (_link, mut heard) = joined(&other, "other").await;
    assert!(one.join_fleet("twice".into()).is_none());

    let plan = submit(&one).await;
    hear(&mut heard, |heard| *heard == PeerEvent::Ready(plan)).await;
    let run = one.claim(claim("one", LEASE, 1)).await.unwrap().remove(0);
    hear(&mut heard, |heard| *heard == PeerEvent::Changed(plan)).await;
    let failed = Transition::new(plan, run.run_number, PlanState::Running, PlanState::Failed);
    one.transition(&failed).await.unwrap();
    hear(&mut heard, |heard| *heard == PeerEvent::Changed(plan)).await;
}

#[tokio::test]
async fn a_death_frees_plans_at_once_and_a_goodbye_is_none() {
    let url = database().await;
    let (one, other) = (open(url.clone()).await, open(url.clone()).await);
    let (link, _) = joined(&one, "one").await;
    let (_other_link, mut heard) = joined(&other, "other").await;
    let plan = submit(&one).await;
    one.claim(claim("one", LEASE, 1)).await.unwrap();
    assert!(other.claim(claim("other", LEASE, 1)).await.unwrap().is_empty());

    // As a kill would: the connection ends, nothing is said.
    drop(link);
    let died = PeerEvent::Died { daemons: vec!["one".into()], plans: 1 };
    assert_eq!(hear(&mut heard, |heard| matches!(heard, PeerEvent::Died { .. })).await, died);
    let taken = other.claim(claim("other", LEASE, 1)).await.unwrap().remove(0);
    assert_eq!((taken.id, taken.run_number, taken.crashes), (plan, 2, 1));
    let late = Transition::new(plan, 1, PlanState::Running, PlanState::Failed);
    assert!(matches!(one.transition(&late).await, Err(StoreError::Fenced { .. })));

    let third = open(url.clone()).await;
    let (link, _) = joined(&third, "third").await;
    link.leave().await;
    let listed: Vec<String> = raw(&url)
        .await
        .query("SELECT name FROM daemon", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(listed, ["other"]);
}

#[tokio::test]
async fn a_link_that_was_cut_comes_back() {
    let url = database().await;
    let store = open(url.clone()).await;
    let (_link, mut heard) = joined(&store, "one").await;
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks
                WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let killed: i64 = raw(&url).await.query_one(kill, &[]).await.unwrap().get(0);
    assert_eq!(killed, 1, "the lock of the daemon's life");
    hear(&mut heard, |heard| matches!(heard, PeerEvent::Lost { .. })).await;
    hear(&mut heard, |heard| *heard == PeerEvent::Joined).await;
}

#[tokio::test]
async fn clients_take_turns_whatever_they_have_waiting() {
    let store = store().await;
    let put = async |client: u32, priority: i16| {
        let plan = NewPlan { requested_by: Some(client), priority, ..new_plan(fresh_id()) };
        store.submit(&plan).await.unwrap().plan()
    };
    let mut many = Vec::new();
    for _ in 0..6 {
        many.push(put(1, 0).await);
    }
    // Two of the first client's are gone when the second one comes.
    store.claim(claim("d", LEASE, 2)).await.unwrap();
    let few = [put(2, 0).await, put(2, 0).await];
    let urgent = put(1, 5).await;
    let order: Vec<PlanId> =
        store.claim(claim("d", LEASE, 20)).await.unwrap().iter().map(|plan| plan.id).collect();
    assert_eq!(order, [urgent, many[2], few[0], many[3], few[1], many[4], many[5]]);
    let length = store.queue_length(Some(1)).await.unwrap();
    assert_eq!((length.all, length.of_client), (0, 0));
}

#[tokio::test]
async fn plans_whose_daemons_die_are_claimed_one_at_a_time() {
    let store = store().await;
    for _ in 0..3 {
        submit(&store).await;
    }
    for daemon in ["a", "b", "c"] {
        assert_eq!(store.claim(claim(daemon, OVER, 10)).await.unwrap().len(), 3, "{daemon}");
    }
    let one = store.claim(claim("d", LEASE, 10)).await.unwrap();
    assert_eq!((one.len(), one[0].crashes), (1, 3));
    let more = eventplanner::store::Claim { suspect_crashes: 0, ..claim("d", LEASE, 10) };
    assert!(store.claim(more).await.unwrap().is_empty(), "no suspect beside another");

    // A step that succeeds clears it.
    let plan = one[0].id;
    let failed = Transition::new(plan, one[0].run_number, PlanState::Running, PlanState::Failed);
    store.transition(&failed).await.unwrap();
    assert_eq!(store.plan(plan).await.unwrap().crashes, 0);
    assert_eq!(store.claim(claim("d", LEASE, 10)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_plan_that_goes_back_counts_failures_and_no_crash() {
    let store = store().await;
    let plan = submit(&store).await;
    for (failed, failures) in [(true, 1), (false, 1), (true, 2)] {
        let run = store.claim(claim("d", LEASE, 1)).await.unwrap().remove(0);
        let back = GiveBack { delay: OVER, reason: "test", failed, agent_runs: &[] };
        store.release(plan, run.run_number, back).await.unwrap();
        let stored = store.plan(plan).await.unwrap();
        assert_eq!((stored.failures, stored.crashes, stored.lease), (failures, 0, None));
    }
}

#[tokio::test]
async fn a_batch_with_one_bad_plan_stores_the_others() {
    let store = store().await;
    let mut bad = request();
    bad.vision = "a NUL \0 character".into();
    let submissions = (0..20).map(|n| {
        let (store, bad) = (&store, &bad);
        async move {
            let plan = new_plan(fresh_id());
            let request = if n == 7 { bad } else { plan.request };
            store.submit(&NewPlan { request, ..plan }).await
        }
    });
    let results = futures_util::future::join_all(submissions).await;
    let refused: Vec<usize> =
        results.iter().enumerate().filter(|(_, r)| r.is_err()).map(|(n, _)| n).collect();
    assert_eq!(refused, [7]);
    assert!(matches!(results[7], Err(StoreError::Unstorable { .. })), "{:?}", results[7]);
    assert_eq!(store.plan_counts().await.unwrap(), [(PlanState::Queued, 19)]);
}

#[tokio::test]
async fn ended_plans_are_erased_on_request_and_deleted_in_time() {
    let url = database().await;
    let store = open(url.clone()).await;
    let plan = store
        .submit(&NewPlan { idempotency_key: Some("anna's wedding"), ..new_plan(fresh_id()) })
        .await
        .unwrap()
        .plan();
    let error = store.erase(plan, None).await.unwrap_err();
    assert!(matches!(error, StoreError::NotEnded { .. }), "{error}");
    store.cancel(plan, None, &|_, _| Vec::new()).await.unwrap();
    store.erase(plan, Some(7)).await.unwrap();
    let erased = store.plan(plan).await.unwrap();
    assert_eq!(erased.request.client.name, "erased");
    assert_eq!(erased.request.client.email, None);
    assert_eq!((erased.request.vision.as_str(), erased.idempotency_key), ("", None));
    assert!(matches!(store.verify_audit(plan).await.unwrap(), ChainCheck::Whole { rows: 4 }));
    let text: String =
        raw(&url).await.query_one("SELECT plan::text FROM plan", &[]).await.unwrap().get(0);
    for word in ["A. Client", "anna", "fairy"] {
        assert!(!text.contains(word), "{word} in {text}");
    }

    let kept = submit(&store).await;
    let client = raw(&url).await;
    let age = "UPDATE plan SET state_since = now() - interval '400 days'";
    client.execute(age, &[]).await.unwrap();
    assert_eq!(store.delete_ended_plans(401).await.unwrap(), 0);
    assert_eq!(store.delete_ended_plans(365).await.unwrap(), 1);
    assert!(matches!(store.plan(plan).await, Err(StoreError::NoSuchPlan { .. })));
    assert_eq!(store.plan(kept).await.unwrap().state, PlanState::Queued, "never one under way");
}

#[tokio::test]
async fn erasing_takes_the_clients_own_words_too() {
    let url = database().await;
    let store = open(url.clone()).await;
    let mut document = request_document();
    document["anchors"] = json!([{
        "activity": "Zelda's first dance", "at": "21:00", "location": {"lat": -33.8, "lon": 151.2}
    }]);
    let request = Request::parse(document.to_string().as_bytes(), now()).unwrap();
    let plan = NewPlan { request: &request, ..new_plan(fresh_id()) };
    let plan = store.submit(&plan).await.unwrap().plan();
    let run = store.claim(claim("d", LEASE, 1)).await.unwrap().remove(0);
    let told = Infeasibility {
        conflicts: vec!["Zelda's first dance is fixed at 21:00".into(), "too many guests".into()],
        relaxations: Vec::new(),
        no_way_out: None,
    };
    let result = no_options("d");
    let ended = outcome(plan, run.run_number, PlanState::Infeasible, &result);
    store.conclude(SearchOutcome { infeasibility: Some(&told), ..ended }).await.unwrap();

    for _ in 0..2 {
        store.erase(plan, None).await.unwrap();
        let erased = store.plan(plan).await.unwrap();
        assert_eq!(erased.request.anchors.len(), 1);
        assert_eq!(erased.request.anchors[0].at, request.anchors[0].at);
        assert_eq!(erased.infeasibility.unwrap().conflicts[1], "too many guests");
        let text: String =
            raw(&url).await.query_one("SELECT plan::text FROM plan", &[]).await.unwrap().get(0);
        for word in ["Zelda", "first dance", "-33.8", "151.2"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}

#[tokio::test]
async fn all_chains_are_proven_page_by_page() {
    let url = database().await;
    let store = open(url.clone()).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(submit(&store).await);
    }
    store.claim(claim("d", LEASE, 10)).await.unwrap();
    let sql = "UPDATE plan_event SET kind = 'other' WHERE plan_id = $1 AND seq = 1";
    raw(&url).await.execute(sql, &[&ids[3].0]).await.unwrap();
    let gone = "DELETE FROM plan_event WHERE plan_id = $1";
    raw(&url).await.execute(gone, &[&ids[4].0]).await.unwrap();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = store.verify_audits(after, 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        seen.extend(page);
    }
    let seen_ids: Vec<PlanId> = seen.iter().map(|(plan, _)| *plan).collect();
    assert_eq!(seen_ids, ids);
    let whole = seen.iter().filter(|(_, check)| *check == ChainCheck::Whole { rows: 2 }).count();
    assert_eq!(whole, 3);
    assert!(matches!(&seen[3].1, ChainCheck::Broken(broken) if broken.seq == 1));
    assert!(matches!(seen[4].1, ChainCheck::Broken(_)));
}

/// The time from a death to the claim that takes its plan over: printed, not asserted.
#[tokio::test]
async fn a_takeover_is_quick() {
    let url = database().await;
    let other = open(url.clone()).await;
    let (_link, mut heard) = joined(&other, "other").await;
    let mut times = Vec::new();
    for n in 0..5 {
        let name = format!("mortal {n}");
        let one = open(url.clone()).await;
        let (link, _) = joined(&one, &name).await;
        submit(&one).await;
        one.claim(claim(&name, LEASE, 10)).await.unwrap();
        let died = Instant::now();
        drop(link);
        hear(&mut heard, |heard| matches!(heard, PeerEvent::Died { .. })).await;
        assert_eq!(other.claim(claim("other", LEASE, 10)).await.unwrap().len(), 1);
        times.push(died.elapsed());
    }
    println!("takeovers: {times:?}");
}

/// Outcomes that are stored together: each is judged by itself, and none costs the others.
#[tokio::test]
async fn outcomes_share_a_commit_and_are_judged_one_by_one() {
    let url = database().await;
    let store = open(url.clone()).await;
    for _ in 0..12 {
        submit(&store).await;
    }
    let runs = store.claim(claim("d", LEASE, 12)).await.unwrap();
    let [taken, cancelled, unstorable] = [&runs[3], &runs[5], &runs[7]];
    let lapse = "UPDATE plan SET lease_until = now() - interval '1 s' WHERE id = $1";
    raw(&url).await.execute(lapse, &[&taken.id.0]).await.unwrap();
    assert_eq!(store.claim(claim("e", LEASE, 1)).await.unwrap()[0].id, taken.id);
    let (from, to) = (PlanState::Running, PlanState::Cancelled);
    let end = Transition::new(cancelled.id, cancelled.run_number, from, to);
    store.transition(&end).await.unwrap();

    let proof = ProofRow { version: 1, problem: vec![1], certificate: vec![2] };
    let stored = futures_util::future::join_all(runs.iter().map(|run| {
        let (store, proof) = (&store, proof.clone());
        let text = if run.id == unstorable.id { "a NUL \0 character" } else { "fine" };
        let notes = vec![Note { code: "test".into(), message: text.into() }];
        let result = PlanResult { notes, ..no_options("d") };
        async move {
            let to = PlanState::AwaitingSelection;
            let found = outcome(run.id, run.run_number, to, &result);
            store.conclude(SearchOutcome { proof: Some(proof), ..found }).await
        }
    }))
    .await;
    for (run, stored) in runs.iter().zip(stored) {
        let plan = store.plan(run.id).await.unwrap();
        let (state, proven) = (plan.state, store.proof(run.id).await.unwrap().is_some());
        match stored {
            Ok(()) => {
                assert_eq!((state, proven), (PlanState::AwaitingSelection, true));
                assert_eq!((plan.lease, plan.attempts), (None, 0));
                assert_eq!(plan.requirements.as_ref(), Some(&Requirements::default()));
            }
            Err(StoreError::Fenced { plan, .. }) => {
                assert_eq!((plan, state, proven), (taken.id, PlanState::Running, false));
            }
            Err(StoreError::WrongState { plan, .. }) => assert_eq!(plan, cancelled.id),
            Err(StoreError::Unstorable { .. }) => {
                assert_eq!((run.id, state, proven), (unstorable.id, PlanState::Running, false));
            }
            Err(error) => panic!("{error}"),
        }
        let whole = store.verify_audit(run.id).await.unwrap();
        assert!(matches!(whole, ChainCheck::Whole { .. }), "{whole:?}");
    }
    let waiting = (PlanState::AwaitingSelection, 9);
    assert!(store.plan_counts().await.unwrap().contains(&waiting));
    // One that was stored can't be given back any more.
    let back = GiveBack { delay: OVER, reason: "late", failed: false, agent_runs: &[] };
    store.release(runs[0].id, runs[0].run_number, back).await.unwrap();
    assert_eq!(store.plan(runs[0].id).await.unwrap().state, PlanState::AwaitingSelection);
}
