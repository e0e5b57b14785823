//! Several limits together: what keeps them is found, or that nothing does is proven, and the
//! certificate says it by itself where one bound does.

use std::time::{Duration, Instant};

use eventplanner::planning::{
    certificate::{
        Certificate,
        check::{CHECK_STEPS, check},
    },
    problem::Problem,
    search::{Outcome, Search},
    settings::SearchSettings,
};

use super::counted::{count_out, tight};

/// An optimised build takes hundredths of this.
const PATIENCE: Duration = Duration::from_secs(30);

fn searched(problem: &Problem) -> (Certificate, Outcome) {
    let mut search = Search::new(problem, &SearchSettings::default(), 0);
    while search.round(&mut |_| true).stopped.is_none() {}
    search.prove(&mut |_| true, &mut || None);
    (search.certificate(), search.finish())
}

/// Five limits, 2,000 candidates: from far too tight to wide enough.
#[test]
fn two_thousand_candidates_within_five_limits_are_decided() {
    let mut decided = [0; 2];
    for seed in 0..2 {
        for share in [0.25, 0.30, 0.325, 0.33, 0.334, 0.336, 0.338, 0.34, 0.36] {
            let problem = tight(8, 250, &[(4_000.0_f64 * share).floor(); 5], seed);
            let began = Instant::now();
            let mut search = Search::new(&problem, &SearchSettings::default(), 0);
            let progress = search.round(&mut |_| true);
            assert!(began.elapsed() < PATIENCE, "seed {seed}, share {share}");
            decided[usize::from(progress.best.is_some())] += 1;
            assert!(
                progress.best.is_some() || progress.bound == f64::NEG_INFINITY,
                "seed {seed}, share {share}: neither found nor excluded"
            );
        }
    }
    assert!(decided.iter().all(|count| *count >= 4), "{decided:?}");
}

/// Small ones, counted out, close to where the limits begin to be met.
#[test]
fn what_is_found_or_excluded_is_so() {
    let mut known = [0; 2];
    for seed in 0..120 {
        let dimensions = 2 + (seed % 4) as usize;
        let limit = 1_100.0 + 120.0 * (seed % 11) as f64;
        let problem = tight(4, 7, &vec![limit; dimensions], seed);
        let all = count_out(&problem);
        let (certificate, outcome) = searched(&problem);
        assert_eq!(outcome.feasible, Some(!all.is_empty()), "seed {seed}");
        known[usize::from(all.is_empty())] += 1;
        assert!(certificate.excluding.is_none() || all.is_empty(), "seed {seed}");
        if all.is_empty() {
            assert!(check(&problem, &certificate, CHECK_STEPS).unwrap().complete, "seed {seed}");
        }
    }
    assert!(known.iter().all(|count| *count > 20), "{known:?}");
}

#[test]
fn prices_show_by_themselves_that_nothing_keeps_the_limits() {
    let problem = tight(8, 250, &[1_000.0; 5], 1);
    let (certificate, outcome) = searched(&problem);
    assert_eq!((outcome.feasible, outcome.rounds), (Some(false), 1));
    let prices = certificate.excluding.clone().expect("one bound shows it");
    let found = check(&problem, &certificate, 1).unwrap();
    assert!(found.excluded && found.complete && found.examined == 0);

    // Prices that pay for nothing claim nothing; the few steps don't look at 10^19 combinations.
    let of = |excluding| Certificate { excluding, ..certificate.clone() };
    for excluding in [None, Some(vec![0.0; 5])] {
        let found = check(&problem, &of(excluding), 1_000).unwrap();
        assert!(!found.excluded && !found.complete);
    }
    for wrong in [vec![1.0; 4], vec![-1.0; 5], vec![f64::NAN; 5]] {
        assert!(check(&problem, &of(Some(wrong)), 1_000).is_err());
    }
    // With wider limits, the same prices exclude nothing.
    let wide = tight(8, 250, &[1_900.0; 5], 1);
    let (of_wide, outcome) = searched(&wide);
    assert_eq!((outcome.feasible, &of_wide.excluding), (Some(true), &None));
    let false_claim = Certificate { excluding: Some(prices), ..of_wide };
    assert!(!check(&wide, &false_claim, CHECK_STEPS).unwrap().excluded);
}
