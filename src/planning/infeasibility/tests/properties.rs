//! Any explanation is complete, and every way out suffices.

use super::*;

fn is_pair(relaxation: &Relaxation) -> bool {
    relaxation.advice.contains(", and ")
}

/// All changes of one dimension, by brute force.
fn dimensions(case: &Case) -> Vec<(String, Vec<Case>)> {
    let mut all = Vec::new();
    let rich = edited(case, |case| case.request.budget.amount.minor = 1 << 50);
    all.push(("budget.amount".to_owned(), vec![rich]));
    let dollars = edited(case, |case| case.request.budget = in_any_dollars());
    all.push(("budget".to_owned(), vec![dollars]));
    let guests = (1..=260).map(|guests| edited(case, |case| case.request.guests = guests));
    all.push(("guests".to_owned(), guests.collect()));
    let dates = (-14..=14).map(|days: i64| {
        edited(case, |c| c.request.time.date = c.request.time.date.saturating_add(days.days()))
    });
    let coming = dates.filter(|case| case.request.time.date > TODAY);
    all.push(("date".to_owned(), coming.collect()));
    let (start, minutes) = (case.request.time.start, case.request.time.minutes);
    let day = case.request.anchors.iter().map(|a| a.at < start).collect::<Vec<_>>();
    let quarters = (0..96_i8).map(|quarter| civil::time(quarter / 4, quarter % 4 * 15, 0, 0));
    let same_day = quarters
        .filter(|&start| case.request.anchors.iter().map(|a| a.at < start).eq(day.iter().copied()));
    let starts = same_day.map(|start| edited(case, |case| case.request.time.start = start));
    all.push(("start".to_owned(), starts.collect()));
    let lengths = (30..=minutes + 240).step_by(30);
    let lengths = lengths.map(|minutes| edited(case, |case| case.request.time.minutes = minutes));
    all.push(("hours".to_owned(), lengths.collect()));
    let away = edited(case, |case| case.request.city = "Mysuru".into());
    let has_city = case.vendors.iter().any(|sourced| sourced.vendor.city == "Mysuru");
    all.push(("city".to_owned(), has_city.then_some(away).into_iter().collect()));
    let needs = case.request.preferences.dietary.len();
    let diets = (0..needs).map(|i| edited(case, |c| drop(c.request.preferences.dietary.remove(i))));
    all.push(("preferences.dietary".to_owned(), diets.collect()));
    if !case.request.preferences.amenities.is_empty() {
        let dry = edited(case, |case| case.request.preferences.amenities.clear());
        all.push(("preferences.amenities".to_owned(), vec![dry]));
    }
    let required = case.request.services.iter().filter(|(_, service)| service.required);
    if required.clone().count() > 1 {
        for (name, _) in required {
            let field = format!("services.{name}.required");
            let optional = edited(case, |case| {
                case.request.services.get_mut(name).unwrap().required = false;
            });
            all.push((field, vec![optional]));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// A request is explained where it is infeasible; what is offered suffices; where a dimension
    /// is not offered, nothing in it suffices; amounts are the smallest that do.
    #[test]
    fn relaxations_suffice_and_none_is_missing(case in any_case(2)) {
        let explanation = explained(&case);
        prop_assert_eq!(explanation.conflicts.is_empty(), is_feasible(&case));
        for relaxation in &explanation.relaxations {
            prop_assert!(is_feasible(&relaxed(&case, relaxation)), "{relaxation:?}");
        }
        if !explanation.conflicts.is_empty() {
            for (field, cases) in dimensions(&case) {
                let offered = of(&explanation, &field).is_some_and(|r| !is_pair(r));
                prop_assert_eq!(offered, cases.iter().any(is_feasible), "{}", field);
            }
        }
        if let Some(relaxation) = of(&explanation, "budget.amount") {
            let less = edited(&relaxed(&case, relaxation), |c| c.request.budget.amount.minor -= 1);
            prop_assert!(!is_feasible(&less));
        }
        if let Some(relaxation) = of(&explanation, "guests") {
            let offered: u32 = relaxation.value.parse().unwrap();
            let away = offered.abs_diff(case.request.guests);
            for guests in case.request.guests.saturating_sub(away - 1).max(1)
                ..case.request.guests + away
            {
                let other = edited(&case, |case| case.request.guests = guests);
                prop_assert!(!is_feasible(&other), "{guests} guests are nearer");
            }
        }
    }
}

/// Single changes of each dimension that is small enough for all pairs to be tried.
fn small_changes(case: &Case) -> Vec<(&'static str, Change)> {
    let request = &case.request;
    let mut all: Vec<(&'static str, Change)> =
        vec![("budget", Box::new(|case| case.request.budget.amount.minor = 1 << 50))];
    for days in (-14..=14_i64).filter(|days| *days != 0) {
        let date = request.time.date.saturating_add(days.days());
        all.push(("date", Box::new(move |case| case.request.time.date = date)));
    }
    if case.vendors.iter().any(|sourced| sourced.vendor.currency() != Some(inr())) {
        all.push(("currency", Box::new(|case| case.request.budget = in_any_dollars())));
    }
    if case.vendors.iter().any(|sourced| sourced.vendor.city == "Mysuru") {
        all.push(("city", Box::new(|case| case.request.city = "Mysuru".into())));
    }
    for need in request.preferences.dietary.clone() {
        let change = move |case: &mut Case| {
            case.request.preferences.dietary.retain(|other| *other != need);
        };
        all.push(("diet", Box::new(change)));
    }
    for name in request.services.keys() {
        let name = name.clone();
        let change = move |case: &mut Case| {
            case.request.services.get_mut(&name).unwrap().required = false;
        };
        all.push(("service", Box::new(change)));
    }
    all
}

type Change = Box<dyn Fn(&mut Case)>;

/// More dollars than any vendor of these cases takes.
fn in_any_dollars() -> Budget {
    let currency = "USD".parse().unwrap();
    Budget { amount: Amount::largest(currency), currency }
}

fn requires_something(case: &Case) -> bool {
    case.request.services.values().any(|service| service.required)
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 10_000, ..ProptestConfig::with_cases(150) })]

    /// Of 150 infeasible requests each has a way out or the plain word that there is none; every
    /// way out leads to a plan when it is taken, also in the search.
    #[test]
    fn every_way_out_suffices_or_there_is_none(case in any_timed_case(2)) {
        prop_assume!(!is_feasible_by(&case, &mut *real_time()));
        let explanation = explained_by(&case, &mut *real_time());
        prop_assert!(!explanation.conflicts.is_empty());
        prop_assert_eq!(explanation.relaxations.is_empty(), explanation.no_way_out.is_some());
        for relaxation in &explanation.relaxations {
            let relaxed = relaxed(&case, relaxation);
            prop_assert!(requires_something(&relaxed), "{relaxation:?}");
            prop_assert!(is_feasible_by(&relaxed, &mut *real_time()), "{relaxation:?}");
            prop_assert!(relaxed.request.time.date > TODAY);
            prop_assert!(has_option(&relaxed), "{relaxation:?}");
        }
        if let Some(none) = &explanation.no_way_out {
            prop_assert!(none.tried_all);
            prop_assert!(none.statement.starts_with("no single or double change of the budget, "));
            let changes = small_changes(&case);
            for (i, (kind, one)) in changes.iter().enumerate() {
                for (other_kind, other) in &changes[i..] {
                    if kind == other_kind && *kind == "date" {
                        continue;
                    }
                    let changed = edited(&case, |case| { one(case); other(case) });
                    let helps =
                        requires_something(&changed) && is_feasible_by(&changed, &mut *any_time());
                    // Without the clock more is feasible than with it.
                    prop_assert!(!helps || !is_feasible_by(&changed, &mut *real_time()),
                        "{kind} and {other_kind}");
                }
            }
        }
    }
}

/// Whether the search finds anything.
fn has_option(case: &Case) -> bool {
    let input = case.input();
    let settings = SearchSettings { min_difference: 1, ..SearchSettings::default() };
    let assembly = assemble(&input, &settings);
    let mut accept = |chosen: &crate::problem::Combination| {
        let engagements = assembly.engagements(chosen);
        !schedule(&case.request, &case.categories, &engagements).has_high()
    };
    let found = solve(&assembly.problem, &settings, 0, &mut accept, &mut || None);
    !found.options.is_empty()
}
