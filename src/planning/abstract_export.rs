//! A problem as a file, in-house catering unfolded.

use std::collections::BTreeSet;

use super::abstract_file::{CandidateFile, CategoryFile, Id, ProblemFile};
use super::nogood::NoGood;
use super::problem::{Candidate, CandidateIndex, CategoryIndex, Problem};

/// No-goods that a file holds, each with single candidates.
const NOGOODS_MAX: usize = 50_000;

fn nogoods_left_out(problem: &Problem) -> Option<u64> {
    let all = problem.nogoods.iter().map(NoGood::count).fold(0, u64::saturating_add);
    all.checked_sub(NOGOODS_MAX as u64).filter(|left_out| *left_out > 0)
}

impl ProblemFile {
    /// A problem as a file. A candidate that fills a second place is unfolded: the second category
    /// gets a twin `ID:CATEGORY` of no value and no use, and forbidden pairs tie the two together.
    /// Where one of the two places may stay empty, a candidate `CATEGORY:none` stands for that, so
    /// that forbidden pairs can name it. `names` are the categories', `ids` by category and ordinal.
    pub fn export(problem: &Problem, names: &[String], ids: &[Vec<String>]) -> Self {
        let mut unfolding = Unfolding::new(problem, names, ids);
        for p in 0..problem.categories.len() {
            for (x, q) in problem.categories[p].candidates.filling() {
                unfolding.add_twin(p, x as usize, q);
            }
        }
        unfolding.tie();
        unfolding.file
    }
}

/// An export in the making.
struct Unfolding {
    file: ProblemFile,
    /// Primary, its category, twin, its category.
    twins: Vec<(Id, CategoryIndex, Id, CategoryIndex)>,
}

impl Unfolding {
    fn new(problem: &Problem, names: &[String], ids: &[Vec<String>]) -> Self {
        let candidate = |(x, id): (Candidate, &String)| CandidateFile {
            id: Id::Text(id.clone()),
            value: x.value,
            usage: x.usage,
            signature: x.signature,
        };
        let categories = problem.categories.iter().zip(names.iter().zip(ids));
        let categories = categories.map(|(category, (name, ids))| CategoryFile {
            name: name.clone(),
            required: category.required,
            candidates: category.candidates.iter().zip(ids).map(candidate).collect(),
        });
        let id = |(c, x): (CategoryIndex, CandidateIndex)| Id::Text(ids[c][x as usize].clone());
        let file = ProblemFile {
            categories: categories.collect(),
            limits: problem.limits.clone(),
            pair_value: Some(problem.pair_value.clone()),
            forbidden_pairs: problem.forbidden_pairs.iter().map(|p| p.map(id)).collect(),
            nogoods: problem
                .nogoods
                .iter()
                .flat_map(NoGood::lists)
                .take(NOGOODS_MAX)
                .map(|list| list.into_iter().map(id).collect())
                .collect(),
            nogoods_left_out: nogoods_left_out(problem),
            options: problem.options,
            min_difference: problem.min_difference,
        };
        Self { file, twins: Vec::new() }
    }

    fn add_twin(&mut self, p: CategoryIndex, x: usize, q: CategoryIndex) {
        for category in [p, q] {
            self.name_emptiness(category);
        }
        let primary = self.file.categories[p].candidates[x].clone();
        let id = Id::Text(format!("{}:{}", primary.id, self.file.categories[q].name));
        self.file.categories[q].candidates.push(CandidateFile {
            id: id.clone(),
            value: vec![0.0; primary.value.len()],
            usage: vec![0.0; primary.usage.len()],
            signature: primary.signature,
        });
        self.twins.push((primary.id, p, id, q));
    }

    /// Makes an optional category required, with a candidate for its emptiness.
    fn name_emptiness(&mut self, category: CategoryIndex) {
        if self.file.categories[category].required {
            return;
        }
        let (strategies, dimensions) = self
            .file
            .categories
            .iter()
            .flat_map(|c| &c.candidates)
            .next()
            .map_or((1, 0), |x| (x.value.len(), x.usage.len()));
        let signature = self.worthless_signature();
        let category = &mut self.file.categories[category];
        category.required = true;
        category.candidates.push(CandidateFile {
            id: Id::Text(format!("{}:none", category.name)),
            value: vec![0.0; strategies],
            usage: vec![0.0; dimensions],
            signature,
        });
    }

    /// A signature whose pairs are worth 0.
    fn worthless_signature(&mut self) -> u32 {
        let rows = self.file.pair_value.get_or_insert_default();
        if let Some(row) = rows.iter().position(|row| row.iter().all(|&v| v == 0.0)) {
            return row as u32;
        }
        rows.iter_mut().for_each(|row| row.push(0.0));
        rows.push(vec![0.0; rows.len() + 1]);
        rows.len() as u32 - 1
    }

    /// Forbids each primary beside all but its twin, and each twin beside all but its primary.
    fn tie(&mut self) {
        let mut pairs: BTreeSet<[Id; 2]> = BTreeSet::new();
        for (primary, p, twin, q) in &self.twins {
            for other in &self.file.categories[*q].candidates {
                if other.id != *twin {
                    pairs.insert([primary.clone(), other.id.clone()]);
                }
            }
            for other in &self.file.categories[*p].candidates {
                if other.id != *primary {
                    pairs.insert([other.id.clone(), twin.clone()]);
                }
            }
        }
        self.file.forbidden_pairs.extend(pairs);
    }
}
