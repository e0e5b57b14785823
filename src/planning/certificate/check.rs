//! Checks a certificate against its problem, without anything of the search that made it.
//!
//! Every kind's messages are held against the pair values, the maxima are taken over all
//! candidates, and every combination that the maxima do not exclude is evaluated by the problem's
//! own words. Only the walk over the kinds needs care to be fast; it prunes by the very bound
//! that it checks.

use super::{
    Certificate, Evidence, Identity, Kind, Partners, Stands, identities, identity, pair_value,
    samples, together,
    walk::{Steps, Walk},
};
use crate::problem::{CategoryIndex, Combination, Problem, no_goods::NoGoods};

/// Steps of one check: some seconds. Beyond, the bound is checked and the rest stays open.
pub const CHECK_STEPS: u64 = 20_000_000;
/// Share of the scale that rounding may make of a sum.
const ROUNDING: f64 = 1e-12;
/// Relative slack of a limit whose uses are not whole numbers.
const LIMIT_TOLERANCE: f64 = 1e-9;
/// Rounds of dropping candidates that fit beside no other.
const FIT_TURNS: usize = 3;

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// By strategy.
    pub strategies: Vec<CheckedStrategy>,
    /// Combinations of the problem, feasible or not.
    pub combinations: f64,
    /// Combinations evaluated one by one, over all strategies; all others are excluded by the
    /// maxima, the limits or the forbidden pairs.
    pub examined: u64,
    /// The certificate's `excluding` prices show that nothing keeps the limits; no combination had
    /// to be looked at.
    pub excluded: bool,
    /// False: the steps did not suffice to close the gap between the maxima's bound and
    /// `best_possible`, so only the former is checked.
    pub complete: bool,
}

/// One strategy's bound, from the main multipliers.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedStrategy {
    /// Value per unit of each limit.
    pub multipliers: Vec<f64>,
    /// By category: the most of value − multipliers·use + messages, of whom fits at all.
    pub maxima: Vec<f64>,
    /// multipliers·limits + Σ maxima: no feasible combination is worth more.
    pub bound: f64,
    /// By category: candidates that can be in something better than `best_possible`.
    pub open: Vec<usize>,
}

/// Checks that no feasible combination which isn't refused is worth more than `best_possible`.
///
/// # Errors
/// The first thing that is wrong, in words: evidence of another problem, messages that don't
/// cover a pair, or a combination that is worth more.
pub fn check(problem: &Problem, certificate: &Certificate, steps: u64) -> Result<Checked, String> {
    if certificate.evidence.len() != problem.strategies {
        return Err(format!("evidence for {} strategies", certificate.evidence.len()));
    }
    let excluded = match &certificate.excluding {
        Some(prices) => excludes(problem, prices)?,
        None => false,
    };
    let nogoods = NoGoods::new(problem, &certificate.nogoods);
    let rules = (problem, &nogoods);
    let mut walk = Steps::new(steps);
    let mut strategies = Vec::with_capacity(problem.strategies);
    let mut complete = true;
    for (strategy, evidence) in certificate.evidence.iter().enumerate() {
        covers(rules, evidence)?;
        let case = Case::new(rules, certificate, evidence, strategy)?;
        strategies.push(case.summary());
        complete &= excluded || case.exclude(&mut walk)?;
    }
    let sizes = problem.categories.iter();
    let combinations =
        sizes.map(|c| c.candidates.len() as f64 + f64::from(u8::from(!c.required))).product();
    Ok(Checked { strategies, combinations, examined: walk.examined, excluded, complete })
}

/// Whether the cheapest of all places cost more at these prices than the limits do.
///
/// # Errors
/// A price that is missing, negative or no number.
fn excludes(problem: &Problem, prices: &[f64]) -> Result<bool, String> {
    let is_price = |price: &f64| price.is_finite() && *price >= 0.0;
    if prices.len() != problem.limits.len() || !prices.iter().all(is_price) {
        return Err("an excluding price is missing, negative or no number".into());
    }
    let mut least = 0.0;
    for (place, category) in problem.categories.iter().enumerate() {
        let filled = problem
            .categories
            .iter()
            .any(|other| other.candidates.filling().any(|(_, also)| also == place));
        let cost = |usage: &[f64]| prices.iter().zip(usage).map(|(p, u)| p * u).sum::<f64>();
        let cheapest = category.candidates.iter().map(|candidate| cost(&candidate.usage));
        let cheapest = cheapest.fold(f64::INFINITY, f64::min);
        // Nobody uses nothing.
        let nobody = filled || !category.required;
        least += if nobody { cheapest.min(0.0) } else { cheapest };
    }
    let limits = problem.limits.iter().map(|limit| limit + LIMIT_TOLERANCE * limit.abs());
    let paid: f64 = prices.iter().zip(limits).map(|(price, limit)| price * limit).sum();
    Ok(least > paid + ROUNDING * paid.abs())
}

/// Whether the evidence names every kind, and its messages cover every pair of kinds.
fn covers((problem, nogoods): (&Problem, &NoGoods), evidence: &Evidence) -> Result<(), String> {
    let n = problem.categories.len();
    if evidence.kinds.len() != n {
        return Err(format!("kinds for {} of {n} categories", evidence.kinds.len()));
    }
    let dimensions = problem.limits.len();
    let is_price = |price: &f64| price.is_finite() && *price >= 0.0;
    for multipliers in &evidence.multipliers {
        if multipliers.len() != dimensions || !multipliers.iter().all(is_price) {
            return Err("a multiplier is missing, negative or no number".into());
        }
    }
    for (place, kinds) in evidence.kinds.iter().enumerate() {
        let told: Vec<&Identity> = kinds.iter().map(|kind| &kind.identity).collect();
        if told != identities((problem, nogoods), place).iter().collect::<Vec<_>>() {
            return Err(format!("the kinds of category {place} are not those of the problem"));
        }
        let whole = |kind: &Kind| kind.messages.len() == n && kind.messages[place] == 0.0;
        if !kinds.iter().all(whole) {
            return Err(format!("a message of category {place} is missing"));
        }
    }
    let tolerance = ROUNDING * scale(problem);
    for (i, j) in (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))) {
        let of_j = samples((problem, nogoods), j, &evidence.kinds[j]);
        for a in &evidence.kinds[i] {
            for (b, sample) in evidence.kinds[j].iter().zip(&of_j) {
                if !together((i, &a.identity), (j, &b.identity), *sample, nogoods) {
                    continue;
                }
                let value = pair_value(problem, &a.identity, &b.identity);
                if a.messages[j] + b.messages[i] < value - tolerance {
                    return Err(format!("the messages of categories {i} and {j} miss a pair"));
                }
            }
        }
    }
    Ok(())
}

/// No combination's value is larger than this in absolute terms.
fn scale(problem: &Problem) -> f64 {
    let largest =
        |values: &mut dyn Iterator<Item = f64>| values.fold(0.0_f64, |m, v| m.max(v.abs()));
    let own = problem
        .categories
        .iter()
        .map(|category| largest(&mut category.candidates.iter().flat_map(|x| x.value)));
    let n = problem.categories.len() as f64;
    let pair = largest(&mut problem.pair_value.iter().flatten().copied());
    own.sum::<f64>() + pair * n * (n - 1.0) / 2.0
}

/// What stands in a place.
#[derive(Clone)]
pub(crate) struct Item {
    pub candidate: Option<u32>,
    pub value: f64,
    pub usage: Vec<f64>,
    pub kind: usize,
}

/// One strategy of the problem with its evidence.
pub(crate) struct Case<'a> {
    pub problem: &'a Problem,
    /// The problem's and the certificate's.
    pub nogoods: &'a NoGoods,
    certificate: &'a Certificate,
    pub evidence: &'a Evidence,
    strategy: usize,
    pub limits: Vec<f64>,
    /// By place: who fits at all.
    pub items: Vec<Vec<Item>>,
    /// By place and kind: a candidate of it.
    pub samples: Vec<Vec<Option<u32>>>,
    /// What must be exceeded to disprove the claim.
    pub claim: f64,
}

impl<'a> Case<'a> {
    fn new(
        (problem, nogoods): (&'a Problem, &'a NoGoods),
        certificate: &'a Certificate,
        evidence: &'a Evidence,
        strategy: usize,
    ) -> Result<Self, String> {
        let n = problem.categories.len();
        let partners = Partners::of(problem);
        let mut items = Vec::with_capacity(n);
        for place in 0..n {
            items.push(Self::items_of((problem, nogoods), evidence, &partners, strategy, place)?);
        }
        let limits = problem.limits.iter().map(|limit| limit + LIMIT_TOLERANCE * limit).collect();
        let samples = (0..n).map(|p| samples((problem, nogoods), p, &evidence.kinds[p])).collect();
        let claim = certificate.best_possible + ROUNDING * scale(problem).max(1.0);
        let mut case = Self {
            problem,
            nogoods,
            certificate,
            evidence,
            strategy,
            limits,
            items,
            samples,
            claim,
        };
        for _ in 0..FIT_TURNS {
            case.drop_unfit();
        }
        Ok(case)
    }

    fn items_of(
        (problem, nogoods): (&Problem, &NoGoods),
        evidence: &Evidence,
        partners: &Partners,
        strategy: usize,
        place: CategoryIndex,
    ) -> Result<Vec<Item>, String> {
        let kinds = &evidence.kinds[place];
        let mut items = Vec::new();
        for (x, candidate) in problem.categories[place].candidates.iter().enumerate() {
            if nogoods.rule_out((place, x as u32)) {
                continue;
            }
            let identity = identity(&candidate, (place, x as u32), partners, nogoods);
            let kind = kinds.binary_search_by(|kind| kind.identity.cmp(&identity));
            let kind = kind.map_err(|_| format!("candidate {x} of {place} has no kind"))?;
            let (value, usage) = (candidate.value[strategy], candidate.usage);
            items.push(Item { candidate: Some(x as u32), value, usage, kind });
        }
        let nobody = |stands: Stands| matches!(stands, Stands::FilledFrom(_) | Stands::Empty);
        for (kind, _) in kinds.iter().enumerate().filter(|(_, k)| nobody(k.identity.stands)) {
            let usage = vec![0.0; problem.limits.len()];
            items.push(Item { candidate: None, value: 0.0, usage, kind });
        }
        Ok(items)
    }

    /// Drops who exceeds a limit even beside the cheapest of all other places.
    fn drop_unfit(&mut self) {
        let dimensions = self.limits.len();
        let least: Vec<Vec<f64>> =
            self.items.iter().map(|items| least_use(items, dimensions)).collect();
        for d in 0..dimensions {
            let all: f64 = least.iter().map(|least| least[d]).sum();
            for (place, items) in self.items.iter_mut().enumerate() {
                let others = all - least[place][d];
                let spare = self.limits[d] - others + LIMIT_TOLERANCE * self.limits[d].abs();
                items.retain(|item| item.usage[d] <= spare);
            }
        }
    }

    /// An item's value less the price of its use, with its kind's messages.
    pub(crate) fn worth(&self, place: usize, item: &Item, multipliers: &[f64]) -> f64 {
        let price: f64 = multipliers.iter().zip(&item.usage).map(|(m, u)| m * u).sum();
        let kind = &self.evidence.kinds[place][item.kind];
        item.value - price + kind.messages.iter().sum::<f64>()
    }

    fn summary(&self) -> CheckedStrategy {
        let multipliers = self.evidence.multipliers[0].clone();
        let worth = |(place, items): (usize, &Vec<Item>)| {
            items.iter().map(|item| self.worth(place, item, &multipliers)).collect::<Vec<f64>>()
        };
        let worth: Vec<Vec<f64>> = self.items.iter().enumerate().map(worth).collect();
        let most = |w: &Vec<f64>| w.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let maxima: Vec<f64> = worth.iter().map(most).collect();
        let credit: f64 = multipliers.iter().zip(&self.limits).map(|(m, l)| m * l).sum();
        let bound = credit + maxima.iter().sum::<f64>();
        let open = |(worth, most): (&Vec<f64>, &f64)| {
            worth.iter().filter(|&&w| bound - most + w > self.claim).count()
        };
        let open = worth.iter().zip(&maxima).map(open).collect();
        CheckedStrategy { multipliers, maxima, bound, open }
    }

    /// Evaluates every combination that isn't excluded; false where the steps ran out.
    fn exclude(&self, steps: &mut Steps) -> Result<bool, String> {
        if self.items.iter().any(Vec::is_empty) {
            return Ok(true);
        }
        Walk::new(self).run(steps)
    }

    /// The value of a complete choice; `None` where it isn't feasible or was refused.
    pub(crate) fn value(&self, chosen: &Combination) -> Option<f64> {
        let n = self.problem.categories.len();
        let mut places: Vec<Option<u32>> = vec![None; n];
        let mut used = vec![0.0; self.limits.len()];
        let mut value = 0.0;
        for (place, x) in chosen.iter().enumerate() {
            let Some(x) = x else { continue };
            let candidates = &self.problem.categories[place].candidates;
            value += candidates.value(*x, self.strategy);
            used.iter_mut().zip(candidates.usage(*x)).for_each(|(sum, own)| *sum += own);
            for place in [Some(place), candidates.also_fills(*x)].into_iter().flatten() {
                if places[place].replace(candidates.signature(*x)).is_some() {
                    return None;
                }
            }
        }
        let missing = |(category, place): (&crate::problem::ProblemCategory, &Option<u32>)| {
            category.required && place.is_none()
        };
        if self.problem.categories.iter().zip(&places).any(missing)
            || used.iter().zip(&self.limits).any(|(used, limit)| used > limit)
            || self.certificate.refused.binary_search(chosen).is_ok()
            || self.nogoods.cut(chosen)
        {
            return None;
        }
        let holds = |&(place, x): &(usize, u32)| chosen[place] == Some(x);
        if self.problem.forbidden_pairs.iter().any(|pair| pair.iter().all(holds)) {
            return None;
        }
        for (i, a) in places.iter().enumerate() {
            for b in &places[i + 1..] {
                if let (Some(a), Some(b)) = (a, b) {
                    value += self.problem.pair_value[*a as usize][*b as usize];
                }
            }
        }
        Some(value)
    }
}

pub(crate) fn least_use(items: &[Item], dimensions: usize) -> Vec<f64> {
    let mut least = vec![f64::INFINITY; dimensions];
    for item in items {
        least.iter_mut().zip(&item.usage).for_each(|(least, own)| *least = least.min(*own));
    }
    least
}
