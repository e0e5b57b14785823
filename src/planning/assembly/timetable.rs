//! What the scheduler says of an assembly's combinations, and what its refusals have in common:
//! each becomes a no-good over the places that it rests on, for all vendors that are alike.

use std::collections::BTreeMap;

use super::Assembly;
use crate::{
    domain::{input::VENUE, roles::CateringRole},
    engagement::Engagement,
    problem::{
        CandidateIndex, CategoryIndex, Combination, lazy_constraint::Verdict, no_goods::NoGood,
    },
    timeline::{
        self, Refusal,
        refusals::alike::{Sight, Traits},
    },
};

/// Tuples of kinds that one refusal looks at, for others that are refused alike.
const KIND_TUPLES_MAX: usize = 2_500;
/// Schedules that may show that a refusal doesn't depend on who fills the other places: for one
/// refusal, and for all of a search.
const COMPANIES_MAX: usize = 600;
const COMPANIES_IN_ALL_MAX: usize = 6_000;

/// Judges the combinations of one assembly.
pub struct Timetable<'t, 'a> {
    assembly: &'t Assembly<'a>,
    /// Worked out at the first refusal.
    kinds: Option<Kinds>,
    known: Vec<NoGood>,
    companies_left: usize,
}

/// Candidates that the scheduler can't tell apart.
struct Kinds {
    /// By category and candidate.
    of: Vec<Vec<usize>>,
    /// By category and kind: its candidates, ascending.
    members: Vec<Vec<Vec<CandidateIndex>>>,
}

impl<'t, 'a> Timetable<'t, 'a> {
    pub fn new(assembly: &'t Assembly<'a>) -> Self {
        Self { assembly, kinds: None, known: Vec::new(), companies_left: COMPANIES_IN_ALL_MAX }
    }

    /// What was found to be refused so far.
    pub fn known(&self) -> &[NoGood] {
        &self.known
    }

    /// Asks the scheduler. A refused combination comes with no-goods that hold for every
    /// combination of the assembly, one of which cuts it.
    pub fn verdict(&mut self, chosen: &Combination) -> Verdict {
        if let Some(known) = self.known.iter().find(|nogood| nogood.cuts(chosen)) {
            return Verdict::Cut(vec![known.clone()]);
        }
        let input = self.assembly.input;
        let engagements = self.assembly.engagements(chosen);
        let refusal = timeline::refusal(input.request, input.categories, &engagements);
        let Some(refusal) = refusal else { return Verdict::Accepted };
        let found = self.common(chosen, &refusal);
        self.known.extend(found.iter().cloned());
        if found.is_empty() { Verdict::Refused } else { Verdict::Cut(found) }
    }

    /// The no-goods that a refusal comes to.
    fn common(&mut self, chosen: &Combination, refusal: &Refusal) -> Vec<NoGood> {
        let kinds = self.kinds.take().unwrap_or_else(|| Kinds::of(self.assembly));
        let found = match &refusal.places {
            Some(places) => {
                let named = self.named(chosen, |engagement| places.contains(engagement.category));
                self.certain(&kinds, chosen, &named)
            }
            None => {
                let named = self.named(chosen, |e| refusal.suspects.contains(e.category));
                let venue = self.assembly.input.index_of(VENUE);
                let with_venue: Vec<CategoryIndex> = (0..chosen.len())
                    .filter(|c| named.contains(c) || (Some(*c) == venue && chosen[*c].is_some()))
                    .collect();
                let mut tries = vec![named, with_venue];
                tries.dedup();
                let in_company = tries.into_iter().find(|tried| {
                    !tried.is_empty() && self.is_refused_in_any_company(&kinds, chosen, tried)
                });
                // Who is left out counts as well: a skipped category has a candidate for that.
                let named = in_company.unwrap_or_else(|| filled(chosen));
                kinds.nogood(chosen, &named).into_iter().collect()
            }
        };
        self.kinds = Some(kinds);
        found
    }

    /// The categories of a combination whose candidates bring such an engagement.
    fn named(
        &self,
        chosen: &Combination,
        is_meant: impl Fn(&Engagement<'_>) -> bool,
    ) -> Vec<CategoryIndex> {
        let brings = |category: &CategoryIndex| {
            chosen[*category].is_some_and(|x| self.alone(*category, x).iter().any(&is_meant))
        };
        (0..chosen.len()).filter(brings).collect()
    }

    /// What one candidate brings.
    fn alone(&self, category: CategoryIndex, candidate: CandidateIndex) -> Vec<Engagement<'a>> {
        let mut chosen: Combination = vec![None; category + 1];
        chosen[category] = Some(candidate);
        self.assembly.engagements(&chosen)
    }

    /// Of a clash that stands whoever else is engaged: all kinds of its places that clash alike.
    fn certain(&self, kinds: &Kinds, chosen: &Combination, named: &[CategoryIndex]) -> Vec<NoGood> {
        match *named {
            // The request itself: nobody will do, whoever it is.
            [] => {
                let first = filled(chosen).into_iter().next();
                let everybody = first.map(|category| (category, kinds.everybody(category)));
                everybody.and_then(|set| NoGood::new([set])).into_iter().collect()
            }
            _ if kinds.companies(named) <= KIND_TUPLES_MAX => {
                let tuples = 0..kinds.companies(named);
                let refused = tuples.map(|at| kinds.company(named, at)).filter(|sets| {
                    let brought = sets.iter().flat_map(|(c, members)| self.alone(*c, members[0]));
                    self.is_certain(&brought.collect::<Vec<_>>())
                });
                let found = NoGood::merged(refused.filter_map(NoGood::new).collect());
                found.into_iter().map(|nogood| self.without_everybody(kinds, nogood)).collect()
            }
            _ => kinds.nogood(chosen, named).into_iter().collect(),
        }
    }

    /// Leaves out sets of all that can fill a place: one of them always does.
    fn without_everybody(&self, kinds: &Kinds, nogood: NoGood) -> NoGood {
        let categories = &self.assembly.problem.categories;
        let is_everybody = |category: CategoryIndex, set: &[CandidateIndex]| {
            let mut fillings = categories.iter().flat_map(|other| other.candidates.filling());
            set.len() == kinds.of[category].len()
                && categories[category].required
                && !fillings.any(|(_, filled)| filled == category)
        };
        let some = nogood.parts().iter().filter(|(category, set)| !is_everybody(*category, set));
        NoGood::new(some.cloned()).unwrap_or(nogood)
    }

    fn is_certain(&self, engagements: &[Engagement<'_>]) -> bool {
        let input = self.assembly.input;
        timeline::is_certain(input.request, input.categories, engagements)
    }

    /// Whether the named places of a combination are refused whoever fills the others; false as
    /// well where there are too many to try.
    fn is_refused_in_any_company(
        &mut self,
        kinds: &Kinds,
        chosen: &Combination,
        named: &[CategoryIndex],
    ) -> bool {
        let free: Vec<CategoryIndex> = (0..chosen.len()).filter(|c| !named.contains(c)).collect();
        let sizes = free.iter().map(|c| kinds.members[*c].len().max(1));
        let count = sizes.fold(1_usize, usize::saturating_mul);
        if count > COMPANIES_MAX.min(self.companies_left) {
            return false;
        }
        self.companies_left -= count;
        (0..count).all(|at| {
            let company = self.company(kinds, chosen, &free, at);
            company.is_none_or(|company| {
                let engagements = self.assembly.engagements(&company);
                let input = self.assembly.input;
                timeline::schedule(input.request, input.categories, &engagements).has_high()
            })
        })
    }

    /// One of each kind in the free places, by number; `None` where two would stand in one place.
    fn company(
        &self,
        kinds: &Kinds,
        chosen: &Combination,
        free: &[CategoryIndex],
        mut at: usize,
    ) -> Option<Combination> {
        let mut company = chosen.clone();
        for &category in free {
            let members = &kinds.members[category];
            company[category] = members.get(at % members.len().max(1)).map(|kind| kind[0]);
            at /= members.len().max(1);
        }
        let problem = &self.assembly.problem;
        let mut also = company.iter().enumerate().filter_map(|(category, own)| {
            problem.categories[category].candidates.also_fills((*own)?)
        });
        if let Some(place) = also.next() {
            // Its first kind stands for all that would be displaced.
            let is_first = kinds.members[place].first().map(|kind| kind[0]) == company[place];
            if company[place].is_some() && !(free.contains(&place) && is_first) {
                return None;
            }
            company[place] = None;
        }
        Some(company)
    }
}

/// The categories that a combination fills itself.
fn filled(chosen: &Combination) -> Vec<CategoryIndex> {
    (0..chosen.len()).filter(|category| chosen[*category].is_some()).collect()
}

impl Kinds {
    fn of(assembly: &Assembly<'_>) -> Self {
        let input = assembly.input;
        let categories = 0..input.categories.len();
        let eligible = |category: CategoryIndex| {
            (0..).map_while(move |x| assembly.eligible_vendor(category, x))
        };
        let venue = input.index_of(VENUE);
        let venues = venue
            .into_iter()
            .flat_map(eligible)
            .filter_map(|eligible_vendor| eligible_vendor.vendor);
        let sight = Sight::of(input.request, venues);
        let mut kinds = Self { of: Vec::new(), members: Vec::new() };
        for category in categories {
            let name = &input.categories[category].name;
            let mut known: BTreeMap<(CateringRole, Option<Traits>), usize> = BTreeMap::new();
            let mut members: Vec<Vec<CandidateIndex>> = Vec::new();
            let mut of = Vec::new();
            for (x, eligible_vendor) in eligible(category).enumerate() {
                let engagement = eligible_vendor.vendor.map(|vendor| Engagement {
                    category: name,
                    vendor,
                    in_house: false,
                });
                let traits = engagement.map(|engagement| sight.traits(&engagement));
                let kind = *known.entry((eligible_vendor.role, traits)).or_insert(members.len());
                if kind == members.len() {
                    members.push(Vec::new());
                }
                members[kind].push(x as CandidateIndex);
                of.push(kind);
            }
            kinds.of.push(of);
            kinds.members.push(members);
        }
        kinds
    }

    /// Tuples of kinds of these categories.
    fn companies(&self, categories: &[CategoryIndex]) -> usize {
        let sizes = categories.iter().map(|category| self.members[*category].len());
        sizes.fold(1, usize::saturating_mul)
    }

    /// One of those tuples, by number.
    fn company(
        &self,
        categories: &[CategoryIndex],
        mut at: usize,
    ) -> Vec<(CategoryIndex, Vec<CandidateIndex>)> {
        let mut company = Vec::with_capacity(categories.len());
        for &category in categories {
            let members = &self.members[category];
            company.push((category, members[at % members.len()].clone()));
            at /= members.len();
        }
        company
    }

    fn everybody(&self, category: CategoryIndex) -> Vec<CandidateIndex> {
        self.members[category].iter().flatten().copied().collect()
    }

    /// Over all that are alike to the chosen ones in these categories.
    fn nogood(&self, chosen: &Combination, categories: &[CategoryIndex]) -> Option<NoGood> {
        let set = |&category: &CategoryIndex| {
            let kind = self.of[category][chosen[category]? as usize];
            Some((category, self.members[category][kind].clone()))
        };
        NoGood::new(categories.iter().filter_map(set))
    }
}

#[cfg(test)]
#[path = "timetable_tests.rs"]
mod tests;
