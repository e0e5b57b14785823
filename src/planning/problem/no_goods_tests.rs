//! No-goods against brute force: those that a problem states, and those that a search learns.

use crate::{
    certificate::{
        Certificate,
        check::{CHECK_STEPS, check},
        solution,
    },
    dice::Dice,
    problem::{
        Candidate, ProblemCategory, Solution,
        lazy_constraint::Verdict,
        no_goods::*,
        score::{Scorer, difference},
    },
    search::{Outcome, Search},
    settings::SearchSettings,
};

impl Dice {
    fn unit(&mut self) -> f64 {
        self.below(1 << 20) as f64 / f64::from(1 << 20)
    }

    /// Up to `most` no-goods of one to three categories.
    fn nogoods(&mut self, categories: &[ProblemCategory], most: u64) -> Vec<NoGood> {
        let mut all = Vec::new();
        for _ in 0..self.below(most + 1) {
            let arity = (1 + self.below(3)).min(categories.len() as u64);
            let mut left: Vec<CategoryIndex> = (0..categories.len()).collect();
            let mut parts = Vec::new();
            for _ in 0..arity {
                let category = left.remove(self.below(left.len() as u64) as usize);
                let one_in = if arity == 1 { 4 } else { 2 };
                let own = categories[category].candidates.indices();
                parts.push((category, own.filter(|_| self.below(one_in) == 0).collect()));
            }
            all.extend(NoGood::new(parts));
        }
        all
    }

    fn problem(&mut self) -> Problem {
        let n = 2 + self.below(4) as usize;
        let (strategies, dimensions) = (1 + self.below(2) as usize, 1 + self.below(4) as usize / 3);
        let signatures = 1 + self.below(3) as u32;
        let size = signatures as usize;
        let mut pair_value = vec![vec![0.0; size]; size];
        for (a, b) in (0..size).flat_map(|a| (a..size).map(move |b| (a, b))) {
            let value = 0.2 * self.unit();
            (pair_value[a][b], pair_value[b][a]) = (value, value);
        }
        let caters = n > 2 && self.below(3) == 0;
        let mut categories = Vec::new();
        for c in 0..n {
            let mut candidates = Vec::new();
            for _ in 0..2 + self.below(6) {
                candidates.push(Candidate {
                    value: (0..strategies).map(|_| self.unit() / n as f64).collect(),
                    usage: (0..dimensions).map(|_| self.below(60) as f64).collect(),
                    signature: self.below(u64::from(signatures)) as u32,
                    also_fills: (caters && c == 0 && self.below(2) == 0).then_some(1),
                    same_as: None,
                });
            }
            let candidates = candidates.into_iter().collect();
            categories.push(ProblemCategory { required: self.below(4) > 0, candidates });
        }
        let nogoods = self.nogoods(&categories, 4);
        let pair = |dice: &mut Self| {
            let mut one = |c: usize| {
                let candidates = categories[c].candidates.len() as u64;
                (c, dice.below(candidates) as CandidateIndex)
            };
            [one(0), one(n - 1)]
        };
        let forbidden_pairs = (0..self.below(2)).map(|_| pair(self)).collect();
        let limits = (0..dimensions).map(|_| (15.0 + 45.0 * self.unit()) * n as f64).collect();
        Problem {
            strategies,
            categories,
            limits,
            pair_value,
            forbidden_pairs,
            nogoods,
            options: 1 + self.below(3) as usize,
            min_difference: 1 + self.below(2) as usize,
        }
    }
}

/// Every combination, whatever stands against it.
fn combinations(problem: &Problem) -> Vec<Combination> {
    let mut all: Vec<Combination> = vec![Vec::new()];
    for category in &problem.categories {
        let choices: Vec<_> = category.candidates.indices().map(Some).chain([None]).collect();
        let longer = |chosen: &Combination, own: Option<CandidateIndex>| {
            let mut chosen = chosen.clone();
            chosen.push(own);
            chosen
        };
        all = all.iter().flat_map(|c| choices.iter().map(move |own| longer(c, *own))).collect();
    }
    all
}

/// What is allowed, the best first; no-goods by their words.
fn allowed(problem: &Problem, hidden: &[NoGood]) -> Vec<Solution> {
    let scorer = Scorer::new(problem);
    let free = Problem { nogoods: Vec::new(), ..problem.clone() };
    let plain = Scorer::new(&free);
    let all = combinations(problem);
    let is_cut = |chosen: &Combination| {
        problem.nogoods.iter().chain(hidden).any(|nogood| {
            let stands = |list: Vec<Member>| list.iter().all(|&(c, x)| chosen[c] == Some(x));
            (0..nogood.count()).map(|n| nogood.list(n)).any(stands)
        })
    };
    let open = all.iter().filter(|chosen| !is_cut(chosen));
    let mut found: Vec<Solution> = open.filter_map(|chosen| plain.solution(chosen)).collect();
    found.sort_by(|a, b| scorer.compare(a, b));
    found
}

/// The options by the rule's words.
fn true_options(problem: &Problem, all: &[Solution]) -> Vec<Combination> {
    let scorer = Scorer::new(problem);
    let places = |s: &Solution| scorer.occupants(&s.chosen).unwrap();
    let mut options: Vec<Solution> = Vec::new();
    while options.len() < problem.options {
        let least = |s: &Solution| {
            options.iter().map(|o| difference(&places(s), &places(o))).min().unwrap_or(usize::MAX)
        };
        let wanted = problem.min_difference.min(all.iter().map(least).max().unwrap_or(0));
        let next = all.iter().find(|s| wanted > 0 && least(s) >= wanted);
        let Some(next) = next.cloned() else { break };
        options.push(next);
    }
    options.into_iter().map(|option| option.chosen).collect()
}

/// Refuses what the hidden no-goods cut, and tells the first of them.
fn constraint(hidden: &[NoGood]) -> impl FnMut(&Combination) -> Verdict + '_ {
    |chosen| match hidden.iter().find(|nogood| nogood.cuts(chosen)) {
        Some(nogood) => Verdict::Cut(vec![nogood.clone()]),
        None => Verdict::Accepted,
    }
}

fn patient() -> SearchSettings {
    SearchSettings { early_termination: false, proof_nodes: u64::MAX, ..SearchSettings::default() }
}

fn searched(problem: &Problem, hidden: &[NoGood], resumes: bool) -> (Outcome, Certificate) {
    let mut accept = constraint(hidden);
    let mut search = Search::new(problem, &patient(), 7);
    while search.round(&mut accept).stopped.is_none() {
        if resumes {
            search = Search::resume(problem, &patient(), search.state());
        }
    }
    search.prove(&mut accept, &mut || None);
    let certificate = search.certificate();
    (search.finish(), certificate)
}

#[test]
fn options_bounds_and_certificates_equal_brute_force() {
    let (mut met, mut cut, mut learned, mut caught) = (0, 0, 0, 0);
    for seed in 0..900 {
        let mut dice = Dice(seed);
        let problem = dice.problem();
        let hidden = dice.nogoods(&problem.categories, 4);
        let all = allowed(&problem, &hidden);
        let truth = true_options(&problem, &all);
        let (outcome, certificate) = searched(&problem, &hidden, false);
        let found: Vec<Combination> = outcome.options.iter().map(|o| o.chosen.clone()).collect();
        assert_eq!(found, truth, "seed {seed}: {problem:#?} {hidden:?}");
        assert_eq!(outcome.feasible, Some(!truth.is_empty()), "seed {seed}");
        outcome.options.iter().for_each(|o| solution::check(&problem, o).unwrap());
        assert_eq!(searched(&problem, &hidden, true).0, outcome, "seed {seed}");
        learned += usize::from(!certificate.nogoods.is_empty());
        let Some(best) = all.first() else { continue };
        met += 1;
        assert!((outcome.best_possible - best.value).abs() < 1e-9, "seed {seed}");
        let checked = check(&problem, &certificate, CHECK_STEPS);
        assert!(checked.is_ok_and(|checked| checked.complete), "seed {seed}");
        let low = Certificate { best_possible: best.value - 1e-6, ..certificate.clone() };
        assert!(check(&problem, &low, CHECK_STEPS).is_err(), "seed {seed}");
        // Without the no-goods the same bound is a false claim, wherever they cost anything.
        let silent = Certificate { nogoods: Vec::new(), ..certificate.clone() };
        let bare = Problem { nogoods: Vec::new(), ..problem.clone() };
        for (problem, certificate, hidden) in
            [(&problem, &silent, &[][..]), (&bare, &certificate, &hidden[..])]
        {
            let better = allowed(problem, hidden);
            if better.first().is_some_and(|other| other.value > best.value + 1e-9) {
                cut += 1;
                caught += usize::from(check(problem, certificate, CHECK_STEPS).is_err());
            }
        }
    }
    assert!(met > 500 && learned > 200 && cut > 200, "{met} {learned} {cut}");
    assert_eq!(caught, cut);
}

#[test]
fn merging_says_the_same_in_fewer_words() {
    let singles = |lists: &[&[Member]]| -> Vec<NoGood> {
        let one = |list: &&[Member]| NoGood::new(list.iter().map(|&(c, x)| (c, vec![x]))).unwrap();
        lists.iter().map(one).collect()
    };
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let problem = dice.problem();
        let lists: Vec<NoGood> = problem
            .nogoods
            .iter()
            .flat_map(|nogood| (0..nogood.count()).map(|n| nogood.list(n)))
            .flat_map(|list| singles(&[&list]))
            .collect();
        let merged = NoGood::merged(lists.clone());
        assert!(merged.len() <= lists.len());
        for chosen in combinations(&problem) {
            let cuts = |all: &[NoGood]| all.iter().any(|nogood| nogood.cuts(&chosen));
            assert_eq!(cuts(&merged), cuts(&lists), "seed {seed}");
        }
    }
    let block: Vec<NoGood> =
        singles(&[&[(0, 1), (2, 5)], &[(0, 1), (2, 6)], &[(0, 3), (2, 5)], &[(0, 3), (2, 6)]]);
    assert_eq!(NoGood::merged(block), [NoGood::new([(0, vec![1, 3]), (2, vec![5, 6])]).unwrap()]);
    assert_eq!(NoGood::new([]), None);
    assert_eq!(NoGood::new([(0, vec![])]), None);
}
