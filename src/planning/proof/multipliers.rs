//! The multipliers of one proof, and what reduced-cost fixing at the root leaves alive.

use super::{
    bound::Dual,
    incumbent::{BoundVerdict, Incumbent},
    labels::LabelKind,
    reduced_problem::ReducedProblem,
};

/// Multiples of the best multipliers: nodes whose labels are cheaper or dearer than the best ones
/// are bounded better at another price. About even steps of a sixth to a third on both sides of 1,
/// wider where fewer nodes lie; any positive factors keep the bound valid, each one costs its share
/// of every node.
pub(crate) const FACTORS: [f64; 7] = [0.6, 0.75, 0.88, 1.0, 1.15, 1.4, 2.0];

/// One set of multipliers and what the labels are worth at it.
pub(crate) struct Multipliers {
    pub multipliers: Vec<f64>,
    /// Σ multiplier × limit, and what rounding can add.
    pub credit: f64,
    /// Labels in the order of the walk: the best value less the price of use.
    pub values: Vec<f64>,
}

/// Labels and items that can be part of something better than the incumbent.
pub(crate) struct Alive {
    /// By place: labels, ascending.
    pub labels: Vec<Vec<usize>>,
    /// By place and position in `labels`: items, ascending.
    pub items: Vec<Vec<Vec<usize>>>,
}

/// Scaled sets of the dual's multipliers, and what reduced-cost fixing at the root leaves alive with
/// all of them.
pub(crate) fn multiplier_sets(
    compact: &ReducedProblem,
    dual: &Dual,
    incumbent: &Incumbent,
    order: &[usize],
) -> (Alive, Vec<Multipliers>) {
    let mut scaled: Vec<Vec<f64>> = FACTORS
        .iter()
        .map(|factor| dual.multipliers.iter().map(|m| m * factor).collect())
        .collect();
    scaled.dedup();
    if incumbent.best().is_some() && compact.dimensions() > 0 {
        // A tie in value is decided by use: the limit shrinks to the incumbent's.
        let mut limits = compact.limits.clone();
        limits[0] = limits[0].min(compact.first_use(incumbent.first_use()));
        scaled.push(dual.multipliers_for(compact, &limits));
    }
    let mut items: Vec<Vec<Vec<usize>>> = compact
        .places
        .iter()
        .map(|place| place.labels.iter().map(|l| l.items.clone().collect()).collect())
        .collect();
    for multipliers in &scaled {
        fix(compact, dual, multipliers, incumbent, &mut items);
    }
    let labels: Vec<Vec<usize>> = items
        .iter()
        .map(|labels| (0..labels.len()).filter(|&a| !labels[a].is_empty()).collect())
        .collect();
    items.iter_mut().for_each(|labels| labels.retain(|items| !items.is_empty()));
    let alive = Alive { labels, items };
    let sets = scaled.into_iter().map(|m| Multipliers::new(compact, m, order, &alive)).collect();
    (alive, sets)
}

impl Multipliers {
    fn new(
        compact: &ReducedProblem,
        multipliers: Vec<f64>,
        order: &[usize],
        alive: &Alive,
    ) -> Self {
        let credit: f64 = multipliers.iter().zip(&compact.limits).map(|(m, l)| m * l).sum();
        let mut values = Vec::new();
        for &place in order {
            for items in &alive.items[place] {
                let own = items
                    .iter()
                    .map(|&item| compact.places[place].reduced_value(item, &multipliers));
                values.push(own.fold(f64::NEG_INFINITY, f64::max));
            }
        }
        Self { credit: credit + compact.rounding(credit), multipliers, values }
    }
}

/// Reduced-cost fixing: drops the items with which the bound falls below the incumbent.
fn fix(
    compact: &ReducedProblem,
    dual: &Dual,
    multipliers: &[f64],
    incumbent: &Incumbent,
    items: &mut [Vec<Vec<usize>>],
) {
    let credit: f64 = multipliers.iter().zip(&compact.limits).map(|(m, l)| m * l).sum();
    let hopes: Vec<Vec<(f64, f64)>> = compact
        .places
        .iter()
        .enumerate()
        .map(|(i, place)| {
            let values = place.label_values(multipliers).into_iter().enumerate();
            let all = compact.pairs.neighbours(i);
            values.map(|(a, v)| (v, v + dual.share(i, a, all.iter().copied()))).collect()
        })
        .collect();
    let best: Vec<f64> = hopes
        .iter()
        .map(|labels| labels.iter().map(|l| l.1).fold(f64::NEG_INFINITY, f64::max))
        .collect();
    let root = credit + compact.rounding(credit) + best.iter().sum::<f64>();
    for (i, labels) in items.iter_mut().enumerate() {
        for (a, items) in labels.iter_mut().enumerate() {
            let (value, hope) = hopes[i][a];
            let with_label = root - best[i] + hope;
            items.retain(|&item| {
                let own = compact.places[i].reduced_value(item, multipliers);
                incumbent.verdict(with_label - (value - own)) != BoundVerdict::Worse
            });
        }
    }
}

/// The places in the order in which the search fixes them: those tied by second places first,
/// then those with labels to choose from.
pub fn order(compact: &ReducedProblem) -> Vec<usize> {
    let tied = |place: usize| {
        let labels = &compact.places[place].labels;
        labels.iter().any(|l| matches!(l.kind, LabelKind::Both(_) | LabelKind::Twin(_)))
    };
    let mut order: Vec<usize> = (0..compact.places.len()).collect();
    order.sort_by_key(|&p| (!tied(p), compact.places[p].labels.len() == 1, p));
    order
}
