//! Synthetic events: eight categories, sixteen signatures (four areas, four styles), prices that
//! follow quality, fitness as the planner computes it.

use planning::problem::{Candidate, Problem, ProblemCategory};

use crate::dice::Dice;

/// Minor units.
const BUDGET: f64 = 80_000_000.0;
const SHARES: [f64; 8] = [0.30, 0.30, 0.10, 0.05, 0.06, 0.07, 0.08, 0.04];
const AREAS: usize = 4;
const STYLES: usize = 4;

/// What an event is like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// In all categories together.
    pub candidates: usize,
    /// Typical prices as a multiple of what the budget allows: 1 just fits, 1.6 is tight.
    pub tightness: f64,
    pub strategies: usize,
    /// Share of the venues that cater themselves.
    pub in_house: f64,
    pub limits: usize,
    pub areas: usize,
    pub styles: usize,
}

impl Shape {
    pub const fn of(candidates: usize, tightness: f64) -> Self {
        Self {
            candidates,
            tightness,
            strategies: 1,
            in_house: 0.0,
            limits: 1,
            areas: AREAS,
            styles: STYLES,
        }
    }
}

/// The same event for the same seed, on any machine.
pub fn event(shape: Shape, seed: u64) -> Problem {
    let n = SHARES.len();
    event_with(shape, &vec![shape.candidates / n; n], &SHARES, seed)
}

/// An event of the given categories: candidates and budget share of each.
pub fn event_with(shape: Shape, counts: &[usize], shares: &[f64], seed: u64) -> Problem {
    let mut dice = Dice(seed ^ 0x5eed);
    let n = counts.len();
    let signatures = shape.areas * shape.styles;
    let near: Vec<Vec<f64>> = areas(&mut dice, shape.areas);
    let pairs = (n * (n - 1) / 2) as f64;
    let pair_value = (0..signatures)
        .map(|a| {
            let pair = |b: usize| {
                let nearness = near[a / shape.styles][b / shape.styles];
                let harmony = f64::from(u8::from(a % shape.styles == b % shape.styles));
                0.15 * (0.7 * nearness + 0.3 * harmony) / pairs
            };
            (0..signatures).map(pair).collect()
        })
        .collect();
    let strategies: Vec<Vec<f64>> =
        (0..shape.strategies).map(|s| strategy_shares(&mut dice, shares, s)).collect();
    let categories: Vec<ProblemCategory> = (0..n)
        .map(|c| {
            let own: Vec<f64> = strategies.iter().map(|shares| shares[c]).collect();
            let catering = (c == 0 && n > 1).then(|| (shares[1], shape.in_house));
            let one = |_| vendor(&mut dice, shape, shares[c], &own, n as f64, catering);
            ProblemCategory { required: true, candidates: (0..counts[c]).map(one).collect() }
        })
        .collect();
    let mut limits = vec![BUDGET];
    limits.extend((1..shape.limits).map(|_| 1_000.0));
    Problem {
        strategies: shape.strategies,
        categories,
        limits,
        pair_value,
        forbidden_pairs: Vec::new(),
        nogoods: Vec::new(),
        options: 3,
        min_difference: 2,
    }
}

fn vendor(
    dice: &mut Dice,
    shape: Shape,
    share: f64,
    shares: &[f64],
    n: f64,
    catering: Option<(f64, f64)>,
) -> Candidate {
    let quality = unit(dice);
    let price = |dice: &mut Dice, share: f64| {
        let level = (0.35 * normal(dice)).exp() * (0.4 + 1.2 * quality);
        (BUDGET * share * shape.tightness * level).round()
    };
    let own = price(dice, share);
    let second = catering
        .filter(|&(_, in_house)| unit(dice) < in_house)
        .map(|(caterer, _)| (price(dice, caterer), caterer));
    // Never quite 0 or 1, so that there is always something better to pay for.
    let preference = 1.0 / (1.0 + (-3.0 * (quality - 0.5) - 0.7 * normal(dice)).exp());
    let fit = |price: f64, share: f64| {
        let x = price / (BUDGET * share);
        0.4 * share * (1.0 - 2.0 * (x - 1.0).max(0.0)).max(0.0)
    };
    let value = shares.iter().map(|&s| {
        let food = second.map_or(0.0, |(price, share)| fit(price, share) + 0.45 * preference / n);
        fit(own, s) + 0.45 * preference / n + food
    });
    let total = own + second.map_or(0.0, |(price, _)| price);
    let mut usage = vec![total];
    usage.extend((1..shape.limits).map(|_| {
        (1_000.0 / n * shape.tightness * (0.4 + 1.2 * unit(dice)) * (0.5 + quality)).round()
    }));
    Candidate {
        value: value.collect(),
        usage,
        signature: dice.below((shape.areas * shape.styles) as u64) as u32,
        also_fills: second.map(|_| 1),
        same_as: None,
    }
}

fn areas(dice: &mut Dice, count: usize) -> Vec<Vec<f64>> {
    let at: Vec<(f64, f64)> = (0..count).map(|_| (40.0 * unit(dice), 40.0 * unit(dice))).collect();
    let near = |a: (f64, f64), b: (f64, f64)| (1.0 - (a.0 - b.0).hypot(a.1 - b.1) / 50.0).max(0.0);
    at.iter().map(|&a| at.iter().map(|&b| near(a, b)).collect()).collect()
}

fn strategy_shares(dice: &mut Dice, base: &[f64], strategy: usize) -> Vec<f64> {
    let factor = |dice: &mut Dice| if strategy == 0 { 1.0 } else { 0.6 + 0.8 * unit(dice) };
    let raw: Vec<f64> = base.iter().map(|share| share * factor(dice)).collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|share| share / sum).collect()
}

fn unit(dice: &mut Dice) -> f64 {
    (dice.roll() >> 11) as f64 / (1u64 << 53) as f64
}

/// Nearly normal: the sum of twelve uniform numbers.
fn normal(dice: &mut Dice) -> f64 {
    (0..12).map(|_| unit(dice)).sum::<f64>() - 6.0
}
