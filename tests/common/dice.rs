//! Small random numbers from a seed, the same on every machine: shrinking a case shrinks its seed,
//! not its structure.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `n`, which is not 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    /// One in `n`.
    pub fn hit(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// Of [0, 1), with so many bits, of 52 at most: sums of few bits are the same in any order.
    pub fn unit(&mut self, bits: u32) -> f64 {
        let parts = 1_u64 << bits;
        self.below(parts) as f64 / parts as f64
    }
}
