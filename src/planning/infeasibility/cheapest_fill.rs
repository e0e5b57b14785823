//! The cheapest way to fill every place: feasibility is a matter of money, of who may stand
//! where, and of the timeline, so it needs no search for value.

use std::collections::{BTreeMap, BTreeSet};

use super::cheapest_fit::{Fit, Member, cheapest_fit};
use crate::{
    domain::{
        input::{CATERER, DECORATOR, PlanningInput, VENUE},
        roles::{Candidate, CateringRole, MustInclude, Roles},
        violation::{Violation, ViolationSet},
    },
    engagement::Engagement,
    matching::compatibility::AreaTable,
    problem::CategoryIndex,
    timeline::refusals::alike::{Sight, Traits},
};
use model::{CategoryDef, Request, Sourced, VendorId};

/// Tells whether vendors in their places have a timeline without severe conflicts; an error is
/// the conflict in plain words. It refuses no part of what it accepts as a whole, and treats
/// vendors of equal [`Traits`] alike.
pub(crate) type Timeline<'t> =
    dyn FnMut(&Request, &[CategoryDef], &[Engagement<'_>]) -> Result<(), String> + 't;

/// Constraints that are not to count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relaxed {
    pub broken: ViolationSet,
    pub must_include: bool,
    /// Required categories that may be left out all the same.
    pub optional: BTreeSet<CategoryIndex>,
}

/// Who could stand where, with what stands against it.
pub(crate) struct CheapestFill<'i, 'a> {
    input: &'i PlanningInput<'a>,
    must_include: MustInclude<'a>,
    /// By category.
    candidates: Vec<Vec<Candidate<'a>>>,
    sight: Sight<'a>,
}

/// The cheapest combination that meets everything but the budget.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cheapest<'a> {
    pub found: Option<Chosen<'a>>,
    /// Nothing cheaper is feasible than what was found, or nothing at all. False where the bound
    /// came first.
    pub is_decided: bool,
    /// What the timeline said against the cheapest vendors of all.
    pub refusal: Option<String>,
}

/// A total in minor units, and who stands in which category.
pub(crate) type Chosen<'a> = (i64, Vec<(CategoryIndex, Candidate<'a>)>);

impl<'i, 'a> CheapestFill<'i, 'a> {
    pub(crate) fn of(
        input: &'i PlanningInput<'a>,
        areas: &AreaTable,
        vendors: impl IntoIterator<Item = &'a Sourced>,
    ) -> Self {
        let must_include = MustInclude::of(input);
        let roles = Roles::new(input, areas, &must_include);
        let mut candidates = vec![Vec::new(); input.categories.len()];
        for sourced in vendors {
            if let Some(index) = input.index_of(sourced.vendor.category.as_str()) {
                candidates[index].extend(roles.of(index, sourced));
            }
        }
        let venues = input.index_of(VENUE).map_or(&[][..], |venue| &candidates[venue]);
        let sight = Sight::of(input.request, venues.iter().map(Candidate::vendor));
        Self { input, must_include, candidates, sight }
    }

    pub(crate) fn candidates(&self) -> impl Iterator<Item = (CategoryIndex, &Candidate<'a>)> {
        let categories = self.candidates.iter().enumerate();
        categories.flat_map(|(index, candidates)| {
            candidates.iter().map(move |candidate| (index, candidate))
        })
    }

    /// What `must_include` makes impossible on its own.
    pub(crate) fn impossible(&self) -> &[String] {
        &self.must_include.impossible
    }

    /// The cheapest combination that costs at most `most` and that the timeline, where it is to be
    /// asked, accepts.
    pub(crate) fn cheapest(
        &self,
        relaxed: &Relaxed,
        most: i64,
        schedules: Option<&mut Schedules<'_, '_>>,
    ) -> Cheapest<'a> {
        let mut result = Cheapest { is_decided: true, ..Cheapest::default() };
        if !self.must_include.impossible.is_empty() && !relaxed.must_include {
            return result;
        }
        // Most often the cheapest of each place will do together: no need to sort everybody.
        result.found = self.cheapest_untimed(relaxed).filter(|(total, _)| *total <= most);
        let Some(((_, chosen), schedules)) = result.found.as_ref().zip(schedules) else {
            return result;
        };
        match schedules.ask(self, chosen) {
            Some(Ok(())) => result,
            Some(Err(refusal)) => {
                let refusal = Some(refusal);
                Cheapest { refusal, ..self.cheapest_timed(relaxed, most, schedules) }
            }
            None => Cheapest::default(),
        }
    }

    fn cheapest_untimed(&self, relaxed: &Relaxed) -> Option<Chosen<'a>> {
        let mut best: Option<Chosen<'a>> = None;
        for mode in self.modes() {
            let least = |&(index, kitchen): &(CategoryIndex, Kitchen)| {
                let all = self.choices(index, kitchen, relaxed);
                all.min_by(|a, b| order_of(a).cmp(&order_of(b))).map(|choice| (index, choice))
            };
            let Some(places) = mode.iter().map(least).collect::<Option<Vec<_>>>() else { continue };
            let costs = places.iter().map(|(_, choice)| cost_of(choice));
            let total = costs.fold(0, i64::saturating_add);
            if best.as_ref().is_none_or(|(least, _)| total < *least) {
                let chosen =
                    places.into_iter().filter_map(|(index, choice)| Some((index, choice?)));
                best = Some((total, chosen.collect()));
            }
        }
        best
    }

    /// Of those with the same demands on time only the cheapest can be part of it.
    fn cheapest_timed(
        &self,
        relaxed: &Relaxed,
        most: i64,
        schedules: &mut Schedules<'_, '_>,
    ) -> Cheapest<'a> {
        let mut result = Cheapest { is_decided: true, ..Cheapest::default() };
        let mut below = most.saturating_add(1);
        for mode in self.modes() {
            let place = |&(index, kitchen): &(CategoryIndex, Kitchen)| {
                let mut choices: Vec<Choice<'a>> = self.choices(index, kitchen, relaxed).collect();
                choices.sort_by(|a, b| order_of(a).cmp(&order_of(b)));
                let mut seen = BTreeSet::new();
                choices.retain(|choice| {
                    seen.insert(choice.as_ref().map(|candidate| self.traits(index, candidate)))
                });
                (index, choices)
            };
            let places: Vec<(CategoryIndex, Vec<Choice<'a>>)> = mode.iter().map(place).collect();
            let costs: Vec<Vec<i64>> =
                places.iter().map(|(_, choices)| choices.iter().map(cost_of).collect()).collect();
            let chosen = |members: &[Member]| -> Vec<(CategoryIndex, Candidate<'a>)> {
                let of = |&(list, rank): &Member| Some((places[list].0, places[list].1[rank]?));
                members.iter().filter_map(of).collect()
            };
            let mut accepts =
                |members: &[Member]| Some(schedules.ask(self, &chosen(members))?.is_ok());
            match cheapest_fit(&costs, below, &mut accepts) {
                Fit::Found(total, ranks) => {
                    below = total;
                    let members: Vec<Member> = ranks.into_iter().enumerate().collect();
                    result.found = Some((total, chosen(&members)));
                }
                Fit::None => {}
                Fit::Unknown => result.is_decided = false,
            }
        }
        result
    }

    /// The ways to share the venue's and the caterer's place: the places to fill, and whether the
    /// venue caters.
    fn modes(&self) -> Vec<Vec<(CategoryIndex, Kitchen)>> {
        let places = 0..self.candidates.len();
        let mut modes = vec![places.clone().map(|index| (index, Kitchen::Closed)).collect()];
        let place = |name| self.input.index_of(name);
        if let (Some(venue), Some(caterer)) = (place(VENUE), place(CATERER)) {
            let kitchen = |index| if index == venue { Kitchen::Open } else { Kitchen::Closed };
            let others = places.filter(|&index| index != caterer);
            modes.push(others.map(|index| (index, kitchen(index))).collect());
        }
        modes
    }

    fn choices(
        &self,
        index: CategoryIndex,
        kitchen: Kitchen,
        relaxed: &Relaxed,
    ) -> impl Iterator<Item = Choice<'a>> {
        let mut ignored = relaxed.broken.and(ViolationSet::only(Violation::OverBudget));
        // Where a decorator may be left out, leaving it out costs least, and no venue minds.
        if self.input.index_of(DECORATOR).is_some_and(|index| self.may_skip(index, relaxed)) {
            ignored = ignored.and(ViolationSet::only(Violation::Decor));
        }
        let may_stand = move |candidate: &&Candidate<'a>| {
            candidate.broken.without(ignored).is_nothing()
                && (candidate.role == CateringRole::Catering) == (kitchen == Kitchen::Open)
        };
        let may_skip = self.may_skip(index, relaxed) && kitchen == Kitchen::Closed;
        let skip = may_skip.then_some(None);
        self.candidates[index]
            .iter()
            .filter(may_stand)
            .map(|candidate| Some(*candidate))
            .chain(skip)
    }

    /// What the timeline can see of a vendor there. Where it also caters, its kitchen adds nothing.
    fn traits(&self, index: CategoryIndex, candidate: &Candidate<'_>) -> Traits {
        let category = &self.input.categories[index].name;
        self.sight.traits(&Engagement { category, vendor: candidate.vendor(), in_house: false })
    }

    fn may_skip(&self, index: CategoryIndex, relaxed: &Relaxed) -> bool {
        let def = &self.input.categories[index];
        let is_forced = self.must_include.is_forced(index) && !relaxed.must_include;
        let is_optional =
            relaxed.optional.contains(&index) || !self.input.service(&def.name).required;
        is_optional && !is_forced
    }
}

/// Whether the venue caters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kitchen {
    Open,
    Closed,
}

/// A candidate in its role, or none.
type Choice<'a> = Option<Candidate<'a>>;

fn cost_of(choice: &Choice<'_>) -> i64 {
    choice.as_ref().map_or(0, Candidate::cost)
}

fn order_of<'c>(choice: &'c Choice<'_>) -> (i64, Option<&'c VendorId>) {
    (cost_of(choice), choice.as_ref().map(|candidate| &candidate.vendor().id))
}

/// All that the timeline looks at of a vendor in a place.
type Standing = (CategoryIndex, CateringRole, Traits);

/// What the timeline says of the vendors of one [`CheapestFill`], asked once for those that look
/// alike to it.
pub(crate) struct Schedules<'s, 't> {
    timeline: &'s mut Timeline<'t>,
    known: BTreeMap<Vec<Standing>, Result<(), String>>,
    /// Schedules that may still be asked for.
    left: u32,
}

impl<'s, 't> Schedules<'s, 't> {
    /// `left`: schedules to ask for at most.
    pub(crate) fn new(timeline: &'s mut Timeline<'t>, left: u32) -> Self {
        Self { timeline, known: BTreeMap::new(), left }
    }

    pub(crate) const fn left(&self) -> u32 {
        self.left
    }

    /// The refusal in plain words; `None` where no further schedule may be asked for.
    pub(crate) fn ask(
        &mut self,
        fill: &CheapestFill<'_, '_>,
        chosen: &[(CategoryIndex, Candidate<'_>)],
    ) -> Option<Result<(), String>> {
        let standing = |(index, candidate): &(_, Candidate<'_>)| {
            (*index, candidate.role, fill.traits(*index, candidate))
        };
        let mut key: Vec<Standing> = chosen.iter().map(standing).collect();
        key.sort_unstable();
        if let Some(known) = self.known.get(&key) {
            return Some(known.clone());
        }
        self.left = self.left.checked_sub(1)?;
        let input = fill.input;
        let engagements = engagements(input, chosen);
        let said = (self.timeline)(input.request, input.categories, &engagements);
        self.known.insert(key, said.clone());
        Some(said)
    }
}

/// In category order.
pub(crate) fn engagements<'e>(
    input: &PlanningInput<'e>,
    chosen: &[(CategoryIndex, Candidate<'e>)],
) -> Vec<Engagement<'e>> {
    let mut engagements: Vec<(CategoryIndex, Engagement<'e>)> = Vec::with_capacity(chosen.len());
    for &(index, candidate) in chosen {
        let at = |index: CategoryIndex, in_house| {
            let category = &input.categories[index].name;
            (index, Engagement { category, vendor: candidate.vendor(), in_house })
        };
        engagements.push(at(index, false));
        if candidate.role == CateringRole::Catering
            && let Some(caterer) = input.index_of(CATERER)
        {
            engagements.push(at(caterer, true));
        }
    }
    engagements.sort_by_key(|(index, _)| *index);
    engagements.into_iter().map(|(_, engagement)| engagement).collect()
}
