//! What the timeline said of a ledger's vendors: who is refused together, kind by kind.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    engagement::Engagement,
    inquiry::{CATERER, Inquiry, VENUE},
    problem::CategoryIndex,
    roles::{Entry, Role},
    timeline::Refusal,
};

/// Timelines that one ledger asks for at most.
const CHECKS_MAX: u32 = 2_000;

/// Vendors of one category in one role with equal times, by number.
pub(super) type Kind = usize;

/// What a timeline can depend on: role, setup, teardown, how long it stays, a venue's hours and
/// place; numbers as bits, times as text.
type Look = (Role, u32, u32, Option<u64>, Option<String>, Option<[u64; 2]>);

/// Numbers the kinds of a ledger's entries.
#[derive(Default)]
pub(super) struct Kinds(BTreeMap<(CategoryIndex, Look), Kind>);

impl Kinds {
    pub fn of(&mut self, inquiry: &Inquiry<'_>, index: CategoryIndex, entry: &Entry<'_>) -> Kind {
        let vendor = entry.vendor();
        let is_venue = vendor.category.as_str() == VENUE;
        let policies = vendor.policies.as_ref().filter(|_| is_venue);
        let hours =
            policies.map(|p| format!("{:?} {:?} {:?}", p.open_from, p.open_until, p.music_until));
        let mut anchors = inquiry.request.parts().flat_map(|part| part.anchors);
        let has_ways = is_venue && anchors.any(|anchor| anchor.location.is_some());
        let at = vendor.location.filter(|_| has_ways);
        let look = (
            entry.role,
            vendor.setup_minutes,
            vendor.teardown_minutes,
            vendor.max_hours.map(f64::to_bits),
            hours,
            at.map(|at| [at.lat.to_bits(), at.lon.to_bits()]),
        );
        let next = self.0.len();
        *self.0.entry((index, look)).or_insert(next)
    }
}

/// A kind in its category's place.
pub(super) type Standing = (CategoryIndex, Kind);

/// What was found so far; it holds for every question to one ledger.
pub(super) struct Times {
    /// Timelines that may still be asked for.
    left: u32,
    /// Refused together, whoever fills the other places; of one place, of two, of more.
    alone: BTreeSet<Standing>,
    pairs: BTreeSet<[Standing; 2]>,
    wide: Vec<Vec<Standing>>,
    /// Refused as they stand, nobody else being engaged.
    exact: BTreeSet<Vec<Standing>>,
    /// Accepted alone.
    accepted: BTreeSet<Standing>,
    /// What the request's own times are refused for.
    pub hopeless: Option<String>,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            left: CHECKS_MAX,
            alone: BTreeSet::new(),
            pairs: BTreeSet::new(),
            wide: Vec::new(),
            exact: BTreeSet::new(),
            accepted: BTreeSet::new(),
            hopeless: None,
        }
    }
}

/// Somebody who is chosen: entry and kind, with its category.
pub(super) type Chosen<'a> = (CategoryIndex, Entry<'a>, Kind);

impl Times {
    /// Takes one of the timelines that are left.
    pub fn spend(&mut self) -> bool {
        let has_one = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has_one
    }

    pub fn is_refused_alone(&self, standing: Standing) -> bool {
        self.alone.contains(&standing)
    }

    pub fn is_refused_beside(&self, one: Standing, other: Standing) -> bool {
        let pair = if one <= other { [one, other] } else { [other, one] };
        self.pairs.contains(&pair)
    }

    /// Whether a choice is known to be refused. Pairs are left out before.
    pub fn cut(&self, chosen: &[Chosen<'_>]) -> bool {
        let all = standings(chosen);
        let holds = |standing: &Standing| all.contains(standing);
        all.iter().enumerate().any(|(i, &one)| {
            self.is_refused_alone(one)
                || all[i + 1..].iter().any(|&other| self.is_refused_beside(one, other))
        }) || self.wide.iter().any(|wide| wide.iter().all(holds))
            || self.exact.contains(&all)
    }

    /// Remembers a refusal; true where it says something of fewer than three places.
    pub fn learn(
        &mut self,
        inquiry: &Inquiry<'_>,
        chosen: &[Chosen<'_>],
        refusal: &Refusal,
    ) -> bool {
        let Some(places) = &refusal.places else {
            self.exact.insert(standings(chosen));
            return false;
        };
        let brings = |(index, entry, _): &&Chosen<'_>| {
            places.contains(&inquiry.categories[*index].name)
                || (entry.role == Role::Catering && places.iter().any(|p| p.as_str() == CATERER))
        };
        let named: Vec<Standing> =
            chosen.iter().filter(brings).map(|(index, _, kind)| (*index, *kind)).collect();
        match *named.as_slice() {
            [] => {
                self.hopeless = Some(refusal.message.clone());
                true
            }
            [one] => self.alone.insert(one),
            [one, other] => self.pairs.insert([one.min(other), one.max(other)]),
            _ => {
                self.wide.push(named);
                false
            }
        }
    }

    /// Of a refusal without a reason: those that were not accepted alone before.
    pub fn unheard(&self, chosen: &[Chosen<'_>]) -> Vec<usize> {
        let is_new = |(_, (index, _, kind)): &(usize, &Chosen<'_>)| {
            !self.accepted.contains(&(*index, *kind))
        };
        chosen.iter().enumerate().filter(is_new).map(|(at, _)| at).collect()
    }

    /// What a timeline said of somebody alone.
    pub fn hear(&mut self, standing: Standing, is_accepted: bool) {
        let heard = if is_accepted { &mut self.accepted } else { &mut self.alone };
        heard.insert(standing);
    }
}

fn standings(chosen: &[Chosen<'_>]) -> Vec<Standing> {
    let mut all: Vec<Standing> = chosen.iter().map(|(index, _, kind)| (*index, *kind)).collect();
    all.sort_unstable();
    all
}

/// In category order.
pub(super) fn engagements<'e>(inquiry: &Inquiry<'e>, chosen: &[Chosen<'e>]) -> Vec<Engagement<'e>> {
    let mut engagements: Vec<(CategoryIndex, Engagement<'e>)> = Vec::with_capacity(chosen.len());
    for &(index, entry, _) in chosen {
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
