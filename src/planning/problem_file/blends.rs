//! Signatures that stand for two others at once: what a blend is worth beside anybody is the mean of
//! what the two are.

use std::collections::BTreeMap;

use super::bounds::SIGNATURES_MAX;

/// The new signatures of a table of pair values.
pub(crate) struct Blends {
    /// Signatures of the table itself.
    old: usize,
    /// By new signature: the two that it stands for.
    parts: Vec<[u32; 2]>,
    known: BTreeMap<[u32; 2], u32>,
}

impl Blends {
    /// `old`: rows of the table.
    pub(crate) fn new(old: usize) -> Self {
        Self { old, parts: Vec::new(), known: BTreeMap::new() }
    }

    /// The signature of two, the smaller first; `None` where there are too many.
    pub(crate) fn signature(&mut self, parts: [u32; 2]) -> Option<u32> {
        if let Some(&known) = self.known.get(&parts) {
            return Some(known);
        }
        let next = self.old + self.parts.len();
        // One more may be needed for nobody.
        if next + 1 >= SIGNATURES_MAX {
            return None;
        }
        self.parts.push(parts);
        self.known.insert(parts, next as u32);
        Some(next as u32)
    }

    /// The table with the new signatures behind its own.
    pub(crate) fn table(&self, table: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let all = self.old + self.parts.len();
        let parts = |u: usize| match u.checked_sub(self.old) {
            Some(new) => self.parts[new].map(|part| part as usize),
            None => [u; 2],
        };
        let value = |u: usize, v: usize| {
            // Both halves of the table are the same sums, added in one order.
            let ([s, t], [x, y]) = (parts(u.max(v)), parts(u.min(v)));
            if u.max(v) < self.old {
                table[u][v]
            } else {
                ((table[s][x] + table[t][x]) / 2.0 + (table[s][y] + table[t][y]) / 2.0) / 2.0
            }
        };
        (0..all).map(|u| (0..all).map(|v| value(u, v)).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blend_is_worth_the_mean_and_their_number_is_bounded() {
        let mut blends = Blends::new(2);
        assert_eq!((blends.signature([0, 1]), blends.signature([0, 1])), (Some(2), Some(2)));
        let table = blends.table(&[vec![1.0, 2.0], vec![2.0, 4.0]]);
        assert_eq!(table, [[1.0, 2.0, 1.5], [2.0, 4.0, 3.0], [1.5, 3.0, 2.25]]);
        let mut full = Blends::new(SIGNATURES_MAX - 2);
        assert!(full.signature([0, 1]).is_some() && full.signature([0, 2]).is_none());
        assert!(full.signature([0, 1]).is_some());
    }
}
