//! Whom a problem file's ids name: in pairs, and as the same vendor in another role.

use std::collections::{BTreeMap, BTreeSet};

use super::abstract_check::ERRORS_MAX;
use super::abstract_file::{CandidateFile, CategoryFile, Id, ProblemFile};
use super::columns::Member;
use super::problem::{CandidateIndex, CategoryIndex};
use crate::model::FieldErrors;

/// `seen`: where each id stands.
pub(super) fn check_same_as(
    c: CategoryIndex,
    category: &CategoryFile,
    seen: &BTreeMap<&Id, usize>,
    errors: &mut FieldErrors,
) {
    for (x, candidate) in category.candidates.iter().enumerate() {
        let Some(other) = &candidate.same_as else { continue };
        let named = seen.get(other).map(|&at| &category.candidates[at]);
        let (message, hint) = match named {
            None => ("is no candidate of this category", "write the id of one"),
            Some(named) if named.same_as.is_some() => {
                ("is the same as a third one", "write the id of that one")
            }
            Some(named) if named.id == candidate.id => ("is the candidate itself", "leave it out"),
            Some(_) => continue,
        };
        if errors.0.len() >= ERRORS_MAX {
            return;
        }
        let path = format!("categories[{c}].candidates[{x}].same_as");
        errors.push(path, format!("{other} {message}"), hint);
    }
}

/// Candidates that are the same vendor as an earlier one of these, with the first that is. The ids
/// ascend.
pub(super) fn kin(candidates: &[CandidateFile]) -> Vec<(CandidateIndex, CandidateIndex)> {
    let mut families: BTreeMap<&Id, Vec<CandidateIndex>> = BTreeMap::new();
    for (x, candidate) in candidates.iter().enumerate() {
        if let Some(other) = &candidate.same_as {
            families.entry(other).or_default().push(x as CandidateIndex);
        }
    }
    let mut all = Vec::new();
    for (head, mut family) in families {
        let head = candidates.binary_search_by(|x| x.id.cmp(head));
        family.extend(head.ok().map(|x| x as CandidateIndex));
        family.sort_unstable();
        all.extend(family[1..].iter().map(|&x| (x, family[0])));
    }
    all
}

/// Where the ids stand that pairs name.
pub(super) struct Known<'a> {
    all: BTreeMap<&'a Id, Vec<Member>>,
}

impl<'a> Known<'a> {
    pub fn new(file: &'a ProblemFile) -> Self {
        let pairs = file.forbidden_pairs.iter().chain(&file.ties);
        let named: BTreeSet<&Id> = pairs.flatten().collect();
        let mut all: BTreeMap<&Id, Vec<Member>> = BTreeMap::new();
        for (c, category) in file.categories.iter().enumerate().filter(|_| !named.is_empty()) {
            for (x, candidate) in category.candidates.iter().enumerate() {
                if let Some(id) = named.get(&candidate.id) {
                    all.entry(id).or_default().push((c, x as CandidateIndex));
                }
            }
        }
        Self { all }
    }

    pub fn pairs(
        &self,
        field: &str,
        pairs: &[[Id; 2]],
        errors: &mut FieldErrors,
    ) -> Vec<[Member; 2]> {
        let mut found = Vec::with_capacity(pairs.len());
        for (i, pair) in pairs.iter().enumerate() {
            if errors.0.len() >= ERRORS_MAX {
                break;
            }
            let mut find = |j: usize| {
                let path = || format!("{field}[{i}][{j}]");
                match self.all.get(&pair[j]).map(Vec::as_slice) {
                    Some([one]) => return Some(*one),
                    Some(_) => {
                        let message = format!("{} stands in several categories", pair[j]);
                        errors.push(path(), message, "give each candidate an id of its own");
                    }
                    None => {
                        let message = format!("no candidate has the id {}", pair[j]);
                        errors.push(path(), message, "write the id of a candidate");
                    }
                }
                None
            };
            let (Some(a), Some(b)) = (find(0), find(1)) else { continue };
            let message = match field {
                _ if a == b => "names one candidate twice",
                "forbidden_pairs" if a.0 == b.0 => "two of one category exclude each other anyway",
                _ => {
                    found.push([a, b]);
                    continue;
                }
            };
            errors.push(format!("{field}[{i}]"), message, "leave the pair out");
        }
        found
    }
}
