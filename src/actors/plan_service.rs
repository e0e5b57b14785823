//! What the coordinator does for its callers: takes plans in, shows, selects, cancels, exports.

use std::sync::Arc;

use jiff::Timestamp;
use slog::{info, warn};
use uuid::Uuid;

use super::{
    dispatcher::Handover,
    gate::Gate,
    plan_calls::{
        CancelPlan, GetDocument, GetPlan, ListPlans, ReplanPlan, SelectOption, SubmitPlan,
        Submitted, WatchPlan, Watched,
    },
    plan_events, plan_times, plan_view, replan,
    run_context::{Interrupt, RunContext},
    runs::Runs,
    vendor_messages::{FindMissingVendors, ForgetStale, GetCategories},
};
use crate::{
    config::Settings,
    control::{ApiError, DocumentView, ErrorCode, PlanList, PlanView},
    model::{CategoryDef, FieldErrors, PlanId, PlanOption, PlanState, Request, VendorId, Window},
    store::{Bookings, Cancelled, NewPlan, Patch, Plan, StoreError, Transition, fingerprint},
    telemetry::{events, metrics},
};

const LIST_LIMIT_MAX: u32 = 1_000;
const KEY_MAX_CHARS: usize = 200;

/// Who submits, and how urgently.
#[derive(Clone, Copy)]
struct Caller {
    uid: u32,
    priority: i16,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct PlanService {
    pub(super) context: RunContext,
    runs: Runs,
    handover: Handover,
    gate: Gate,
}

impl PlanService {
    pub fn new(context: RunContext, runs: Runs, handover: Handover, gate: Gate) -> Self {
        Self { context, runs, handover, gate }
    }

    /// As they are now; a call sees one and the same to its end.
    pub(super) fn settings(&self) -> Arc<Settings> {
        self.handover.settings.borrow().clone()
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
        let plan = self.context.store.plan(id).await?;
        let previous = replan::previous_option(&plan)?;
        let request = replan::changed(&plan.request, previous, &change, Timestamp::now())?;
        let document = replan::fingerprinted(id, &change);
        let caller = Caller { uid, priority: 0 };
        self.keep(&request, &document, idempotency_key, caller, Some((id, previous))).await
    }

    async fn keep(
        &self,
        request: &Request,
        document: &[u8],
        idempotency_key: Option<String>,
        caller: Caller,
        replans: Option<(PlanId, Option<&PlanOption>)>,
    ) -> Result<Submitted, ApiError> {
        let now = Timestamp::now();
        let key = checked_key(idempotency_key)?;
        self.check_against(request, document).await?;
        self.gate.enter(caller.uid).await?;
        let plan = NewPlan {
            id: PlanId(Uuid::now_v7()),
            request,
            fingerprint: fingerprint(document),
            idempotency_key: key.as_deref(),
            requested_by: Some(caller.uid),
            priority: caller.priority,
            replans,
            created_at: now,
        };
        let submitted = self.context.store.submit(&plan).await?;
        let id = submitted.plan();
        let created = matches!(submitted, crate::store::Submitted::Created(_));
        if created {
            self.context.telemetry.inc(metrics::PLANS_SUBMITTED, &[]);
            info!(self.context.work.log, "a plan was submitted"; events::PLAN_SUBMITTED,
                "plan_id" => %id, "event_type" => request.event_type.as_str());
            self.handover.wake.notify_one();
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
        errors.0.extend(plan_times::check(request, &known, document).0);
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
        let documents = store.documents(message.id).await?;
        Ok(plan_view::view(plan, runs, documents))
    }

    pub async fn list(&self, message: ListPlans) -> Result<PlanList, ApiError> {
        let ListPlans { mut filter, before } = message;
        if !(1..=LIST_LIMIT_MAX).contains(&filter.limit) {
            let hint = format!("write a number from 1 to {LIST_LIMIT_MAX}");
            return Err(ApiError::invalid("limit", format!("is {}", filter.limit), hint));
        }
        if let Some(id) = before {
            filter.after = Some((self.context.store.plan(id).await?.created_at, id));
        }
        let plans = self.context.store.plans(&filter).await?;
        let full = plans.len() == filter.limit as usize;
        let next = plans.last().map(|plan| plan.id).filter(|_| full);
        Ok(PlanList { plans: plans.into_iter().map(plan_view::summary).collect(), next })
    }

    /// Holds an option's vendors and hands the plan on to be written, in one transaction.
    /// Selecting the selected option again changes nothing.
    pub async fn select(&self, message: SelectOption) -> Result<PlanView, ApiError> {
        let SelectOption { id, number, .. } = message;
        let store = &self.context.store;
        let plan = store.plan(id).await?;
        let written = matches!(plan.state, PlanState::Writing | PlanState::Completed);
        if written && plan.selected == Some(number) {
            return self.get(GetPlan { id }).await;
        }
        let option = option_of(&plan, number)?;
        let held = self.windows(&plan.request, option).await?;
        let bookings = Bookings::Hold {
            vendors: &held,
            lasts: self.settings().workflow.hold,
            instead_of: plan.replans,
        };
        let patch = Patch { selected: Some(number), bookings, ..Patch::default() };
        let (from, to) = (PlanState::AwaitingSelection, PlanState::Writing);
        let change = Transition::new(id, plan.run_number, from, to).with(patch);
        let changed = store.transition(&change).await;
        // Whatever became of it: what was read of these vendors before may be stale.
        self.context.peers.vendors.ask(ForgetStale).await?;
        if let Err(error) = changed {
            if matches!(error, StoreError::Taken { .. }) {
                warn!(self.context.work.log, "a vendor is taken"; events::PLAN_CONFLICT,
                    "plan_id" => %id, "option" => number);
                let hint = self.next_free(&plan, number).await?;
                return Err(ApiError::from(error).with_hint(hint));
            }
            return Err(error.into());
        }
        info!(self.context.work.log, "an option was selected"; events::PLAN_SELECTED,
            "plan_id" => %id, "option" => number);
        self.handover.wake.notify_one();
        self.context.events.tell_stored(store, id).await;
        self.get(GetPlan { id }).await
    }

    /// What to do once an option's vendors are taken: the first other option that is still free.
    async fn next_free(&self, plan: &Plan, lost: u32) -> Result<String, ApiError> {
        let result = plan.result.as_ref();
        let options = result.map(|result| result.options.as_slice()).unwrap_or_default();
        for option in options.iter().filter(|option| option.number != lost) {
            let windows = self.windows(&plan.request, option).await?;
            if self.context.store.taken(&windows).await?.is_empty() {
                let (id, number) = (plan.id, option.number);
                return Ok(format!("option {number} is still free: `plan select {id} {number}`"));
            }
        }
        Ok("none of its options is free any more: submit the request again".to_owned())
    }

    /// The needed window of each vendor of an option: from setup to teardown.
    async fn windows(
        &self,
        request: &Request,
        option: &PlanOption,
    ) -> Result<Vec<(VendorId, Window)>, ApiError> {
        let categories: Vec<CategoryDef> = self.context.peers.vendors.ask(GetCategories).await?;
        let ids: Vec<VendorId> = option.vendors.iter().map(|chosen| chosen.id.clone()).collect();
        let vendors = self.context.store.vendors_by_ids(&ids).await?;
        let mut windows = Vec::with_capacity(option.vendors.len());
        for chosen in &option.vendors {
            let vendor = vendors.iter().find(|vendor| vendor.id == chosen.id);
            let vendor = vendor.ok_or(StoreError::NoSuchVendor { vendor: chosen.id.clone() })?;
            let definition = categories.iter().find(|d| d.name == chosen.category);
            let lead = definition.map_or(0, |definition| definition.lead_minutes);
            let event = request.window_of(&chosen.category);
            let window = event.widened(lead + vendor.setup_minutes, vendor.teardown_minutes);
            windows.push((chosen.id.clone(), window));
        }
        Ok(windows)
    }

    pub async fn cancel(&self, message: CancelPlan) -> Result<PlanView, ApiError> {
        let CancelPlan { id, uid } = message;
        let store = &self.context.store;
        let cancelled = store.cancel(id, Some(uid)).await?;
        // Its vendors are free again.
        self.context.peers.vendors.ask(ForgetStale).await?;
        match cancelled {
            Cancelled::AtOnce => {
                self.context.telemetry.inc(metrics::PLANS_FINISHED, &["cancelled"]);
                info!(self.context.work.log, "a plan was cancelled"; events::PLAN_CANCELLED,
                    "plan_id" => %id);
                self.context.events.tell_stored(store, id).await;
            }
            // Another daemon's run learns of it when it renews its lease.
            Cancelled::Requested => {
                self.runs.interrupt(id, Interrupt::Cancelled);
            }
            Cancelled::TooLate(PlanState::Cancelled) => {}
            Cancelled::TooLate(state) => {
                let message = format!("plan {id} is {state}: there is nothing left to cancel");
                return Err(ApiError::new(ErrorCode::WrongState, message));
            }
        }
        self.get(GetPlan { id }).await
    }

    pub async fn document(&self, message: GetDocument) -> Result<DocumentView, ApiError> {
        let GetDocument { id, name } = message;
        let store = &self.context.store;
        if let Some(document) = store.document(id, &name).await? {
            let body = String::from_utf8(document.body).map_err(|_| {
                ApiError::new(ErrorCode::Internal, format!("document `{name}` is no text"))
            })?;
            let media_type = document.media_type;
            return Ok(DocumentView { name: document.name, media_type, body });
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
        let past = plan_events::stored(store, id, after).await?;
        Ok(Watched { past, live })
    }
}

fn checked_key(key: Option<String>) -> Result<Option<String>, ApiError> {
    if let Some(key) = &key {
        let chars = key.chars().count();
        if !(1..=KEY_MAX_CHARS).contains(&chars) || key.chars().any(char::is_control) {
            let hint = format!("write 1 to {KEY_MAX_CHARS} printable characters");
            return Err(ApiError::invalid("idempotency_key", "is no usable key", hint));
        }
    }
    Ok(key)
}

fn option_of(plan: &Plan, number: u32) -> Result<&PlanOption, ApiError> {
    if plan.state != PlanState::AwaitingSelection {
        let message = format!("plan {} is {}, not awaiting_selection", plan.id, plan.state);
        return Err(ApiError::new(ErrorCode::WrongState, message));
    }
    let options = plan.result.as_ref().map(|result| result.options.as_slice()).unwrap_or_default();
    options.iter().find(|option| option.number == number).ok_or_else(|| {
        let hint = format!("choose 1 to {}", options.len());
        ApiError::invalid("option", format!("there is no option {number}"), hint)
    })
}
