//! What the coordinator does for its callers: takes plans in, shows, cancels, exports.

use std::sync::Arc;

use jiff::Timestamp;
use slog::info;
use uuid::Uuid;

use super::{
    calls::{
        CancelPlan, GetDocument, GetPlan, ListPlans, ReplanPlan, SubmitPlan, Submitted, WatchPlan,
        Watched,
    },
    replan,
    submit_gate::SubmitGate,
    times, view,
};
use crate::{
    dispatch::{SharedAcrossRestarts, runs::Runs},
    run::{
        context::{Interrupt, RunContext},
        event_hub,
    },
    vendor_search::messages::{FindMissingVendors, ForgetStale, GetCategories},
};
use documents::call_off;
use model::{CategoryDef, FieldErrors, PlanId, PlanOption, PlanState, Request};
use settings::Settings;
use store::{Cancelled, FAMILY_MAX, NewPlan, StoreError, fingerprint};
use telemetry::{figures::metrics, log::events};
use wire::{ApiError, Document, ErrorCode, IdempotencyKey, PlanList, PlanView};

/// Who submits, and how urgently.
#[derive(Clone, Copy)]
struct Caller {
    uid: u32,
    priority: i16,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct PlanService {
    pub(crate) context: RunContext,
    runs: Runs,
    shared: SharedAcrossRestarts,
    gate: SubmitGate,
}

impl PlanService {
    pub fn new(
        context: RunContext,
        runs: Runs,
        shared: SharedAcrossRestarts,
        gate: SubmitGate,
    ) -> Self {
        Self { context, runs, shared, gate }
    }

    /// As they are now; a call sees one and the same to its end.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.shared.settings.borrow().clone()
    }

    /// Checks a document and stores it as a plan. Once this returns, the plan is on disk.
    pub async fn submit(&self, message: SubmitPlan) -> Result<Submitted, ApiError> {
        let now = Timestamp::now();
        let request = Request::parse(&message.document, now)?;
        let caller = Caller { uid: message.uid, priority: message.priority };
        self.keep(&request, &message.document, message.idempotency_key, caller, None).await
    }

    /// Stores a plan that stands in for an earlier one under changed circumstances.
    pub async fn replan(&self, message: ReplanPlan) -> Result<Submitted, ApiError> {
        let ReplanPlan { id, change, idempotency_key, uid } = message;
        let document = replan::fingerprinted(id, &change);
        // A key that came before names its plan, whatever became of the earlier one since.
        if let Some(key) = &idempotency_key
            && let Some(known) =
                self.context.store.plan_of_key(key.as_str(), fingerprint(&document)).await?
        {
            return Ok(Submitted { plan: self.get(GetPlan { id: known }).await?, created: false });
        }
        let plan = self.context.store.plan(id).await?;
        let family = self.context.store.family(id).await?;
        family.check()?;
        if family.is_full() {
            let message = format!("{FAMILY_MAX} plans stand for this event already");
            let hint = "submit the request anew";
            return Err(ApiError::new(ErrorCode::WrongState, message).with_hint(hint));
        }
        let previous = replan::previous_option(&plan)?;
        let request = replan::changed(&plan.request, previous, &change, Timestamp::now())?;
        // What places cost in one currency can't be held against what they cost in another, and
        // no vendor of the one stands in a plan of the other.
        let previous = previous.filter(|_| request.budget.currency == plan.request.budget.currency);
        let caller = Caller { uid, priority: 0 };
        self.keep(&request, &document, idempotency_key, caller, Some((id, previous))).await
    }

    async fn keep(
        &self,
        request: &Request,
        document: &[u8],
        idempotency_key: Option<IdempotencyKey>,
        caller: Caller,
        replans: Option<(PlanId, Option<&PlanOption>)>,
    ) -> Result<Submitted, ApiError> {
        let now = Timestamp::now();
        self.check_against(request, document).await?;
        self.gate.admit(caller.uid).await?;
        let plan = NewPlan {
            id: PlanId(Uuid::now_v7()),
            request,
            fingerprint: fingerprint(document),
            idempotency_key: idempotency_key.as_ref().map(IdempotencyKey::as_str),
            requested_by: Some(caller.uid),
            priority: caller.priority,
            replans,
            created_at: now,
        };
        let submitted = self.context.store.submit(&plan).await?;
        let id = submitted.plan();
        let created = matches!(submitted, store::Submitted::Created(_));
        if created {
            self.context.telemetry.inc(metrics::PLANS_SUBMITTED, &[]);
            info!(self.context.work.log, "a plan was submitted"; events::PLAN_SUBMITTED,
                "plan_id" => %id, "event_type" => request.event_type.as_str());
            self.shared.wake.notify_one();
            let mut plan = PlanView::queued(id, request, now);
            plan.replans = replans.map(|(id, _)| id);
            return Ok(Submitted { plan, created });
        }
        Ok(Submitted { plan: self.get(GetPlan { id }).await?, created })
    }

    /// Names that only the database knows, categories and vendors; and times that clash whoever is
    /// engaged.
    async fn check_against(&self, request: &Request, document: &[u8]) -> Result<(), ApiError> {
        let vendors = &self.context.peers.vendors;
        let known: Vec<CategoryDef> = vendors.ask(GetCategories).await?;
        let mut errors = FieldErrors::default();
        for category in request.services.keys() {
            if !known.iter().any(|definition| definition.name == *category) {
                let names: Vec<&str> = known.iter().map(|d| d.name.as_str()).collect();
                let hint = format!("choose among {}", names.join(", "));
                errors.push(format!("services.{category}"), "there is no such category", hint);
            }
        }
        errors.0.extend(times::check(request, &known, document).0);
        if !request.must_include.is_empty() {
            let ids = request.must_include.clone();
            let missing = vendors.ask(FindMissingVendors { ids }).await?;
            for (i, id) in request.must_include.iter().enumerate() {
                if missing.contains(id) {
                    let message = format!("there is no vendor `{id}`");
                    let hint = "`vendors search` shows the ids";
                    errors.push(format!("must_include[{i}]"), message, hint);
                }
            }
        }
        Ok(errors.into_result(())?)
    }

    pub async fn get(&self, message: GetPlan) -> Result<PlanView, ApiError> {
        let store = &self.context.store;
        let plan = store.plan(message.id).await?;
        let runs = store.agent_runs(message.id).await?;
        let documents = store.document_names(message.id).await?;
        Ok(view::view(plan, runs, documents))
    }

    pub async fn list(&self, ListPlans(query): ListPlans) -> Result<PlanList, ApiError> {
        Ok(self.context.store.plans(&query).await?)
    }

    /// Plans are there to be claimed.
    pub(crate) fn wake(&self) {
        self.shared.wake.notify_one();
    }

    pub async fn cancel(&self, message: CancelPlan) -> Result<PlanView, ApiError> {
        let CancelPlan { id, uid } = message;
        let store = &self.context.store;
        let cancelled = store.cancel(id, Some(uid), &call_off).await?;
        // Its vendors are free again.
        self.context.peers.vendors.ask(ForgetStale).await?;
        let refused = |message: String| Err(ApiError::new(ErrorCode::WrongState, message));
        match cancelled {
            Cancelled::AtOnce { from } => {
                self.context.telemetry.inc(metrics::PLANS_FINISHED, &["cancelled"]);
                // A run of ours says so itself; another daemon's learns of it when it renews its
                // lease.
                if from.is_final() || !self.runs.interrupt(id, Interrupt::Cancelled) {
                    info!(self.context.work.log, "a plan was cancelled"; events::PLAN_CANCELLED,
                        "plan_id" => %id);
                }
                self.context.events.tell_stored(store, id).await;
            }
            Cancelled::TooLate(PlanState::Cancelled) => {}
            Cancelled::TooLate(state) => {
                return refused(format!("plan {id} is {state}: there is nothing left to cancel"));
            }
            Cancelled::Superseded { successor } => {
                return Err(StoreError::Superseded { plan: id, successor }.into());
            }
            Cancelled::Over { ended } => {
                let ended = ended.strftime("%Y-%m-%d %H:%M UTC");
                return refused(format!(
                    "the event of plan {id} was over on {ended}: it can't be called off any more"
                ));
            }
        }
        self.get(GetPlan { id }).await
    }

    pub async fn document(&self, message: GetDocument) -> Result<Document, ApiError> {
        let GetDocument { id, name } = message;
        let store = &self.context.store;
        if let Some(document) = store.document(id, &name).await? {
            return Ok(document);
        }
        let plan = store.plan(id).await?;
        let message = format!("plan {id} ({}) has no document `{name}`", plan.state);
        Err(ApiError::new(ErrorCode::NotFound, message).with_hint("`plan show` lists them"))
    }

    pub async fn watch(&self, message: WatchPlan) -> Result<Watched, ApiError> {
        let WatchPlan { id, after } = message;
        let store = &self.context.store;
        store.plan(id).await?;
        // First the channel, then the past: an event in between comes twice, never not at all.
        let live = self.context.events.watch(id);
        let past = event_hub::stored(store, id, after).await?;
        Ok(Watched { past, live })
    }
}
