//! The cheapest way to fill every place: feasibility is a matter of money, of who may stand
//! where, and of the timeline, so it needs no search for value.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use super::{
    compatibility::AreaTable,
    engagement::Engagement,
    inquiry::{CATERER, DECORATOR, Inquiry, VENUE},
    problem::CategoryIndex,
    reason::{Broken, Reason},
    roles::{Entry, Musts, Role, Roles},
};
use crate::model::{CategoryDef, Request, Sourced, VendorId};

/// Schedules that one question may ask for.
const CHECKS_MAX: u32 = 2_000;

/// Tells whether vendors in their places have a timeline without severe conflicts; an error is
/// the conflict in plain words. It must refuse no part of what it accepts as a whole.
pub type Timeline<'t> =
    dyn FnMut(&Request, &[CategoryDef], &[Engagement<'_>]) -> Result<(), String> + 't;

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
        Self { inquiry, musts, entries }
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
    /// by vendor ids. A vendor that the timeline refuses on its own is not tried again.
    pub fn cheapest(
        &self,
        waivers: &Waivers,
        mut timeline: Option<&mut Timeline<'_>>,
    ) -> Cheapest<'a> {
        let mut result = Cheapest::default();
        if !self.musts.impossible.is_empty() && !waivers.must_include {
            return result;
        }
        let mut tried = Tried { left: CHECKS_MAX, ..Tried::default() };
        // Sorting everybody is worth it only where the cheapest of each place won't do together.
        let mut sizes = [Size::One, Size::All].into_iter();
        let mut size = sizes.next();
        while let Some(listed) = size {
            let modes = self.modes(waivers, &tried.refused, listed);
            let mut has_blamed = false;
            for (total, chosen) in Ascending::new(&modes) {
                let Some(timeline) = timeline.as_deref_mut() else {
                    result.found = Some((total, chosen));
                    return result;
                };
                match tried.judge(self.inquiry, timeline, &chosen) {
                    Ok(()) => {
                        result.found = Some((total, chosen));
                        return result;
                    }
                    Err(refusal) => result.refusal.get_or_insert(refusal),
                };
                has_blamed = tried.blame(self.inquiry, timeline, &chosen);
                if has_blamed || tried.left == 0 || listed == Size::One {
                    break;
                }
            }
            if tried.left == 0 {
                break;
            }
            if !has_blamed {
                size = sizes.next();
            }
        }
        result
    }

    /// The ways to share the venue's and the caterer's place, each as lists to choose one from.
    fn modes(&self, waivers: &Waivers, refused: &BTreeSet<Key>, size: Size) -> Vec<Vec<Slot<'a>>> {
        let slot = |index, caters| self.slot(index, caters, waivers, refused, size);
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
        refused: &BTreeSet<Key>,
        size: Size,
    ) -> Slot<'a> {
        let mut ignored = waivers.broken.and(Broken::only(Reason::OverBudget));
        // Where a decorator may be left out, leaving it out costs least, and no venue minds.
        if self.inquiry.index_of(DECORATOR).is_some_and(|index| self.may_skip(index, waivers)) {
            ignored = ignored.and(Broken::only(Reason::Decor));
        }
        let may_stand = |entry: &&Entry<'a>| {
            entry.broken.without(ignored).is_nothing()
                && (entry.role == Role::Catering) == (kitchen == Kitchen::Open)
                && (refused.is_empty() || !refused.contains(&key(entry)))
        };
        let may_skip = self.may_skip(index, waivers) && kitchen == Kitchen::Closed;
        let skip = may_skip.then_some(None);
        let all = self.entries[index].iter().filter(may_stand).map(|e| Some(*e)).chain(skip);
        let choices = match size {
            Size::One => all.min_by(|a, b| order_of(a).cmp(&order_of(b))).into_iter().collect(),
            Size::All => {
                let mut choices: Vec<Choice<'a>> = all.collect();
                choices.sort_by(|a, b| order_of(a).cmp(&order_of(b)));
                choices
            }
        };
        Slot { index, choices }
    }

    fn may_skip(&self, index: CategoryIndex, waivers: &Waivers) -> bool {
        let def = &self.inquiry.categories[index];
        let is_forced = self.musts.is_forced(index) && !waivers.must_include;
        let is_optional =
            waivers.optional.contains(&index) || !self.inquiry.service(&def.name).required;
        is_optional && !is_forced
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

/// Nobody, or somebody in a role.
type Choice<'a> = Option<Entry<'a>>;

/// One candidate, by vendor and role.
type Key = (VendorId, Role);

fn key(entry: &Entry<'_>) -> Key {
    (entry.vendor().id.clone(), entry.role)
}

fn cost_of(choice: &Choice<'_>) -> i64 {
    choice.as_ref().map_or(0, Entry::cost)
}

fn order_of<'c>(choice: &'c Choice<'_>) -> (i64, Option<&'c VendorId>) {
    (cost_of(choice), choice.as_ref().map(|entry| &entry.vendor().id))
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
    type Item = (i64, Vec<(CategoryIndex, Entry<'a>)>);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((total, mode, ranks)) = self.queue.pop()?;
        for slot in 0..ranks.len() {
            let mut next = ranks.clone();
            next[slot] += 1;
            self.push(mode, next);
        }
        let slots = self.modes[mode].iter().zip(&ranks);
        let chosen = slots.filter_map(|(slot, &rank)| Some((slot.index, slot.choices[rank]?)));
        Some((total, chosen.collect()))
    }
}

/// What the timeline said so far.
#[derive(Default)]
struct Tried {
    /// Schedules that may still be asked for.
    left: u32,
    /// Refused alone.
    refused: BTreeSet<Key>,
    /// Accepted alone.
    accepted: BTreeSet<Key>,
}

impl Tried {
    fn judge(
        &mut self,
        inquiry: &Inquiry<'_>,
        timeline: &mut Timeline<'_>,
        chosen: &[(CategoryIndex, Entry<'_>)],
    ) -> Result<(), String> {
        self.left = self.left.saturating_sub(1);
        timeline(inquiry.request, inquiry.categories, &engagements(inquiry, chosen))
    }

    /// Whether one of a refused combination is to blame alone.
    fn blame(
        &mut self,
        inquiry: &Inquiry<'_>,
        timeline: &mut Timeline<'_>,
        chosen: &[(CategoryIndex, Entry<'_>)],
    ) -> bool {
        let mut found = false;
        for alone in chosen.chunks(1) {
            let key = key(&alone[0].1);
            if self.accepted.contains(&key) {
                continue;
            }
            if self.judge(inquiry, timeline, alone).is_ok() {
                self.accepted.insert(key);
            } else {
                self.refused.insert(key);
                found = true;
            }
        }
        found
    }
}

/// In category order.
fn engagements<'e>(
    inquiry: &Inquiry<'e>,
    chosen: &[(CategoryIndex, Entry<'e>)],
) -> Vec<Engagement<'e>> {
    let mut engagements: Vec<(CategoryIndex, Engagement<'e>)> = Vec::with_capacity(chosen.len());
    for &(index, entry) in chosen {
        let at = |index: CategoryIndex, in_house| {
            let category = &inquiry.categories[index].name;
            (index, Engagement { category, vendor: entry.vendor(), in_house })
        };
        engagements.push(at(index, false));
        if entry.role == Role::Catering
            && let Some(caterer) = inquiry.index_of(CATERER)
        {
            engagements.push(at(caterer, true));
        }
    }
    engagements.sort_by_key(|(index, _)| *index);
    engagements.into_iter().map(|(_, engagement)| engagement).collect()
}
