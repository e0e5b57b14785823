//! How long the activities of a stretch of time take: the wanted lengths, scaled to fit.

use super::timing::network::Minutes;

/// Bounds and wish for one activity, `least ≤ ideal ≤ most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    pub least: Minutes,
    pub ideal: Minutes,
    pub most: Minutes,
}

/// Times that people like to read.
const STEP: Minutes = 5;
/// Scales are in thousandths; the largest turns the shortest wish into three days.
const SCALE_MAX: Minutes = 2_000_000;

/// Lengths that add up to `total` where the bounds allow it: all wishes scaled by one factor,
/// each kept within its bounds. Where even the least lengths are too long, those; where the
/// longest are too short, those, and time is left over.
pub(super) fn fill(lengths: &[Length], total: Minutes) -> Vec<Minutes> {
    let at_scale = |scale: Minutes| {
        lengths.iter().map(move |length| {
            let scaled = length.ideal * scale / 1_000 / STEP * STEP;
            scaled.clamp(length.least, length.most)
        })
    };
    // The largest scale whose sum still fits.
    let (mut low, mut high) = (0, SCALE_MAX);
    while low < high {
        let middle = (low + high + 1) / 2;
        if at_scale(middle).sum::<Minutes>() <= total { low = middle } else { high = middle - 1 }
    }
    let mut filled: Vec<Minutes> = at_scale(low).collect();
    let mut left = total - filled.iter().sum::<Minutes>();
    // What rounding left over goes to whoever has most room.
    while left > 0 {
        let room = |(i, filled): &(usize, &Minutes)| (lengths[*i].most - **filled, usize::MAX - i);
        let Some((i, _)) = filled.iter().enumerate().max_by_key(room) else { break };
        let given = left.min(lengths[i].most - filled[i]);
        if given <= 0 {
            break;
        }
        filled[i] += given;
        left -= given;
    }
    filled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wishes_are_scaled_within_their_bounds() {
        let length = |least, ideal, most| Length { least, ideal, most };
        let two = [length(10, 30, 60), length(20, 90, 600)];
        for (total, expected) in
            [(120, [30, 90]), (60, [15, 45]), (600, [60, 540]), (20, [10, 20]), (900, [60, 600])]
        {
            assert_eq!(fill(&two, total), expected, "{total}");
        }
        assert!(fill(&[], 30).is_empty());
    }

    proptest! {
        #[test]
        fn lengths_stay_in_bounds_and_add_up(
            raw in prop::collection::vec((1_i64..60, 0_i64..90, 0_i64..400), 0..8), total in 0_i64..2_000,
        ) {
            let lengths: Vec<Length> = raw
                .iter()
                .map(|&(least, more, yet)| Length { least, ideal: least + more, most: least + more + yet })
                .collect();
            let filled = fill(&lengths, total);
            prop_assert!(lengths.iter().zip(&filled).all(|(l, f)| (l.least..=l.most).contains(f)));
            let (least, most) = lengths.iter().fold((0, 0), |s, l| (s.0 + l.least, s.1 + l.most));
            prop_assert_eq!(filled.iter().sum::<i64>(), total.clamp(least, most));
        }
    }
}
