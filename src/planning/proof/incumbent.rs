//! What a proof looks for and what it has: the goal, the incumbent, and the nodes to spend.

use std::cell::RefCell;

use crate::problem::{Combination, diversity::Placed, score::Scorer};
use model::StopReason;

/// Nodes between two looks at the caller's clock: well below a millisecond, so that a deadline is
/// kept and asking costs nothing.
const POLL_NODES: u64 = 1024;

/// The best that differs from all of `others` in `least` places.
#[derive(Clone, Copy)]
pub(crate) struct Goal<'a> {
    pub others: &'a [Placed],
    pub least: usize,
}

/// The nodes of one proof phase, over all of its searches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PhaseNodes {
    left: u64,
    until_poll: u64,
    /// Those before the last poll.
    spent: u64,
    ended: Option<StopReason>,
}

impl PhaseNodes {
    pub(crate) fn new(nodes: u64) -> Self {
        Self { left: nodes, until_poll: POLL_NODES, spent: 0, ended: None }
    }

    /// These with half of what is left, and the other half.
    pub(crate) fn halves(&self) -> (Self, u64) {
        let half = self.left / 2;
        (Self { left: self.left - half, ..*self }, half)
    }

    /// With these nodes too, unless the caller has ended the work.
    pub(crate) fn with(self, nodes: u64) -> Self {
        let left = if self.ended.is_some() { 0 } else { self.left + nodes };
        Self { left, ..self }
    }

    /// The caller's reason, once it has ended the work.
    pub(crate) fn ended(&self) -> Option<StopReason> {
        self.ended
    }

    /// Nodes spent so far, in steps of a poll.
    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }
}

/// What remains to be spent, and who may end it.
pub(crate) struct NodeBudget<'a> {
    phase_nodes: &'a mut PhaseNodes,
    /// Given the nodes spent so far.
    poll: &'a mut dyn FnMut(u64) -> Option<StopReason>,
}

impl<'a> NodeBudget<'a> {
    pub(crate) fn new(
        phase_nodes: &'a mut PhaseNodes,
        poll: &'a mut dyn FnMut(u64) -> Option<StopReason>,
    ) -> Self {
        Self { phase_nodes, poll }
    }

    /// Takes nodes; false once they are spent or the caller has ended it.
    pub(crate) fn spend(&mut self, nodes: u64) -> bool {
        let phase_nodes = &mut *self.phase_nodes;
        if phase_nodes.left < nodes || phase_nodes.ended.is_some() {
            phase_nodes.left = 0;
            return false;
        }
        phase_nodes.left -= nodes;
        if phase_nodes.until_poll > nodes {
            phase_nodes.until_poll -= nodes;
        } else {
            phase_nodes.spent += POLL_NODES.max(nodes);
            phase_nodes.until_poll = POLL_NODES;
            phase_nodes.ended = (self.poll)(phase_nodes.spent);
        }
        phase_nodes.ended.is_none()
    }

    pub(crate) fn left(&self) -> u64 {
        self.phase_nodes.left
    }
}

/// The incumbent, and what can still beat it.
pub(crate) struct Incumbent<'a, 'p> {
    pub scorer: &'a Scorer<'p>,
    best: Option<Placed>,
    key: f64,
    first_use: f64,
    /// Covers the rounding of sums.
    slack: f64,
    /// Where others can see the incumbent.
    board: Option<&'a RefCell<Option<Placed>>>,
}

/// How an upper bound compares with the incumbent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BoundVerdict {
    Worse,
    /// Can tie in value at best.
    Tie,
    Better,
}

impl<'a, 'p> Incumbent<'a, 'p> {
    pub(crate) fn new(scorer: &'a Scorer<'p>, best: Option<Placed>) -> Self {
        let terms = scorer.problem().categories.len() as f64;
        let slack = (0.02 * scorer.step()).max(terms * f64::EPSILON * scorer.scale());
        let mut incumbent =
            Self { scorer, best: None, key: f64::NEG_INFINITY, first_use: 0.0, slack, board: None };
        if let Some(best) = best {
            incumbent.replace(best);
        }
        incumbent
    }

    pub(crate) fn best(&self) -> Option<&Placed> {
        self.best.as_ref()
    }

    pub(crate) fn into_best(self) -> Option<Placed> {
        self.best
    }

    /// Shows the incumbent there, now and whenever it is replaced.
    pub(crate) fn shown_on(mut self, board: &'a RefCell<Option<Placed>>) -> Self {
        board.replace(self.best.clone());
        self.board = Some(board);
        self
    }

    pub(crate) fn replace(&mut self, placed: Placed) {
        if let Some(board) = self.board {
            board.replace(Some(placed.clone()));
        }
        self.key = self.scorer.key(placed.solution.value);
        self.first_use = placed.solution.usage.first().copied().unwrap_or(0.0);
        self.best = Some(placed);
    }

    /// The incumbent's use of the first limit.
    pub(crate) fn first_use(&self) -> f64 {
        self.first_use
    }

    /// How the incumbent compares with what has no value above `bound`.
    pub(crate) fn verdict(&self, bound: f64) -> BoundVerdict {
        // Far from a tie, which is nearly always, no rounding is needed.
        let key = self.scorer.key(bound + self.slack);
        if key > self.key {
            BoundVerdict::Better
        } else if key == self.key {
            BoundVerdict::Tie
        } else {
            BoundVerdict::Worse
        }
    }

    /// Whether a combination no smaller than `least` in order can win a tie in value and use.
    pub(crate) fn loses_order(&self, least: &Combination) -> bool {
        self.best.as_ref().is_some_and(|best| *least >= best.solution.chosen)
    }
}
