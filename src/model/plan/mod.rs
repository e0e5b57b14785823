//! Plans: their states, options, explanations.

pub(crate) mod quote;
pub(crate) mod recheck;

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Amount, Category, QuoteLine, VendorId};

/// Where a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanState {
    Queued,
    Running,
    AwaitingSelection,
    Writing,
    Completed,
    Failed,
    Infeasible,
    Cancelled,
    /// Another plan for the same event, which replans this one, was selected.
    Superseded,
}

impl PlanState {
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Running,
        Self::AwaitingSelection,
        Self::Writing,
        Self::Completed,
        Self::Failed,
        Self::Infeasible,
        Self::Cancelled,
        Self::Superseded,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::AwaitingSelection => "awaiting_selection",
            Self::Writing => "writing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Infeasible => "infeasible",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }

    /// Nothing more is done for it. A completed plan may still be called off, and one that may
    /// be replanned superseded.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Infeasible | Self::Cancelled | Self::Superseded
        )
    }

    /// It holds its event's vendors.
    pub const fn is_booked(self) -> bool {
        matches!(self, Self::Writing | Self::Completed)
    }

    /// The states that may follow this one. A running or writing plan goes back to `queued`
    /// when its daemon gives it up.
    pub const fn successors(self) -> &'static [Self] {
        match self {
            Self::Queued => &[Self::Running, Self::Cancelled, Self::Failed],
            Self::Running => &[
                Self::Queued,
                Self::AwaitingSelection,
                Self::Infeasible,
                Self::Failed,
                Self::Cancelled,
            ],
            Self::AwaitingSelection => {
                &[Self::Writing, Self::Cancelled, Self::Failed, Self::Superseded]
            }
            Self::Writing => &[Self::Completed, Self::Failed, Self::Cancelled, Self::Superseded],
            Self::Completed => &[Self::Cancelled, Self::Superseded],
            Self::Infeasible => &[Self::Superseded],
            Self::Failed | Self::Cancelled | Self::Superseded => &[],
        }
    }
}

impl fmt::Display for PlanState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for PlanState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| format!("`{}` is no plan state", text.escape_debug()))
    }
}

/// A way to split the budget over the categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    Balanced,
    VenueAndFood,
    Experience,
}

impl Strategy {
    pub const ALL: [Self; 3] = [Self::Balanced, Self::VenueAndFood, Self::Experience];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::VenueAndFood => "venue_and_food",
            Self::Experience => "experience",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One strategy's share of the budget per requested category; they sum to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    pub strategy: Strategy,
    pub shares: BTreeMap<Category, f64>,
}

/// Why the search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The gap is below 1e-9.
    ProvenOptimal,
    /// The best reached the threshold after the least number of rounds.
    EarlyTermination,
    /// No kept score moved by the threshold over the window of rounds.
    Converged,
    RoundLimit,
    Deadline,
    Cancelled,
}

impl StopReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProvenOptimal => "proven_optimal",
            Self::EarlyTermination => "early_termination",
            Self::Converged => "converged",
            Self::RoundLimit => "round_limit",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The vendor that an option puts in one category's place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenVendor {
    pub category: Category,
    pub id: VendorId,
    pub name: String,
    /// The total for this place: its lines, service charge and tax.
    pub quote: Amount,
    pub lines: Vec<QuoteLine>,
    pub service_charge: Amount,
    pub tax: Amount,
    /// The venue stands here too: its own kitchen caters.
    #[serde(default)]
    pub in_house: bool,
}

/// One of the (up to) three results of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanOption {
    /// 1, 2, 3: what `select` takes.
    pub number: u32,
    /// The sum of the vendors' quotes.
    pub total: Amount,
    pub fitness: f64,
    pub strategy: Strategy,
    pub budget_fit: f64,
    pub preference_fit: f64,
    pub compatibility: f64,
    /// In category order; a skipped optional category is absent.
    pub vendors: Vec<ChosenVendor>,
    /// Places in which it differs from option 1; 0 for option 1 itself.
    pub differs_in: u32,
    /// What it is better or worse at than option 1, in plain words.
    pub remarks: Vec<String>,
    /// In what it beats every other option, in plain words: `cheapest`, `nearest together`, …
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub best_at: Vec<String>,
    /// Of a replanned plan: what becomes of each place of the earlier option.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub changes: Vec<PlaceChange>,
}

/// What became of a place when its plan was replanned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceChange {
    pub category: Category,
    /// `None`: nobody stood there.
    pub before: Option<Holder>,
    /// `None`: nobody stands there any more.
    pub after: Option<Holder>,
    /// The quote after less the quote before.
    pub difference: Amount,
}

/// Who stands in a place, for how much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    pub id: VendorId,
    pub name: String,
    pub quote: Amount,
    #[serde(default)]
    pub in_house: bool,
}

impl PlaceChange {
    /// The same vendor stands there as before.
    pub fn is_kept(&self) -> bool {
        let who = |holder: &Option<Holder>| holder.as_ref().map(|h| (h.id.clone(), h.in_house));
        who(&self.before) == who(&self.after)
    }
}

impl From<&ChosenVendor> for Holder {
    fn from(chosen: &ChosenVendor) -> Self {
        Self {
            id: chosen.id.clone(),
            name: chosen.name.clone(),
            quote: chosen.quote,
            in_house: chosen.in_house,
        }
    }
}

/// What the search did, beside its options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchSummary {
    pub rounds: u32,
    pub combinations_scored: u64,
    /// Upper bound of the fitness over every combination that meets the hard constraints.
    pub best_possible: f64,
    /// `best_possible` − fitness of option 1; never negative.
    pub proven_gap: f64,
    pub stopped_because: StopReason,
    /// The clock, not the node count, ended the proof: another run may prove more.
    pub cut_short: bool,
}

/// A single change to the request that makes it feasible; checked by solving.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relaxation {
    /// The request's field, e.g. `budget.amount`.
    pub field: String,
    /// In plain words: "raise the budget to at least 912000.00 INR".
    pub advice: String,
    /// The value that suffices, as the field would be written.
    pub value: String,
}

/// Why a request cannot be met, and the cheapest ways out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Infeasibility {
    /// Constraints that cannot hold together, in plain words; dropping any one helps.
    pub conflicts: Vec<String>,
    pub relaxations: Vec<Relaxation>,
    /// Present where no relaxation was found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub no_way_out: Option<NoWayOut>,
}

/// That no change was found that makes a request feasible, and what was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoWayOut {
    /// "no single or double change of … helps".
    pub statement: String,
    /// The dimensions in which changes were tried, in plain words, alone and in pairs.
    pub tried: Vec<String>,
    /// False where the bound of the work came first: some pair may help all the same.
    pub tried_all: bool,
}

/// Something about a plan that its reader should know: a fallback, a missing preference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Stable: `llm_fallback`, `fewer_differences`, `clock_change` …
    pub code: String,
    pub message: String,
}

impl Note {
    /// Code of what is said of a clock change during the event.
    pub const CLOCK_CHANGE: &str = "clock_change";
}
