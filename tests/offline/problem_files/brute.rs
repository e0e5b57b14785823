//! Problem files answered by their words alone: every choice is looked at.

use eventplanner::planning::problem_file::{CandidateFile, Id, ProblemFile};

/// Something feasible.
#[derive(Clone, Debug)]
pub struct Choice {
    pub ids: Vec<Option<Id>>,
    /// By place: the vendor, whatever its role.
    vendors: Vec<Option<Id>>,
    pub value: f64,
    pub usage: Vec<f64>,
}

/// Everything feasible, the best first.
pub fn feasible(file: &ProblemFile) -> Vec<Choice> {
    let mut all = Vec::new();
    descend(file, &mut Vec::new(), &mut all);
    all.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.usage[0].total_cmp(&b.usage[0])));
    all
}

fn descend<'f>(
    file: &'f ProblemFile,
    chosen: &mut Vec<Option<&'f CandidateFile>>,
    all: &mut Vec<Choice>,
) {
    let Some(category) = file.categories.get(chosen.len()) else {
        all.extend(choice(file, chosen));
        return;
    };
    let nobody = (!category.required).then_some(None);
    for one in nobody.into_iter().chain(category.candidates.iter().map(Some)) {
        chosen.push(one);
        descend(file, chosen, all);
        chosen.pop();
    }
}

fn choice(file: &ProblemFile, chosen: &[Option<&CandidateFile>]) -> Option<Choice> {
    let holds = |id: &Id| chosen.iter().flatten().any(|x| x.id == *id);
    let forbidden = file.forbidden_pairs.iter().any(|[a, b]| holds(a) && holds(b));
    if forbidden || file.ties.iter().any(|[a, b]| holds(a) != holds(b)) {
        return None;
    }
    let sum = |d: usize| chosen.iter().flatten().map(|x| x.usage[d]).sum::<f64>();
    let usage: Vec<f64> = (0..file.limits.len()).map(sum).collect();
    if usage.iter().zip(&file.limits).any(|(used, limit)| used > limit) {
        return None;
    }
    let signatures: Vec<usize> = chosen.iter().flatten().map(|x| x.signature as usize).collect();
    let mut pairs = 0.0;
    for (i, a) in signatures.iter().enumerate() {
        for b in &signatures[i + 1..] {
            pairs += file.pair_value.as_ref().map_or(0.0, |table| table[*a][*b]);
        }
    }
    let strategies = file.categories[0].candidates[0].value.len();
    let own = |s: usize| chosen.iter().flatten().map(|x| x.value[s]).sum::<f64>() + pairs;
    Some(Choice {
        ids: chosen.iter().map(|x| x.map(|x| x.id.clone())).collect(),
        vendors: chosen
            .iter()
            .map(|x| x.map(|x| x.same_as.clone().unwrap_or_else(|| x.id.clone())))
            .collect(),
        value: (0..strategies).map(own).fold(f64::NEG_INFINITY, f64::max),
        usage,
    })
}

/// The options by the rule's words: one after the other, each the best of those that differ most, or
/// as much as wanted, from those before it.
pub fn options(file: &ProblemFile, all: &[Choice]) -> Vec<Choice> {
    let mut options: Vec<Choice> = Vec::new();
    while options.len() < file.options {
        let least = |choice: &Choice| {
            let differs = |other: &Choice| {
                choice.vendors.iter().zip(&other.vendors).filter(|(a, b)| a != b).count()
            };
            options.iter().map(differs).min().unwrap_or(usize::MAX)
        };
        let most = all.iter().map(least).max().unwrap_or(0);
        let wanted = file.min_difference.min(most);
        let next = all.iter().find(|choice| wanted > 0 && least(choice) >= wanted);
        let Some(next) = next.cloned() else { break };
        options.push(next);
    }
    options
}
