//! A solution against the problem's text.

use crate::problem::{
    Problem, Solution,
    score::{Scorer, chosen_candidates, occupants},
};

/// Checks a solution by the problem's text alone: one candidate per required and at most one per
/// optional category, nobody displaced, limits, forbidden pairs, value and use as stated.
///
/// # Errors
/// The first rule that it breaks, in words.
pub fn check(problem: &Problem, solution: &Solution) -> Result<(), String> {
    let chosen = &solution.chosen;
    if chosen.len() != problem.categories.len() {
        return Err(format!("{} places for {} categories", chosen.len(), problem.categories.len()));
    }
    for (category, candidate) in chosen_candidates(chosen) {
        if candidate as usize >= problem.categories[category].candidates.len() {
            return Err(format!("category {category} has no candidate {candidate}"));
        }
    }
    let Some(places) = occupants(problem, chosen) else {
        return Err("two candidates stand in one place".into());
    };
    for (category, place) in places.iter().enumerate() {
        if problem.categories[category].required && place.is_none() {
            return Err(format!("required category {category} is empty"));
        }
    }
    let scorer = Scorer::new(problem);
    if scorer.holds_forbidden_pair(chosen) {
        return Err("it holds a forbidden pair".into());
    }
    if problem.nogoods.iter().any(|nogood| nogood.cuts(chosen)) {
        return Err("it holds a no-good".into());
    }
    let usage = scorer.usage(chosen);
    if !scorer.within_limits(&usage) {
        return Err(format!("use {usage:?} exceeds the limits {:?}", problem.limits));
    }
    if usage != solution.usage {
        return Err(format!("use is {usage:?}, not {:?}", solution.usage));
    }
    let (_, best) = scorer.best_strategy(&places);
    if solution.strategy >= problem.strategies
        || scorer.value(&places, solution.strategy) != solution.value
        || best != solution.value
    {
        return Err(format!("value is {best}, not {}", solution.value));
    }
    Ok(())
}
