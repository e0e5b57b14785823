//! Plans: submitting, claiming, fencing, results, audit.

use std::time::Duration;

use common::{
    database,
    fixtures::{
        choose, claim, conclude, new_plan, no_options, now, outcome, request, submit, waiting_plan,
    },
    open, raw, store,
};
use eventplanner::{
    model::{CalledOff, PlanId, PlanState, Requirements},
    store::{
        AgentOutcome, AgentRun, AuditEvent, Cancelled, ChainCheck, Checkpoint, GiveBack, NewPlan,
        Patch, SearchOutcome, Store, StoreError, Submitted, Transition,
    },
    wire::{Document, PlanQuery},
};
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(60);
const NO_LEASE: Duration = Duration::ZERO;

fn back(delay: Duration, failed: bool) -> GiveBack<'static> {
    GiveBack { delay, reason: "test", failed, agent_runs: &[] }
}

fn fresh_id() -> PlanId {
    PlanId(Uuid::now_v7())
}

#[tokio::test]
async fn a_request_comes_back_as_it_was_stored() {
    let store = store().await;
    let id = submit(&store).await;
    let plan = store.plan(id).await.unwrap();
    assert_eq!(plan.request, request());
    assert_eq!((plan.state, plan.run_number, plan.attempts), (PlanState::Queued, 0, 0));
    assert_eq!((plan.requested_by, plan.created_at), (Some(1_000), now()));
    let unknown = fresh_id();
    let error = store.plan(unknown).await.unwrap_err();
    assert!(matches!(error, StoreError::NoSuchPlan { plan } if plan == unknown), "{error}");
}

#[tokio::test]
async fn one_key_names_one_plan_even_when_many_submit_it_together() {
    let store = store().await;
    let keyed = |id, document: &[u8]| NewPlan {
        idempotency_key: Some("k"),
        fingerprint: eventplanner::store::fingerprint(document),
        ..new_plan(id)
    };
    let submissions = (0..12).map(|_| async { store.submit(&keyed(fresh_id(), b"one")).await });
    let results = futures_util::future::join_all(submissions).await;
    let plans: Vec<Submitted> = results.into_iter().map(Result::unwrap).collect();
    let created = plans.iter().filter(|p| matches!(p, Submitted::Created(_))).count();
    assert_eq!(created, 1);
    assert!(plans.iter().all(|p| p.plan() == plans[0].plan()));

    let error = store.submit(&keyed(fresh_id(), b"two")).await.unwrap_err();
    assert!(matches!(error, StoreError::KeyReused { plan, .. } if plan == plans[0].plan()));
    assert_eq!(store.plans(&PlanQuery::default()).await.unwrap().plans.len(), 1);
}

#[tokio::test]
async fn lists_are_newest_first_and_paged() {
    let store = store().await;
    let mut ids = Vec::new();
    for n in 0..5_i64 {
        let created_at = jiff::Timestamp::from_second(1_800_000_000 + n / 2).unwrap();
        let plan = NewPlan { created_at, ..new_plan(fresh_id()) };
        ids.push(store.submit(&plan).await.unwrap().plan());
    }
    ids.reverse();
    let mut query = PlanQuery { limit: Some(2), ..PlanQuery::default() };
    let mut listed = Vec::new();
    loop {
        let page = store.plans(&query).await.unwrap();
        listed.extend(page.plans.iter().map(|plan| plan.id));
        let Some(next) = page.next else { break };
        query.before = Some(next);
    }
    assert_eq!(listed, ids);
    let other = PlanQuery { state: Some(PlanState::Failed), ..PlanQuery::default() };
    assert!(store.plans(&other).await.unwrap().plans.is_empty());
    let unknown = PlanQuery { before: Some(fresh_id()), ..PlanQuery::default() };
    let error = store.plans(&unknown).await.unwrap_err();
    assert!(matches!(error, StoreError::NoSuchPlan { .. }), "{error}");
    assert_eq!(store.plan_counts().await.unwrap(), [(PlanState::Queued, 5)]);
}

#[tokio::test]
async fn daemons_that_claim_together_share_without_overlap() {
    let store = store().await;
    for _ in 0..20 {
        submit(&store).await;
    }
    let claims = (0..6).map(|n| {
        let store = &store;
        async move { store.claim(claim(&format!("d{n}"), LEASE, 5)).await.unwrap() }
    });
    let mut ids: Vec<PlanId> = futures_util::future::join_all(claims)
        .await
        .into_iter()
        .flatten()
        .map(|plan| {
            assert_eq!((plan.state, plan.run_number, plan.attempts), (PlanState::Running, 1, 1));
            plan.id
        })
        .collect();
    // One that came too late for what another held back finds the rest now.
    ids.extend(store.claim(claim("d7", LEASE, 20)).await.unwrap().iter().map(|plan| plan.id));
    ids.sort_unstable();
    let claimed = ids.len();
    ids.dedup();
    assert_eq!((claimed, ids.len()), (20, 20));
    assert!(store.claim(claim("d8", LEASE, 20)).await.unwrap().is_empty());
}

#[tokio::test]
async fn urgent_plans_go_first_then_those_submitted_first() {
    let store = store().await;
    let mut ids = Vec::new();
    for priority in [0, 0, 5, -1] {
        let plan = NewPlan { priority, ..new_plan(fresh_id()) };
        ids.push(store.submit(&plan).await.unwrap().plan());
    }
    let claimed = store.claim(claim("d", LEASE, 10)).await.unwrap();
    let order: Vec<PlanId> = claimed.iter().map(|plan| plan.id).collect();
    assert_eq!(order, [ids[2], ids[0], ids[1], ids[3]]);
}

#[tokio::test]
async fn an_expired_lease_fences_its_former_owner() {
    let store = store().await;
    let plan = submit(&store).await;
    let old = store.claim(claim("old", NO_LEASE, 1)).await.unwrap().remove(0);
    let new = store.claim(claim("new", LEASE, 1)).await.unwrap().remove(0);
    assert_eq!((old.id, new.id, new.run_number, new.attempts), (plan, plan, 2, 2));

    let fenced = |result: Result<(), StoreError>| {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::Fenced { run_number: 1, .. }), "{error}");
    };
    let to_failed = Transition::new(plan, 1, PlanState::Running, PlanState::Failed);
    fenced(store.transition(&to_failed).await);
    let result = no_options("d");
    fenced(store.conclude(outcome(plan, 1, PlanState::AwaitingSelection, &result)).await);
    fenced(store.release(plan, 1, back(NO_LEASE, false)).await);
    fenced(store.save_checkpoint(plan, 1, &checkpoint(1), 50).await);
    assert!(store.renew_leases("old", LEASE, &[(plan, 1)]).await.unwrap().is_empty());
    assert!(store.renew_leases("old", LEASE, &[(plan, 2)]).await.unwrap().is_empty());
    let renewed = store.renew_leases("new", LEASE, &[(plan, 2)]).await.unwrap();
    assert_eq!(renewed.len(), 1);
    assert_eq!(store.plan(plan).await.unwrap().state, PlanState::Running);
}

#[tokio::test]
async fn a_released_plan_waits_for_its_delay() {
    let store = store().await;
    let plan = submit(&store).await;
    store.claim(claim("d", LEASE, 1)).await.unwrap();
    store.release(plan, 1, back(Duration::from_secs(600), false)).await.unwrap();
    assert!(store.claim(claim("d", LEASE, 1)).await.unwrap().is_empty());
    let stored = store.plan(plan).await.unwrap();
    assert_eq!((stored.state, stored.lease), (PlanState::Queued, None));

    let plan = submit(&store).await;
    store.claim(claim("d", LEASE, 1)).await.unwrap();
    store.release(plan, 1, back(NO_LEASE, false)).await.unwrap();
    assert_eq!(store.claim(claim("e", LEASE, 1)).await.unwrap()[0].id, plan);
}

#[tokio::test]
async fn only_the_ways_of_the_state_table_are_open() {
    let store = store().await;
    let plan = submit(&store).await;
    let wrong = Transition::new(plan, 0, PlanState::Queued, PlanState::Completed);
    let error = store.transition(&wrong).await.unwrap_err();
    assert!(matches!(error, StoreError::NoSuchTransition { .. }), "{error}");
    let early = Transition::new(plan, 0, PlanState::Running, PlanState::Failed);
    let error = store.transition(&early).await.unwrap_err();
    assert!(matches!(error, StoreError::WrongState { found: PlanState::Queued, .. }), "{error}");
    // What a search found has a way of its own, with a result.
    for to in [PlanState::AwaitingSelection, PlanState::Infeasible] {
        let found = Transition::new(plan, 0, PlanState::Running, to);
        let error = store.transition(&found).await.unwrap_err();
        assert!(matches!(error, StoreError::NoSuchTransition { .. }), "{error}");
        let error = conclude(&store, (plan, 0), to, None).await.unwrap_err();
        assert!(
            matches!(error, StoreError::WrongState { found: PlanState::Queued, .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_a_run_finds_out_is_kept_and_on_record() {
    let store = store().await;
    let plan = submit(&store).await;
    let run = store.claim(claim("d", LEASE, 1)).await.unwrap()[0].run_number;
    let requirements = Requirements { keywords: vec!["garden".into()], ..Default::default() };
    let step = AuditEvent::new("agent", serde_json::json!({"agent": "requirements", "x": 1e-7}));
    let result = no_options("d");
    let found = SearchOutcome {
        requirements: &requirements,
        events: vec![step.clone()],
        ..outcome(plan, run, PlanState::AwaitingSelection, &result)
    };
    store.conclude(found).await.unwrap();
    let stored = store.plan(plan).await.unwrap();
    assert_eq!((stored.requirements, stored.result), (Some(requirements), Some(result)));

    let failing = submit(&store).await;
    let run = store.claim(claim("d", LEASE, 1)).await.unwrap()[0].run_number;
    let patch = Patch { error: Some("no luck"), events: vec![step], ..Patch::default() };
    let (from, to) = (PlanState::Running, PlanState::Failed);
    store.transition(&Transition::new(failing, run, from, to).with(patch)).await.unwrap();
    let stored = store.plan(failing).await.unwrap();
    assert_eq!((stored.state, stored.error.as_deref()), (PlanState::Failed, Some("no luck")));
    assert_eq!((stored.lease, stored.attempts), (None, 0));

    for plan in [plan, failing] {
        let rows = store.audit(plan, 0).await.unwrap();
        let kinds: Vec<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
        assert_eq!(kinds, ["state", "claim", "state", "agent"]);
        assert_eq!(store.verify_audit(plan).await.unwrap(), ChainCheck::Whole { rows: 4 });
        assert_eq!(store.audit(plan, 3).await.unwrap(), rows[3..]);
    }
}

#[tokio::test]
async fn tampering_with_the_audit_is_found() {
    let url = database().await;
    let store = open(url.clone()).await;
    let client = raw(&url).await;
    for (sql, seq) in [
        ("UPDATE plan_event SET detail = '{}' WHERE plan_id = $1 AND seq = 2", 2),
        ("UPDATE plan_event SET at = at + interval '1 us' WHERE plan_id = $1 AND seq = 1", 1),
        ("DELETE FROM plan_event WHERE plan_id = $1 AND seq = 1", 1),
        ("DELETE FROM plan_event WHERE plan_id = $1 AND seq = 2", 2),
    ] {
        let plan = submit(&store).await;
        store.claim(claim("d", LEASE, 1)).await.unwrap();
        assert_eq!(store.verify_audit(plan).await.unwrap(), ChainCheck::Whole { rows: 2 });
        client.execute(sql, &[&plan.0]).await.unwrap();
        match store.verify_audit(plan).await.unwrap() {
            ChainCheck::Broken(broken) => {
                assert_eq!((broken.plan, broken.seq), (plan, seq), "{sql}")
            }
            whole => panic!("{sql}: {whole:?}"),
        }
    }
}

#[tokio::test]
async fn a_cancel_ends_a_waiting_plan_and_a_running_one_at_once() {
    let store = store().await;
    let waiting = submit(&store).await;
    let cancelled = store.cancel(waiting, Some(0), &|_, _| Vec::new()).await.unwrap();
    assert_eq!(cancelled, Cancelled::AtOnce { from: PlanState::Queued });
    let again = store.cancel(waiting, None, &|_, _| Vec::new()).await.unwrap();
    assert_eq!(again, Cancelled::TooLate(PlanState::Cancelled));

    let running = submit(&store).await;
    let run = store.claim(claim("d", LEASE, 1)).await.unwrap()[0].run_number;
    let cancelled = store.cancel(running, None, &|_, _| Vec::new()).await.unwrap();
    assert_eq!(cancelled, Cancelled::AtOnce { from: PlanState::Running });
    // Whoever ran it learns that it is no longer theirs, and changes nothing any more.
    assert_eq!(store.renew_leases("d", LEASE, &[(running, run)]).await.unwrap(), []);
    let late = conclude(&store, (running, run), PlanState::AwaitingSelection, None).await;
    let error = late.unwrap_err();
    assert!(matches!(error, StoreError::WrongState { .. }), "{error}");
    assert_eq!(store.verify_audit(running).await.unwrap(), ChainCheck::Whole { rows: 4 });
}

#[tokio::test]
async fn the_newest_checkpoints_are_kept() {
    let url = database().await;
    let store = open(url.clone()).await;
    let plan = submit(&store).await;
    store.claim(claim("d", LEASE, 1)).await.unwrap();
    assert_eq!(store.newest_checkpoint(plan).await.unwrap(), None);
    for round in [3, 6, 9, 12, 12] {
        store.save_checkpoint(plan, 1, &checkpoint(round), 2).await.unwrap();
    }
    assert_eq!(store.newest_checkpoint(plan).await.unwrap(), Some(checkpoint(12)));
    let sql = "SELECT array_agg(round ORDER BY round) FROM checkpoint";
    let kept: Vec<i32> = raw(&url).await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(kept, [9, 12]);
}

#[tokio::test]
async fn documents_and_runs_come_back() {
    let store = store().await;
    let (plan, _) = waiting_plan(&store).await;
    choose(&store, (plan, 1), &[], LEASE).await.unwrap();
    let run_number = store.claim(claim("d", LEASE, 1)).await.unwrap()[0].run_number;
    let document = |name: &str, body: &[u8]| Document {
        name: name.into(),
        media_type: "text/markdown".into(),
        body: body.to_vec(),
    };
    let run = AgentRun {
        plan,
        agent: "budgeting".into(),
        started_at: now(),
        ended_at: now(),
        outcome: AgentOutcome::TimedOut,
        server: Some("local".into()),
        model: None,
        detail: Some(serde_json::json!({"tokens": 12})),
    };
    let write = async |documents: &[Document]| {
        let patch = Patch { documents, agent_runs: std::slice::from_ref(&run), ..Patch::default() };
        let (from, to) = (PlanState::Writing, PlanState::Completed);
        store.transition(&Transition::new(plan, run_number, from, to).with(patch)).await
    };
    let error = write(&[document("../x", b"")]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unstorable { .. }), "{error}");
    write(&[document("b.md", b"old"), document("a.json", b"{}")]).await.unwrap();
    assert_eq!(store.agent_runs(plan).await.unwrap(), [run]);
    assert_eq!(store.document(plan, "b.md").await.unwrap(), Some(document("b.md", b"old")));
    assert_eq!(store.document(plan, "c.md").await.unwrap(), None);
    let names = ["a.json", "b.md"];
    assert_eq!(store.document_names(plan).await.unwrap(), names);

    // In place of one of the same name; the others stay.
    let anew = |found: &[Document], _: CalledOff| {
        assert_eq!(found.iter().map(|document| &document.name[..]).collect::<Vec<_>>(), names);
        vec![document("b.md", b"newer")]
    };
    store.cancel(plan, None, &anew).await.unwrap();
    assert_eq!(store.document(plan, "b.md").await.unwrap(), Some(document("b.md", b"newer")));
    assert_eq!(store.document_names(plan).await.unwrap(), names);
}

/// Not asserted: the disk decides. One commit after the other would be some 200/s.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_submitters_share_commits() {
    const SUBMITTERS: usize = 16;
    const PLANS_EACH: usize = 25;
    let store: Store = store().await;
    let started = std::time::Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..SUBMITTERS {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in 0..PLANS_EACH {
                submit(&store).await;
            }
        });
    }
    tasks.join_all().await;
    let elapsed = started.elapsed();
    println!("{} plans in {elapsed:?}", SUBMITTERS * PLANS_EACH);
    let counts = store.plan_counts().await.unwrap();
    assert_eq!(counts, [(PlanState::Queued, (SUBMITTERS * PLANS_EACH) as u64)]);
}

fn checkpoint(round: u32) -> Checkpoint {
    Checkpoint { round, version: 1, codec: "json+zstd".into(), body: vec![0, 159, round as u8] }
}
