//! The proof: the problem reduced, its bound, and branch and bound over what is left.

pub mod bound;
pub(crate) mod branch_and_bound;
pub(crate) mod fitting;
pub(crate) mod fitting_swaps;
pub(crate) mod incumbent;
pub mod knapsack;
pub mod labels;
pub mod multipliers;
pub mod pairs;
pub(crate) mod reduced_problem;
pub mod reduction;
