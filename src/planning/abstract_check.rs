//! A problem file, checked field by field, as a problem.

use std::collections::{BTreeMap, BTreeSet};

use super::abstract_file::{CandidateFile, CategoryFile, Id, Loaded, ProblemFile};
use super::nogood::NoGood;
use super::problem::{Candidate, CandidateIndex, CategoryIndex, Problem, ProblemCategory};
use crate::model::FieldErrors;

/// Errors that one answer names at most.
const ERRORS_MAX: usize = 20;
/// Options that a file may ask for.
const OPTIONS_MAX: usize = 100;

impl ProblemFile {
    /// Checks the file and puts each category's candidates in ascending order of their ids.
    ///
    /// # Errors
    /// Each refused field by its path, up to 20.
    pub fn into_problem(self) -> Result<Loaded, FieldErrors> {
        let mut errors = FieldErrors::default();
        let strategies = self.strategies(&mut errors);
        let signatures = self.check_pair_value(&mut errors);
        self.check_scalars(&mut errors);
        for (c, category) in self.categories.iter().enumerate() {
            self.check_category(c, category, strategies, signatures, &mut errors);
        }
        let mut categories: Vec<CategoryFile> = self.categories;
        for category in &mut categories {
            category.candidates.sort_by(|a, b| a.id.cmp(&b.id));
        }
        let forbidden_pairs = forbidden_pairs(&categories, &self.forbidden_pairs, &mut errors);
        let nogoods = nogoods(&categories, &self.nogoods, &mut errors);
        errors.0.truncate(ERRORS_MAX);
        let ids = categories
            .iter()
            .map(|c| c.candidates.iter().map(|x| x.id.clone()).collect())
            .collect();
        let problem = Problem {
            strategies,
            categories: categories.into_iter().map(CategoryFile::into_category).collect(),
            limits: self.limits,
            pair_value: self.pair_value.unwrap_or_else(|| vec![vec![0.0; signatures]; signatures]),
            forbidden_pairs,
            nogoods,
            options: self.options,
            min_difference: self.min_difference,
        };
        errors.into_result(Loaded { problem, ids })
    }

    fn strategies(&self, errors: &mut FieldErrors) -> usize {
        let mut all = self.categories.iter().flat_map(|c| &c.candidates);
        let strategies = all.next().map_or(1, |first| first.value.len());
        if strategies == 0 {
            errors.push(
                "categories[0].candidates[0].value",
                "no value",
                "write one value per strategy, at least one",
            );
        }
        strategies.max(1)
    }

    /// The number of signatures.
    fn check_pair_value(&self, errors: &mut FieldErrors) -> usize {
        let Some(rows) = &self.pair_value else {
            let all = self.categories.iter().flat_map(|c| &c.candidates);
            return all.map(|x| x.signature as usize + 1).max().unwrap_or(1);
        };
        for (i, row) in rows.iter().enumerate() {
            if row.len() != rows.len() {
                errors.push(
                    format!("pair_value[{i}]"),
                    format!("{} entries in a table of {} rows", row.len(), rows.len()),
                    "make the table square",
                );
                continue;
            }
            for (j, value) in row.iter().enumerate() {
                if !value.is_finite() {
                    errors.push(
                        format!("pair_value[{i}][{j}]"),
                        format!("{value} is not a finite number"),
                        "write a finite number",
                    );
                } else if j < i && rows[j].get(i).is_some_and(|other| other != value) {
                    errors.push(
                        format!("pair_value[{i}][{j}]"),
                        format!("{value} differs from pair_value[{j}][{i}], {}", rows[j][i]),
                        "make the table symmetric",
                    );
                }
            }
        }
        rows.len()
    }

    fn check_scalars(&self, errors: &mut FieldErrors) {
        if self.categories.is_empty() {
            errors.push("categories", "no category", "write at least one category");
        }
        for (d, limit) in self.limits.iter().enumerate() {
            if !(limit.is_finite() && *limit >= 0.0) {
                errors.push(
                    format!("limits[{d}]"),
                    format!("{limit} is not a limit"),
                    "write a finite number, 0 or more",
                );
            }
        }
        if !(1..=OPTIONS_MAX).contains(&self.options) {
            errors.push(
                "options",
                format!("{} options", self.options),
                format!("write a number from 1 to {OPTIONS_MAX}"),
            );
        }
    }

    fn check_category(
        &self,
        c: CategoryIndex,
        category: &CategoryFile,
        strategies: usize,
        signatures: usize,
        errors: &mut FieldErrors,
    ) {
        let mut seen = BTreeSet::new();
        for (x, candidate) in category.candidates.iter().enumerate() {
            if errors.0.len() >= ERRORS_MAX {
                return;
            }
            let path = format!("categories[{c}].candidates[{x}]");
            if !seen.insert(&candidate.id) {
                errors.push(
                    format!("{path}.id"),
                    format!("{} stands twice in category {}", candidate.id, category.name),
                    "give each candidate an id of its own",
                );
            }
            check_numbers(&format!("{path}.value"), &candidate.value, strategies, false, errors);
            check_numbers(
                &format!("{path}.use"),
                &candidate.usage,
                self.limits.len(),
                true,
                errors,
            );
            if candidate.signature as usize >= signatures {
                errors.push(
                    format!("{path}.signature"),
                    format!("{} of {signatures} signatures", candidate.signature),
                    "write the number of a row of pair_value, from 0",
                );
            }
        }
    }
}

impl CategoryFile {
    fn into_category(self) -> ProblemCategory {
        let candidate = |x: CandidateFile| Candidate {
            value: x.value,
            usage: x.usage,
            signature: x.signature,
            also_fills: None,
            same_as: None,
        };
        ProblemCategory {
            required: self.required,
            candidates: self.candidates.into_iter().map(candidate).collect(),
        }
    }
}

fn check_numbers(
    path: &str,
    numbers: &[f64],
    wanted: usize,
    only_positive: bool,
    errors: &mut FieldErrors,
) {
    if numbers.len() != wanted {
        errors.push(
            path,
            format!("{} numbers, not {wanted}", numbers.len()),
            "write as many as the other candidates have strategies or the problem has limits",
        );
    }
    for (i, number) in numbers.iter().enumerate() {
        if !number.is_finite() || (only_positive && *number < 0.0) {
            let hint = if only_positive {
                "write a finite number, 0 or more"
            } else {
                "write a finite number"
            };
            errors.push(format!("{path}[{i}]"), format!("{number} is out of range"), hint);
        }
    }
}

fn forbidden_pairs(
    categories: &[CategoryFile],
    pairs: &[[Id; 2]],
    errors: &mut FieldErrors,
) -> Vec<[(CategoryIndex, CandidateIndex); 2]> {
    if pairs.is_empty() {
        return Vec::new();
    }
    let known = Known::of(categories);
    let mut found = Vec::with_capacity(pairs.len());
    for (i, pair) in pairs.iter().enumerate() {
        if errors.0.len() >= ERRORS_MAX {
            break;
        }
        let mut find =
            |j: usize| known.find(&pair[j], || format!("forbidden_pairs[{i}][{j}]"), errors);
        let (a, b) = (find(0), find(1));
        let (Some(a), Some(b)) = (a, b) else { continue };
        // Two of one category exclude each other anyway.
        if a.0 != b.0 {
            found.push([a, b]);
        }
    }
    found
}

/// No-goods that say the same of candidates that are alike become one.
fn nogoods(
    categories: &[CategoryFile],
    lists: &[Vec<Id>],
    errors: &mut FieldErrors,
) -> Vec<NoGood> {
    if lists.is_empty() {
        return Vec::new();
    }
    let known = Known::of(categories);
    let mut found = Vec::with_capacity(lists.len());
    for (i, list) in lists.iter().enumerate() {
        if errors.0.len() >= ERRORS_MAX {
            break;
        }
        if list.is_empty() {
            let hint = "name the candidates that may not be chosen together, at least one";
            errors.push(format!("nogoods[{i}]"), "names nobody", hint);
        }
        let named = list.iter().enumerate();
        let mut members: Vec<_> = named
            .filter_map(|(j, id)| known.find(id, || format!("nogoods[{i}][{j}]"), errors))
            .collect();
        members.sort_unstable();
        members.dedup();
        // Two of one category are never chosen together.
        let is_idle = members.windows(2).any(|two| two[0].0 == two[1].0);
        if !is_idle {
            found.extend(NoGood::new(members.into_iter().map(|(c, x)| (c, vec![x]))));
        }
    }
    NoGood::merged(found)
}

/// The candidates by their ids.
struct Known<'f>(BTreeMap<&'f Id, Vec<(CategoryIndex, CandidateIndex)>>);

impl<'f> Known<'f> {
    fn of(categories: &'f [CategoryFile]) -> Self {
        let mut known: BTreeMap<&Id, Vec<(CategoryIndex, CandidateIndex)>> = BTreeMap::new();
        for (c, category) in categories.iter().enumerate() {
            for (x, candidate) in category.candidates.iter().enumerate() {
                known.entry(&candidate.id).or_default().push((c, x as CandidateIndex));
            }
        }
        Self(known)
    }

    /// The one candidate of an id; else an error at the path.
    fn find(
        &self,
        id: &Id,
        path: impl FnOnce() -> String,
        errors: &mut FieldErrors,
    ) -> Option<(CategoryIndex, CandidateIndex)> {
        match self.0.get(id).map(Vec::as_slice) {
            Some([one]) => Some(*one),
            Some(_) => {
                let message = format!("{id} stands in several categories");
                errors.push(path(), message, "give each candidate an id of its own");
                None
            }
            None => {
                let message = format!("no candidate has the id {id}");
                errors.push(path(), message, "write the id of a candidate");
                None
            }
        }
    }
}
