//! The cheapest way to fill every place: feasibility is a matter of money, of who may stand
//! where, and of the timeline, so it needs no search for value.

use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use super::{
    compatibility::AreaTable,
    engagement::Engagement,
    inquiry::{CATERER, Inquiry, VENUE},
    ledger_times::{Chosen, Kind, Kinds, Times, engagements},
    problem::CategoryIndex,
    reason::{Broken, Reason},
    roles::{Entry, Musts, Role, Roles},
    timeline::Refusal,
};
use crate::model::{CategoryDef, Request, Sourced, VendorId};

/// Combinations that one question looks at.
const COMBINATIONS_MAX: u32 = 20_000;

/// Tells whether vendors in their places have a timeline without severe conflicts; an error says
/// why not, and whose. Vendors of equal times are refused in the same company. One that names
/// nobody must refuse no part of what it accepts as a whole.
pub type Timeline<'t> =
    dyn FnMut(&Request, &[CategoryDef], &[Engagement<'_>]) -> Result<(), Refusal> + 't;

/// Constraints that are not to count.
#[derive(Clone, Debug, Default)]
pub(super) struct Waivers {
    pub broken: Broken,
    pub must_include: bool,
    /// Required categories that may be left out all the same.
    pub optional: BTreeSet<CategoryIndex>,
}

/// Who could stand where, with what stands against it.
pub(super) struct Ledger<'i, 'a> {
    inquiry: &'i Inquiry<'a>,
    musts: Musts<'a>,
    /// By category.
    entries: Vec<Vec<Entry<'a>>>,
    /// By category and entry.
    kinds: Vec<Vec<Kind>>,
    times: RefCell<Times>,
}

/// The cheapest combination that meets everything but the budget.
#[derive(Clone, Debug, Default)]
pub(super) struct Cheapest<'a> {
    /// In minor units, and who stands in which category; `None` where nothing is feasible, or
    /// nothing accepted was found within the bound.
    pub found: Option<(i64, Vec<(CategoryIndex, Entry<'a>)>)>,
    /// What the timeline said first against a cheaper one.
    pub refusal: Option<String>,
}

impl<'i, 'a> Ledger<'i, 'a> {
    pub fn of(
        inquiry: &'i Inquiry<'a>,
        areas: &AreaTable,
        vendors: impl IntoIterator<Item = &'a Sourced>,
    ) -> Self {
        let musts = Musts::of(inquiry);
        let roles = Roles::new(inquiry, areas, &musts);
        let mut entries = vec![Vec::new(); inquiry.categories.len()];
        for sourced in vendors {
            if let Some(index) = inquiry.index_of(sourced.vendor.category.as_str()) {
                entries[index].extend(roles.of(index, sourced));
            }
        }
        let mut numbers = Kinds::default();
        let of_category = |(index, entries): (CategoryIndex, &Vec<Entry<'a>>)| {
            entries.iter().map(|entry| numbers.of(inquiry, index, entry)).collect()
        };
        let kinds = entries.iter().enumerate().map(of_category).collect();
        Self { inquiry, musts, entries, kinds, times: RefCell::default() }
    }

    pub fn entries(&self) -> impl Iterator<Item = (CategoryIndex, &Entry<'a>)> {
        let categories = self.entries.iter().enumerate();
        categories.flat_map(|(index, entries)| entries.iter().map(move |entry| (index, entry)))
    }

    /// What `must_include` makes impossible on its own.
    pub fn impossible(&self) -> &[String] {
        &self.musts.impossible
    }

    /// The cheapest combination, in ascending order of cost until the timeline accepts one; ties
    /// by vendor ids. Whom the timeline refuses alone, or beside everybody in another place, is
    /// not tried again, nor is anybody of equal times.
    pub fn cheapest(&self, waivers: &Waivers, timeline: Option<&mut Timeline<'_>>) -> Cheapest<'a> {
        let mut result = Cheapest::default();
        if !self.musts.impossible.is_empty() && !waivers.must_include {
            return result;
        }
        let Some(timeline) = timeline else {
            let modes = self.modes(waivers, Size::One);
            result.found = Ascending::new(&modes).next().map(without_kinds);
            return result;
        };
        let mut times = self.times.borrow_mut();
        let mut left = COMBINATIONS_MAX;
        // Listing every kind is worth it only where the cheapest of each place won't do together.
        let mut listed = Size::One;
        loop {
            if let Some(hopeless) = &times.hopeless {
                result.refusal.get_or_insert_with(|| hopeless.clone());
                return result;
            }
            let mut modes = self.modes(waivers, listed);
            modes.iter_mut().for_each(|slots| drop_lonely(slots, &times));
            let mut has_learned = false;
            for (total, chosen) in Ascending::new(&modes) {
                if left == 0 {
                    return result;
                }
                left -= 1;
                if times.cut(&chosen) {
                    continue;
                }
                if !times.spend() {
                    return result;
                }
                let Err(refusal) = self.judge(timeline, &chosen) else {
                    result.found = Some(without_kinds((total, chosen)));
                    return result;
                };
                has_learned = times.learn(self.inquiry, &chosen, &refusal)
                    || (refusal.is_unexplained() && self.blame(timeline, &chosen, &mut times));
                result.refusal.get_or_insert(refusal.message);
                if has_learned {
                    break;
                }
            }
            if !has_learned && listed == Size::All {
                return result;
            }
            listed = Size::All;
        }
    }

    fn judge(&self, timeline: &mut Timeline<'_>, chosen: &[Chosen<'a>]) -> Result<(), Refusal> {
        let engagements = engagements(self.inquiry, chosen);
        timeline(self.inquiry.request, self.inquiry.categories, &engagements)
    }

    /// Whether one of a refused combination is to blame alone.
    fn blame(&self, timeline: &mut Timeline<'_>, chosen: &[Chosen<'a>], times: &mut Times) -> bool {
        let mut found = false;
        for at in times.unheard(chosen) {
            let (index, _, kind) = chosen[at];
            if !times.spend() {
                break;
            }
            let is_accepted = self.judge(timeline, &chosen[at..=at]).is_ok();
            times.hear((index, kind), is_accepted);
            found |= !is_accepted;
        }
        found
    }

    /// The ways to share the venue's and the caterer's place, each as lists to choose one from.
    fn modes(&self, waivers: &Waivers, size: Size) -> Vec<Vec<Slot<'a>>> {
        let slot = |index, caters| self.slot(index, caters, waivers, size);
        let places = 0..self.entries.len();
        let mut modes = vec![places.clone().map(|index| slot(index, Kitchen::Closed)).collect()];
        let place = |name| self.inquiry.index_of(name);
        if let (Some(venue), Some(caterer)) = (place(VENUE), place(CATERER)) {
            let kitchen = |index| if index == venue { Kitchen::Open } else { Kitchen::Closed };
            let others = places.filter(|&index| index != caterer);
            modes.push(others.map(|index| slot(index, kitchen(index))).collect());
        }
        modes
    }

    fn slot(
        &self,
        index: CategoryIndex,
        kitchen: Kitchen,
        waivers: &Waivers,
        size: Size,
    ) -> Slot<'a> {
        let ignored = waivers.broken.and(Broken::only(Reason::OverBudget));
        let may_stand = |(entry, _): &(Entry<'a>, Kind)| {
            entry.broken.without(ignored).is_nothing()
                && (entry.role == Role::Catering) == (kitchen == Kitchen::Open)
        };
        let def = &self.inquiry.categories[index];
        let is_forced = self.musts.is_forced(index) && !waivers.must_include;
        let is_optional =
            waivers.optional.contains(&index) || !self.inquiry.service(&def.name).required;
        let may_skip = is_optional && !is_forced && kitchen == Kitchen::Closed;
        let skip = may_skip.then_some(None);
        let own = self.entries[index].iter().copied().zip(self.kinds[index].iter().copied());
        let all = own.filter(may_stand).map(Some).chain(skip);
        let choices = match size {
            Size::One => all.min_by(|a, b| order_of(a).cmp(&order_of(b))).into_iter().collect(),
            Size::All => {
                let mut choices: Vec<Choice<'a>> = all.collect();
                choices.sort_by(|a, b| order_of(a).cmp(&order_of(b)));
                // The dearer ones of a kind are refused where the cheapest is.
                let mut seen = BTreeSet::new();
                choices.retain(|choice| choice.is_none_or(|(_, kind)| seen.insert(kind)));
                choices
            }
        };
        Slot { index, choices }
    }
}

/// How much of a place's choices to list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    /// The cheapest only.
    One,
    All,
}

/// Whether the venue caters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kitchen {
    Open,
    Closed,
}

/// Nobody, or somebody in a role, with its kind.
type Choice<'a> = Option<(Entry<'a>, Kind)>;

fn cost_of(choice: &Choice<'_>) -> i64 {
    choice.as_ref().map_or(0, |(entry, _)| entry.cost())
}

fn order_of<'c>(choice: &'c Choice<'_>) -> (i64, Option<&'c VendorId>) {
    (cost_of(choice), choice.as_ref().map(|(entry, _)| &entry.vendor().id))
}

fn without_kinds<'a>(
    (total, chosen): (i64, Vec<Chosen<'a>>),
) -> (i64, Vec<(CategoryIndex, Entry<'a>)>) {
    (total, chosen.into_iter().map(|(index, entry, _)| (index, entry)).collect())
}

/// Drops whom the timeline refuses alone, and who has nobody beside it in some other place, until
/// nothing changes.
fn drop_lonely(slots: &mut [Slot<'_>], times: &Times) {
    for slot in slots.iter_mut() {
        let index = slot.index;
        slot.choices.retain(|c| c.is_none_or(|(_, kind)| !times.is_refused_alone((index, kind))));
    }
    let mut dropped = true;
    while dropped {
        dropped = false;
        for at in 0..slots.len() {
            let (index, before) = (slots[at].index, slots[at].choices.len());
            let has_company = |choice: &Choice<'_>| {
                let Some((_, kind)) = choice else { return true };
                slots.iter().filter(|other| other.index != index).all(|other| {
                    let beside = |(_, own): &(Entry<'_>, Kind)| {
                        !times.is_refused_beside((index, *kind), (other.index, *own))
                    };
                    other.choices.iter().any(|choice| choice.as_ref().is_none_or(beside))
                })
            };
            let kept: Vec<bool> = slots[at].choices.iter().map(has_company).collect();
            let mut kept = kept.into_iter();
            slots[at].choices.retain(|_| kept.next().unwrap_or(true));
            dropped |= slots[at].choices.len() < before;
        }
    }
}

/// A place with those who may fill it, the cheapest first.
struct Slot<'a> {
    index: CategoryIndex,
    choices: Vec<Choice<'a>>,
}

/// Combinations of all modes in ascending order of cost.
struct Ascending<'m, 'a> {
    modes: &'m [Vec<Slot<'a>>],
    /// Cost, mode, rank per slot.
    queue: BinaryHeap<Reverse<(i64, usize, Vec<usize>)>>,
    seen: BTreeSet<(usize, Vec<usize>)>,
}

impl<'m, 'a> Ascending<'m, 'a> {
    fn new(modes: &'m [Vec<Slot<'a>>]) -> Self {
        let mut ascending = Self { modes, queue: BinaryHeap::new(), seen: BTreeSet::new() };
        for (mode, slots) in modes.iter().enumerate() {
            ascending.push(mode, vec![0; slots.len()]);
        }
        ascending
    }

    /// Adds a combination that exists and is new.
    fn push(&mut self, mode: usize, ranks: Vec<usize>) {
        let mut total = 0_i64;
        for (slot, &rank) in self.modes[mode].iter().zip(&ranks) {
            let Some(choice) = slot.choices.get(rank) else { return };
            total = total.saturating_add(cost_of(choice));
        }
        if self.seen.insert((mode, ranks.clone())) {
            self.queue.push(Reverse((total, mode, ranks)));
        }
    }
}

impl<'a> Iterator for Ascending<'_, 'a> {
    type Item = (i64, Vec<Chosen<'a>>);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((total, mode, ranks)) = self.queue.pop()?;
        for slot in 0..ranks.len() {
            let mut next = ranks.clone();
            next[slot] += 1;
            self.push(mode, next);
        }
        let slots = self.modes[mode].iter().zip(&ranks);
        let chosen = slots.filter_map(|(slot, &rank)| {
            let (entry, kind) = slot.choices[rank]?;
            Some((slot.index, entry, kind))
        });
        Some((total, chosen.collect()))
    }
}
