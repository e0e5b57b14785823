//! The abstract problem and its answer as documents, so that any solver can be held against this
//! one on the same file. Field names and meaning are a contract.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::problem::{
    Candidate, CandidateIndex, CategoryIndex, Problem, ProblemCategory, Solution,
};
use super::search::Outcome;
use crate::model::{FieldErrors, StopReason};

/// Errors that one answer names at most.
const ERRORS_MAX: usize = 20;
/// Options that a file may ask for.
const OPTIONS_MAX: usize = 100;

/// An id: text or a whole number. Numbers stand before text; both ascend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    Number(i64),
    Text(String),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A problem file. Fields that it doesn't know are skipped: other solvers annotate the same file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProblemFile {
    pub categories: Vec<CategoryFile>,
    /// Money first, in whole minor units; any others in any unit.
    pub limits: Vec<f64>,
    /// By signature, square and symmetric; left out, all pairs are worth 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair_value: Option<Vec<Vec<f64>>>,
    #[serde(default)]
    pub forbidden_pairs: Vec<[Id; 2]>,
    #[serde(default = "default_options")]
    pub options: usize,
    #[serde(default = "default_min_difference")]
    pub min_difference: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryFile {
    pub name: String,
    #[serde(default = "default_required")]
    pub required: bool,
    pub candidates: Vec<CandidateFile>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateFile {
    pub id: Id,
    /// Per strategy.
    pub value: Vec<f64>,
    /// Per limit; ≥ 0.
    #[serde(rename = "use")]
    pub usage: Vec<f64>,
    #[serde(default)]
    pub signature: u32,
}

/// A checked problem file.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub problem: Problem,
    /// By category and ordinal.
    pub ids: Vec<Vec<Id>>,
}

/// The answer to a problem file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerFile {
    /// Best first; none where nothing is feasible or nothing was found.
    pub options: Vec<OptionFile>,
    /// No feasible combination is worth more; null where none is feasible.
    pub upper_bound: Option<f64>,
    /// `upper_bound` less the first option's value; null where there is no option.
    pub proven_gap: Option<f64>,
    pub stopped_because: StopReason,
    pub rounds: u32,
    pub combinations_scored: u64,
    pub elapsed_ms: f64,
    /// False: proven that no combination is feasible.
    pub feasible: bool,
    /// Every option is proven to be the best under the diversity rule.
    pub options_proven: bool,
    /// Some pair of options differs in fewer places than wanted, because nothing else is feasible.
    pub fewer_differences: bool,
    /// The clock cut the proof short.
    pub cut_short: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptionFile {
    /// One per category, in its order; null where an optional one stays empty.
    pub ids: Vec<Option<Id>>,
    pub value: f64,
    /// Ordinal of the best strategy.
    pub strategy: usize,
    /// Per limit.
    #[serde(rename = "use")]
    pub usage: Vec<f64>,
}

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
            options: self.options,
            min_difference: self.min_difference,
        };
        errors.into_result(Loaded { problem, ids })
    }

    /// A problem as a file. A candidate that fills a second place is unfolded: the second category
    /// gets a twin `ID:CATEGORY` of no value and no use, and forbidden pairs tie the two together.
    /// Where one of the two places may stay empty, a candidate `CATEGORY:none` stands for that, so
    /// that forbidden pairs can name it. `names` are the categories', `ids` by category and ordinal.
    pub fn export(problem: &Problem, names: &[String], ids: &[Vec<String>]) -> Self {
        let mut unfolding = Unfolding::new(problem, names, ids);
        for p in 0..problem.categories.len() {
            for (x, candidate) in problem.categories[p].candidates.iter().enumerate() {
                if let Some(q) = candidate.also_fills {
                    unfolding.add_twin(p, x, q);
                }
            }
        }
        unfolding.tie();
        unfolding.file
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

impl AnswerFile {
    /// The answer in the file's ids; the caller measured the time, in milliseconds.
    pub fn new(outcome: &Outcome, ids: &[Vec<Id>], elapsed_ms: f64) -> Self {
        let option = |solution: &Solution| OptionFile {
            ids: solution
                .chosen
                .iter()
                .zip(ids)
                .map(|(chosen, ids)| chosen.map(|x| ids[x as usize].clone()))
                .collect(),
            value: solution.value,
            strategy: solution.strategy,
            usage: solution.usage.clone(),
        };
        Self {
            options: outcome.options.iter().map(option).collect(),
            upper_bound: Some(outcome.best_possible).filter(|bound| bound.is_finite()),
            proven_gap: Some(outcome.proven_gap)
                .filter(|gap| gap.is_finite() && !outcome.options.is_empty()),
            stopped_because: outcome.stopped_because,
            rounds: outcome.rounds,
            combinations_scored: outcome.combinations_scored,
            elapsed_ms,
            feasible: outcome.feasible,
            options_proven: outcome.options_proven,
            fewer_differences: outcome.fewer_differences,
            cut_short: outcome.cut_short,
        }
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
        let candidate = |(x, id): (&Candidate, &String)| CandidateFile {
            id: Id::Text(id.clone()),
            value: x.value.clone(),
            usage: x.usage.clone(),
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
    let mut known: BTreeMap<&Id, Vec<(CategoryIndex, CandidateIndex)>> = BTreeMap::new();
    if !pairs.is_empty() {
        for (c, category) in categories.iter().enumerate() {
            for (x, candidate) in category.candidates.iter().enumerate() {
                known.entry(&candidate.id).or_default().push((c, x as CandidateIndex));
            }
        }
    }
    let mut found = Vec::with_capacity(pairs.len());
    for (i, pair) in pairs.iter().enumerate() {
        if errors.0.len() >= ERRORS_MAX {
            break;
        }
        let mut find = |j: usize| {
            let path = format!("forbidden_pairs[{i}][{j}]");
            match known.get(&pair[j]).map(Vec::as_slice) {
                Some([one]) => Some(*one),
                Some(_) => {
                    let message = format!("{} stands in several categories", pair[j]);
                    errors.push(path, message, "give each candidate an id of its own");
                    None
                }
                None => {
                    let message = format!("no candidate has the id {}", pair[j]);
                    errors.push(path, message, "write the id of a candidate");
                    None
                }
            }
        };
        let (a, b) = (find(0), find(1));
        let (Some(a), Some(b)) = (a, b) else { continue };
        // Two of one category exclude each other anyway.
        if a.0 != b.0 {
            found.push([a, b]);
        }
    }
    found
}

fn default_options() -> usize {
    3
}

fn default_min_difference() -> usize {
    2
}

fn default_required() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::planning::search::solve;
    use crate::planning::settings::SearchSettings;

    fn errors_of(document: serde_json::Value) -> Vec<String> {
        let file: ProblemFile = serde_json::from_value(document).unwrap();
        let errors = file.into_problem().unwrap_err();
        errors.0.into_iter().map(|e| e.field).collect()
    }

    fn small() -> serde_json::Value {
        json!({
            "categories": [
                {"name": "venue", "candidates": [
                    {"id": "v2", "value": [0.4], "use": [3]},
                    {"id": "v1", "value": [0.3], "use": [1]}]},
                {"name": "music", "required": false, "candidates": [
                    {"id": 10, "value": [0.5], "use": [2], "signature": 1},
                    {"id": 9, "value": [0.2], "use": [1], "signature": 1}]}
            ],
            "limits": [4],
            "pair_value": [[0, 0.1], [0.1, 0]],
            "forbidden_pairs": [["v1", 10]]
        })
    }

    #[test]
    fn reads_sorts_and_answers() {
        let file: ProblemFile = serde_json::from_value(small()).unwrap();
        let Loaded { problem, ids } = file.into_problem().unwrap();
        assert_eq!(ids[1], [Id::Number(9), Id::Number(10)]);
        assert_eq!(problem.forbidden_pairs, [[(0, 0), (1, 1)]]);
        assert_eq!((problem.options, problem.min_difference), (3, 2));
        let settings = SearchSettings::default();
        let outcome = solve(&problem, &settings, 0, &mut |_| true, &mut || None);
        let answer = serde_json::to_value(AnswerFile::new(&outcome, &ids, 1.5)).unwrap();
        assert_eq!(answer["options"][0]["ids"], json!(["v2", 9]));
        assert_eq!(answer["options"][1]["ids"], json!(["v1", null]));
        assert_eq!(answer["options"][0]["use"], json!([4.0]));
        assert_eq!(answer["stopped_because"], "proven_optimal");
        assert_eq!(answer["elapsed_ms"], 1.5);
    }

    #[test]
    fn names_the_refused_field() {
        let cases = [
            ("/forbidden_pairs/0/1", json!("nobody"), "forbidden_pairs[0][1]"),
            (
                "/categories/0/candidates/1/value",
                json!([1, 2]),
                "categories[0].candidates[1].value",
            ),
            ("/categories/0/candidates/1/use/0", json!(-1), "categories[0].candidates[1].use[0]"),
            ("/categories/0/candidates/0/id", json!("v1"), "categories[0].candidates[1].id"),
            ("/pair_value/1/0", json!(0.2), "pair_value[1][0]"),
            (
                "/categories/1/candidates/0/signature",
                json!(2),
                "categories[1].candidates[0].signature",
            ),
            ("/limits/0", json!(-4), "limits[0]"),
        ];
        for (pointer, wrong, field) in cases {
            let mut document = small();
            *document.pointer_mut(pointer).unwrap() = wrong;
            assert_eq!(errors_of(document)[0], field);
        }
    }

    #[test]
    fn unfolds_a_second_place_without_changing_the_optimum() {
        let candidate = |value: f64, usage: f64, signature, also_fills| Candidate {
            value: vec![value],
            usage: vec![usage],
            signature,
            also_fills,
            same_as: None,
        };
        for (required, best) in [(true, 0.9), (false, 0.9)] {
            let problem = Problem {
                strategies: 1,
                categories: vec![
                    ProblemCategory {
                        required: true,
                        candidates: vec![
                            candidate(0.5, 5.0, 0, Some(1)),
                            candidate(0.3, 1.0, 1, None),
                        ],
                    },
                    ProblemCategory { required, candidates: vec![candidate(0.3, 5.0, 1, None)] },
                ],
                limits: vec![5.0],
                pair_value: vec![vec![0.4, 0.0], vec![0.0, 0.0]],
                forbidden_pairs: vec![],
                options: 3,
                min_difference: 1,
            };
            let names = ["venue".to_owned(), "caterer".to_owned()];
            let ids = [vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]];
            let file = ProblemFile::export(&problem, &names, &ids);
            assert_eq!(
                file.categories[1].candidates[1 + usize::from(!required)].id,
                "a:caterer".into()
            );
            let unfolded = file.into_problem().unwrap().problem;
            let values = |p: &Problem| -> Vec<f64> {
                let settings = SearchSettings::default();
                let outcome = solve(p, &settings, 0, &mut |_| true, &mut || None);
                outcome.options.iter().map(|o| o.value).collect()
            };
            assert_eq!(values(&problem)[0], best);
            assert_eq!(values(&problem), values(&unfolded));
        }
    }
}
