//! Digests: of a problem, to know whether a checkpoint still fits; of a plan, to compare plans.

use serde::Serialize;

use model::{Infeasibility, PlanOption, Request, Requirements, SearchSummary, Shares};
use planning::problem::Problem;

/// BLAKE3, hex, over every number of a problem and the ids of its candidates.
pub(crate) fn problem_digest(problem: &Problem, candidate_ids: &[Vec<String>]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut number = |bits: u64| {
        hasher.update(&bits.to_le_bytes());
    };
    number(problem.strategies as u64);
    number(problem.options as u64);
    number(problem.min_difference as u64);
    problem.limits.iter().for_each(|limit| number(limit.to_bits()));
    for category in &problem.categories {
        number(u64::from(category.required));
        number(category.candidates.len() as u64);
        for candidate in category.candidates.iter() {
            candidate.value.iter().for_each(|value| number(value.to_bits()));
            candidate.usage.iter().for_each(|usage| number(usage.to_bits()));
            number(u64::from(candidate.signature));
            number(candidate.also_fills.map_or(u64::MAX, |category| category as u64));
        }
    }
    problem.pair_value.iter().flatten().for_each(|value| number(value.to_bits()));
    for pair in &problem.forbidden_pairs {
        for (category, candidate) in pair {
            number(*category as u64);
            number(u64::from(*candidate));
        }
    }
    for nogood in &problem.nogoods {
        number(nogood.arity() as u64);
        for (category, candidates) in nogood.parts() {
            number(*category as u64);
            number(candidates.len() as u64);
            candidates.iter().for_each(|candidate| number(u64::from(*candidate)));
        }
    }
    for id in candidate_ids.iter().flatten() {
        hasher.update(id.as_bytes()).update(&[0]);
    }
    hasher.finalize().to_hex().to_string()
}

/// What a plan's digest covers: everything that the request, its seed and the vendors decide.
/// Left out: the plan's id, times of day, which server answered, and personal data (so that
/// erasing it keeps the digest).
#[derive(Serialize)]
pub(crate) struct PlanContent<'a> {
    pub requirements: &'a Requirements,
    pub shares: &'a [Shares],
    pub options: &'a [PlanOption],
    pub tally: Option<&'a SearchSummary>,
    pub infeasibility: Option<&'a Infeasibility>,
}

/// BLAKE3, hex: equal for plans that are byte-identical apart from ids and timestamps.
pub(crate) fn plan_digest(request: &Request, content: &PlanContent) -> String {
    let mut request = serde_json::to_value(request).unwrap_or_default();
    if let Some(fields) = request.as_object_mut() {
        fields.remove("client");
    }
    // Serialising plain data to memory cannot fail; object keys are sorted.
    let text = serde_json::to_string(&(request, content)).unwrap_or_default();
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
