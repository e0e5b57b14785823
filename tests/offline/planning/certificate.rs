//! Certificates: made by the search, checked by code that shares nothing with it.

use common::synthetic::{Shape, event};
use eventplanner::planning::{
    certificate::{
        Certificate, Stands,
        check::{CHECK_STEPS, Checked, check},
    },
    problem::Problem,
    search::{Outcome, Search},
    settings::SearchSettings,
};

fn searched(problem: &Problem, settings: &SearchSettings) -> (Certificate, Outcome) {
    let mut search = Search::new(problem, settings, 0);
    while search.round(&mut |_| true).stopped.is_none() {}
    search.prove(&mut |_| true, &mut || None);
    (search.certificate(), search.finish())
}

fn checked(problem: &Problem, certificate: &Certificate) -> Result<Checked, String> {
    check(problem, certificate, CHECK_STEPS)
}

/// Small events of every shape: strategies, kitchens of the house, several limits, optional
/// categories, forbidden pairs.
fn problems() -> Vec<Problem> {
    let mut all = Vec::new();
    for seed in 0..24 {
        let shape = Shape {
            strategies: 1 + (seed % 3) as usize,
            in_house: if seed % 2 == 0 { 0.4 } else { 0.0 },
            limits: 1 + (seed % 4 / 3) as usize,
            ..Shape::of(64 + 40 * seed as usize, [0.7, 1.0, 1.4][(seed % 3) as usize])
        };
        let mut problem = event(shape, seed);
        if seed % 5 == 1 {
            problem.categories[3].required = false;
        }
        if seed % 4 == 2 {
            problem.forbidden_pairs = (0..5).map(|x| [(2, x), (4, 5 - x)]).collect();
        }
        all.push(problem);
    }
    all
}

#[test]
fn a_certificate_holds_and_no_lower_bound_does() {
    for (i, problem) in problems().iter().enumerate() {
        let (certificate, outcome) = searched(problem, &SearchSettings::default());
        let best = outcome.options[0].value;
        assert!(outcome.proven_gap < 1e-9, "problem {i}");
        let found = checked(problem, &certificate).unwrap();
        assert!(found.complete, "problem {i}: {found:?}");
        let highest = found.strategies.iter().map(|s| s.bound).fold(f64::NEG_INFINITY, f64::max);
        assert!(highest >= best - 1e-9, "problem {i}: {highest} < {best}");
        assert!((found.examined as f64) < found.combinations / 2.0, "problem {i}");
        let claim = Certificate { best_possible: best - 1e-6, ..certificate };
        let refuted = checked(problem, &claim).unwrap_err();
        assert!(refuted.contains("is worth"), "problem {i}: {refuted}");
    }
}

#[test]
fn a_bound_of_a_search_without_proof_holds_too() {
    for (i, problem) in problems().iter().enumerate() {
        let settings = SearchSettings { proof_nodes: 20, ..SearchSettings::default() };
        let (certificate, _) = searched(problem, &settings);
        assert!(checked(problem, &certificate).unwrap().complete, "problem {i}");
    }
}

#[test]
fn refused_combinations_are_named() {
    let problem = event(Shape::of(160, 1.0), 3);
    let settings = SearchSettings::default();
    let best = searched(&problem, &settings).1.options[0].chosen.clone();
    let mut search = Search::new(&problem, &settings, 0);
    let accept = &mut |chosen: &_| *chosen != best;
    while search.round(accept).stopped.is_none() {}
    search.prove(accept, &mut || None);
    let certificate = search.certificate();
    assert_eq!(certificate.refused, [best]);
    assert!(checked(&problem, &certificate).unwrap().complete);
    let silent = Certificate { refused: Vec::new(), ..certificate };
    assert!(checked(&problem, &silent).is_err());
}

#[test]
fn evidence_that_was_tampered_with_is_refused() {
    let problem = event(Shape { in_house: 0.3, ..Shape::of(200, 1.4) }, 5);
    let (certificate, _) = searched(&problem, &SearchSettings::default());
    /// Changes a certificate.
    type Edit = fn(&mut Certificate);
    let edits: [(&str, Edit); 5] = [
        ("miss a pair", |c| c.evidence[0].kinds[2][0].messages[3] -= 1.0),
        ("negative", |c| c.evidence[0].multipliers[0][0] = -1.0),
        ("kinds of category 1", |c| drop(c.evidence[0].kinds[1].pop())),
        ("kinds of category 0", |c| c.evidence[0].kinds[0][0].identity.stands = Stands::Empty),
        ("0 strategies", |c| c.evidence.clear()),
    ];
    for (expected, edit) in edits {
        let mut tampered = certificate.clone();
        edit(&mut tampered);
        let refused = checked(&problem, &tampered).unwrap_err();
        assert!(refused.contains(expected), "{expected}: {refused}");
    }
    let other = event(Shape::of(200, 1.0), 6);
    assert!(checked(&other, &certificate).is_err());
}

#[test]
fn a_check_that_runs_out_of_steps_says_so() {
    let problem = event(Shape::of(800, 1.0), 1);
    let (certificate, _) = searched(&problem, &SearchSettings::default());
    assert!(!check(&problem, &certificate, 10).unwrap().complete);
}
