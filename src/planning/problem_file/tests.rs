//! Reading, checking, unfolding.

use serde_json::json;

use super::export::ProblemText;
use crate::{
    problem::{Candidate, ProblemCategory},
    problem_file::*,
    search::solve,
    settings::SearchSettings,
};

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
    let loaded = file.into_problem().unwrap();
    let Loaded { problem, ids } = &loaded;
    assert_eq!(ids.own[1], [Some(Id::Number(9)), Some(Id::Number(10))]);
    assert_eq!(problem.forbidden_pairs, [[(0, 0), (1, 1)]]);
    assert_eq!((problem.options, problem.min_difference), (3, 2));
    let settings = SearchSettings::default();
    let outcome = solve(problem, &settings, 0, &mut |_| true, &mut || None);
    let answer = serde_json::to_value(AnswerFile::new(&outcome, &loaded, 1.5)).unwrap();
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
        ("/categories/0/candidates/1/value", json!([1, 2]), "categories[0].candidates[1].value"),
        ("/categories/0/candidates/1/use/0", json!(-1), "categories[0].candidates[1].use[0]"),
        ("/categories/0/candidates/0/id", json!("v1"), "categories[0].candidates[1].id"),
        ("/pair_value/1/0", json!(0.2), "pair_value[1][0]"),
        ("/categories/1/candidates/0/signature", json!(2), "categories[1].candidates[0].signature"),
        ("/limits/0", json!(-4), "limits[0]"),
    ];
    for (pointer, wrong, field) in cases {
        let mut document = small();
        *document.pointer_mut(pointer).unwrap() = wrong;
        assert_eq!(errors_of(document)[0], field);
    }
}

#[test]
fn a_second_place_is_unfolded_and_folded_again() {
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
                    candidates: [candidate(0.5, 5.0, 0, Some(1)), candidate(0.3, 1.0, 1, None)]
                        .into_iter()
                        .collect(),
                },
                ProblemCategory {
                    required,
                    candidates: [candidate(0.3, 5.0, 1, None)].into_iter().collect(),
                },
            ],
            limits: vec![5.0],
            pair_value: vec![vec![0.4, 0.0], vec![0.0, 0.0]],
            forbidden_pairs: vec![],
            nogoods: vec![],
            options: 3,
            min_difference: 1,
        };
        let names = ["venue".to_owned(), "caterer".to_owned()];
        let ids = [vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]];
        let text: String = ProblemText::new(problem.clone(), &names, &ids).collect();
        let file: ProblemFile = serde_json::from_str(&text).unwrap();
        assert_eq!(file.ties, [["a".into(), "a:caterer".into()]]);
        assert_eq!(file.categories[1].candidates[1].id, "a:caterer".into());
        let folded = file.into_problem().unwrap().problem;
        assert_eq!(folded, problem);
        let values = |p: &Problem| -> Vec<f64> {
            let settings = SearchSettings::default();
            let outcome = solve(p, &settings, 0, &mut |_| true, &mut || None);
            outcome.options.iter().map(|o| o.value).collect()
        };
        assert_eq!(values(&folded)[0], best);
    }
}
