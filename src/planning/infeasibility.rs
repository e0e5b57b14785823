//! Why a request cannot be met, and the cheapest ways out.
//!
//! Whether a request can be met is a matter of money, roles and the timeline, which [`Ledger`]
//! decides exactly; a relaxation is named only after the relaxed request was judged anew from
//! the vendors on.

use std::{collections::BTreeSet, mem::discriminant};

use super::{
    compatibility::AreaTable,
    conflicts::minimal_conflict,
    inquiry::Inquiry,
    ledger::{Ledger, Timeline, Waivers},
    reason::{Broken, Reason},
    relaxations::{Move, Varied},
    roles::Role,
};
use crate::model::{Amount, Infeasibility, Relaxation, Request, Sourced, VendorId};

/// Vendors judged per dimension at most: about a second. What is not tried within it is not
/// offered.
const WORK_MAX: u64 = 1_000_000;
/// Ranges between the vendors' guest limits that are tried in each direction.
const GUEST_RANGES_MAX: usize = 64;
/// Most guests a request may have.
const GUESTS_MAX: u32 = 100_000;

/// Explains an infeasible inquiry. Its vendors are all those that serve the city, with their
/// bookings from two weeks before to two weeks after the date, and those of any other city that is
/// to be offered.
///
/// `conflicts` is a minimal set: it can't be met, every part of it can. `relaxations` holds, per
/// dimension, the smallest change that suffices on its own: budget, contingency, guests, date
/// (± 14 days), city, each of the venues' policies, the wanted bar, each dietary need, each required service, each vendor of
/// `must_include` and `exclude`, each anchor. Where none does: the pair without more money, and
/// the pair with the least more.
///
/// Both are empty where the inquiry is feasible after all.
pub fn explain(inquiry: &Inquiry<'_>, timeline: &mut Timeline<'_>) -> Infeasibility {
    let areas = AreaTable::new(inquiry.areas);
    let ledger = Ledger::of(inquiry, &areas, inquiry.vendors);
    let conflicts = minimal_conflict(inquiry, &ledger, timeline);
    if conflicts.is_empty() {
        return Infeasibility::default();
    }
    let entries = ledger.entries().map(|(_, entry)| (entry.sourced, entry.broken)).collect();
    let mut study = Study { inquiry: *inquiry, areas, timeline, entries, work_left: WORK_MAX };
    let mut relaxations = study.singles();
    if relaxations.is_empty() {
        relaxations = study.pairs();
    }
    Infeasibility { conflicts, relaxations }
}

/// Whether some combination of the inquiry's vendors meets it, money and timeline included.
pub fn can_be_met(inquiry: &Inquiry<'_>, timeline: &mut Timeline<'_>) -> bool {
    let areas = AreaTable::new(inquiry.areas);
    let ledger = Ledger::of(inquiry, &areas, inquiry.vendors);
    let cheapest = ledger.cheapest(&Waivers::default(), Some(timeline)).found;
    cheapest.is_some_and(|(total, _)| total <= inquiry.request.spendable_minor())
}

/// A varied request's cheapest combination.
struct Priced {
    /// In minor units.
    total: i64,
    /// The venue that stands there against one of its policies, and its role.
    bent: Option<(VendorId, Role)>,
}

struct Study<'a, 't, 'c> {
    inquiry: Inquiry<'a>,
    areas: AreaTable,
    timeline: &'c mut Timeline<'t>,
    /// Each vendor's roles, with what the unchanged request has against them.
    entries: Vec<(&'a Sourced, Broken)>,
    /// Vendors that may still be judged for the dimension at hand.
    work_left: u64,
}

impl<'a> Study<'a, '_, '_> {
    /// Every change that suffices alone, the smallest of its dimension.
    fn singles(&mut self) -> Vec<Relaxation> {
        let unchanged = Varied::unchanged(&self.inquiry);
        let request = self.inquiry.request;
        let mut found = Vec::new();
        if let Some(priced) = self.price(&unchanged) {
            found.extend(raised_budget(request, priced.total));
            found.extend(lowered_contingency(request, priced.total));
        }
        self.work_left = WORK_MAX;
        if let Some(guests) = self.guests(&unchanged, Money::Given) {
            found.push(Move::Guests(guests).in_words(request, None));
        }
        let mut done: Vec<Move> = Vec::new();
        let mut dimension = None;
        for change in Move::all(&self.inquiry, &self.areas) {
            if dimension.replace(discriminant(&change)) != Some(discriminant(&change)) {
                self.work_left = WORK_MAX;
            }
            if done.iter().any(|other| other.is_alternative_to(&change)) {
                continue;
            }
            if let Some(priced) = self.suffices(&unchanged.clone().and(&change)) {
                found.push(change.in_words(request, priced.bent.as_ref()));
                done.push(change);
            }
        }
        found
    }

    /// The first pair of changes that needs no more money, and the pair of a change and the
    /// least more money.
    fn pairs(&mut self) -> Vec<Relaxation> {
        self.work_left = WORK_MAX;
        let unchanged = Varied::unchanged(&self.inquiry);
        let mut moves = Move::all(&self.inquiry, &self.areas);
        if let Some(guests) = self.guests(&unchanged, Money::Unlimited) {
            moves.insert(0, Move::Guests(guests));
        }
        let mut found: Vec<Relaxation> =
            self.pair_of_moves(&unchanged, &moves).into_iter().collect();
        self.work_left = WORK_MAX;
        let mut cheapest: Option<(Priced, &Move)> = None;
        for change in &moves {
            if let Some(priced) = self.price(&unchanged.clone().and(change))
                && cheapest.as_ref().is_none_or(|(best, _)| priced.total < best.total)
            {
                cheapest = Some((priced, change));
            }
        }
        if let Some((priced, change)) = cheapest {
            let request = self.inquiry.request;
            let money = lowered_contingency(request, priced.total)
                .or_else(|| raised_budget(request, priced.total));
            let change = change.in_words(request, priced.bent.as_ref());
            found.extend(money.map(|money| both(change, money)));
        }
        found
    }

    fn pair_of_moves(&mut self, unchanged: &Varied, moves: &[Move]) -> Option<Relaxation> {
        for (i, one) in moves.iter().enumerate() {
            let varied = unchanged.clone().and(one);
            for other in &moves[i + 1..] {
                if one.is_alternative_to(other) || one.clashes_with(other) {
                    continue;
                }
                if let Some(priced) = self.suffices(&varied.clone().and(other)) {
                    let bent = priced.bent.as_ref();
                    let one = one.in_words(self.inquiry.request, bent);
                    return Some(both(one, other.in_words(&varied.request, bent)));
                }
            }
        }
        None
    }

    /// The number of guests nearest to the wanted one that the rest of the request allows; of
    /// two as near the smaller one.
    ///
    /// Between two limits of any vendor's capacity the same vendors can be had, and more guests
    /// never cost less; so it is enough to look at each range's low end, and to halve the first
    /// range that has one.
    fn guests(&mut self, varied: &Varied, money: Money) -> Option<u32> {
        let wanted = varied.request.guests;
        let pool = self.pool(&varied.clone().and(&Move::Guests(wanted)));
        let mut starts = BTreeSet::from([1, wanted + 1]);
        for capacity in pool.iter().filter_map(|sourced| sourced.vendor.capacity) {
            starts.extend(capacity.min);
            starts.extend(capacity.max.map(|max| max.saturating_add(1)));
        }
        let mut fits = |guests: u32| {
            let varied = varied.clone().and(&Move::Guests(guests));
            let priced = self.price_untimed(&varied, &pool);
            priced.is_some_and(|priced| money.covers(&varied.request, priced.total))
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
            self.price(&varied).is_some_and(|priced| money.covers(&varied.request, priced.total))
        })
    }

    /// The cheapest combination of a varied request, where its own budget covers it.
    fn suffices(&mut self, varied: &Varied) -> Option<Priced> {
        self.price(varied).filter(|priced| priced.total <= varied.request.spendable_minor())
    }

    /// The cheapest combination of a varied request, whatever its budget.
    fn price(&mut self, varied: &Varied) -> Option<Priced> {
        let pool = self.pool(varied);
        self.price_untimed(varied, &pool)?;
        let inquiry = varied.inquiry(&self.inquiry);
        let ledger = Ledger::of(&inquiry, &self.areas, pool);
        Priced::of(&ledger, varied, Some(self.timeline))
    }

    /// The same without asking for a timeline: no more than a lower bound.
    fn price_untimed(&mut self, varied: &Varied, pool: &[&'a Sourced]) -> Option<Priced> {
        self.work_left = self.work_left.checked_sub(pool.len() as u64)?;
        let inquiry = varied.inquiry(&self.inquiry);
        let ledger = Ledger::of(&inquiry, &self.areas, pool.iter().copied());
        Priced::of(&ledger, varied, None)
    }

    /// The vendors that the changes leave or bring in, each once.
    fn pool(&self, varied: &Varied) -> Vec<&'a Sourced> {
        let Some(reach) = varied.reach else { return self.inquiry.vendors.iter().collect() };
        let turned = reach.and(varied.waived).and(Broken::only(Reason::OverBudget));
        let may_stand = |(_, broken): &&(_, Broken)| broken.without(turned).is_nothing();
        let mut pool: Vec<&'a Sourced> =
            self.entries.iter().filter(may_stand).map(|(sourced, _)| *sourced).collect();
        pool.dedup_by(|a, b| std::ptr::eq(*a, *b));
        pool
    }
}

impl Priced {
    fn of(
        ledger: &Ledger<'_, '_>,
        varied: &Varied,
        timeline: Option<&mut Timeline<'_>>,
    ) -> Option<Self> {
        let waivers = Waivers { broken: varied.waived, ..Waivers::default() };
        let (total, chosen) = ledger.cheapest(&waivers, timeline).found?;
        let policies = [Reason::Catering, Reason::Decor, Reason::Alcohol].map(Broken::only);
        let policy = policies.into_iter().fold(Broken::NOTHING, Broken::and);
        let bent = chosen.iter().find(|(_, entry)| entry.broken.has(policy));
        let bent = bent.map(|(_, entry)| (entry.vendor().id.clone(), entry.role));
        Some(Self { total, bent })
    }
}

/// What a combination may cost.
#[derive(Clone, Copy)]
enum Money {
    /// As the request says.
    Given,
    Unlimited,
}

impl Money {
    fn covers(self, request: &Request, total: i64) -> bool {
        match self {
            Self::Given => total <= request.spendable_minor(),
            Self::Unlimited => true,
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

/// The smallest budget that leaves `total` beside the contingency.
fn raised_budget(request: &Request, total: i64) -> Option<Relaxation> {
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
fn lowered_contingency(request: &Request, total: i64) -> Option<Relaxation> {
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

/// Two changes as one relaxation. Where both change one list, the other's value is the list after
/// both.
fn both(one: Relaxation, other: Relaxation) -> Relaxation {
    if one.field == other.field {
        return Relaxation { advice: format!("{}, and {}", one.advice, other.advice), ..other };
    }
    Relaxation {
        field: format!("{}, {}", one.field, other.field),
        advice: format!("{}, and {}", one.advice, other.advice),
        value: format!("{}; {}", one.value, other.value),
    }
}
