//! A proof as people read it.

use super::{Look, Table};
use wire::{ProofStrategy, ProofView};

/// The bound's ingredients, what they exclude, and what the check says.
pub fn proof_text(proof: &ProofView, look: Look) -> String {
    let mut text = format!(
        "proof of plan {}\nbest possible {}, option 1 {}, proven gap {}\n",
        proof.plan, proof.best_possible, proof.fitness, proof.proven_gap
    );
    for (number, strategy) in proof.strategies.iter().enumerate() {
        text.push_str(&strategy_text(number + 1, strategy, proof, look));
    }
    if let (Some(all), Some(excluded), Some(examined)) =
        (proof.combinations, proof.excluded, proof.examined)
    {
        text.push_str(&format!(
            "\n{} combinations: {} excluded by the bound, the limits and the rules, {examined} \
             evaluated one by one\n",
            count(all),
            count(excluded),
        ));
    }
    if proof.refused > 0 {
        text.push_str(&format!("{} of them were refused by the timeline\n", proof.refused));
    }
    text.push_str(&verdict(proof));
    text
}

fn strategy_text(number: usize, strategy: &ProofStrategy, proof: &ProofView, look: Look) -> String {
    let mut text = format!("\nbudget strategy {number}\n");
    let mut table = Table::new(["", "candidates", "still open", "maximum"]).right([1, 2, 3]);
    for category in &strategy.categories {
        table.row([
            category.name.clone(),
            category.candidates.to_string(),
            category.open.to_string(),
            format!("{:.9}", category.maximum),
        ]);
    }
    text.push_str(&table.render(look));
    for (multiplier, limit) in strategy.multipliers.iter().zip(&proof.limits) {
        let credit = multiplier * limit;
        text.push_str(&format!("multiplier {multiplier:.6e} x limit {limit} = {credit:.9}\n"));
    }
    text.push_str(&format!("bound: the sum of these, {:.9}\n", strategy.bound));
    text
}

fn verdict(proof: &ProofView) -> String {
    match &proof.refuted {
        Some(reason) => format!("REFUTED: {reason}\n"),
        None if proof.verified => {
            format!("verified: nothing is worth more than {:.9}\n", proof.bound_checked)
        }
        None => "the bounds hold; the check's steps did not suffice to close the gap\n".to_owned(),
    }
}

/// A whole number, or how large it is.
fn count(number: f64) -> String {
    if number < 1e15 { format!("{number:.0}") } else { format!("{number:.3e}") }
}
