//! The certificate of a search: what a checker that trusts neither the search nor its reduction needs
//! to convince himself that nothing is worth more than the bound.
//!
//! For multipliers λ ≥ 0 and messages m with m_ij(a) + m_ji(b) ≥ pair(a, b) for all kinds a, b
//! that can stand in the places i, j together, no feasible combination is worth more than
//! λ·limits + Σ over the places of the most of (value − λ·use + Σ messages): see `bound`. A
//! combination whose places fall short of these maxima by more than the bound exceeds the best
//! value known is excluded; `certificate_check` evaluates the few others one by one.

pub mod check;
pub mod solution;
pub(crate) mod walk;

use serde::{Deserialize, Serialize};

use crate::{
    problem::{
        Candidate, CategoryIndex, Combination, Problem,
        equivalence::EquivalenceClasses,
        no_goods::{NoGood, NoGoods},
    },
    proof::{
        bound::Dual, labels::LabelKind, multipliers::FACTORS, reduced_problem::ReducedProblem,
    },
};

/// Evidence for an upper bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// No feasible combination, the refused ones aside, is worth more.
    pub best_possible: f64,
    /// By strategy.
    pub evidence: Vec<Evidence>,
    /// Combinations that the timeline refused one by one, ascending.
    pub refused: Vec<Combination>,
    /// What else it refused, beyond the problem's own no-goods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nogoods: Vec<NoGood>,
    /// Prices λ ≥ 0 per unit of each limit at which the cheapest of all places cost more than
    /// λ·limits, so that nothing keeps the limits. `None` where something does, and where more than
    /// one bound was needed to exclude everything: then nothing is claimed beyond `best_possible`,
    /// and the check has to look at the combinations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluding: Option<Vec<f64>>,
}

/// One strategy's multipliers and messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Value per unit of each limit; several sets, the main one first. Each gives a valid bound.
    pub multipliers: Vec<Vec<f64>>,
    /// By category.
    pub kinds: Vec<Vec<Kind>>,
}

/// Candidates of a place that the other places can't tell apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    #[serde(flatten)]
    pub identity: Identity,
    /// By category: this kind's share of the pair with what stands there; its own is 0.
    pub messages: Vec<f64>,
}

/// What tells kinds apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    pub stands: Stands,
    /// `None` for an empty place.
    pub signature: Option<u32>,
    /// The candidates that exclude it, ascending.
    pub forbidden: Vec<(CategoryIndex, u32)>,
    /// The no-goods that it stands in, ascending: ordinals among the problem's and, behind them,
    /// the certificate's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nogoods: Vec<u32>,
}

/// How a kind comes to stand in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// A candidate of the category itself.
    Alone,
    /// A candidate of the category itself that fills this other place as well.
    Fills(CategoryIndex),
    /// A candidate of that category, which fills this place as well.
    FilledFrom(CategoryIndex),
    /// Nobody.
    Empty,
}

/// The kinds of a place, each once, ascending; whom a no-good rules out has none.
pub(crate) fn identities(
    (problem, nogoods): (&Problem, &NoGoods),
    place: CategoryIndex,
) -> Vec<Identity> {
    let category = &problem.categories[place];
    let partners = Partners::of(problem);
    let mut all: Vec<Identity> = Vec::new();
    for (x, candidate) in category.candidates.iter().enumerate() {
        if !nogoods.rule_out((place, x as u32)) {
            all.push(identity(&candidate, (place, x as u32), &partners, nogoods));
        }
    }
    for (p, other) in problem.categories.iter().enumerate() {
        let filling = other.candidates.filling().filter(|(_, filled)| *filled == place);
        all.extend(filling.map(|(x, _)| Identity {
            stands: Stands::FilledFrom(p),
            signature: Some(other.candidates.signature(x)),
            forbidden: Vec::new(),
            nogoods: Vec::new(),
        }));
    }
    if !category.required {
        let (forbidden, nogoods) = (Vec::new(), Vec::new());
        all.push(Identity { stands: Stands::Empty, signature: None, forbidden, nogoods });
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// What kind a candidate is of.
pub fn identity(
    candidate: &Candidate,
    (place, x): (CategoryIndex, u32),
    partners: &Partners,
    nogoods: &NoGoods,
) -> Identity {
    Identity {
        stands: candidate.also_fills.map_or(Stands::Alone, Stands::Fills),
        signature: Some(candidate.signature),
        forbidden: partners.of_candidate(place, x),
        nogoods: nogoods.of((place, x)).to_vec(),
    }
}

/// The candidates that exclude each candidate.
pub struct Partners(Vec<[(CategoryIndex, u32); 2]>);

impl Partners {
    pub fn of(problem: &Problem) -> Self {
        let both = |&[a, b]: &[(CategoryIndex, u32); 2]| [[a, b], [b, a]];
        let mut all: Vec<_> = problem.forbidden_pairs.iter().flat_map(both).collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    pub(crate) fn of_candidate(
        &self,
        place: CategoryIndex,
        candidate: u32,
    ) -> Vec<(CategoryIndex, u32)> {
        let own = (place, candidate);
        let start = self.0.partition_point(|pair| pair[0] < own);
        self.0[start..].iter().take_while(|pair| pair[0] == own).map(|pair| pair[1]).collect()
    }
}

/// Whether two kinds can stand in the places `i` and `j` together. `of_j`: any candidate of the
/// second kind.
pub fn together(
    (i, a): (CategoryIndex, &Identity),
    (j, b): (CategoryIndex, &Identity),
    of_j: Option<u32>,
    nogoods: &NoGoods,
) -> bool {
    if nogoods.share_pair(&a.nogoods, &b.nogoods) {
        return false;
    }
    let tied = |one: &Identity, other: CategoryIndex| {
        one.stands == Stands::Fills(other) || one.stands == Stands::FilledFrom(other)
    };
    if tied(a, j) || tied(b, i) {
        let match_up = (a.stands == Stands::Fills(j) && b.stands == Stands::FilledFrom(i))
            || (a.stands == Stands::FilledFrom(j) && b.stands == Stands::Fills(i));
        if !match_up || a.signature != b.signature {
            return false;
        }
    }
    of_j.is_none_or(|candidate| a.forbidden.binary_search(&(j, candidate)).is_err())
}

/// What two kinds are worth together.
pub fn pair_value(problem: &Problem, a: &Identity, b: &Identity) -> f64 {
    match (a.signature, b.signature) {
        (Some(a), Some(b)) => problem.pair_value[a as usize][b as usize],
        _ => 0.0,
    }
}

impl Evidence {
    /// Of a dual, for every kind of the problem: also those that the reduction left out.
    pub(super) fn new(
        (problem, nogoods): (&Problem, &NoGoods),
        classes: &EquivalenceClasses,
        compact: &ReducedProblem,
        dual: &Dual,
    ) -> Self {
        let n = problem.categories.len();
        let mut known: Vec<Vec<bool>> = Vec::with_capacity(n);
        let mut kinds: Vec<Vec<Kind>> = Vec::with_capacity(n);
        for place in 0..n {
            let identities = identities((problem, nogoods), place);
            let labels: Vec<Option<usize>> = identities
                .iter()
                .map(|identity| label_of((problem, nogoods), classes, compact, place, identity))
                .collect();
            known.push(labels.iter().map(Option::is_some).collect());
            let kind = |(identity, label): (Identity, Option<usize>)| {
                let message = |j| label.map_or(0.0, |label| dual.message(place, label, j));
                Kind { identity, messages: (0..n).map(message).collect() }
            };
            kinds.push(identities.into_iter().zip(labels).map(kind).collect());
        }
        let main = &dual.multipliers;
        let mut multipliers = vec![main.clone()];
        multipliers.extend(FACTORS.map(|factor| main.iter().map(|m| m * factor).collect()));
        multipliers.dedup();
        let mut evidence = Self { multipliers, kinds };
        evidence.close((problem, nogoods), &known);
        evidence
    }

    /// Raises messages until they cover every pair: those of kinds that the dual doesn't know, and
    /// what rounding left open.
    fn close(&mut self, (problem, nogoods): (&Problem, &NoGoods), known: &[Vec<bool>]) {
        let n = self.kinds.len();
        let samples: Vec<Vec<Option<u32>>> =
            (0..n).map(|p| samples((problem, nogoods), p, &self.kinds[p])).collect();
        for (i, j) in (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))) {
            let (before, after) = self.kinds.split_at_mut(j);
            for (a, own) in before[i].iter_mut().enumerate() {
                for (b, other) in after[0].iter_mut().enumerate() {
                    let (one, two) = ((i, &own.identity), (j, &other.identity));
                    if !together(one, two, samples[j][b], nogoods) {
                        continue;
                    }
                    let value = pair_value(problem, &own.identity, &other.identity);
                    let open = value - own.messages[j] - other.messages[i];
                    if open > 0.0 {
                        let raised = if known[i][a] && !known[j][b] {
                            &mut other.messages[i]
                        } else {
                            &mut own.messages[j]
                        };
                        *raised += open;
                    }
                }
            }
        }
    }
}

/// One candidate of each kind; `None` for those that are nobody of the place's own.
pub fn samples(
    (problem, nogoods): (&Problem, &NoGoods),
    place: CategoryIndex,
    kinds: &[Kind],
) -> Vec<Option<u32>> {
    let partners = Partners::of(problem);
    let mut samples = vec![None; kinds.len()];
    for (x, candidate) in problem.categories[place].candidates.iter().enumerate() {
        let identity = identity(&candidate, (place, x as u32), &partners, nogoods);
        if let Ok(kind) = kinds.binary_search_by(|kind| kind.identity.cmp(&identity)) {
            samples[kind].get_or_insert(x as u32);
        }
    }
    samples
}

/// The label that stands for a kind in the reduced problem.
fn label_of(
    (problem, nogoods): (&Problem, &NoGoods),
    classes: &EquivalenceClasses,
    compact: &ReducedProblem,
    place: CategoryIndex,
    identity: &Identity,
) -> Option<usize> {
    let row = identity.signature.map_or(classes.rows.empty(), |s| classes.rows.row_of(s));
    let kind = match identity.stands {
        Stands::Alone => LabelKind::Own,
        Stands::Fills(other) => LabelKind::Both(other),
        Stands::FilledFrom(other) => LabelKind::Twin(other),
        Stands::Empty => LabelKind::Empty,
    };
    let class = if identity.forbidden.is_empty() && identity.nogoods.is_empty() {
        0
    } else {
        let partners = Partners::of(problem);
        let own = &problem.categories[place].candidates;
        let member = (0..own.len() as u32).find(|&x| {
            nogoods.of((place, x)) == identity.nogoods
                && partners.of_candidate(place, x) == identity.forbidden
        })?;
        classes.key((place, member)).class
    };
    let labels = &compact.places[place].labels;
    labels.iter().position(|l| (l.kind, l.row, l.class) == (kind, row, class))
}
