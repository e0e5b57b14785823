//! The run of show: activities in time, the vendors' calls, and what clashes.
//!
//! Pure: the same request and vendors give the same timeline. The search asks it about every
//! combination it would keep, so it is written to take microseconds.

mod breaks;
mod calls;
mod durations;
mod functions;
mod hours;
mod part;
mod program;
pub(crate) mod refusals;
mod template;
pub(crate) mod timing;
mod words;

use jiff::Timestamp;
use part::schedule_part;
use serde::{Deserialize, Serialize};

use crate::engagement::Engagement;
use model::{Category, CategoryDef, Request, VendorId};
pub use refusals::{Impossible, Refusal, impossible, refusal};
pub(crate) use refusals::{certain_refusal, is_certain};

/// When everything happens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// By start. Those of one function don't overlap, but for getting ready, which may run beside
    /// the first ones.
    pub activities: Vec<Activity>,
    /// In the order of the engagements; none for an in-house kitchen, which comes with its venue.
    pub calls: Vec<VendorCall>,
    /// High ones first.
    pub conflicts: Vec<Conflict>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// The function that it is part of, where the event has several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub function: Option<String>,
    pub name: String,
    /// The service that carries it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<Category>,
    pub start: Timestamp,
    pub end: Timestamp,
    /// Minutes by which it could start later with everything behind it still in time, at its
    /// shortest.
    pub slack_minutes: u32,
}

/// When a vendor is on the spot: set up from `arrive`, cleared away by `leave`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VendorCall {
    pub vendor: VendorId,
    pub category: Category,
    /// The function that it is for, where the event has several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub function: Option<String>,
    /// When to set out, where both its own place and the venue's are known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub depart: Option<Timestamp>,
    pub arrive: Timestamp,
    pub service_start: Timestamp,
    pub service_end: Timestamp,
    pub leave: Timestamp,
    /// In a service of more than six hours.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub breaks: Vec<Break>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Break {
    pub start: Timestamp,
    pub end: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Arranged otherwise than usual.
    Low,
    /// Something wanted is missed.
    Medium,
    /// The combination can't be held.
    High,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub severity: Severity,
    pub message: String,
    /// The facts that clash, in plain words; dropping any one of them would do.
    pub chain: Vec<String>,
    /// The categories whose vendors the chain rests on, in category order; empty where the
    /// request's own times clash whoever is engaged.
    #[serde(skip)]
    pub places: Vec<Category>,
}

impl Timeline {
    /// Whether the combination must be refused.
    pub(crate) fn has_high(&self) -> bool {
        self.conflicts.iter().any(|conflict| conflict.severity == Severity::High)
    }
}

/// Schedules an event, function by function where it has several. `categories` gives the minutes
/// before the event's start at which a category's service may begin (0 for one it doesn't hold).
/// Engagements of vendors, one per category; an in-house kitchen stands as an engagement of its
/// venue in the caterer's place.
///
/// Anchors whose activity the event type knows fix its start; others become activities of their
/// own. Between activities at different places lies the way. A venue's `music_until` binds the
/// activities with amplified music, its opening hours bind everything with setup and teardown. A
/// vendor's call lies within the event's window, widened by its category's lead and its own setup
/// and teardown.
pub fn schedule(
    request: &Request,
    categories: &[CategoryDef],
    engagements: &[Engagement<'_>],
) -> Timeline {
    let mut timeline = Timeline::default();
    for part in request.parts() {
        let engaged: Vec<Engagement<'_>> =
            engagements.iter().filter(|e| part.needs(e.category)).copied().collect();
        let own = schedule_part(request, part, categories, &engaged);
        timeline.activities.extend(own.activities);
        timeline.calls.extend(own.calls);
        timeline.conflicts.extend(own.conflicts);
    }
    if !request.functions.is_empty() {
        let zone = request.time.zone();
        timeline.conflicts.extend(functions::clashes(&timeline.calls, engagements, &zone));
        timeline.activities.sort_by_key(|activity| activity.start);
        timeline.conflicts.sort_by_key(|conflict| std::cmp::Reverse(conflict.severity));
    }
    timeline
}

#[cfg(test)]
mod tests;
