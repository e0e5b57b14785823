//! The reduced problem under one strategy, as the bound and the proof read it: per place a few
//! labels (who could stand here, as far as the other places care), per label the candidates.
//!
//! Candidates of one label have equal pair values, the same second place and the same forbidden
//! partners, so pairs of places are decided by pairs of labels. A candidate that fills a second
//! place has a label in both: in its own place it carries value and use, in the second it stands
//! as a twin that carries nothing and fits to nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::columns::{Columns, Member, Rows};
use super::problem::{CandidateIndex, CategoryIndex, Problem};
use super::reduce::Reduced;
use super::score::Scorer;

/// Stands for the pair value of labels that exclude each other: low enough that no combination
/// with it wins, finite so that sums and differences stay numbers.
pub const BLOCKED: f64 = -1e6;
/// Pair values that are laid out label by label; beyond, they are looked up row by row.
const TABLE_MAX: usize = 2_000_000;
/// Rounds of dropping candidates that fit beside nobody; each can make more of them.
const FIT_ROUNDS: usize = 4;

/// What a label means for the other places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A candidate of the place's own category.
    Own,
    /// A candidate of the place's own category that fills this one as well.
    Both(CategoryIndex),
    /// The second place of a candidate of that category.
    Twin(CategoryIndex),
    Empty,
}

#[derive(Clone, Debug)]
pub struct Label {
    pub role: Role,
    row: u32,
    class: u32,
    /// Of the place's items; a twin's and an empty place's is one item of no value and no use.
    pub items: Range<usize>,
}

/// Stands for the candidate of an item that is nobody of the place's own.
pub const NOBODY: CandidateIndex = CandidateIndex::MAX;

#[derive(Clone, Debug, Default)]
pub struct Place {
    pub labels: Vec<Label>,
    /// By item: the candidate.
    pub candidate: Vec<CandidateIndex>,
    pub value: Vec<f64>,
    /// By item and limit, item-major.
    pub usage: Vec<f64>,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub strategy: usize,
    pub places: Vec<Place>,
    pub limits: Vec<f64>,
    pairs: Pairs,
    /// No combination is feasible, for some place has no candidate left.
    pub infeasible: bool,
}

/// Pair values by places and labels.
#[derive(Clone, Debug, Default)]
struct Pairs {
    places: usize,
    /// Per place pair `i * places + j` the values `a * labels(j) + b`; empty where they are too many.
    dense: Vec<Vec<f64>>,
    rows: Vec<f64>,
    row_count: usize,
    /// Label pairs that exclude each other, for place pairs that have any; as `dense`.
    blocked: Vec<Option<Vec<bool>>>,
    low: f64,
}

impl Model {
    pub fn new(scorer: &Scorer, columns: &Columns, reduced: &Reduced, strategy: usize) -> Self {
        let problem = scorer.problem();
        let mut places: Vec<Place> = (0..problem.categories.len())
            .map(|c| place(problem, columns, reduced, strategy, c))
            .collect();
        let compatible = Compatible { scorer, rows: &columns.rows };
        let limits = scorer.limits().to_vec();
        for _ in 0..FIT_ROUNDS {
            if !drop_unfit(&mut places, &limits, &compatible) {
                break;
            }
        }
        let infeasible = places.iter().any(|p| p.labels.is_empty());
        let most = |d: usize| -> f64 { places.iter().map(|p| p.most_use(limits.len(), d)).sum() };
        let limits: Vec<f64> = limits.iter().enumerate().map(|(d, l)| l.min(most(d))).collect();
        let pairs = if infeasible { Pairs::default() } else { compatible.pairs(&places) };
        Self { strategy, places, limits, pairs, infeasible }
    }

    /// Adds to `sums` the pair value of label `a` of place `i` with each label of place `j`.
    pub fn add_pairs(&self, i: usize, a: usize, j: usize, sums: &mut [f64]) {
        let pairs = &self.pairs;
        let (at, width) = (i * pairs.places + j, sums.len());
        if !pairs.dense.is_empty() {
            let values = &pairs.dense[at][a * width..(a + 1) * width];
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            return;
        }
        let row = self.places[i].labels[a].row as usize * pairs.row_count;
        let row = &pairs.rows[row..row + pairs.row_count];
        for (sum, label) in sums.iter_mut().zip(&self.places[j].labels) {
            *sum += row[label.row as usize];
        }
        if let Some(blocked) = &pairs.blocked[at] {
            let blocked = &blocked[a * width..(a + 1) * width];
            let hit = sums.iter_mut().zip(blocked).filter(|(_, blocked)| **blocked);
            hit.for_each(|(sum, _)| *sum += pairs.low);
        }
    }

    /// Label pairs of all place pairs, each counted once: the work of one sweep over them.
    pub fn label_pairs(&self) -> usize {
        let labels = |p: &Place| p.labels.len();
        let sum: usize = self.places.iter().map(labels).sum();
        (sum * sum - self.places.iter().map(|p| labels(p) * labels(p)).sum::<usize>()) / 2
    }

    /// A sum at or below this holds labels that exclude each other.
    pub fn blocked_below(&self) -> f64 {
        self.pairs.low / 2.0
    }

    /// The label that a candidate of the place would have, though it is not kept itself.
    pub fn label_like(&self, columns: &Columns, member: Member) -> Option<usize> {
        let key = columns.key(member);
        let role = key.also_fills.map_or(Role::Own, Role::Both);
        let labels = &self.places[member.0].labels;
        labels.iter().position(|l| (l.role, l.row, l.class) == (role, key.row, key.class))
    }

    /// The label of a place that a candidate of another category fills.
    pub fn twin_of(&self, columns: &Columns, place: usize, member: Member) -> Option<usize> {
        let row = columns.key(member).row;
        let labels = &self.places[place].labels;
        labels.iter().position(|l| l.role == Role::Twin(member.0) && l.row == row)
    }

    /// Number of limits.
    pub fn dimensions(&self) -> usize {
        self.limits.len()
    }

    /// Items of all places.
    pub fn size(&self) -> usize {
        self.places.iter().map(|p| p.candidate.len()).sum()
    }
}

impl Place {
    /// Use of an item per limit.
    pub fn use_of(&self, item: usize, dimensions: usize) -> &[f64] {
        &self.usage[item * dimensions..(item + 1) * dimensions]
    }

    /// Value of an item less the price of its use.
    pub fn reduced_value(&self, item: usize, multipliers: &[f64]) -> f64 {
        let usage = self.use_of(item, multipliers.len());
        self.value[item] - multipliers.iter().zip(usage).map(|(m, u)| m * u).sum::<f64>()
    }

    /// Keeps some items; labels that lose all of theirs go.
    pub fn retain(&mut self, dimensions: usize, keep: impl Fn(usize, usize) -> bool) {
        let old = std::mem::take(self);
        for (l, label) in old.labels.into_iter().enumerate() {
            let start = self.candidate.len();
            for item in label.items.clone().filter(|&item| keep(l, item)) {
                self.candidate.push(old.candidate[item]);
                self.value.push(old.value[item]);
                self.usage.extend(&old.usage[item * dimensions..(item + 1) * dimensions]);
            }
            let items = start..self.candidate.len();
            if !items.is_empty() {
                self.labels.push(Label { items, ..label });
            }
        }
    }

    fn most_use(&self, dimensions: usize, d: usize) -> f64 {
        self.usage.iter().skip(d).step_by(dimensions).copied().fold(0.0, f64::max)
    }

    fn push(&mut self, candidate: CandidateIndex, value: f64, usage: &[f64]) {
        self.candidate.push(candidate);
        self.value.push(value);
        self.usage.extend(usage);
    }
}

fn place(
    problem: &Problem,
    columns: &Columns,
    reduced: &Reduced,
    strategy: usize,
    c: CategoryIndex,
) -> Place {
    let own = &problem.categories[c].candidates;
    let mut groups: BTreeMap<(Role, u32, u32), Vec<CandidateIndex>> = BTreeMap::new();
    for &x in reduced.kept(strategy, c) {
        let key = columns.key((c, x));
        let role = key.also_fills.map_or(Role::Own, Role::Both);
        groups.entry((role, key.row, key.class)).or_default().push(x);
    }
    let mut place = Place::default();
    for ((role, row, class), group) in groups {
        let start = place.candidate.len();
        for x in group {
            let candidate = &own[x as usize];
            place.push(x, candidate.value[strategy], &candidate.usage);
        }
        let items = start..place.candidate.len();
        place.labels.push(Label { role, row, class, items });
    }
    let mut nobody = |role, row| {
        let start = place.candidate.len();
        place.push(NOBODY, 0.0, &vec![0.0; problem.limits.len()]);
        place.labels.push(Label { role, row, class: 0, items: start..start + 1 });
    };
    for p in 0..problem.categories.len() {
        let keys = reduced.kept(strategy, p).iter().map(|&x| columns.key((p, x)));
        let twins: BTreeSet<u32> =
            keys.filter(|key| key.also_fills == Some(c)).map(|key| key.row).collect();
        twins.into_iter().for_each(|row| nobody(Role::Twin(p), row));
    }
    if !problem.categories[c].required {
        nobody(Role::Empty, columns.rows.empty());
    }
    place
}

/// Which labels can stand beside each other.
struct Compatible<'a, 'p> {
    scorer: &'a Scorer<'p>,
    rows: &'a Rows,
}

impl Compatible<'_, '_> {
    fn pair(&self, i: usize, a: (&Place, &Label), j: usize, b: (&Place, &Label)) -> Option<f64> {
        let (la, lb) = (a.1, b.1);
        let tied = |l: &Label, other: usize| l.role == Role::Both(other);
        let twin = |l: &Label, other: usize| l.role == Role::Twin(other);
        let linked = tied(la, j) || twin(la, j) || tied(lb, i) || twin(lb, i);
        if linked {
            let fits = (tied(la, j) && twin(lb, i)) || (twin(la, j) && tied(lb, i));
            if !fits || la.row != lb.row {
                return None;
            }
        }
        if la.class != 0 && lb.class != 0 {
            let one = |place: &Place, label: &Label| place.candidate[label.items.start];
            if self.scorer.is_forbidden((i, one(a.0, la)), (j, one(b.0, lb))) {
                return None;
            }
        }
        Some(self.rows.table[la.row as usize * self.rows.count + lb.row as usize])
    }

    fn pairs(&self, places: &[Place]) -> Pairs {
        let low = BLOCKED * self.scorer.scale().max(f64::MIN_POSITIVE);
        let mut blocked = Vec::with_capacity(places.len() * places.len());
        let mut size = 0;
        for (i, p) in places.iter().enumerate() {
            for (j, q) in places.iter().enumerate() {
                blocked.push(if i == j { None } else { self.blocked(i, p, j, q) });
                size += p.labels.len() * q.labels.len();
            }
        }
        let mut pairs = Pairs {
            places: places.len(),
            dense: Vec::new(),
            rows: self.rows.table.clone(),
            row_count: self.rows.count,
            blocked,
            low,
        };
        if size <= TABLE_MAX {
            pairs.lay_out(places);
        }
        pairs
    }

    fn blocked(&self, i: usize, p: &Place, j: usize, q: &Place) -> Option<Vec<bool>> {
        let tied = |place: &Place, other: usize| {
            place
                .labels
                .iter()
                .any(|l| matches!(l.role, Role::Both(x) | Role::Twin(x) if x == other))
        };
        let classed = |place: &Place| place.labels.iter().any(|l| l.class != 0);
        if !(tied(p, j) || tied(q, i) || (classed(p) && classed(q))) {
            return None;
        }
        let pairs = p.labels.iter().flat_map(|a| q.labels.iter().map(move |b| (a, b)));
        let table: Vec<bool> =
            pairs.map(|(a, b)| self.pair(i, (p, a), j, (q, b)).is_none()).collect();
        table.contains(&true).then_some(table)
    }
}

impl Pairs {
    fn lay_out(&mut self, places: &[Place]) {
        let n = places.len();
        for (i, p) in places.iter().enumerate() {
            for (j, q) in places.iter().enumerate() {
                let mut table = Vec::new();
                if i != j {
                    for a in &p.labels {
                        let row = a.row as usize * self.row_count;
                        table.extend(q.labels.iter().map(|b| self.rows[row + b.row as usize]));
                    }
                    if let Some(blocked) = &self.blocked[i * n + j] {
                        let hit = table.iter_mut().zip(blocked).filter(|(_, blocked)| **blocked);
                        hit.for_each(|(value, _)| *value += self.low);
                    }
                }
                self.dense.push(table);
            }
        }
    }
}

/// Drops items that exceed a limit even beside the cheapest of all other places; true where any went.
fn drop_unfit(places: &mut [Place], limits: &[f64], compatible: &Compatible) -> bool {
    let dimensions = limits.len();
    let cheapest: Vec<Vec<Vec<f64>>> = places
        .iter()
        .map(|p| p.labels.iter().map(|l| least_use(p, l, dimensions)).collect())
        .collect();
    let mut dropped = false;
    let before: Vec<Place> = places.to_vec();
    for (i, p) in places.iter_mut().enumerate() {
        let rest: Vec<Vec<f64>> = before[i]
            .labels
            .iter()
            .map(|label| rest_of(&before, &cheapest, i, label, dimensions, compatible))
            .collect();
        let size = p.candidate.len();
        p.retain(dimensions, |l, item| {
            let usage = before[i].use_of(item, dimensions);
            usage.iter().zip(&rest[l]).zip(limits).all(|((own, rest), limit)| own + rest <= *limit)
        });
        dropped |= p.candidate.len() < size;
    }
    dropped
}

/// The least that all other places use beside a label; infinite where some place fits nobody.
fn rest_of(
    places: &[Place],
    cheapest: &[Vec<Vec<f64>>],
    i: usize,
    label: &Label,
    dimensions: usize,
    compatible: &Compatible,
) -> Vec<f64> {
    let mut rest = vec![0.0; dimensions];
    for (j, q) in places.iter().enumerate().filter(|&(j, _)| j != i) {
        let mut least = vec![f64::INFINITY; dimensions];
        let fitting =
            q.labels.iter().zip(&cheapest[j]).filter(|(other, _)| {
                compatible.pair(i, (&places[i], label), j, (q, other)).is_some()
            });
        for (_, usage) in fitting {
            least.iter_mut().zip(usage).for_each(|(least, own)| *least = least.min(*own));
        }
        rest.iter_mut().zip(&least).for_each(|(rest, least)| *rest += least);
    }
    rest
}

fn least_use(place: &Place, label: &Label, dimensions: usize) -> Vec<f64> {
    let mut least = vec![f64::INFINITY; dimensions];
    for item in label.items.clone() {
        let usage = place.use_of(item, dimensions);
        least.iter_mut().zip(usage).for_each(|(least, own)| *least = least.min(*own));
    }
    least
}
