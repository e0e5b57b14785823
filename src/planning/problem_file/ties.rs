//! Ties of a problem file: candidates of which both or neither are chosen.
//!
//! Two that are tied to nobody else are folded into one candidate that fills both places, with the
//! sum of their values and uses. Where their signatures s and t differ it gets a signature u of its
//! own with pair(u, x) = (pair(s, x) + pair(t, x)) / 2: standing in two places it counts twice. Its
//! own two places make a pair as well; by what pair(u, u) differs from pair(s, t) its value is
//! mended, which counts once. A file's twin of no value, no use and the same signature so becomes
//! what it was made of.
//!
//! Ties over three or more categories stand for forbidden pairs: each tied candidate excludes
//! whoever else would fill the other's place, nobody included. Tied candidates of one category can't
//! be chosen, nor can those that exclude each other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Id, Ids, blends::Blends, bounds::TIE_PAIRS_MAX};
use crate::problem::{Candidate, CandidateIndex, CategoryIndex, equivalence::Member};

/// A checked file before its ties are folded. `same_as` and all pairs are by ordinal.
pub(crate) struct Draft {
    pub required: Vec<bool>,
    pub candidates: Vec<Vec<Candidate>>,
    pub ids: Vec<Vec<Id>>,
    pub pair_value: Vec<Vec<f64>>,
    pub forbidden: Vec<[Member; 2]>,
    pub nogoods: Vec<Vec<Member>>,
}

/// A file with its ties folded.
pub(crate) struct Folded {
    pub required: Vec<bool>,
    pub candidates: Vec<Vec<Candidate>>,
    pub ids: Ids,
    pub pair_value: Vec<Vec<f64>>,
    pub forbidden: Vec<[Member; 2]>,
    pub nogoods: Vec<Vec<Member>>,
}

/// The ties that can't be folded stand for too many forbidden pairs.
#[derive(Debug)]
pub(crate) struct TooManyPairs(pub usize);

/// Folds ties; each names two different candidates.
///
/// # Errors
/// Ties over three or more categories that stand for more than `TIE_PAIRS_MAX` forbidden pairs.
pub(crate) fn fold(draft: Draft, ties: &[[Member; 2]]) -> Result<Folded, TooManyPairs> {
    let mut folding = Folding::new(draft);
    let mut chains: Vec<Vec<Member>> = Vec::new();
    let groups = groups(ties);
    let torn = folding.torn(&groups);
    for (g, group) in groups.into_iter().enumerate() {
        if torn.contains(&g) {
            folding.gone.extend(group);
        } else if !folding.fold_pair(&group) {
            chains.push(group);
        }
    }
    folding.lay_out_signatures();
    folding.chain(&chains)?;
    Ok(folding.finish())
}

struct Folding {
    draft: Draft,
    /// Candidates that are left out: of ties that nothing meets, and seconds of folded ones.
    gone: BTreeSet<Member>,
    /// Second → the candidate that stands for both.
    first_of: BTreeMap<Member, Member>,
    blends: Blends,
    /// Folded candidates of a blended signature, with that of each place.
    blended: Vec<(Member, [u32; 2])>,
    /// Categories with a candidate for nobody, which then stands first.
    with_nobody: BTreeSet<CategoryIndex>,
    /// How many of a category are the same vendor: by category and first ordinal.
    families: BTreeMap<Member, usize>,
    /// How many of them are tied.
    tied: BTreeMap<Member, usize>,
}

impl Folding {
    fn new(draft: Draft) -> Self {
        let mut families: BTreeMap<Member, usize> = BTreeMap::new();
        for (c, candidates) in draft.candidates.iter().enumerate() {
            for first in candidates.iter().filter_map(|x| x.same_as) {
                *families.entry((c, first)).or_insert(1) += 1;
            }
        }
        Self {
            blends: Blends::new(draft.pair_value.len()),
            draft,
            gone: BTreeSet::new(),
            first_of: BTreeMap::new(),
            blended: Vec::new(),
            with_nobody: BTreeSet::new(),
            families,
            tied: BTreeMap::new(),
        }
    }

    fn of(&self, (c, x): Member) -> &Candidate {
        &self.draft.candidates[c][x as usize]
    }

    fn of_mut(&mut self, (c, x): Member) -> &mut Candidate {
        &mut self.draft.candidates[c][x as usize]
    }

    /// The groups that nothing meets: two of one category in them, or two that exclude each other.
    fn torn(&mut self, groups: &[Vec<Member>]) -> BTreeSet<usize> {
        let mut torn = BTreeSet::new();
        let mut group_of: BTreeMap<Member, usize> = BTreeMap::new();
        for (g, group) in groups.iter().enumerate() {
            if group.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                torn.insert(g);
            }
            group_of.extend(group.iter().map(|&member| (member, g)));
        }
        let of_pair = |pair: &[Member; 2]| {
            let [a, b] = pair.map(|member| group_of.get(&member));
            a.filter(|_| a == b).copied()
        };
        torn.extend(self.draft.forbidden.iter().filter_map(of_pair));
        if !self.families.is_empty() {
            let heads: Vec<Member> = group_of.into_keys().map(|member| self.head(member)).collect();
            heads.into_iter().for_each(|head| *self.tied.entry(head).or_default() += 1);
        }
        torn
    }

    /// Folds a group of two; false where it must be chained.
    fn fold_pair(&mut self, group: &[Member]) -> bool {
        let &[a, b] = group else { return false };
        let (first, second) = match (self.is_worthless(a), self.is_worthless(b)) {
            (true, false) => (b, a),
            _ => (a, b),
        };
        if !self.counts_alike(first, second) {
            return false;
        }
        let (s, t) = (self.of(first).signature, self.of(second).signature);
        if self.draft.pair_value[s as usize] != self.draft.pair_value[t as usize] {
            let signatures = [s.min(t), s.max(t)];
            let Some(blend) = self.blends.signature(signatures) else { return false };
            self.of_mut(first).signature = blend;
            self.blended.push((first, signatures));
        }
        let second_one = self.of(second).clone();
        let one = self.of_mut(first);
        one.value.iter_mut().zip(&second_one.value).for_each(|(sum, own)| *sum += own);
        one.usage.iter_mut().zip(&second_one.usage).for_each(|(sum, own)| *sum += own);
        one.also_fills = Some(second.0);
        self.gone.insert(second);
        self.first_of.insert(second, first);
        true
    }

    fn is_worthless(&self, member: Member) -> bool {
        let x = self.of(member);
        x.value.iter().chain(&x.usage).all(|&number| number == 0.0)
    }

    /// Whether options differ in the second place exactly where the folded candidate says: the
    /// second is a vendor of its own, and the first is no other tied candidate's vendor.
    fn counts_alike(&self, first: Member, second: Member) -> bool {
        let (family, other) = (self.head(first), self.head(second));
        let is_alone = |head: &Member| !self.families.contains_key(head);
        is_alone(&other) && (is_alone(&family) || self.tied.get(&family) == Some(&1))
    }

    /// The first candidate that is the same vendor.
    fn head(&self, member: Member) -> Member {
        (member.0, self.of(member).same_as.unwrap_or(member.1))
    }

    /// Lays out the blended signatures' pair values, and mends the values of who has one.
    fn lay_out_signatures(&mut self) {
        if self.blended.is_empty() {
            return;
        }
        let wide = self.blends.table(&self.draft.pair_value);
        for (member, [s, t]) in std::mem::take(&mut self.blended) {
            let own = self.of(member).signature as usize;
            let missing = self.draft.pair_value[s as usize][t as usize] - wide[own][own];
            self.of_mut(member).value.iter_mut().for_each(|value| *value += missing);
        }
        self.draft.pair_value = wide;
    }

    /// Forbidden pairs in place of ties over three or more categories.
    fn chain(&mut self, chains: &[Vec<Member>]) -> Result<(), TooManyPairs> {
        if chains.is_empty() {
            return Ok(());
        }
        let mut fillers: Vec<Vec<Member>> = vec![Vec::new(); self.draft.candidates.len()];
        for (c, candidates) in self.draft.candidates.iter().enumerate() {
            for (x, candidate) in candidates.iter().enumerate() {
                let member = (c, x as CandidateIndex);
                if !self.gone.contains(&member) {
                    fillers[c].push(member);
                    fillers[candidate.also_fills.unwrap_or(c)]
                        .extend(candidate.also_fills.map(|_| member));
                }
            }
        }
        let links = || chains.iter().flat_map(|chain| chain.windows(2));
        let pairs: usize = links()
            .map(|link| fillers[link[0].0].len() + fillers[link[1].0].len())
            .fold(0, usize::saturating_add);
        if pairs > TIE_PAIRS_MAX {
            return Err(TooManyPairs(pairs));
        }
        for &(c, _) in chains.iter().flatten() {
            if !self.draft.required[c] && self.with_nobody.insert(c) {
                fillers[c].push((c, NOBODY));
            }
        }
        for link in links() {
            for (one, other) in [(link[0], link[1]), (link[1], link[0])] {
                let rivals = fillers[other.0].iter().filter(|&&f| f != other && f.0 != one.0);
                self.draft.forbidden.extend(rivals.map(|&rival| [one, rival]));
            }
        }
        Ok(())
    }

    /// Leaves out who is gone, puts nobody before the others, and numbers all again.
    fn finish(mut self) -> Folded {
        if self.gone.is_empty() && self.with_nobody.is_empty() {
            let own = self.draft.ids.into_iter();
            let own = own.map(|ids| ids.into_iter().map(Some).collect()).collect();
            return Folded {
                required: self.draft.required,
                candidates: self.draft.candidates,
                ids: Ids { own, second: BTreeMap::new() },
                pair_value: self.draft.pair_value,
                forbidden: self.draft.forbidden,
                nogoods: self.draft.nogoods,
            };
        }
        let numbers = self.numbers();
        let number = |(c, x): Member| match x {
            NOBODY => Some((c, 0)),
            _ => numbers[c][x as usize].map(|new| (c, new)),
        };
        let now = |member: Member| number(*self.first_of.get(&member).unwrap_or(&member));
        let pair = |&[a, b]: &[Member; 2]| Some([now(a)?, now(b)?]).filter(|[a, b]| a.0 != b.0);
        let forbidden = self.draft.forbidden.iter().filter_map(pair).collect();
        // Who is left out is never chosen, so what names it cuts nothing.
        let list = |list: &Vec<Member>| list.iter().map(|&member| now(member)).collect();
        let nogoods = self.draft.nogoods.iter().filter_map(list).collect();
        let second = self.first_of.iter().filter_map(|(&(c, x), &first)| {
            Some((number(first)?, self.draft.ids[c][x as usize].clone()))
        });
        let second = second.collect();
        let nobody = if self.with_nobody.is_empty() { None } else { Some(self.nobody()) };
        let mut candidates = Vec::with_capacity(numbers.len());
        let mut own = Vec::with_capacity(numbers.len());
        let all = std::mem::take(&mut self.draft.candidates).into_iter().zip(self.draft.ids);
        for (c, (old, ids)) in all.enumerate() {
            let stays = |x: usize| numbers[c][x].is_some();
            let mut heads: BTreeMap<CandidateIndex, CandidateIndex> = BTreeMap::new();
            let mut kept = Vec::with_capacity(old.len() + 1);
            let mut named: Vec<Option<Id>> = Vec::with_capacity(old.len() + 1);
            if let Some(nobody) = nobody.as_ref().filter(|_| self.with_nobody.contains(&c)) {
                self.draft.required[c] = true;
                kept.push(nobody.clone());
                named.push(None);
            }
            for (x, (mut candidate, id)) in old.into_iter().zip(ids).enumerate() {
                if !stays(x) {
                    continue;
                }
                let new = kept.len() as CandidateIndex;
                // The first that is left stands for its vendor.
                let head = *heads.entry(candidate.same_as.unwrap_or(x as u32)).or_insert(new);
                candidate.same_as = Some(head).filter(|&head| head != new);
                kept.push(candidate);
                named.push(Some(id));
            }
            candidates.push(kept);
            own.push(named);
        }
        let ids = Ids { own, second };
        let (required, pair_value) = (self.draft.required, self.draft.pair_value);
        Folded { required, candidates, ids, pair_value, forbidden, nogoods }
    }

    /// By category and old ordinal: the new one.
    fn numbers(&self) -> Vec<Vec<Option<CandidateIndex>>> {
        let of_category = |(c, candidates): (usize, &Vec<Candidate>)| {
            let mut next = CandidateIndex::from(self.with_nobody.contains(&c));
            let number = |x: usize| {
                let stays = !self.gone.contains(&(c, x as CandidateIndex));
                next += CandidateIndex::from(stays);
                stays.then(|| next - 1)
            };
            (0..candidates.len()).map(number).collect()
        };
        self.draft.candidates.iter().enumerate().map(of_category).collect()
    }

    /// The candidate for an empty place; makes room for its signature.
    fn nobody(&mut self) -> Candidate {
        let like = self.draft.candidates.iter().flatten().next();
        let (strategies, limits) = like.map_or((1, 0), |x| (x.value.len(), x.usage.len()));
        let table = &mut self.draft.pair_value;
        let zero = table.iter().position(|row| row.iter().all(|&value| value == 0.0));
        let signature = zero.unwrap_or_else(|| {
            table.iter_mut().for_each(|row| row.push(0.0));
            table.push(vec![0.0; table.len() + 1]);
            table.len() - 1
        });
        Candidate {
            value: vec![0.0; strategies],
            usage: vec![0.0; limits],
            signature: signature as u32,
            also_fills: None,
            same_as: None,
        }
    }
}

/// Stands for the candidate of an empty place until all are numbered again.
const NOBODY: CandidateIndex = CandidateIndex::MAX;

/// Whoever is tied to one another, directly or by others; each ascending, in ascending order.
fn groups(ties: &[[Member; 2]]) -> Vec<Vec<Member>> {
    let mut members: Vec<Member> = ties.iter().flatten().copied().collect();
    members.sort_unstable();
    members.dedup();
    let at = |member: &Member| members.partition_point(|other| other < member);
    let mut parent: Vec<usize> = (0..members.len()).collect();
    for [a, b] in ties {
        let (a, b) = (root(&mut parent, at(a)), root(&mut parent, at(b)));
        parent[a.max(b)] = a.min(b);
    }
    let mut groups: BTreeMap<usize, Vec<Member>> = BTreeMap::new();
    for (i, &member) in members.iter().enumerate() {
        groups.entry(root(&mut parent, i)).or_default().push(member);
    }
    groups.into_values().collect()
}

/// The root of a tree, whose path is halved on the way.
fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}
