//! What the coordinator is asked about plans: its messages, one call of the plan service each.

use tokio::sync::broadcast;

use model::PlanId;
use wire::{IdempotencyKey, PlanEvent, PlanQuery, PlanView, Replan};

/// A client's document. Answered after its commit.
pub struct SubmitPlan {
    pub document: Vec<u8>,
    /// The same key with the same document yields the same plan.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Higher goes first; 0 for most.
    pub priority: i16,
    pub uid: u32,
}

/// A plan that is kept from now on; `created` is false where the key had made it before.
pub struct Submitted {
    pub plan: PlanView,
    pub created: bool,
}

pub struct GetPlan {
    pub id: PlanId,
}

/// A page of plans, newest first.
pub struct ListPlans(pub PlanQuery);

/// Takes one of a plan's options: holds its vendors and has the blueprint written.
pub struct SelectOption {
    pub id: PlanId,
    pub number: u32,
    /// At the present quotes, where its vendors' records have changed.
    pub accept_changes: bool,
    pub uid: u32,
}

pub struct CancelPlan {
    pub id: PlanId,
    pub uid: u32,
}

pub struct GetDocument {
    pub id: PlanId,
    pub name: String,
}

/// A new plan for an earlier one's event under changed circumstances. Answered after its commit.
pub struct ReplanPlan {
    pub id: PlanId,
    pub change: Replan,
    pub idempotency_key: Option<IdempotencyKey>,
    pub uid: u32,
}

/// What a plan's bound rests on, checked anew.
pub struct GetProof {
    pub id: PlanId,
}

/// A plan's problem as any solver can read it.
pub struct ExportProblem {
    pub id: PlanId,
}

/// What happened to a plan after event `after`, and what happens from now on.
pub struct WatchPlan {
    pub id: PlanId,
    pub after: u64,
}

pub struct Watched {
    pub past: Vec<PlanEvent>,
    pub live: broadcast::Receiver<PlanEvent>,
}
