//! The cheapest choice from lists, one of each, that a check accepts.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

/// Partial choices that are looked at, try by try: between two tries the lists that stood in each
/// other's way come to the front. Fourfold each time: a bad order costs little, and all tries
/// together a third more than the last.
const TRIES: [u32; 4] = [256, 1_024, 4_096, 16_384];

/// A member of a choice: list and rank in it.
pub(crate) type Member = (usize, usize);

/// Whether members can stand together; `None`: nobody can be asked any more. Whoever accepts a
/// choice accepts every part of it.
pub(crate) type Accepts<'f> = dyn FnMut(&[Member]) -> Option<bool> + 'f;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// The rank per list, and its cost.
    Found(i64, Vec<usize>),
    /// Proven: none that costs less than asked.
    None,
    /// Neither found nor ruled out within the bound.
    Unknown,
}

/// The cheapest choice below `below`. `costs`: per list, ascending. Best first over partial
/// choices; from every refusal a smallest refused part is kept, which cuts off all that hold it.
pub(crate) fn cheapest_fit(costs: &[Vec<i64>], below: i64, accepts: &mut Accepts<'_>) -> Fit {
    if costs.iter().any(Vec::is_empty) {
        return Fit::None;
    }
    let mut order: Vec<usize> = (0..costs.len()).collect();
    let mut learned = Learned { parts: BTreeMap::new(), weights: vec![0; costs.len()] };
    for nodes in TRIES {
        match walk(costs, below, &order, nodes, &mut learned, accepts) {
            Walk::Ended(fit) => return fit,
            Walk::OutOfNodes => {}
        }
        order.sort_by_key(|&list| (Reverse(learned.weights[list]), list));
    }
    Fit::Unknown
}

enum Walk {
    Ended(Fit),
    OutOfNodes,
}

fn walk(
    costs: &[Vec<i64>],
    below: i64,
    order: &[usize],
    nodes: u32,
    learned: &mut Learned,
    accepts: &mut Accepts<'_>,
) -> Walk {
    // The least that the lists from a depth on add.
    let mut rest = vec![0_i64; order.len() + 1];
    for depth in (0..order.len()).rev() {
        rest[depth] = rest[depth + 1].saturating_add(costs[order[depth]][0]);
    }
    let bound = |ranks: &[usize]| {
        let taken = order.iter().zip(ranks).map(|(&list, &rank)| costs[list][rank]);
        taken.fold(rest[ranks.len()], i64::saturating_add)
    };
    // Of two as cheap the longer one.
    let node = |ranks: Vec<usize>| Reverse((bound(&ranks), order.len() - ranks.len(), ranks));
    let mut queue = BinaryHeap::from([node(Vec::new())]);
    for _ in 0..nodes {
        let Some(Reverse((cost, left, ranks))) = queue.pop() else { return Walk::Ended(Fit::None) };
        if cost >= below {
            return Walk::Ended(Fit::None);
        }
        if let Some((&rank, others)) = ranks.split_last()
            && rank + 1 < costs[order[ranks.len() - 1]].len()
        {
            queue.push(node([others, &[rank + 1]].concat()));
        }
        let members: Vec<Member> = order.iter().copied().zip(ranks.iter().copied()).collect();
        if learned.forbids(&members) {
            continue;
        }
        match accepts(&members) {
            None => return Walk::Ended(Fit::Unknown),
            Some(false) => {
                if !learned.learn(members, accepts) {
                    return Walk::Ended(Fit::Unknown);
                }
            }
            Some(true) if left == 0 => {
                let mut found = vec![0; order.len()];
                members.into_iter().for_each(|(list, rank)| found[list] = rank);
                return Walk::Ended(Fit::Found(cost, found));
            }
            Some(true) => queue.push(node([&ranks[..], &[0]].concat())),
        }
    }
    if queue.is_empty() { Walk::Ended(Fit::None) } else { Walk::OutOfNodes }
}

/// Refused parts, none of which can be made smaller.
struct Learned {
    /// By each of their members.
    parts: BTreeMap<Member, Vec<Vec<Member>>>,
    /// How often a list stood in the way.
    weights: Vec<u32>,
}

impl Learned {
    /// Whether a known part holds the last member and is held as a whole: the others were looked
    /// at without it.
    fn forbids(&mut self, members: &[Member]) -> bool {
        let of_last = members.last().and_then(|last| self.parts.get(last));
        let mut parts = of_last.into_iter().flatten();
        let Some(part) = parts.find(|part| part.iter().all(|member| members.contains(member)))
        else {
            return false;
        };
        part.iter().for_each(|&(list, _)| self.weights[list] += 1);
        true
    }

    /// Keeps a smallest refused part of a refused choice; false where nobody can be asked.
    fn learn(&mut self, mut part: Vec<Member>, accepts: &mut Accepts<'_>) -> bool {
        if let Some(last) = part.last().copied().filter(|_| part.len() > 1) {
            match accepts(&[last]) {
                None => return false,
                Some(false) => part = vec![last],
                Some(true) => {}
            }
        }
        let mut place = 0;
        while part.len() > 1 && place < part.len() {
            let mut fewer = part.clone();
            fewer.remove(place);
            match accepts(&fewer) {
                None => return false,
                Some(false) => part = fewer,
                Some(true) => place += 1,
            }
        }
        for &member in &part {
            self.weights[member.0] += 1;
            self.parts.entry(member).or_default().push(part.clone());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All choices.
    fn choices(costs: &[Vec<i64>]) -> Vec<Vec<usize>> {
        costs.iter().fold(vec![vec![]], |all, list| {
            let with = |choice: Vec<usize>| {
                (0..list.len()).map(move |rank| [&choice[..], &[rank]].concat())
            };
            all.into_iter().flat_map(with).collect()
        })
    }

    fn any_costs() -> impl Strategy<Value = Vec<Vec<i64>>> {
        let list = proptest::collection::vec(0_i64..50, 0..5).prop_map(|mut list| {
            list.sort_unstable();
            list
        });
        proptest::collection::vec(list, 1..5)
    }

    proptest! {
        #[test]
        fn it_is_the_cheapest_of_all(
            costs in any_costs(),
            refused in proptest::collection::vec(
                proptest::collection::vec((0_usize..4, 0_usize..5), 1..4), 0..12),
            below in prop_oneof![Just(i64::MAX), 0_i64..150],
        ) {
            let holds = |members: &[Member]| {
                refused.iter().any(|part| part.iter().all(|member| members.contains(member)))
            };
            let cost = |choice: &Vec<usize>| -> i64 {
                choice.iter().zip(&costs).map(|(&rank, list)| list[rank]).sum()
            };
            let members =
                |choice: &Vec<usize>| choice.iter().copied().enumerate().collect::<Vec<_>>();
            let accepted = choices(&costs).into_iter().filter(|c| !holds(&members(c)));
            let best = accepted.map(|choice| cost(&choice)).filter(|cost| *cost < below).min();
            match cheapest_fit(&costs, below, &mut |members| Some(!holds(members))) {
                Fit::Found(total, ranks) => {
                    prop_assert_eq!(Some(total), best);
                    prop_assert_eq!(cost(&ranks), total);
                    prop_assert!(!holds(&members(&ranks)));
                }
                Fit::None => prop_assert_eq!(best, None),
                Fit::Unknown => prop_assert!(false, "small enough to be decided"),
            }
        }
    }

    #[test]
    fn lists_that_clash_come_to_the_front() {
        // Any of the first with any of the last: 60 × 60 × 60 choices, 60 × 60 refusals at most.
        let costs = vec![(0..60).collect::<Vec<i64>>(); 3];
        let mut asked = 0;
        let fit = cheapest_fit(&costs, i64::MAX, &mut |members| {
            asked += 1;
            let holds = |list| members.iter().any(|member| member.0 == list);
            Some(!(holds(0) && holds(2)))
        });
        assert_eq!(fit, Fit::None);
        assert!(asked < 20_000, "{asked}");
        // A list whose members are all refused is found out without the others.
        asked = 0;
        let fit = cheapest_fit(&costs, i64::MAX, &mut |members| {
            asked += 1;
            Some(members.iter().all(|member| member.0 != 2))
        });
        assert_eq!(fit, Fit::None);
        assert!(asked < 1_000, "{asked}");
    }

    #[test]
    fn who_cannot_be_asked_proves_nothing() {
        let costs = vec![vec![1, 2], vec![3]];
        assert_eq!(cheapest_fit(&costs, i64::MAX, &mut |_| None), Fit::Unknown);
    }
}
