//! The proof: the problem reduced, its bound, and branch and bound over what is left.

pub mod bound;
pub mod branch_and_bound;
pub(crate) mod fitting;
pub(crate) mod fitting_swaps;
pub mod incumbent;
pub mod knapsack;
pub mod labels;
pub mod multipliers;
pub mod pairs;
pub mod reduced_problem;
pub mod reduction;
