//! Seeded random draws from shapes that the sample generator needs.
//!
//! Only additions, multiplications and divisions of f64 here: those give the same bits on every
//! machine, which the logarithms and sines of a mathematical library don't promise.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One stream of draws.
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// Streams of one seed are independent of each other.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in low..high.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0..count; 0 for none.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// About normal, mean 0, deviation 1, within ±6: the sum of twelve uniform draws, less 6.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// About log-normal: `median · e^(spread · normal)`.
    pub(crate) fn log_normal(&mut self, median: f64, spread: f64) -> f64 {
        median * exp(spread * self.normal())
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    /// `count` different items, in the order of the list.
    pub(crate) fn some(&mut self, list: &[&str], count: usize) -> Vec<String> {
        let mut left = count.min(list.len());
        let mut chosen = Vec::with_capacity(left);
        for (i, item) in list.iter().enumerate() {
            // Selection sampling (Knuth, The Art of Computer Programming 2, algorithm S).
            if self.below(list.len() - i) < left {
                chosen.push((*item).to_owned());
                left -= 1;
            }
        }
        chosen
    }
}

/// e^x to about 1 % for |x| ≤ 4: (1 + x/1024)^1024.
fn exp(x: f64) -> f64 {
    let mut power = 1.0 + x / 1024.0;
    for _ in 0..10 {
        power *= power;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_keep_to_their_shapes() {
        let mut draws = Draws::new(1, 2);
        let mut sizes: Vec<f64> = (0..4_001).map(|_| draws.log_normal(100.0, 0.5)).collect();
        sizes.sort_by(f64::total_cmp);
        assert!((90.0..110.0).contains(&sizes[2_000]), "{}", sizes[2_000]);
        assert!((150.0..180.0).contains(&sizes[3_366]), "one deviation: {}", sizes[3_366]);
        for count in 0..4 {
            assert_eq!(draws.some(&["a", "b", "c"], count).len(), count);
        }
        assert_ne!(Draws::new(1, 2).unit(), Draws::new(1, 3).unit());
    }
}
