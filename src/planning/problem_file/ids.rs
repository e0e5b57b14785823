//! Whom a problem file's ids name: in pairs, ties and no-goods, and as the same vendor in another role.

use std::collections::{BTreeMap, BTreeSet};

use super::{CandidateFile, CategoryFile, Id, ProblemFile, check::ERRORS_MAX};
use crate::problem::{CandidateIndex, CategoryIndex, equivalence::Member, no_goods::NoGood};
use model::FieldErrors;

/// `seen`: where each id stands.
pub(crate) fn check_same_as(
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
pub(crate) fn kin(candidates: &[CandidateFile]) -> Vec<(CandidateIndex, CandidateIndex)> {
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
pub(crate) struct Known<'a> {
    all: BTreeMap<&'a Id, Vec<Member>>,
}

impl<'a> Known<'a> {
    pub(crate) fn new(file: &'a ProblemFile) -> Self {
        let pairs = file.forbidden_pairs.iter().chain(&file.ties);
        let named: BTreeSet<&Id> = pairs.flatten().chain(file.nogoods.iter().flatten()).collect();
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

    pub(crate) fn pairs(
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
            let mut find = |j: usize| self.find(&pair[j], || format!("{field}[{i}][{j}]"), errors);
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

    /// Each named candidate once.
    pub(crate) fn nogoods(&self, lists: &[Vec<Id>], errors: &mut FieldErrors) -> Vec<Vec<Member>> {
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
            let members: BTreeSet<Member> = named
                .filter_map(|(j, id)| self.find(id, || format!("nogoods[{i}][{j}]"), errors))
                .collect();
            found.push(members.into_iter().collect());
        }
        found
    }

    /// The one candidate of an id; else an error at the path.
    fn find(
        &self,
        id: &Id,
        path: impl FnOnce() -> String,
        errors: &mut FieldErrors,
    ) -> Option<Member> {
        let (message, hint) = match self.all.get(id).map(Vec::as_slice) {
            Some([one]) => return Some(*one),
            Some(_) => (
                format!("{id} stands in several categories"),
                "give each candidate an id of its own",
            ),
            None => (format!("no candidate has the id {id}"), "write the id of a candidate"),
        };
        errors.push(path(), message, hint);
        None
    }
}

/// No-goods that say the same of candidates that are alike become one; those that name two of one
/// category say nothing.
pub(crate) fn statements(lists: Vec<Vec<Member>>) -> Vec<NoGood> {
    let statement = |mut members: Vec<Member>| {
        members.sort_unstable();
        members.dedup();
        let is_idle = members.windows(2).any(|two| two[0].0 == two[1].0);
        let parts = members.into_iter().map(|(c, x)| (c, vec![x]));
        NoGood::new(parts).filter(|_| !is_idle)
    };
    NoGood::merged(lists.into_iter().filter_map(statement).collect())
}
