//! A simulation of leases and fencing: daemons that claim, stall, wake, write late and die, in an
//! order that a seed decides, on the real statements and a real PostgreSQL. A model beside it says
//! before each step what must come of it.
//!
//! One statement after the other, so that a seed gives the same history each time: what matters
//! is which steps come between a claim and the writes that rest on it. (That two statements at
//! the same moment don't hurt each other is the server's doing; `tests/chaos` has them.)
//! `EVENTPLANNER_SIMULATION_SEED` runs one history again.

use std::{collections::BTreeMap, time::Duration};

use common::{
    database,
    fixtures::{choose, new_plan, no_options, outcome},
    open, raw,
};
use eventplanner::{
    model::{PlanId, PlanState},
    store::{
        Cancelled, ChainCheck, Checkpoint, Claim, GiveBack, SUSPECT_CRASHES, Selected, Store,
        StoreError, Transition,
    },
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

const HISTORIES: u64 = 2;
const STEPS: u32 = 400;
const DAEMONS: usize = 3;
const PLANS_MAX: usize = 40;
/// Longer than any test: leases end when the simulation says so.
const LEASE: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn no_history_lets_a_stale_run_write() {
    let given = std::env::var("EVENTPLANNER_SIMULATION_SEED");
    let first: u64 = given.as_ref().map_or_else(|_| rand::random(), |text| text.parse().unwrap());
    let count = if given.is_ok() { 1 } else { HISTORIES };
    for seed in (0..count).map(|n| first.wrapping_add(n)) {
        println!("EVENTPLANNER_SIMULATION_SEED={seed}");
        let mut world = World::new(seed).await;
        for _ in 0..STEPS {
            world.step().await;
        }
        world.bring_to_an_end().await;
    }
}

/// What the model knows of a plan.
#[derive(Clone, Debug)]
struct Model {
    state: PlanState,
    run_number: i64,
    owner: Option<String>,
    lease_over: bool,
    crashes: u32,
    failures: u32,
    cancel_requested: bool,
    /// Times that a search's outcome was accepted.
    outcomes: u32,
}

impl Model {
    fn can_be_claimed(&self) -> bool {
        match self.state {
            PlanState::Queued => true,
            PlanState::Running | PlanState::Writing => self.owner.is_none() || self.lease_over,
            _ => false,
        }
    }

    fn is_worked_on(&self) -> bool {
        matches!(self.state, PlanState::Running | PlanState::Writing)
    }
}

/// A claim that somebody believes in: the present one, or one of the past.
#[derive(Clone, Debug)]
struct Belief {
    plan: PlanId,
    run_number: i64,
    /// State in which it was claimed.
    from: PlanState,
}

struct World {
    store: Store,
    client: tokio_postgres::Client,
    rng: ChaCha8Rng,
    plans: BTreeMap<PlanId, Model>,
    /// Names; a daemon that dies comes back under another.
    daemons: Vec<String>,
    /// Every claim there ever was: late writes come from here.
    beliefs: Vec<Belief>,
    deaths: u32,
}

impl World {
    async fn new(seed: u64) -> Self {
        let url = database().await;
        Self {
            store: open(url.clone()).await,
            client: raw(&url).await,
            rng: ChaCha8Rng::seed_from_u64(seed),
            plans: BTreeMap::new(),
            daemons: (0..DAEMONS).map(|n| format!("daemon {n}")).collect(),
            beliefs: Vec::new(),
            deaths: 0,
        }
    }

    async fn step(&mut self) {
        match self.rng.random_range(0..12) {
            0 => self.submit().await,
            1 | 2 => self.claim().await,
            3 => self.lose_lease().await,
            4 => self.renew().await,
            5 => self.save_checkpoint().await,
            6 | 7 => self.finish().await,
            8 => self.give_back().await,
            9 => self.cancel().await,
            10 => self.select().await,
            _ => self.die().await,
        }
    }

    fn any_plan(&mut self) -> Option<PlanId> {
        let ids: Vec<PlanId> = self.plans.keys().copied().collect();
        ids.choose(&mut self.rng).copied()
    }

    fn any_daemon(&mut self) -> String {
        self.daemons.choose(&mut self.rng).unwrap().clone()
    }

    fn any_belief(&mut self) -> Option<Belief> {
        self.beliefs.choose(&mut self.rng).cloned()
    }

    async fn submit(&mut self) {
        if self.plans.len() >= PLANS_MAX {
            return;
        }
        // Drawn, so that ties break the same way each time.
        let id = PlanId(Uuid::from_u128(self.rng.random()));
        self.store.submit(&new_plan(id)).await.unwrap();
        let model = Model {
            state: PlanState::Queued,
            run_number: 0,
            owner: None,
            lease_over: false,
            crashes: 0,
            failures: 0,
            cancel_requested: false,
            outcomes: 0,
        };
        self.plans.insert(id, model);
        self.check(id).await;
    }

    async fn claim(&mut self) {
        let owner = self.any_daemon();
        let limit = self.rng.random_range(1..5_u32);
        let claimable = self.plans.values().filter(|plan| plan.can_be_claimed());
        let (suspects, others): (Vec<_>, Vec<_>) =
            claimable.partition(|plan| plan.crashes >= SUSPECT_CRASHES);
        let expected = (others.len() + suspects.len().min(1)).min(limit as usize);
        let claim = Claim { owner: &owner, lease: LEASE, limit, suspect_crashes: u32::MAX };
        let claimed = self.store.claim(claim).await.unwrap();
        assert_eq!(claimed.len(), expected, "{owner} claims up to {limit}");
        for plan in claimed {
            let model = self.plans.get_mut(&plan.id).unwrap();
            assert!(model.can_be_claimed(), "{model:?} was claimed");
            model.run_number += 1;
            assert_eq!(plan.run_number, model.run_number);
            if model.owner.as_ref().is_some_and(|former| *former != owner) {
                model.crashes += 1;
            }
            if model.state == PlanState::Queued {
                model.state = PlanState::Running;
            }
            (model.owner, model.lease_over) = (Some(owner.clone()), false);
            let (id, run_number, from) = (plan.id, plan.run_number, model.state);
            self.beliefs.push(Belief { plan: id, run_number, from });
            self.check(id).await;
        }
    }

    /// The clock passes the end of a lease: its daemon stalls, and does not know.
    async fn lose_lease(&mut self) {
        let Some(id) = self.any_plan() else { return };
        let model = self.plans.get_mut(&id).unwrap();
        if model.owner.is_some() {
            let sql = "UPDATE plan SET lease_until = clock_timestamp() - interval '1 ms'
                       WHERE id = $1";
            self.client.execute(sql, &[&id.0]).await.unwrap();
            model.lease_over = true;
        }
        self.check(id).await;
    }

    async fn renew(&mut self) {
        let owner = self.any_daemon();
        let Some(belief) = self.any_belief() else { return };
        let runs = [(belief.plan, belief.run_number)];
        let renewed = self.store.renew_leases(&owner, LEASE, &runs).await.unwrap();
        let model = self.plans.get_mut(&belief.plan).unwrap();
        let is_holder = model.owner.as_ref() == Some(&owner)
            && model.run_number == belief.run_number
            && model.is_worked_on();
        assert_eq!(renewed.len(), usize::from(is_holder), "{owner} renews {belief:?}: {model:?}");
        if is_holder {
            assert_eq!(renewed[0].cancel_requested, model.cancel_requested);
            // Late, but before anybody else: it is its own again.
            model.lease_over = false;
        }
        self.check(belief.plan).await;
    }

    async fn save_checkpoint(&mut self) {
        let Some(belief) = self.any_belief() else { return };
        let body = belief.run_number.to_be_bytes().to_vec();
        let checkpoint = Checkpoint { round: 3, version: 1, codec: "json".into(), body };
        let saved =
            self.store.save_checkpoint(belief.plan, belief.run_number, &checkpoint, 50).await;
        let model = &self.plans[&belief.plan];
        let may = model.run_number == belief.run_number && model.state == PlanState::Running;
        match saved {
            Ok(()) => assert!(may, "{belief:?} wrote over {model:?}"),
            Err(StoreError::Fenced { .. }) => assert!(!may, "{belief:?} was refused: {model:?}"),
            Err(error) => panic!("{error}"),
        }
    }

    /// A run, perhaps of long ago, comes to its end.
    async fn finish(&mut self) {
        let Some(belief) = self.any_belief() else { return };
        let to = match (belief.from, self.rng.random_range(0..6)) {
            (PlanState::Writing, 0) | (_, 1) => PlanState::Failed,
            (PlanState::Writing, _) => PlanState::Completed,
            (_, 0) => PlanState::Infeasible,
            _ => PlanState::AwaitingSelection,
        };
        let (plan, run_number) = (belief.plan, belief.run_number);
        // A search's end is stored with what it found, any other by itself.
        let has_result = matches!(to, PlanState::AwaitingSelection | PlanState::Infeasible);
        let changed = if has_result {
            let result = no_options(format!("of run {run_number}"));
            self.store.conclude(outcome(plan, run_number, to, &result)).await
        } else {
            self.store.transition(&Transition::new(plan, run_number, belief.from, to)).await
        };
        let model = self.plans.get_mut(&belief.plan).unwrap();
        let is_present = model.run_number == belief.run_number;
        let may = is_present && model.state == belief.from;
        match changed {
            Ok(_) => {
                assert!(may, "{belief:?} ended {model:?}");
                model.outcomes += u32::from(has_result);
                (model.state, model.owner, model.lease_over) = (to, None, false);
                (model.crashes, model.failures) = (0, 0);
            }
            Err(StoreError::Fenced { .. }) => assert!(!is_present, "{belief:?}: {model:?}"),
            Err(StoreError::WrongState { .. }) => assert!(is_present && !may, "{belief:?}"),
            Err(error) => panic!("{error}"),
        }
        self.check(belief.plan).await;
    }

    async fn give_back(&mut self) {
        let Some(belief) = self.any_belief() else { return };
        let failed = self.rng.random();
        let back = GiveBack { delay: Duration::ZERO, reason: "test", failed, agent_runs: &[] };
        let model = self.plans.get_mut(&belief.plan).unwrap();
        // A run that ended has given its plan away already: nobody gives it back then.
        if model.run_number == belief.run_number && !model.is_worked_on() {
            return;
        }
        match self.store.release(belief.plan, belief.run_number, back).await {
            Ok(()) => {
                assert_eq!(model.run_number, belief.run_number, "{belief:?} gave {model:?} back");
                if model.state == PlanState::Running {
                    model.state = PlanState::Queued;
                }
                (model.owner, model.lease_over) = (None, false);
                model.failures += u32::from(failed);
            }
            Err(StoreError::Fenced { .. }) => assert_ne!(model.run_number, belief.run_number),
            Err(error) => panic!("{error}"),
        }
        self.check(belief.plan).await;
    }

    async fn cancel(&mut self) {
        let Some(id) = self.any_plan() else { return };
        // Rarely: a cancelled plan has no more history.
        if self.rng.random_ratio(2, 3) {
            return;
        }
        let model = self.plans.get_mut(&id).unwrap();
        let cancelled = self.store.cancel(id, None, &|_, _| Vec::new()).await.unwrap();
        let expected = match model.state {
            ended @ (PlanState::Failed | PlanState::Infeasible | PlanState::Cancelled) => {
                Cancelled::TooLate(ended)
            }
            from => Cancelled::AtOnce { from },
        };
        assert_eq!(cancelled, expected, "{model:?}");
        if matches!(cancelled, Cancelled::AtOnce { .. }) {
            (model.state, model.crashes, model.failures) = (PlanState::Cancelled, 0, 0);
            (model.owner, model.lease_over) = (None, false);
        }
        model.cancel_requested |= !matches!(cancelled, Cancelled::TooLate(_));
        self.check(id).await;
    }

    /// A client selects an option.
    async fn select(&mut self) {
        let Some(id) = self.any_plan() else { return };
        let model = self.plans.get_mut(&id).unwrap();
        let (from, to) = (PlanState::AwaitingSelection, PlanState::Writing);
        match choose(&self.store, (id, 1), &[], LEASE).await {
            Ok(Selected::Now) => {
                assert_eq!(model.state, from);
                model.state = to;
            }
            Ok(Selected::Before) => {
                assert!(matches!(model.state, PlanState::Writing | PlanState::Completed));
            }
            Err(StoreError::WrongState { .. }) => assert_ne!(model.state, from),
            Err(error) => panic!("{error}"),
        }
        self.check(id).await;
    }

    /// A daemon dies, and another notices: its leases end. Its late writes may still come.
    async fn die(&mut self) {
        let index = self.rng.random_range(0..self.daemons.len());
        self.deaths += 1;
        let dead = std::mem::replace(&mut self.daemons[index], format!("heir {}", self.deaths));
        self.store.release_leases(&dead).await.unwrap();
        let plans = self.plans.values_mut().filter(|plan| plan.owner.as_ref() == Some(&dead));
        plans.for_each(|plan| plan.lease_over = true);
    }

    /// The database agrees with the model.
    async fn check(&self, id: PlanId) {
        let plan = self.store.plan(id).await.unwrap();
        let model = &self.plans[&id];
        assert_eq!(
            (plan.state, plan.run_number, plan.crashes, plan.failures, plan.cancel_requested),
            (model.state, model.run_number, model.crashes, model.failures, model.cancel_requested)
        );
        assert_eq!(plan.lease.map(|(owner, _)| owner), model.owner, "{id}");
        let digest = plan.result.map(|result| result.digest);
        assert_eq!(digest.is_some(), model.outcomes > 0);
    }

    /// Whatever happened before: a daemon that works undisturbed ends every plan, once.
    async fn bring_to_an_end(&mut self) {
        for id in self.plans.keys().copied().collect::<Vec<_>>() {
            self.client
                .execute(
                    "UPDATE plan SET lease_until = now() - interval '1 ms'
                          WHERE id = $1 AND lease_until IS NOT NULL",
                    &[&id.0],
                )
                .await
                .unwrap();
        }
        self.plans.values_mut().for_each(|plan| plan.lease_over = plan.owner.is_some());
        self.daemons = vec!["the last one".into()];
        while self.plans.values().any(Model::can_be_claimed) {
            let before = self.beliefs.len();
            self.claim().await;
            for belief in self.beliefs.split_off(before) {
                self.beliefs = vec![belief];
                while self.plans[&self.beliefs[0].plan].is_worked_on() {
                    self.finish().await;
                }
            }
            self.beliefs.clear();
        }
        for (id, model) in &self.plans {
            assert!(model.outcomes <= 1, "{id}: {model:?}");
            let check = self.store.verify_audit(*id).await.unwrap();
            assert!(matches!(check, ChainCheck::Whole { .. }), "{id}: {check:?}");
        }
        println!("  {} plans, {} deaths, every one ended", self.plans.len(), self.deaths);
    }
}
