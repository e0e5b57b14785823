//! Why a request cannot be met, and the cheapest ways out.
//!
//! Whether a request can be met is a matter of money, roles and the timeline, which [`CheapestFill`]
//! decides exactly; a relaxation is named only after the relaxed request was decided in the
//! same way, from its vendors on.

pub(crate) mod cheapest_fill;
pub(crate) mod cheapest_fit;
pub(crate) mod conflict_words;
pub(crate) mod conflicts;
#[cfg(test)]
mod conflicts_tests;
pub(crate) mod double_changes;
pub(crate) mod relaxations;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod varied;

use std::collections::BTreeSet;

use cheapest_fill::{CheapestFill, Relaxed, Schedules, Timeline};
use conflict_words::minimal_conflict;
use relaxations::{Kind, Move};
use varied::Varied;

use crate::{
    domain::{
        input::PlanningInput,
        roles::{Candidate, CateringRole},
        violation::{Violation, ViolationSet},
    },
    matching::compatibility::AreaTable,
};
use model::{Amount, Budget, Infeasibility, Relaxation, Request, Sourced, VendorId};

/// Vendors judged per dimension at most: about a second. What is not tried within it is not
/// offered.
pub(super) const WORK_MAX: u64 = 1_000_000;
/// Schedules asked for per dimension at most, and for the conflicts: some 0.2 seconds.
pub(super) const SCHEDULES_MAX: u32 = 20_000;
/// Schedules that one changed request may ask for.
const SCHEDULES_PER_REQUEST_MAX: u32 = 4_000;
/// Ranges between the vendors' guest limits that are tried in each direction.
const GUEST_RANGES_MAX: usize = 64;
/// Most guests a request may have.
const GUESTS_MAX: u32 = 100_000;

/// Explains an infeasible input. Its vendors are all those that serve the city, with their
/// bookings from two weeks before to two weeks after the date. `elsewhere`: the same input in
/// another city with its own vendors, to which the event might be moved; nothing else that is
/// said is about them.
///
/// `conflicts` is a minimal set: it can't be met, every part of it can. `relaxations` holds, per
/// dimension, the smallest change that suffices on its own: budget, contingency, guests, the
/// budget's currency, date (± 14 days), start (the same day), hours, city, each of the venues'
/// policies, the wanted bar, each dietary need, each required service while another one is left, each vendor of `must_include` and `exclude`, each
/// anchor. Where none does: the first pair without more money, and the pair with the least more.
/// Where no pair does either, `no_way_out` says so.
///
/// All are empty where the input is feasible after all.
pub fn explain(
    input: &PlanningInput<'_>,
    elsewhere: Option<&PlanningInput<'_>>,
    timeline: &mut Timeline<'_>,
) -> Infeasibility {
    let here = Base::new(input);
    // Whoever doesn't serve the city after all has no part in what is said of it.
    let fill = CheapestFill::of(input, &here.areas, input.vendors);
    let serves =
        |candidate: &Candidate<'_>| !candidate.broken.has(ViolationSet::only(Violation::City));
    let candidates =
        fill.candidates().map(|(_, candidate)| candidate).filter(|candidate| serves(candidate));
    let mut serving: Vec<&Sourced> = candidates.map(|candidate| candidate.sourced).collect();
    serving.dedup_by(|a, b| std::ptr::eq(*a, *b));
    let fill = CheapestFill::of(input, &here.areas, serving);
    let mut schedules = Schedules::new(timeline, SCHEDULES_MAX);
    let conflicts = minimal_conflict(input, &fill, &mut schedules);
    if conflicts.is_empty() {
        return Infeasibility::default();
    }
    let candidates =
        fill.candidates().map(|(_, candidate)| (candidate.sourced, candidate.broken)).collect();
    let elsewhere = elsewhere.map(Base::new);
    let mut study = Study::new(here, elsewhere, candidates, timeline);
    let mut relaxations = study.singles();
    let mut no_way_out = None;
    if relaxations.is_empty() {
        relaxations = study.pairs();
    }
    if relaxations.is_empty() {
        no_way_out = Some(study.no_way_out());
    }
    Infeasibility { conflicts, relaxations, no_way_out }
}

/// Whether some combination of the input's vendors meets it, money and timeline included.
pub fn can_be_met(input: &PlanningInput<'_>, timeline: &mut Timeline<'_>) -> bool {
    let areas = AreaTable::new(input.areas);
    let fill = CheapestFill::of(input, &areas, input.vendors);
    let mut schedules = Schedules::new(timeline, SCHEDULES_MAX);
    let most = input.request.spendable_minor();
    fill.cheapest(&Relaxed::default(), most, Some(&mut schedules)).found.is_some()
}

/// A varied request's cheapest combination.
pub(super) struct Priced {
    /// In minor units.
    pub total: i64,
    /// The venue that stands there against one of its policies, and its role.
    pub bent: Option<(VendorId, CateringRole)>,
}

/// An input with its city's vendors.
pub(super) struct Base<'a> {
    pub input: PlanningInput<'a>,
    pub areas: AreaTable,
}

impl<'a> Base<'a> {
    fn new(input: &PlanningInput<'a>) -> Self {
        Self { input: *input, areas: AreaTable::new(input.areas) }
    }
}

pub(super) struct Study<'a, 't, 'c> {
    pub here: Base<'a>,
    pub elsewhere: Option<Base<'a>>,
    /// Every change but that of the guests.
    pub moves: Vec<Move>,
    timeline: &'c mut Timeline<'t>,
    /// Each vendor's roles, with what the unchanged request has against them.
    candidates: Vec<(&'a Sourced, ViolationSet)>,
    /// Vendors that may still be judged, and schedules asked for, for the dimension at hand.
    pub work_left: u64,
    pub schedules_left: u32,
    /// Something was left untried.
    pub was_cut: bool,
}

impl<'a, 't, 'c> Study<'a, 't, 'c> {
    fn new(
        here: Base<'a>,
        elsewhere: Option<Base<'a>>,
        candidates: Vec<(&'a Sourced, ViolationSet)>,
        timeline: &'c mut Timeline<'t>,
    ) -> Self {
        let city = elsewhere.as_ref().map(|base| base.input.request.city.as_str());
        let moves = Move::all(&here.input, city);
        let (work_left, schedules_left) = (WORK_MAX, SCHEDULES_MAX);
        Self {
            here,
            elsewhere,
            moves,
            timeline,
            candidates,
            work_left,
            schedules_left,
            was_cut: false,
        }
    }

    /// For the next dimension.
    pub(crate) fn allow(&mut self, work: u64) {
        (self.work_left, self.schedules_left) = (work, SCHEDULES_MAX);
    }

    /// Every change that suffices alone, the smallest of its dimension.
    fn singles(&mut self) -> Vec<Relaxation> {
        let unchanged = Varied::unchanged(&self.here.input);
        let request = self.here.input.request;
        let mut found = Vec::new();
        if let Some(priced) = self.price(&unchanged, Money::Unlimited) {
            found.extend(raised_budget(request, priced.total));
            found.extend(lowered_contingency(request, priced.total));
        }
        self.allow(WORK_MAX);
        if let Some(guests) = self.guests(&unchanged, Money::Given) {
            found.push(Move::Guests(guests).in_words(request, None));
        }
        let mut done: Vec<Move> = Vec::new();
        let mut kind = Kind::Guests;
        for change in self.moves.clone() {
            if change.kind() != kind {
                kind = change.kind();
                self.allow(WORK_MAX);
            }
            if done.iter().any(|other| other.is_alternative_to(&change)) {
                continue;
            }
            if let Some(priced) = self.price(&unchanged.clone().and(&change), Money::Given) {
                found.push(in_words(&change, request, &priced));
                done.push(change);
            }
        }
        found
    }

    /// The number of guests nearest to the wanted one that the rest of the request allows; of
    /// two as near the smaller one.
    ///
    /// Between two limits of any vendor's capacity the same vendors can be had, and more guests
    /// never cost less; so it is enough to look at each range's low end, and to halve the first
    /// range that has one.
    pub(crate) fn guests(&mut self, varied: &Varied, money: Money) -> Option<u32> {
        let wanted = varied.request.guests;
        let pool = self.pool(&varied.clone().and(&Move::Guests(wanted)));
        let mut starts = BTreeSet::from([1, wanted + 1]);
        for capacity in pool.iter().filter_map(|sourced| sourced.vendor.capacity) {
            starts.extend(capacity.min);
            starts.extend(capacity.max.map(|max| max.saturating_add(1)));
        }
        let mut fits = |guests: u32| {
            let varied = varied.clone().and(&Move::Guests(guests));
            self.price_among(&varied, &pool, money, Asks::Nobody).is_some()
        };
        let mut fewer = None;
        let mut end = wanted - 1;
        for &start in starts.range(1..wanted).rev().take(GUEST_RANGES_MAX) {
            if fits(start) {
                fewer = Some(largest(start, end, &mut fits));
                break;
            }
            end = start - 1;
        }
        let ranges_above = starts.range(wanted + 1..=GUESTS_MAX).take(GUEST_RANGES_MAX);
        let more = ranges_above.copied().find(|&start| fits(start));
        let mut both: Vec<u32> = fewer.into_iter().chain(more).collect();
        both.sort_by_key(|&guests| (guests.abs_diff(wanted), guests));
        both.into_iter().find(|&guests| {
            let varied = varied.clone().and(&Move::Guests(guests));
            self.price(&varied, money).is_some()
        })
    }

    /// The cheapest combination of a varied request.
    pub(crate) fn price(&mut self, varied: &Varied, money: Money) -> Option<Priced> {
        if !varied.is_writable(&self.here.input) {
            return None;
        }
        let pool = self.pool(varied);
        self.price_among(varied, &pool, money, Asks::Timeline)
    }

    fn price_among(
        &mut self,
        varied: &Varied,
        pool: &[&'a Sourced],
        money: Money,
        asks: Asks,
    ) -> Option<Priced> {
        let Some(work_left) = self.work_left.checked_sub(pool.len() as u64) else {
            self.was_cut = true;
            return None;
        };
        self.work_left = work_left;
        let base = match &self.elsewhere {
            Some(elsewhere) if varied.is_elsewhere => elsewhere,
            _ => &self.here,
        };
        let input = varied.input(&base.input);
        let fill = CheapestFill::of(&input, &base.areas, pool.iter().copied());
        let relaxed = Relaxed { broken: varied.waived, ..Relaxed::default() };
        let allowed = self.schedules_left.min(SCHEDULES_PER_REQUEST_MAX);
        let mut schedules = Schedules::new(self.timeline, allowed);
        let asked = matches!(asks, Asks::Timeline).then_some(&mut schedules);
        let cheapest = fill.cheapest(&relaxed, money.most(&varied.request), asked);
        self.schedules_left -= allowed - schedules.left();
        self.was_cut |= !cheapest.is_decided;
        let (total, chosen) = cheapest.found?;
        let policies =
            [Violation::Catering, Violation::Decor, Violation::Alcohol].map(ViolationSet::only);
        let policy = policies.into_iter().fold(ViolationSet::NOTHING, ViolationSet::and);
        let bent = chosen.iter().find(|(_, candidate)| candidate.broken.has(policy));
        let bent = bent.map(|(_, candidate)| (candidate.vendor().id.clone(), candidate.role));
        Some(Priced { total, bent })
    }

    /// The vendors that the changes leave or bring in, each once.
    fn pool(&self, varied: &Varied) -> Vec<&'a Sourced> {
        if let Some(elsewhere) = self.elsewhere.as_ref().filter(|_| varied.is_elsewhere) {
            return elsewhere.input.vendors.iter().collect();
        }
        let Some(reach) = varied.reach else { return self.here.input.vendors.iter().collect() };
        let turned = reach.and(varied.waived).and(ViolationSet::only(Violation::OverBudget));
        let may_stand = |(_, broken): &&(_, ViolationSet)| broken.without(turned).is_nothing();
        let mut pool: Vec<&'a Sourced> =
            self.candidates.iter().filter(may_stand).map(|(sourced, _)| *sourced).collect();
        pool.dedup_by(|a, b| std::ptr::eq(*a, *b));
        pool
    }
}

/// Whether the timeline has a say; a price without it is no more than a lower bound.
#[derive(Clone, Copy)]
enum Asks {
    Timeline,
    Nobody,
}

/// What a combination may cost.
#[derive(Clone, Copy)]
pub(super) enum Money {
    /// As the request says.
    Given,
    Unlimited,
}

impl Money {
    /// In minor units.
    fn most(self, request: &Request) -> i64 {
        match self {
            Self::Given => request.spendable_minor(),
            Self::Unlimited => i64::MAX,
        }
    }
}

/// The largest number from `low`, which fits, to `high`, of those that fit: where one fits, so do
/// all the smaller ones.
fn largest(mut low: u32, mut high: u32, fits: &mut dyn FnMut(u32) -> bool) -> u32 {
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// A change that was priced, in words: a budget in another currency with the least amount that
/// the vendors then take.
pub(super) fn in_words(change: &Move, request: &Request, priced: &Priced) -> Relaxation {
    let told = change.in_words(request, priced.bent.as_ref());
    let Move::Currency(currency) = *change else { return told };
    let budget = Budget { amount: Amount::largest(currency), currency };
    let restated = Request { budget, ..request.clone() };
    let Some(Relaxation { value, .. }) = raised_budget(&restated, priced.total) else {
        return told;
    };
    Relaxation {
        field: "budget".into(),
        advice: format!("{}: at least {value} {currency}", told.advice),
        value: format!("{{\"amount\": \"{value}\", \"currency\": \"{currency}\"}}"),
    }
}

/// The smallest budget that leaves `total` beside the contingency.
pub(super) fn raised_budget(request: &Request, total: i64) -> Option<Relaxation> {
    let keep = i128::from(10_000_u32.checked_sub(request.contingency.basis_points)?);
    if keep == 0 {
        return None;
    }
    let minor = (i128::from(total) * 10_000 + keep - 1) / keep;
    let budget = Amount::new(i64::try_from(minor).ok()?, request.budget.amount.decimals);
    Some(Relaxation {
        field: "budget.amount".into(),
        advice: format!("raise the budget to at least {budget} {}", request.budget.currency),
        value: budget.to_string(),
    })
}

/// The largest contingency that leaves `total`; `None` where even none at all doesn't.
pub(super) fn lowered_contingency(request: &Request, total: i64) -> Option<Relaxation> {
    let budget = i128::from(request.budget.amount.minor);
    let keep = (i128::from(total) * 10_000 + budget - 1) / budget;
    let basis_points = 10_000_u32.checked_sub(u32::try_from(keep).ok()?)?;
    if basis_points >= request.contingency.basis_points {
        return None;
    }
    let percent = f64::from(basis_points) / 100.0;
    Some(Relaxation {
        field: "contingency_percent".into(),
        advice: format!("lower the contingency to at most {percent} %"),
        value: percent.to_string(),
    })
}
