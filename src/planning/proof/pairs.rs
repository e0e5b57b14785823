//! What labels of two places are worth together, and which exclude each other.

use super::labels::{Label, LabelKind, Place};
use crate::problem::{equivalence::Rows, no_goods::NoGoods, score::Scorer};

/// Stands for the pair value of labels that exclude each other, in multiples of the scale: low
/// enough that no combination with it wins, finite so that sums and differences stay numbers.
const BLOCKED: f64 = -1e6;
/// Pair values that are laid out label by label; beyond, they are looked up row by row.
const TABLE_MAX: usize = 2_000_000;

/// Whether two labels of different places can stand beside each other.
pub fn fits(
    (scorer, nogoods): (&Scorer, &NoGoods),
    i: usize,
    a: (&Place, &Label),
    j: usize,
    b: (&Place, &Label),
) -> bool {
    let (la, lb) = (a.1, b.1);
    let tied = |l: &Label, other: usize| l.kind == LabelKind::Both(other);
    let twin = |l: &Label, other: usize| l.kind == LabelKind::Twin(other);
    if tied(la, j) || twin(la, j) || tied(lb, i) || twin(lb, i) {
        let match_up = (tied(la, j) && twin(lb, i)) || (twin(la, j) && tied(lb, i));
        if !match_up || la.row != lb.row {
            return false;
        }
    }
    // All of a class have the same forbidden partners and no-goods, so one stands for all.
    let one = |place: &Place, label: &Label| place.candidate[label.items.start];
    if la.class == 0 || lb.class == 0 {
        return true;
    }
    let (a, b) = ((i, one(a.0, la)), (j, one(b.0, lb)));
    !scorer.is_forbidden(a, b) && !nogoods.exclude(a, b)
}

/// Whether any labels of two places may exclude each other.
pub(crate) fn may_clash(i: usize, p: &Place, j: usize, q: &Place) -> bool {
    let tied = |place: &Place, other: usize| {
        let to =
            |l: &Label| matches!(l.kind, LabelKind::Both(x) | LabelKind::Twin(x) if x == other);
        place.labels.iter().any(to)
    };
    let classed = |place: &Place| place.labels.iter().any(|l| l.class != 0);
    tied(p, j) || tied(q, i) || (classed(p) && classed(q))
}

/// Pair values by places and labels.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    places: usize,
    /// Per place pair `i * places + j` the values `a * labels(j) + b`; empty where they are too
    /// many or all zero.
    dense: Vec<Vec<f64>>,
    is_dense: bool,
    rows: Vec<f64>,
    row_count: usize,
    /// The largest value of each row.
    row_most: Vec<f64>,
    /// Row of each label, by place.
    row_of: Vec<Vec<u32>>,
    /// Label pairs that exclude each other, for place pairs that have any; as `dense`.
    blocked: Vec<Option<Vec<bool>>>,
    /// By place: the places with which its pairs are not all zero.
    neighbours: Vec<Vec<usize>>,
    low: f64,
}

impl Pairs {
    pub fn new(scorer: &Scorer, nogoods: &NoGoods, rows: &Rows, places: &[Place]) -> Self {
        let n = places.len();
        let blocked: Vec<Option<Vec<bool>>> =
            (0..n * n).map(|at| blocked((scorer, nogoods), at / n, at % n, places)).collect();
        let any_value = rows.table.iter().any(|&value| value != 0.0);
        let neighbours: Vec<Vec<usize>> = (0..n)
            .map(|i| {
                let counts = |&j: &usize| j != i && (any_value || blocked[i * n + j].is_some());
                (0..n).filter(counts).collect()
            })
            .collect();
        let row_most = |row: usize| {
            let row = &rows.table[row * rows.count..(row + 1) * rows.count];
            row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        };
        let mut pairs = Self {
            places: n,
            dense: Vec::new(),
            is_dense: false,
            rows: rows.table.clone(),
            row_count: rows.count,
            row_most: (0..rows.count).map(row_most).collect(),
            row_of: places.iter().map(|p| p.labels.iter().map(|l| l.row).collect()).collect(),
            blocked,
            neighbours,
            low: BLOCKED * scorer.scale().max(f64::MIN_POSITIVE),
        };
        if 2 * pairs.visits() <= TABLE_MAX {
            pairs.lay_out();
        }
        pairs
    }

    /// The places whose labels matter to those of place `i`, ascending.
    pub fn neighbours(&self, i: usize) -> &[usize] {
        &self.neighbours[i]
    }

    /// Place pairs that matter, the smaller first.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let later = |i: usize| move |&&j: &&usize| j > i;
        (0..self.places)
            .flat_map(move |i| self.neighbours[i].iter().filter(later(i)).map(move |&j| (i, j)))
    }

    /// Label pairs over all edges: the work of one sweep.
    pub(crate) fn visits(&self) -> usize {
        self.edges().map(|(i, j)| self.row_of[i].len() * self.row_of[j].len()).sum()
    }

    /// The pair value of two labels.
    pub fn value(&self, i: usize, a: usize, j: usize, b: usize) -> f64 {
        let (row_a, row_b) = (self.row_of[i][a] as usize, self.row_of[j][b] as usize);
        let value = self.rows[row_a * self.row_count + row_b];
        match &self.blocked[i * self.places + j] {
            Some(blocked) if blocked[a * self.row_of[j].len() + b] => value + self.low,
            _ => value,
        }
    }

    /// Whether any two labels exclude each other.
    pub(crate) fn has_exclusions(&self) -> bool {
        self.blocked.iter().any(Option::is_some)
    }

    /// Whether two labels exclude each other.
    pub(crate) fn excludes(&self, i: usize, a: usize, j: usize, b: usize) -> bool {
        let blocked = &self.blocked[i * self.places + j];
        blocked.as_ref().is_some_and(|blocked| blocked[a * self.row_of[j].len() + b])
    }

    /// The pair value of label `a` of place `i` with any label of any other is at most this.
    pub fn most(&self, i: usize, a: usize) -> f64 {
        self.row_most[self.row_of[i][a] as usize]
    }

    /// Adds to `sums` the pair value of label `a` of place `i` with each label of place `j`.
    pub fn add(&self, i: usize, a: usize, j: usize, sums: &mut [f64]) {
        let (at, width) = (i * self.places + j, sums.len());
        if self.is_dense {
            if !self.dense[at].is_empty() {
                let values = &self.dense[at][a * width..(a + 1) * width];
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            return;
        }
        let row = self.row_of[i][a] as usize * self.row_count;
        let row = &self.rows[row..row + self.row_count];
        for (sum, &label) in sums.iter_mut().zip(&self.row_of[j]) {
            *sum += row[label as usize];
        }
        if let Some(blocked) = &self.blocked[at] {
            let blocked = &blocked[a * width..(a + 1) * width];
            let hit = sums.iter_mut().zip(blocked).filter(|(_, blocked)| **blocked);
            hit.for_each(|(sum, _)| *sum += self.low);
        }
    }

    /// A sum at or below this holds labels that exclude each other.
    pub(crate) fn blocked_below(&self) -> f64 {
        self.low / 2.0
    }

    fn lay_out(&mut self) {
        let n = self.places;
        self.dense = vec![Vec::new(); n * n];
        for i in 0..n {
            for &j in &self.neighbours[i] {
                let (a, b) = (self.row_of[i].len(), self.row_of[j].len());
                let values = (0..a * b).map(|at| self.value(i, at / b, j, at % b));
                self.dense[i * n + j] = values.collect();
            }
        }
        self.is_dense = true;
    }
}

fn blocked(rules: (&Scorer, &NoGoods), i: usize, j: usize, places: &[Place]) -> Option<Vec<bool>> {
    let (p, q) = (&places[i], &places[j]);
    if i == j || !may_clash(i, p, j, q) {
        return None;
    }
    let pairs = p.labels.iter().flat_map(|a| q.labels.iter().map(move |b| (a, b)));
    let table: Vec<bool> = pairs.map(|(a, b)| !fits(rules, i, (p, a), j, (q, b))).collect();
    table.contains(&true).then_some(table)
}
