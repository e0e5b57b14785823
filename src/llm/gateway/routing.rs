//! Which endpoint is asked first. Those with a weight share the requests by a weighted hash, so
//! that the same request goes to the same server (and finds its prompt cache); stand-bys follow
//! in the order written.

use crate::endpoint::{Endpoint, key::CacheKey};

/// The indices of all endpoints in the order in which to try them. `key` is asked for only where
/// it matters.
pub(crate) fn order(endpoints: &[Endpoint], key: impl FnOnce() -> CacheKey) -> Vec<usize> {
    let weighted = endpoints.iter().filter(|endpoint| endpoint.settings.weight > 0).count();
    if weighted < 2 {
        let mut order: Vec<usize> = (0..endpoints.len()).collect();
        order.sort_by_key(|index| endpoints[*index].settings.weight == 0);
        return order;
    }
    let key = key();
    let named: Vec<(&str, u32)> = endpoints
        .iter()
        .map(|endpoint| (endpoint.settings.name.as_str(), endpoint.settings.weight))
        .collect();
    by_weight(&named, &key)
}

/// Weighted rendezvous hashing: each endpoint draws `-ln(u) / weight` with u hashed out of key
/// and name; the smallest comes first, which happens in proportion to the weights.
fn by_weight(endpoints: &[(&str, u32)], key: &CacheKey) -> Vec<usize> {
    let mut drawn: Vec<(f64, usize)> = endpoints
        .iter()
        .enumerate()
        .map(|(index, (name, weight))| match weight {
            0 => (f64::INFINITY, index),
            weight => (-uniform(name, key).ln() / f64::from(*weight), index),
        })
        .collect();
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    drawn.into_iter().map(|(_, index)| index).collect()
}

/// A number in (0, 1) out of key and name.
fn uniform(name: &str, key: &CacheKey) -> f64 {
    let digest = blake3::keyed_hash(&key.0, name.as_bytes());
    let mut head = [0_u8; 8];
    head.copy_from_slice(&digest.as_bytes()[..8]);
    ((u64::from_le_bytes(head) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_tries_follow_the_weights_and_stand_bys_come_last() {
        let endpoints = [("spare", 0), ("big", 3), ("small", 1), ("last", 0)];
        let mut firsts = [0_u32; 4];
        for number in 0..4_000_u32 {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&number.to_le_bytes());
            let order = by_weight(&endpoints, &CacheKey(bytes));
            assert_eq!(order[2..], [0, 3], "stand-bys in the order written");
            assert_eq!(order, by_weight(&endpoints, &CacheKey(bytes)));
            firsts[order[0]] += 1;
        }
        assert!((2_850..3_150).contains(&firsts[1]), "{firsts:?}");
    }
}
