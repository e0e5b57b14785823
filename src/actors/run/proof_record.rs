//! What is kept of a search so that its bound can be checked later: the problem as it was, and
//! the certificate; how both are packed; the check.

use std::io;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::search_run::SearchInput;
use model::{PlanId, SearchSummary};
use planning::{
    assembly::Assembly,
    certificate::{
        Certificate,
        check::{CHECK_STEPS, Checked, check},
    },
    problem::{Combination, Problem, no_goods::NoGood},
    problem_file::export::ProblemText,
};
use store::ProofRow;
use wire::{ProofCategory, ProofStrategy, ProofView};

/// Of the bodies' shape. One of a later version is not read; the first had no no-goods.
const VERSION: i32 = 2;
/// Candidates of a problem that is kept: about a megabyte per 10,000. A larger one is not.
pub(crate) const CANDIDATES_MAX: usize = 50_000;
/// zstd's quickest: half the time of its default, for a tenth more bytes. Every plan pays it.
const ZSTD_LEVEL: i32 = 1;
/// Unpacked bytes at most: a guard against a damaged row.
const MAX_BYTES: usize = 256 << 20;

/// A problem with the names behind its ordinals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedProblem {
    pub problem: Problem,
    /// The categories'.
    pub names: Vec<String>,
    /// By category and candidate.
    pub ids: Vec<Vec<String>>,
}

/// What is kept of a search.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProofRecord {
    pub problem: NamedProblem,
    pub certificate: Certificate,
}

impl NamedProblem {
    pub fn new(assembly: &Assembly<'_>, input: &SearchInput) -> Self {
        Self {
            problem: assembly.problem.clone(),
            names: input.categories.iter().map(|c| c.name.to_string()).collect(),
            ids: assembly.candidate_ids(),
        }
    }

    /// As any solver can read it, in-house catering unfolded.
    pub fn into_text(self) -> ProblemText {
        ProblemText::new(self.problem, &self.names, &self.ids)
    }
}

/// A [`NamedProblem`] as it lies about, so that none is copied to be packed.
#[derive(Serialize)]
struct LentProblem<'a> {
    problem: &'a Problem,
    names: &'a [&'a str],
    ids: &'a [Vec<String>],
}

/// A problem with its names, and its certificate, as they are kept.
///
/// # Errors
/// What the codec says; no search's fails.
pub(crate) fn pack(
    problem: &Problem,
    names: &[&str],
    ids: &[Vec<String>],
    certificate: &Certificate,
) -> io::Result<ProofRow> {
    Ok(ProofRow {
        version: VERSION,
        problem: packed(&LentProblem { problem, names, ids })?,
        certificate: packed(certificate)?,
    })
}

impl ProofRecord {
    /// `None` for a later version or a damaged body.
    pub(crate) fn unpack(row: &ProofRow) -> Option<Self> {
        if !(1..=VERSION).contains(&row.version) {
            return None;
        }
        let problem = unpacked(&row.problem)?;
        Some(Self { problem, certificate: unpacked(&row.certificate)? })
    }

    /// The problem with what the timeline refused, as no-goods.
    pub(crate) fn into_problem(self) -> NamedProblem {
        let Self { problem: mut named, certificate } = self;
        let single = |chosen: &Combination| {
            let members = chosen.iter().enumerate();
            NoGood::new(members.filter_map(|(category, x)| Some((category, vec![(*x)?]))))
        };
        named.problem.nogoods.extend(certificate.refused.iter().filter_map(single));
        named.problem.nogoods.extend(certificate.nogoods);
        named
    }

    /// Checks the certificate against the problem, and tells what it rests on.
    pub(crate) fn view(&self, plan: PlanId, tally: &SearchSummary) -> ProofView {
        let checked = check(&self.problem.problem, &self.certificate, CHECK_STEPS);
        let (checked, refuted) = match checked {
            Ok(checked) => (Some(checked), None),
            Err(reason) => (None, Some(reason)),
        };
        let strategies = checked.iter().flat_map(|checked| self.strategies(checked)).collect();
        let figure = |of: &dyn Fn(&Checked) -> f64| checked.as_ref().map(of);
        let combinations = figure(&|checked| checked.combinations);
        let examined = checked.as_ref().map(|checked| checked.examined);
        ProofView {
            plan,
            best_possible: tally.best_possible,
            fitness: tally.best_possible - tally.proven_gap,
            proven_gap: tally.proven_gap,
            bound_checked: self.certificate.best_possible,
            limits: self.problem.problem.limits.clone(),
            strategies,
            combinations,
            excluded: combinations.zip(examined).map(|(all, few)| (all - few as f64).max(0.0)),
            examined,
            refused: (self.certificate.refused.len() + self.certificate.nogoods.len()) as u64,
            verified: checked.as_ref().is_some_and(|checked| checked.complete),
            complete: checked.is_some_and(|checked| checked.complete),
            refuted,
        }
    }

    fn strategies(&self, checked: &Checked) -> Vec<ProofStrategy> {
        let categories = |maxima: &[f64], open: &[usize]| {
            let names = self.problem.names.iter().zip(&self.problem.ids);
            let rows = names.zip(maxima.iter().zip(open));
            let row =
                |((name, ids), (maximum, open)): ((&String, &Vec<String>), (&f64, &usize))| {
                    ProofCategory {
                        name: name.clone(),
                        candidates: ids.len() as u64,
                        maximum: *maximum,
                        open: *open as u64,
                    }
                };
            rows.map(row).collect()
        };
        let strategies = checked.strategies.iter().map(|strategy| ProofStrategy {
            multipliers: strategy.multipliers.clone(),
            bound: strategy.bound,
            categories: categories(&strategy.maxima, &strategy.open),
        });
        strategies.collect()
    }
}

fn packed(value: &impl Serialize) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(&serde_json::to_vec(value)?, ZSTD_LEVEL)
}

fn unpacked<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let plain = zstd::bulk::decompress(body, MAX_BYTES).ok()?;
    serde_json::from_slice(&plain).ok()
}
