//! A problem file, checked field by field, as a problem.

use std::collections::BTreeMap;

use super::{
    CandidateFile, CategoryFile, Id, Loaded, ProblemFile,
    bounds::{
        CANDIDATES_MAX, CATEGORIES_MAX, CLASH_PAIRS_MAX, EXACT_MAX, KIND_PAIRS_MAX, NUMBER_MIN,
        OPTIONS_MAX, SIGNATURES_MAX, TIE_PAIRS_MAX, VALUE_MAX,
    },
    ids::{Known, check_same_as, kin, statements},
    ties::{Draft, TooManyPairs, fold},
};
use crate::problem::{
    Candidate, CandidateIndex, CategoryIndex, Problem, ProblemCategory,
    equivalence::{EquivalenceClasses, Member},
    no_goods::NoGoods,
};
use model::FieldErrors;

/// Errors that one answer names at most.
pub(crate) const ERRORS_MAX: usize = 20;

impl ProblemFile {
    /// Checks the file, puts each category's candidates in ascending order of their ids, and folds
    /// its ties.
    ///
    /// # Errors
    /// Each refused field by its path, up to 20.
    pub fn into_problem(mut self) -> Result<Loaded, FieldErrors> {
        let mut errors = FieldErrors::default();
        self.check(&mut errors);
        if !errors.0.is_empty() {
            errors.0.truncate(ERRORS_MAX);
            return Err(errors);
        }
        for category in &mut self.categories {
            category.candidates.sort_by(|a, b| a.id.cmp(&b.id));
        }
        let known = Known::new(&self);
        let forbidden = known.pairs("forbidden_pairs", &self.forbidden_pairs, &mut errors);
        let ties = known.pairs("ties", &self.ties, &mut errors);
        let nogoods = known.nogoods(&self.nogoods, &mut errors);
        drop(known);
        errors = errors.into_result(FieldErrors::default())?;
        let (options, min_difference) = (self.options, self.min_difference);
        let (limits, strategies) = (std::mem::take(&mut self.limits), self.strategies().max(1));
        let folded = fold(self.into_draft(forbidden, nogoods), &ties).map_err(|TooManyPairs(pairs)| {
            let message =
                format!("those over three or more categories stand for {pairs} forbidden pairs");
            let hint = format!(
                "tie fewer candidates over so many categories: {TIE_PAIRS_MAX} pairs are handled"
            );
            errors.push("ties", message, hint);
            std::mem::take(&mut errors)
        })?;
        let categories = folded.required.into_iter().zip(folded.candidates);
        let categories = categories.map(|(required, candidates)| ProblemCategory {
            required,
            candidates: candidates.into_iter().collect(),
        });
        let problem = Problem {
            strategies,
            categories: categories.collect(),
            limits,
            pair_value: folded.pair_value,
            forbidden_pairs: folded.forbidden,
            nogoods: statements(folded.nogoods),
            options,
            min_difference,
        };
        check_sums(&problem, &mut errors);
        check_kinds(&problem, &mut errors);
        errors.into_result(Loaded { problem, ids: folded.ids })
    }

    fn check(&self, errors: &mut FieldErrors) {
        self.check_scalars(errors);
        let signatures = self.check_pair_value(errors);
        let strategies = self.strategies();
        for (c, category) in self.categories.iter().enumerate() {
            self.check_category(c, category, strategies, signatures, errors);
        }
    }

    /// As many as the first candidate has.
    fn strategies(&self) -> usize {
        let mut all = self.categories.iter().flat_map(|c| &c.candidates);
        all.next().map_or(1, |first| first.value.len())
    }

    /// The number of signatures that a candidate may name.
    fn check_pair_value(&self, errors: &mut FieldErrors) -> usize {
        let Some(rows) = &self.pair_value else { return SIGNATURES_MAX };
        for (i, row) in rows.iter().enumerate() {
            if row.len() != rows.len() {
                errors.push(
                    format!("pair_value[{i}]"),
                    format!("{} entries in a table of {} rows", row.len(), rows.len()),
                    "make the table square",
                );
            }
        }
        if !errors.0.is_empty() {
            return rows.len();
        }
        for (i, row) in rows.iter().enumerate() {
            check_numbers(&format!("pair_value[{i}]"), row, Sort::Value, errors);
            for (j, value) in row[..i].iter().enumerate() {
                if rows[j][i] != *value && errors.0.len() < ERRORS_MAX {
                    errors.push(
                        format!("pair_value[{i}][{j}]"),
                        format!(
                            "{} differs from pair_value[{j}][{i}], {}",
                            shown(*value),
                            shown(rows[j][i])
                        ),
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
        let candidates: usize = self.categories.iter().map(|c| c.candidates.len()).sum();
        if candidates > CANDIDATES_MAX {
            errors.push(
                "categories",
                format!("{candidates} candidates"),
                format!("leave out the hopeless ones: {CANDIDATES_MAX} are handled"),
            );
        }
        check_numbers("limits", &self.limits, Sort::Use, errors);
        for (field, number, most) in [
            ("options", self.options, OPTIONS_MAX),
            ("min_difference", self.min_difference, CATEGORIES_MAX),
        ] {
            if !(1..=most).contains(&number) {
                let hint = format!("write a number from 1 to {most}");
                errors.push(field, format!("{number} is out of range"), hint);
            }
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
        let mut seen: BTreeMap<&Id, usize> = BTreeMap::new();
        for (x, candidate) in category.candidates.iter().enumerate() {
            if errors.0.len() >= ERRORS_MAX {
                return;
            }
            let path = || format!("categories[{c}].candidates[{x}]");
            if seen.insert(&candidate.id, x).is_some() {
                errors.push(
                    format!("{}.id", path()),
                    format!("{} stands twice in category {}", candidate.id, category.name),
                    "give each candidate an id of its own",
                );
            }
            for (field, numbers, sort, wanted) in [
                ("value", &candidate.value, Sort::Value, strategies),
                ("use", &candidate.usage, Sort::Use, self.limits.len()),
            ] {
                if numbers.len() == wanted && wanted >= sort.least() {
                    let is_fine = |&number: &f64| sort.allows(number);
                    if !numbers.iter().all(is_fine) {
                        check_numbers(&format!("{}.{field}", path()), numbers, sort, errors);
                    }
                    continue;
                }
                errors.push(
                    format!("{}.{field}", path()),
                    format!("{} numbers, not {}", numbers.len(), wanted.max(sort.least())),
                    match sort {
                        Sort::Value => "write one value per strategy, as the first candidate does",
                        Sort::Use => "write one use per limit",
                    },
                );
            }
            if candidate.signature as usize >= signatures {
                errors.push(
                    format!("{}.signature", path()),
                    format!("{} of {signatures} signatures", candidate.signature),
                    "write the number of a row of pair_value, from 0; without pair_value leave it out",
                );
            }
        }
        check_same_as(c, category, &seen, errors);
    }

    fn into_draft(self, forbidden: Vec<[Member; 2]>, nogoods: Vec<Vec<Member>>) -> Draft {
        // Without pair values all signatures are alike.
        let is_signed = self.pair_value.as_ref().is_some_and(|rows| !rows.is_empty());
        let pair_value = self.pair_value.filter(|_| is_signed).unwrap_or_else(|| vec![vec![0.0]]);
        let mut draft = Draft {
            required: Vec::with_capacity(self.categories.len()),
            candidates: Vec::with_capacity(self.categories.len()),
            ids: Vec::with_capacity(self.categories.len()),
            pair_value,
            forbidden,
            nogoods,
        };
        for category in self.categories {
            let of_kin: Vec<(CandidateIndex, CandidateIndex)> = kin(&category.candidates);
            let mut ids = Vec::with_capacity(category.candidates.len());
            let candidate = |x: CandidateFile| {
                ids.push(x.id);
                Candidate {
                    value: x.value,
                    usage: x.usage,
                    signature: if is_signed { x.signature } else { 0 },
                    also_fills: None,
                    same_as: None,
                }
            };
            let mut candidates: Vec<Candidate> =
                category.candidates.into_iter().map(candidate).collect();
            for (x, head) in of_kin {
                candidates[x as usize].same_as = Some(head);
            }
            draft.required.push(category.required);
            draft.candidates.push(candidates);
            draft.ids.push(ids);
        }
        draft
    }
}

/// What a number stands for.
#[derive(Clone, Copy)]
enum Sort {
    Value,
    Use,
}

impl Sort {
    fn allows(self, number: f64) -> bool {
        let range = match self {
            Self::Value => -VALUE_MAX..=VALUE_MAX,
            Self::Use => 0.0..=EXACT_MAX,
        };
        range.contains(&number) && (number == 0.0 || number.abs() >= NUMBER_MIN)
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Value => "write 0 or a number from 1e-30 to 1e15, above 0 or below",
            Self::Use => "write 0 or a number from 1e-30 to 9007199254740992 (2^53)",
        }
    }

    /// How many there are at least.
    fn least(self) -> usize {
        match self {
            Self::Value => 1,
            Self::Use => 0,
        }
    }
}

fn check_numbers(path: &str, numbers: &[f64], sort: Sort, errors: &mut FieldErrors) {
    for (i, number) in numbers.iter().enumerate() {
        if errors.0.len() >= ERRORS_MAX {
            return;
        }
        if !sort.allows(*number) {
            let message = format!("{} is out of range", shown(*number));
            errors.push(format!("{path}[{i}]"), message, sort.hint());
        }
    }
}

/// A number, short.
fn shown(number: f64) -> String {
    let is_long = number != 0.0 && !(1e-9..1e18).contains(&number.abs());
    if is_long { format!("{number:e}") } else { number.to_string() }
}

/// Sums of whole numbers must be exact.
fn check_sums(problem: &Problem, errors: &mut FieldErrors) {
    for d in 0..problem.limits.len() {
        let all = || problem.categories.iter().map(|c| c.candidates.uses(d));
        let is_whole = all().flatten().all(|used| used.fract() == 0.0);
        let most: f64 = all().map(|uses| uses.iter().copied().fold(0.0, f64::max)).sum();
        if is_whole && most >= EXACT_MAX {
            let message = format!("uses add up to {}, where sums aren't exact", shown(most));
            let hint = "keep the sum of the largest uses below 2^53: write them in a larger unit, \
                        or leave out who exceeds the limit";
            errors.push(format!("limits[{d}]"), message, hint);
        }
    }
}

/// Kinds of candidates are weighed in pairs: what the others can't tell apart is one kind.
fn check_kinds(problem: &Problem, errors: &mut FieldErrors) {
    let classes = EquivalenceClasses::new(problem, &NoGoods::new(problem, &[]));
    let has_value = problem.pair_value.iter().flatten().any(|&value| value != 0.0);
    let n = problem.categories.len();
    let mut kinds: Vec<usize> = classes.categories.iter().map(|c| c.groups.len()).collect();
    let mut classed: Vec<bool> =
        classes.categories.iter().map(|c| c.groups.iter().any(|group| group.class != 0)).collect();
    for column in &classes.categories {
        for second in column.groups.iter().filter_map(|group| group.also_fills) {
            kinds[second] += 1;
            classed[second] = true;
        }
    }
    for (c, column) in classes.categories.iter().enumerate() {
        classed[c] |= column.groups.iter().any(|group| group.also_fills.is_some());
    }
    let (mut valued, mut clashing) = (0_usize, 0_usize);
    for (i, j) in (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))) {
        let pairs = kinds[i].saturating_mul(kinds[j]);
        if has_value {
            valued = valued.saturating_add(pairs);
        }
        if classed[i] && classed[j] {
            clashing = clashing.saturating_add(pairs);
        }
    }
    let hint = |most: usize| format!("use fewer and coarser ones: {most} are handled");
    if valued > KIND_PAIRS_MAX {
        let message = format!("{valued} pairs of signatures over all categories");
        errors.push("pair_value", message, hint(KIND_PAIRS_MAX));
    }
    if clashing > CLASH_PAIRS_MAX {
        let field = if problem.forbidden_pairs.is_empty() { "ties" } else { "forbidden_pairs" };
        let message = format!("{clashing} pairs of candidates that others tell apart");
        errors.push(field, message, hint(CLASH_PAIRS_MAX));
    }
}
