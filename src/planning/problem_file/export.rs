//! A problem on its way into a file, piece by piece: nobody holds the whole text.
//!
//! A candidate that fills a second place is unfolded: the second category gets a twin `ID:CATEGORY`
//! of no value and no use, and a tie of the two. The file grows with the candidates, not with
//! their pairs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::iter::once;
use std::sync::Arc;

use crate::problem::{
    CandidateIndex, CategoryIndex, Problem, equivalence::Member, no_goods::NoGood,
};

/// The pieces of a problem file, in order: JSON text of one candidate, row or pair at most.
pub struct ProblemText(Box<dyn Iterator<Item = String> + Send>);

impl ProblemText {
    /// `names` are the categories', `ids` by category and ordinal.
    pub fn new(problem: Problem, names: &[String], ids: &[Vec<String>]) -> Self {
        let naming = Naming::new(&problem, names, ids);
        Self(Box::new(pieces(Arc::new(Export { problem, naming }))))
    }

    /// The pieces put together into chunks of at least so many bytes, the last one aside. A chunk is
    /// larger by one piece at most.
    pub fn chunks(self, bytes: usize) -> impl Iterator<Item = String> + Send {
        let mut pieces = self.0.fuse();
        std::iter::from_fn(move || {
            let mut chunk = pieces.next()?;
            while chunk.len() < bytes {
                let Some(piece) = pieces.next() else { break };
                chunk.push_str(&piece);
            }
            Some(chunk)
        })
    }
}

impl Iterator for ProblemText {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.0.next()
    }
}

/// No-goods that a file holds, each with single candidates; how many more there are stands beside.
const NOGOODS_MAX: usize = 50_000;

struct Export {
    problem: Problem,
    naming: Naming,
}

/// What everybody is called in the file.
struct Naming {
    categories: Vec<String>,
    /// By category and ordinal. What a pair names is unique over the file.
    ids: Vec<Vec<String>>,
    /// By category: twins of candidates of others.
    twins: Vec<Vec<Twin>>,
    /// The signatures are told apart by pair values.
    is_signed: bool,
}

struct Twin {
    id: String,
    /// Whom it is tied to.
    first: Member,
    /// The twin of the same vendor in another role, where there is one.
    same_as: Option<String>,
}

impl Naming {
    fn new(problem: &Problem, names: &[String], ids: &[Vec<String>]) -> Self {
        let mut names = Names::new(problem, names, ids);
        let mut twins: Vec<Vec<Twin>> = names.categories.iter().map(|_| Vec::new()).collect();
        for (p, category) in problem.categories.iter().enumerate() {
            let mut of_vendor: BTreeMap<(CandidateIndex, CategoryIndex), String> = BTreeMap::new();
            for (x, q) in category.candidates.filling() {
                let id =
                    names.free(format!("{}:{}", names.ids[p][x as usize], names.categories[q]));
                let vendor = (category.candidates.same_as(x).unwrap_or(x), q);
                let same_as = of_vendor.get(&vendor).cloned();
                of_vendor.entry(vendor).or_insert_with(|| id.clone());
                twins[q].push(Twin { id, first: (p, x), same_as });
            }
        }
        let is_signed = problem.pair_value.iter().flatten().any(|&value| value != 0.0);
        Self { categories: names.categories, ids: names.ids, twins, is_signed }
    }
}

/// Hands out ids.
struct Names {
    categories: Vec<String>,
    ids: Vec<Vec<String>>,
    taken: BTreeSet<String>,
}

impl Names {
    /// Ids of several categories, such as that of a skip, are changed only where a pair names them.
    fn new(problem: &Problem, names: &[String], ids: &[Vec<String>]) -> Self {
        let pairs = problem.forbidden_pairs.iter().flatten().copied();
        let cut = problem.nogoods.iter().flat_map(|nogood| nogood.members());
        let categories = problem.categories.iter().enumerate();
        let filling =
            categories.flat_map(|(c, own)| own.candidates.filling().map(move |(x, _)| (c, x)));
        let named: BTreeSet<Member> = pairs.chain(cut).chain(filling).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for id in ids.iter().flatten() {
            *counts.entry(id).or_default() += 1;
        }
        let shared: Vec<Member> = named
            .into_iter()
            .filter(|&(c, x)| counts.get(ids[c][x as usize].as_str()).is_some_and(|&n| n > 1))
            .collect();
        let taken = counts.into_keys().map(str::to_owned).collect();
        let mut all = Self { categories: names.to_vec(), ids: ids.to_vec(), taken };
        for (c, x) in shared {
            let id = all.free(format!("{}:{}", all.ids[c][x as usize], all.categories[c]));
            all.ids[c][x as usize] = id;
        }
        all
    }

    fn free(&mut self, mut id: String) -> String {
        while !self.taken.insert(id.clone()) {
            id.push('+');
        }
        id
    }
}

fn pieces(export: Arc<Export>) -> impl Iterator<Item = String> + Send {
    let problem = &export.problem;
    let (n, rows) = (problem.categories.len(), problem.pair_value.len());
    let ties: Vec<(CategoryIndex, usize)> = (export.naming.twins.iter().enumerate())
        .flat_map(|(q, twins)| (0..twins.len()).map(move |t| (q, t)))
        .collect();
    let rows = if export.naming.is_signed { rows } else { 1 };
    let forbidden = problem.forbidden_pairs.len();
    let [a, b, c, d, e, f] = std::array::from_fn(|_| export.clone());
    let head = once("{\"categories\":[".to_owned());
    let categories = (0..n).flat_map(move |at| category(a.clone(), at));
    let limits = once(format!("],\"limits\":{},\"pair_value\":[", listed(&problem.limits)));
    let rows = (0..rows).map(move |row| b.row(row));
    let forbidden = once("],\"forbidden_pairs\":[".to_owned())
        .chain((0..forbidden).map(move |pair| c.forbidden(pair)));
    let ties = once("],\"ties\":[".to_owned()).chain(
        ties.into_iter().enumerate().map(move |(at, (q, t))| d.tie(at, &d.naming.twins[q][t])),
    );
    let nogoods = (0..problem.nogoods.len()).flat_map(move |at| f.clone().lists(at));
    let nogoods = once("],\"nogoods\":[".to_owned()).chain(
        nogoods.take(NOGOODS_MAX).enumerate().map(|(at, list)| format!("{}{list}", comma(at))),
    );
    let tail = once(e).map(|export| {
        let problem = &export.problem;
        let all = problem.nogoods.iter().map(NoGood::count).fold(0, u64::saturating_add);
        let left_out = match all.saturating_sub(NOGOODS_MAX as u64) {
            0 => String::new(),
            number => format!(",\"nogoods_left_out\":{number}"),
        };
        let (options, least) = (problem.options, problem.min_difference);
        format!("]{left_out},\"options\":{options},\"min_difference\":{least}}}")
    });
    head.chain(categories)
        .chain(limits)
        .chain(rows)
        .chain(forbidden)
        .chain(ties)
        .chain(nogoods)
        .chain(tail)
}

/// One category: its head, its candidates, the twins of others'.
fn category(export: Arc<Export>, c: CategoryIndex) -> impl Iterator<Item = String> + Send {
    let own = &export.problem.categories[c];
    let (own_count, twins) = (own.candidates.len(), export.naming.twins[c].len());
    let head = format!(
        "{}{{\"name\":{},\"required\":{},\"candidates\":[",
        comma(c),
        quoted(&export.naming.categories[c]),
        own.required
    );
    let candidates = (0..own_count + twins).map(move |x| match x.checked_sub(own_count) {
        None => export.candidate(c, x),
        Some(twin) => export.twin(comma(x), &export.naming.twins[c][twin]),
    });
    once(head).chain(candidates).chain(once("]}".to_owned()))
}

impl Export {
    fn candidate(&self, c: CategoryIndex, x: usize) -> String {
        let ids = &self.naming.ids[c];
        let all = &self.problem.categories[c].candidates;
        let at = x as CandidateIndex;
        let value: Vec<f64> = (0..self.problem.strategies).map(|s| all.value(at, s)).collect();
        let usage: Vec<f64> = all.usage(at).collect();
        let same_as = all.same_as(at).map(|first| ids[first as usize].as_str());
        self.one(comma(x), &ids[x], &value, &usage, all.signature(at), same_as)
    }

    fn twin(&self, comma: &str, twin: &Twin) -> String {
        let (p, x) = twin.first;
        let signature = self.problem.categories[p].candidates.signature(x);
        let (value, usage) =
            (vec![0.0; self.problem.strategies], vec![0.0; self.problem.limits.len()]);
        self.one(comma, &twin.id, &value, &usage, signature, twin.same_as.as_deref())
    }

    fn one(
        &self,
        comma: &str,
        id: &str,
        value: &[f64],
        usage: &[f64],
        signature: u32,
        same_as: Option<&str>,
    ) -> String {
        let mut text = format!(
            "{comma}{{\"id\":{},\"value\":{},\"use\":{}",
            quoted(id),
            listed(value),
            listed(usage)
        );
        if self.naming.is_signed && signature > 0 {
            let _ = write!(text, ",\"signature\":{signature}");
        }
        if let Some(first) = same_as {
            let _ = write!(text, ",\"same_as\":{}", quoted(first));
        }
        text.push('}');
        text
    }

    /// One row says that no pair is worth anything.
    fn row(&self, row: usize) -> String {
        let values = if self.naming.is_signed { &self.problem.pair_value[row][..] } else { &[0.0] };
        format!("{}{}", comma(row), listed(values))
    }

    fn forbidden(&self, at: usize) -> String {
        let [a, b] = self.problem.forbidden_pairs[at].map(|member| self.id(member));
        format!("{}[{a},{b}]", comma(at))
    }

    /// One no-good as lists of single candidates.
    fn lists(self: Arc<Self>, at: usize) -> impl Iterator<Item = String> + Send {
        let nogood = self.problem.nogoods[at].clone();
        (0..nogood.count()).map(move |i| {
            let ids: Vec<String> = nogood.list(i).into_iter().map(|m| self.id(m)).collect();
            format!("[{}]", ids.join(","))
        })
    }

    fn tie(&self, at: usize, twin: &Twin) -> String {
        format!("{}[{},{}]", comma(at), self.id(twin.first), quoted(&twin.id))
    }

    fn id(&self, (c, x): Member) -> String {
        quoted(&self.naming.ids[c][x as usize])
    }
}

/// What stands before the entry at this place of a list.
fn comma(at: usize) -> &'static str {
    if at == 0 { "" } else { "," }
}

/// A JSON list. Numbers are written with as few digits as read back to the same.
fn listed(numbers: &[f64]) -> String {
    let mut text = String::from("[");
    for (i, number) in numbers.iter().enumerate() {
        let _ = write!(text, "{}{number}", comma(i));
    }
    text.push(']');
    text
}

/// A JSON string.
fn quoted(plain: &str) -> String {
    let mut text = String::with_capacity(plain.len() + 2);
    text.push('"');
    for sign in plain.chars() {
        match sign {
            '"' | '\\' => text.extend(['\\', sign]),
            '\0'..='\u{1f}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(sign));
            }
            _ => text.push(sign),
        }
    }
    text.push('"');
    text
}
