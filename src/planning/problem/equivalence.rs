//! Which candidates the others can't tell apart: 4 bytes each.
//!
//! A group holds the candidates of one category that are the same to everybody else: equal pair
//! values, equal second place, equal forbidden partners, the same no-goods.

use std::collections::BTreeMap;

use super::{CandidateIndex, CategoryIndex, Problem, no_goods::NoGoods};

/// A candidate with its category.
pub type Member = (CategoryIndex, CandidateIndex);

/// What the members of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    pub also_fills: Option<CategoryIndex>,
    /// Row of [`Rows`].
    pub row: u32,
    /// Candidates of equal forbidden partners and no-goods share a class; 0 has none.
    pub class: u32,
}

/// One category.
#[derive(Clone, Debug)]
pub struct Column {
    /// By candidate: index into `groups`.
    pub group: Vec<u32>,
    pub groups: Vec<GroupKey>,
}

/// Signatures with equal pair values are one row.
#[derive(Clone, Debug)]
pub struct Rows {
    /// By signature.
    row_of: Vec<u32>,
    /// Square; the last row is that of an empty place: all zero.
    pub table: Vec<f64>,
    pub count: usize,
}

impl Rows {
    pub fn new(problem: &Problem) -> Self {
        let mut known: BTreeMap<Vec<u64>, u32> = BTreeMap::new();
        let mut first: Vec<usize> = Vec::new();
        let mut row_of = Vec::with_capacity(problem.pair_value.len());
        for (signature, values) in problem.pair_value.iter().enumerate() {
            // Adding 0 makes one zero of the two.
            let bits: Vec<u64> = values.iter().map(|value| (value + 0.0).to_bits()).collect();
            row_of.push(*known.entry(bits).or_insert_with(|| {
                first.push(signature);
                first.len() as u32 - 1
            }));
        }
        let count = first.len() + 1;
        let mut table = vec![0.0; count * count];
        for (a, &s) in first.iter().enumerate() {
            for (b, &t) in first.iter().enumerate() {
                table[a * count + b] = problem.pair_value[s][t];
            }
        }
        Self { row_of, table, count }
    }

    /// The row of a signature.
    pub(crate) fn row_of(&self, signature: u32) -> u32 {
        self.row_of[signature as usize]
    }

    /// The row of an empty place.
    pub fn empty(&self) -> u32 {
        self.count as u32 - 1
    }
}

/// All categories.
#[derive(Clone, Debug)]
pub struct EquivalenceClasses {
    pub categories: Vec<Column>,
    pub rows: Rows,
}

impl EquivalenceClasses {
    /// Of a sound problem, and no-goods of that problem.
    ///
    /// # Panics
    /// Where a signature has no row of pair values, or a candidate fills a category that doesn't
    /// exist.
    pub fn new(problem: &Problem, nogoods: &NoGoods) -> Self {
        let rows = Rows::new(problem);
        let classes = classes(problem, nogoods);
        let categories =
            (0..problem.categories.len()).map(|c| column(problem, &rows, &classes, c)).collect();
        Self { categories, rows }
    }

    /// What a candidate has in common with those that the others can't tell from it.
    ///
    /// # Panics
    /// Where there is no such candidate.
    pub fn key(&self, (category, candidate): Member) -> GroupKey {
        let column = &self.categories[category];
        column.groups[column.group[candidate as usize] as usize]
    }
}

fn column(
    problem: &Problem,
    rows: &Rows,
    classes: &BTreeMap<Member, u32>,
    c: CategoryIndex,
) -> Column {
    let candidates = &problem.categories[c].candidates;
    let n = problem.categories.len();
    let mut group = Vec::with_capacity(candidates.len());
    let mut groups: Vec<GroupKey> = Vec::new();
    // Groups without forbidden partners by row and second place, the others by key.
    let mut plain = vec![u32::MAX; rows.count * (n + 1)];
    let mut classed: BTreeMap<GroupKey, u32> = BTreeMap::new();
    let has_classes = classes.range((c, 0)..(c + 1, 0)).next().is_some();
    for x in candidates.indices() {
        let row = rows.row_of[candidates.signature(x) as usize];
        let member = (c, x);
        let class = if has_classes { classes.get(&member).copied().unwrap_or(0) } else { 0 };
        let key = GroupKey { also_fills: candidates.also_fills(x), row, class };
        let spot = if class == 0 {
            &mut plain[row as usize * (n + 1) + key.also_fills.map_or(n, |place| place)]
        } else {
            classed.entry(key).or_insert(u32::MAX)
        };
        if *spot == u32::MAX {
            *spot = groups.len() as u32;
            groups.push(key);
        }
        group.push(*spot);
    }
    Column { group, groups }
}

/// Candidates of equal forbidden partners that stand in the same no-goods share a class, from 1.
fn classes(problem: &Problem, nogoods: &NoGoods) -> BTreeMap<Member, u32> {
    let mut against: BTreeMap<Member, (Vec<Member>, &[u32])> = BTreeMap::new();
    for &[a, b] in &problem.forbidden_pairs {
        against.entry(a).or_default().0.push(b);
        against.entry(b).or_default().0.push(a);
    }
    for (member, ordinals) in nogoods.members() {
        against.entry(member).or_default().1 = ordinals;
    }
    let mut classes: BTreeMap<(Vec<Member>, &[u32]), u32> = BTreeMap::new();
    against
        .into_iter()
        .map(|(member, (mut others, ordinals))| {
            others.sort_unstable();
            others.dedup();
            let next = classes.len() as u32 + 1;
            (member, *classes.entry((others, ordinals)).or_insert(next))
        })
        .collect()
}
