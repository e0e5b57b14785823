//! Selecting an option: looked at once more by the rules that it was made by, held, and told.

use std::sync::Arc;

use jiff::Timestamp;
use slog::{info, warn};

use super::{
    calls::{GetPlan, SelectOption},
    service::PlanService,
};
use crate::vendor_search::messages::{ForgetStale, GetCategories};
use documents::call_off;
use model::{
    Category, CategoryDef, Note, PlanOption, PlanState, Request, Sourced, Strategy, VendorId,
    Window, grouped,
};
use planning::{
    assembly::recheck::{Recheck, recheck},
    domain::{basis, constraints::needed_window, input::PlanningInput},
    fitness::budget::default_shares,
};
use store::{Agreed, AuditEvent, Choice, Plan, PlanResult, Present, Selected, StoreError};
use telemetry::log::events;
use wire::{ApiError, ErrorCode, PlanView, Stale};

impl PlanService {
    /// Holds an option's vendors and hands the plan on to be written, in one transaction, in
    /// which the vendors' present records are looked at too. Selecting the selected option again
    /// changes nothing.
    pub async fn select(&self, message: SelectOption) -> Result<PlanView, ApiError> {
        let SelectOption { id, number, accept_changes, .. } = message;
        let store = &self.context.store;
        let plan = store.plan(id).await?;
        let peers = &self.context.peers;
        let categories = Arc::new(peers.requested_categories(&plan.request).await?);
        let lasts = self.settings().workflow.hold;
        let choice = Choice { plan: id, number, lasts, call_off: &call_off };
        let known = categories.clone();
        let judge = move |present: &Present| judge(present, &known, number, accept_changes);
        let selected = store.select(choice, judge).await;
        // Whatever became of it: what was read of these vendors before may be stale.
        peers.vendors.ask(ForgetStale).await?;
        match selected {
            Ok(Selected::Now) => {}
            Ok(Selected::Before) => return self.get(GetPlan { id }).await,
            Ok(Selected::Refused(error)) => {
                if let Some(stale) = &error.stale {
                    info!(self.context.work.log, "an option is out of date"; events::PLAN_STALE,
                        "plan_id" => %id, "option" => number, "changes" => stale.changes.len(),
                        "violations" => stale.violations.len());
                }
                return Err(error);
            }
            Err(error @ StoreError::Taken { .. }) => {
                warn!(self.context.work.log, "a vendor is taken"; events::PLAN_CONFLICT,
                    "plan_id" => %id, "option" => number);
                let hint = self.next_free(&plan, number).await?;
                return Err(ApiError::from(error).with_hint(hint));
            }
            Err(error) => return Err(error.into()),
        }
        info!(self.context.work.log, "an option was selected"; events::PLAN_SELECTED,
            "plan_id" => %id, "option" => number);
        self.wake();
        self.context.events.tell_stored(store, id).await;
        self.get(GetPlan { id }).await
    }

    /// What to do once an option's vendors are taken: the first other option that is still free.
    async fn next_free(&self, plan: &Plan, lost: u32) -> Result<String, ApiError> {
        let result = plan.result.as_ref();
        let options = result.map(|result| result.options.as_slice()).unwrap_or_default();
        for option in options.iter().filter(|option| option.number != lost) {
            let windows = self.windows(&plan.request, option).await?;
            if self.context.store.taken(&windows, plan.holder).await?.is_empty() {
                let (id, number) = (plan.id, option.number);
                return Ok(format!("option {number} is still free: `plan select {id} {number}`"));
            }
        }
        Ok("none of its options is free any more: submit the request again".to_owned())
    }

    /// The needed window of each vendor of an option that there is: from setup to teardown.
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
            let Some(def) = categories.iter().find(|d| d.name == chosen.category) else { continue };
            windows.push((chosen.id.clone(), needed_window(request, def, vendor)));
        }
        Ok(windows)
    }
}

/// Whether an option may be booked as things are, and at which quotes.
fn judge(
    present: &Present,
    categories: &[CategoryDef],
    number: u32,
    accept_changes: bool,
) -> Result<Agreed, ApiError> {
    let plan = &present.plan;
    let option = option_of(plan, number)?;
    still_to_come(plan, present.now)?;
    let request = &plan.request;
    let requested: Vec<Category> = categories.iter().map(|def| def.name.clone()).collect();
    let mut shares = plan.shares.clone().unwrap_or_default();
    if shares.is_empty() {
        shares.push(default_shares(request.event_type, &requested, Strategy::Balanced));
    }
    let requirements = plan.requirements.clone().unwrap_or_default();
    let sourced = |vendor| Sourced { vendor, busy: Vec::new() };
    let vendors: Vec<Sourced> = present.vendors.iter().cloned().map(sourced).collect();
    let input = PlanningInput {
        request,
        requirements: &requirements,
        categories,
        areas: &present.areas,
        shares: &shares,
        vendors: (&vendors).into(),
        today: present.now.to_zoned(request.time.zone()).date(),
    };
    let known = plan.result.as_ref().map(|result| result.basis.as_slice()).unwrap_or_default();
    let found = recheck(&input, option, known);
    if found.changes.is_empty() && found.violations.is_empty() {
        let (result, events) = (None, Vec::new());
        return Ok(Agreed { windows: found.windows, result, events });
    }
    if !accept_changes || !found.violations.is_empty() {
        return Err(stale(plan, option, found));
    }
    Ok(accepted(plan, option, found, &input))
}

/// The option of a number.
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

/// An offer expires with its event's time.
fn still_to_come(plan: &Plan, now: Timestamp) -> Result<(), ApiError> {
    let start = plan.request.time.start_zoned();
    if start.timestamp() > now {
        return Ok(());
    }
    let message = format!(
        "the options of plan {} expired: its event began on {} ({})",
        plan.id,
        start.strftime("%Y-%m-%d at %H:%M"),
        plan.request.time.time_zone,
    );
    let hint = format!("plan it for a coming day: `plan replan {} --date DATE`", plan.id);
    Err(ApiError::new(ErrorCode::Expired, message).with_hint(hint))
}

fn stale(plan: &Plan, option: &PlanOption, found: Recheck) -> ApiError {
    let (id, number) = (plan.id, option.number);
    let Recheck { changes, violations, .. } = found;
    let changed = match changes.len() {
        0 => "nothing of it changed".to_owned(),
        1 => "1 thing changed since it was made".to_owned(),
        n => format!("{n} things changed since it was made"),
    };
    let (message, hint) = if violations.is_empty() {
        let hint = format!("`plan select {id} {number} --accept-changes` books it as it is now");
        (format!("option {number} is out of date: {changed}"), hint)
    } else {
        let broken: Vec<&str> = violations.iter().map(|v| v.message.as_str()).collect();
        let hint = format!("select another option, or plan anew: `plan replan {id}`");
        let broken = broken.join("; ");
        (format!("option {number} no longer meets the request ({changed}): {broken}"), hint)
    };
    let stale = Some(Box::new(Stale { changes, violations }));
    ApiError { stale, ..ApiError::new(ErrorCode::Stale, message).with_hint(hint) }
}

/// The plan with the option as it is now. Its fitness and the bound stay those of the search,
/// and a note says so.
fn accepted(plan: &Plan, option: &PlanOption, found: Recheck, input: &PlanningInput<'_>) -> Agreed {
    let Recheck { changes, vendors, total, windows, .. } = found;
    let event = AuditEvent::new(
        "changes_accepted",
        serde_json::json!({
            "changes": changes.iter().map(|change| {
                serde_json::json!({ "vendor": change.vendor, "field": change.field })
            }).collect::<Vec<_>>(),
            "total_before": option.total,
            "total": total,
        }),
    );
    let result = plan.result.clone().map(|mut result: PlanResult| {
        let renewed = PlanOption { vendors, total, ..option.clone() };
        let now = basis::of_options(input, std::slice::from_ref(&renewed));
        result.basis.retain(|old| now.iter().all(|new| new.id != old.id));
        result.basis.extend(now);
        for kept in result.options.iter_mut().filter(|kept| kept.number == option.number) {
            kept.clone_from(&renewed);
        }
        let currency = plan.request.budget.currency;
        result.notes.push(Note {
            code: "changes_accepted".into(),
            message: format!(
                "option {} was booked at the vendors' present records, for {} in place of {}; its \
                 fitness and what is said of the other options are those of the search",
                option.number,
                grouped(total, currency),
                grouped(option.total, currency),
            ),
        });
        result
    });
    Agreed { windows, result, events: vec![event] }
}
