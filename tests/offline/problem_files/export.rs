//! A problem written as a file: the same problem when it is read again, and of a size that grows
//! with its candidates.

use std::time::{Duration, Instant};

use common::dice::Dice;
use eventplanner::planning::{
    problem::{Candidate, Problem, ProblemCategory},
    problem_file::{AnswerFile, Id, ProblemFile, export::ProblemText},
    search::solve,
};
use proptest::prelude::*;

use super::ties::{assert_answered, patient};

/// With the ids of its candidates, and whether several roles of one vendor fill a second place.
fn random_problem(seed: u64) -> (Problem, Vec<Vec<String>>, bool) {
    let mut dice = Dice(seed);
    let n = 2 + dice.below(3) as usize;
    let strategies = 1 + dice.below(3) as usize;
    let signatures = 1 + dice.below(4) as usize;
    let weight = [0.0, 0.1, 1.0][dice.below(3) as usize];
    let mut table = vec![vec![0.0; signatures]; signatures];
    for (a, b) in (0..signatures).flat_map(|a| (a..signatures).map(move |b| (a, b))) {
        let value = weight * dice.unit(30);
        (table[a][b], table[b][a]) = (value, value);
    }
    let mut categories = Vec::new();
    let mut ids = Vec::new();
    let mut is_entangled = false;
    for c in 0..n {
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut filling = 0;
        let count = if c == 1 { dice.below(4) } else { 1 + dice.below(5) };
        for x in 0..count {
            let also = c != 1 && dice.below(3) == 0;
            let same_as = (x > 0 && dice.below(4) == 0).then_some(0);
            filling += u32::from(also && (x == 0 || same_as.is_some()));
            candidates.push(Candidate {
                value: (0..strategies).map(|_| dice.unit(30)).collect(),
                usage: vec![dice.below(50) as f64, dice.unit(30)],
                signature: dice.below(signatures as u64) as u32,
                also_fills: also.then_some(1),
                same_as,
            });
        }
        is_entangled |= filling > 1;
        ids.push((0..count).map(|x| format!("{c}-{x}")).collect());
        let required = dice.below(3) > 0;
        categories.push(ProblemCategory { required, candidates: candidates.into_iter().collect() });
    }
    let mut forbidden_pairs = Vec::new();
    for _ in 0..dice.below(2) * 4 {
        let (a, b) = (dice.below(n as u64) as usize, dice.below(n as u64) as usize);
        let (x, y) = (categories[a].candidates.len(), categories[b].candidates.len());
        if a != b && x > 0 && y > 0 {
            let (x, y) = (dice.below(x as u64) as u32, dice.below(y as u64) as u32);
            forbidden_pairs.push([(a, x), (b, y)]);
        }
    }
    let problem = Problem {
        strategies,
        categories,
        limits: vec![n as f64 * (10.0 + dice.below(30) as f64), n as f64 * dice.unit(30)],
        pair_value: table,
        forbidden_pairs,
        nogoods: Vec::new(),
        options: 1 + dice.below(4) as usize,
        min_difference: 1 + dice.below(n.min(3) as u64) as usize,
    };
    (problem, ids, is_entangled)
}

fn names(problem: &Problem) -> Vec<String> {
    (0..problem.categories.len()).map(|c| format!("c{c}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, ..ProptestConfig::with_cases(1_000)
    })]

    /// Export and read again: the very problem, and the options of one who looks at the file's words
    /// alone.
    #[test]
    fn an_exported_problem_is_the_same_again(seed in any::<u64>()) {
        let (problem, ids, is_entangled) = random_problem(seed);
        let text: String = ProblemText::new(problem.clone(), &names(&problem), &ids).collect();
        let file: ProblemFile = serde_json::from_str(&text).unwrap();
        let loaded = file.clone().into_problem().unwrap();
        let is_signed = problem.pair_value.iter().flatten().any(|value| *value != 0.0);
        if is_signed && !is_entangled {
            prop_assert_eq!(&loaded.problem, &problem);
        }
        let run = |problem| solve(problem, &patient(), 0, &mut |_| true, &mut || None);
        let (before, after) = (run(&problem), run(&loaded.problem));
        prop_assert_eq!(before.options.len(), after.options.len());
        let answer = AnswerFile::new(&after, &loaded, 0.0);
        for ((old, new), named) in before.options.iter().zip(&after.options).zip(&answer.options) {
            prop_assert!((old.value - new.value).abs() < 1e-12);
            prop_assert_eq!(&old.usage, &new.usage);
            for (c, chosen) in old.chosen.iter().enumerate() {
                let id = chosen.map(|x| Id::Text(ids[c][x as usize].clone()));
                let twin = |id: &Option<Id>| id.as_ref().is_some_and(|id| id.to_string().contains(':'));
                prop_assert!(named.ids[c] == id || twin(&named.ids[c]), "{:?}", named);
            }
        }
        if before.best_possible.is_finite() {
            prop_assert!((before.best_possible - after.best_possible).abs() < 1e-12);
        }
        assert_answered(&file, &format!("seed {seed}"));
    }
}

/// So many vendors; each fourth is a venue with a kitchen, which may cater or not.
fn large_problem(vendors: usize) -> (Problem, Vec<Vec<String>>) {
    const SIGNATURES: usize = 160;
    let mut dice = Dice(1);
    let mut table = vec![vec![0.0; SIGNATURES]; SIGNATURES];
    for (a, b) in (0..SIGNATURES).flat_map(|a| (a..SIGNATURES).map(move |b| (a, b))) {
        let value = dice.unit(30) / 40.0;
        (table[a][b], table[b][a]) = (value, value);
    }
    let mut all: Vec<Vec<Candidate>> = vec![Vec::new(); 4];
    let mut ids: Vec<Vec<String>> = vec![Vec::new(); 4];
    let words = ["venue", "caterer", "photographer", "makeup_artist"];
    for v in 0..vendors {
        let c = v % 4;
        for role in 0..if c == 0 { 2 } else { 1 } {
            let x = all[c].len() as u32;
            all[c].push(Candidate {
                value: (0..3).map(|_| dice.unit(30) / 3.0).collect(),
                usage: vec![dice.below(90_000_000) as f64],
                signature: dice.below(SIGNATURES as u64) as u32,
                also_fills: (role == 1).then_some(1),
                same_as: (role == 1).then(|| x - 1),
            });
            let plus = if role == 1 { "+catering" } else { "" };
            ids[c].push(format!("bengaluru-{}-{v:06}{plus}", words[c]));
        }
    }
    let categories = all
        .into_iter()
        .map(|all| ProblemCategory { required: true, candidates: all.into_iter().collect() });
    let problem = Problem {
        strategies: 3,
        categories: categories.collect(),
        limits: vec![76_000_000.0],
        pair_value: table,
        forbidden_pairs: Vec::new(),
        nogoods: Vec::new(),
        options: 3,
        min_difference: 2,
    };
    (problem, ids)
}

#[test]
fn the_export_grows_with_the_venues_and_is_never_held_whole() {
    const CHUNK_BYTES: usize = 64 * 1024;
    let mut sizes = Vec::new();
    for vendors in [20_000, 40_000] {
        let (problem, ids) = large_problem(vendors);
        let began = Instant::now();
        let text = ProblemText::new(problem.clone(), &names(&problem), &ids);
        let (mut size, mut longest) = (0, 0);
        let mut whole = String::new();
        for chunk in text.chunks(CHUNK_BYTES) {
            size += chunk.len();
            longest = longest.max(chunk.len());
            whole.push_str(&chunk);
        }
        // Without optimisation and among other tests; the work itself is some hundredths of it.
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(longest < 2 * CHUNK_BYTES, "{longest}");
        let file: ProblemFile = serde_json::from_str(&whole).unwrap();
        assert_eq!(file.ties.len(), vendors / 4);
        assert!(file.forbidden_pairs.is_empty());
        assert!(file.into_problem().unwrap().problem == problem, "{vendors} vendors");
        sizes.push(size);
    }
    assert!(sizes[0] <= 5_000_000, "{sizes:?}");
    assert!(sizes[1] as f64 <= 2.2 * sizes[0] as f64, "{sizes:?}");
}

/// Nothing is written that says nothing, and names come through as they are.
#[test]
fn the_export_is_terse_and_escapes_names() {
    let (mut problem, _) = large_problem(4);
    problem.pair_value = vec![vec![0.0; 160]; 160];
    let ids = [["a\"b", "a\"b+\u{1}\\"].map(str::to_owned).to_vec()];
    let one = |id: &str| vec![id.to_owned()];
    let ids = [ids.as_slice(), &[one("skip"), one("skip"), one("d é")]].concat();
    let text: String = ProblemText::new(problem, &names(&large_problem(4).0), &ids).collect();
    assert!(!text.contains("signature") && !text.contains(".0]"), "{text}");
    assert!(text.contains(r#""pair_value":[[0]],"forbidden_pairs":[],"ties":[["a\"b+\u0001\\","#));
    let file: ProblemFile = serde_json::from_str(&text).unwrap();
    assert_eq!(file.categories[0].candidates[1].id, Id::Text("a\"b+\u{1}\\".to_owned()));
    assert_eq!(file.categories[0].candidates[1].same_as, Some(Id::Text("a\"b".to_owned())));
    assert!(file.into_problem().is_ok());
}
