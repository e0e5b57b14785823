//! Replanning: which option an earlier plan leaves behind, and the request under its changes.

use jiff::Timestamp;

use model::{FieldErrors, PlanId, PlanOption, PlanState, Request, RequestChange, VendorId};
use store::Plan;
use wire::{ApiError, ErrorCode, Replan};

/// The selected option, else the first; `None` for a plan that had none.
///
/// # Errors
/// The plan is still at work, or ended without a result.
pub(crate) fn previous_option(plan: &Plan) -> Result<Option<&PlanOption>, ApiError> {
    match plan.state {
        PlanState::AwaitingSelection | PlanState::Completed | PlanState::Infeasible => {}
        state => {
            let message = format!("plan {} is {state}: there is nothing to replan", plan.id);
            let hint = "wait for its options or documents, or submit a new request";
            return Err(ApiError::new(ErrorCode::WrongState, message).with_hint(hint));
        }
    }
    let options = plan.result.as_ref().map(|result| result.options.as_slice()).unwrap_or_default();
    let wanted = plan.selected.unwrap_or(1);
    Ok(options.iter().find(|option| option.number == wanted))
}

/// The earlier request under the changes.
///
/// # Errors
/// Each refused field by its path; a change that changes nothing.
pub(crate) fn changed(
    request: &Request,
    previous: Option<&PlanOption>,
    change: &Replan,
    now: Timestamp,
) -> Result<Request, ApiError> {
    if *change == Replan::default() {
        let hint = "name a vendor to do without, or other guests, budget or date";
        return Err(ApiError::invalid(".", "nothing changes", hint));
    }
    let mut errors = FieldErrors::default();
    let without: Vec<VendorId> = change.without.iter().map(VendorId::new).collect();
    for (i, id) in without.iter().enumerate() {
        let stands = |option: &PlanOption| option.vendors.iter().any(|v| v.id == *id);
        if !previous.is_none_or(stands) {
            let ids = previous.into_iter().flat_map(|option| &option.vendors);
            let mut ids: Vec<&str> = ids.map(|vendor| vendor.id.as_str()).collect();
            ids.dedup();
            let message = format!("`{id}` is no vendor of the plan's option");
            errors.push(
                format!("without[{i}]"),
                message,
                format!("its vendors: {}", ids.join(", ")),
            );
        }
    }
    errors.into_result(())?;
    let change = RequestChange {
        without,
        guests: change.guests,
        function_guests: change.function_guests.iter().map(|(n, g)| (n.as_str(), *g)).collect(),
        budget: change.budget.as_deref(),
        date: change.date.as_deref(),
    };
    Ok(request.changed(&change, now)?)
}

/// What makes two replans the same: the earlier plan and the changes.
pub(crate) fn fingerprinted(id: PlanId, change: &Replan) -> Vec<u8> {
    // Serialising plain data to memory cannot fail.
    serde_json::to_vec(&(id, change)).unwrap_or_default()
}
