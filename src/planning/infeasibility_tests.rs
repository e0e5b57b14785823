//! Explanations of infeasible requests, held against the assembled problem.

use jiff::{ToSpan, civil};
use proptest::prelude::*;

use super::{
    assembly::assemble,
    domain_properties::combinations,
    infeasibility::explain,
    ledger::Timeline,
    samples::{Case, TODAY, any_case, inr, meal, vendor, venue},
    settings::SearchSettings,
};
use crate::model::{
    Amount, Anchor, Capacity, Category, CateringPolicy, HouseRule, Infeasibility, MealOption,
    Percent, Policies, Relaxation, VendorId,
};

fn any_time() -> Box<Timeline<'static>> {
    Box::new(|_, _, _| Ok(()))
}

fn explained(case: &Case) -> Infeasibility {
    explain(&case.inquiry(), &mut *any_time())
}

/// By trying every combination of the assembled problem.
fn is_feasible(case: &Case) -> bool {
    let assembly = assemble(&case.inquiry(), &SearchSettings::default());
    !combinations(&assembly.problem, 100_000).is_empty()
}

/// The case with a relaxation's changes made, as a client would write them.
fn relaxed(case: &Case, relaxation: &Relaxation) -> Case {
    let mut case = case.clone();
    let values = relaxation.value.split("; ");
    for (field, value) in relaxation.field.split(", ").zip(values) {
        let list = || -> Vec<String> { serde_json::from_str(value).unwrap() };
        let ids = || list().iter().map(VendorId::new).collect();
        let request = &mut case.request;
        match field {
            "budget.amount" => request.budget.amount = Amount::parse(value, inr()).unwrap(),
            "contingency_percent" => {
                request.contingency = Percent::from_f64(value.parse().unwrap()).unwrap();
            }
            "guests" => request.guests = value.parse().unwrap(),
            "date" => request.time.date = value.parse().unwrap(),
            "city" => request.city = value.to_owned(),
            "preferences.dietary" => request.preferences.dietary = list(),
            "must_include" => request.must_include = ids(),
            "exclude" => request.exclude = ids(),
            "preferences.amenities" => request.preferences.amenities = list(),
            "policies.catering" | "policies.decor" | "policies.alcohol" => {
                let id = relaxation.advice.split("venue `").nth(1).unwrap();
                let id = id.split('`').next().unwrap();
                let mut vendors = case.vendors.iter_mut();
                let venue = &mut vendors.find(|s| s.vendor.id.as_str() == id).unwrap().vendor;
                let policies = venue.policies.get_or_insert_with(Policies::default);
                let allowed = Some(HouseRule::Allowed(true));
                match field {
                    "policies.catering" => policies.catering = Some(CateringPolicy::Both),
                    "policies.decor" => policies.decor = allowed,
                    _ => policies.alcohol = allowed,
                }
            }
            "services.caterer" => {
                let mut asked = Case::of(&["venue", "caterer"]);
                let name = Category::new("caterer");
                request.services.insert(name.clone(), asked.request.services[&name]);
                case.categories.push(asked.categories.pop().unwrap());
            }
            other => {
                let parts: Vec<&str> = other.split('.').collect();
                assert_eq!((parts[0], parts[2], value), ("services", "required", "false"));
                request.services.get_mut(&Category::new(parts[1])).unwrap().required = false;
            }
        }
    }
    case
}

fn of<'r>(explanation: &'r Infeasibility, field: &str) -> Option<&'r Relaxation> {
    explanation.relaxations.iter().find(|relaxation| relaxation.field == field)
}

fn edited(case: &Case, edit: impl FnOnce(&mut Case)) -> Case {
    let mut case = case.clone();
    edit(&mut case);
    case
}

#[test]
fn a_tight_budget_is_explained_to_the_last_unit() {
    let halls = [venue("v", CateringPolicy::Outside), venue("w", CateringPolicy::InHouse)];
    let mut caterer = vendor("c", "caterer");
    caterer.pricing = vec![meal(MealOption::NonVeg, 999)];
    let mut case = Case::of(&["venue", "caterer"]).with(halls).with([caterer]);
    case.request.budget.amount.minor = 200_000;
    case.request.contingency = Percent::from_whole(5);
    // The cheapest: 1,000.00 for the hall and 999.00 for the meals.
    let explanation = explained(&case);
    assert_eq!(
        explanation.conflicts,
        [
            "the budget of 2,000.00 INR leaves 1,900.00 INR beside the contingency, \
         the cheapest vendors cost 1,999.00 INR",
            "a venue is required",
            "a caterer is required",
        ]
    );
    let value = |field| of(&explanation, field).unwrap().value.as_str();
    assert_eq!(value("budget.amount"), "2104.22");
    assert_eq!(value("contingency_percent"), "0.05");
    assert_eq!(value("guests"), "90");
    assert_eq!(value("services.caterer.required"), "false");
    assert_eq!(of(&explanation, "date"), None);
    let advice = &of(&explanation, "budget.amount").unwrap().advice;
    assert_eq!(advice, "raise the budget to at least 2104.22 INR");
}

/// Changes a case.
type Edit = fn(&mut Case);

#[test]
fn each_dimension_has_its_way_out() {
    let cases: &[(&str, &str, &str, Edit)] = &[
        ("date", "2027-02-21", "the date 2027-02-20: 1 of 1 vendors", |case| {
            let saturday = vec!["saturday".parse().unwrap()];
            case.vendors[0].vendor.closed_weekdays = saturday;
        }),
        ("date", "2027-02-22", "the date", |case| case.vendors[0].vendor.lead_days = 83),
        ("city", "Mysuru", "the city Bengaluru: 1 of 1 vendors", |case| {
            case.vendors.iter_mut().for_each(|sourced| sourced.vendor.city = "Mysuru".into());
        }),
        ("guests", "80", "100 guests: 1 of 1 vendors", |case| {
            case.vendors[0].vendor.capacity =
                Some(Capacity { max: Some(80), ..Capacity::default() });
        }),
        ("guests", "150", "100 guests", |case| {
            case.vendors[0].vendor.capacity =
                Some(Capacity { min: Some(150), ..Capacity::default() });
        }),
        ("preferences.dietary", "[\"halal\"]", "the dietary need `jain`: 1 of 1", |case| {
            case.request.preferences.dietary = vec!["halal".into(), "jain".into()];
            case.vendors[1].vendor.tags = vec!["halal".into()];
        }),
        ("exclude", "[]", "exclude: 1 of 1", |case| {
            case.request.exclude = vec!["c".into()];
        }),
        ("must_include", "[\"c\"]", "must_include names `x`", |case| {
            case.request.must_include = vec!["c".into(), "x".into()];
        }),
        ("policies.catering", "outside", "the venues' catering policies", |case| {
            case.vendors[0].vendor = venue("v", CateringPolicy::InHouse);
            case.request.must_include = vec!["c".into()];
        }),
        ("policies.catering", "in_house", "the venues' catering policies", |case| {
            let mut hall = venue("v", CateringPolicy::Both);
            hall.policies = None;
            case.vendors[0].vendor = hall;
            case.vendors.pop();
        }),
        ("services.caterer.required", "false", "a caterer is required, and none is known", |c| {
            c.vendors.pop();
        }),
        ("services.caterer", "{\"required\": true}", "a venue is required", |case| {
            let mut hall = venue("v", CateringPolicy::InHouse);
            hall.pricing.remove(0);
            *case = Case::of(&["venue"]).with([hall]);
        }),
    ];
    for (field, value, conflict, edit) in cases {
        let mut case = Case::of(&["venue", "caterer"])
            .with([venue("v", CateringPolicy::Outside), vendor("c", "caterer")]);
        assert!(is_feasible(&case));
        edit(&mut case);
        assert!(!is_feasible(&case), "{field}");
        let explanation = explained(&case);
        let said = explanation.conflicts.iter().any(|words| words.starts_with(conflict));
        assert!(said, "{conflict}: {explanation:?}");
        let relaxation = of(&explanation, field).unwrap_or_else(|| panic!("{explanation:?}"));
        assert_eq!(relaxation.value, *value);
        assert!(is_feasible(&relaxed(&case, relaxation)), "{relaxation:?}");
    }
}

#[test]
fn two_conflicts_need_a_pair() {
    let mut hall = venue("v", CateringPolicy::Outside);
    hall.closed_weekdays = vec!["saturday".parse().unwrap()];
    let mut case = Case::of(&["venue", "caterer"]).with([hall, vendor("c", "caterer")]);
    case.request.preferences.dietary = vec!["jain".into()];
    let explanation = explained(&case);
    let first = &explanation.relaxations[0];
    assert_eq!(first.field, "date, preferences.dietary");
    assert_eq!(first.value, "2027-02-21; []");
    assert!(is_feasible(&relaxed(&case, first)));

    let poor = edited(&case, |case| {
        case.request.preferences.dietary.clear();
        case.request.budget.amount.minor = 150_000;
        case.vendors[1].vendor.pricing[0].amount.minor = 200_000;
    });
    let explanation = explained(&poor);
    let shown: Vec<_> =
        explanation.relaxations.iter().map(|r| (r.field.as_str(), r.value.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("date, services.caterer.required", "2027-02-21; false"),
            ("services.venue.required, budget.amount", "false; 2000.00"),
        ]
    );
    assert!(explanation.relaxations.iter().all(|r| is_feasible(&relaxed(&poor, r))));
}

#[test]
fn venues_rules_are_conflicts_of_their_own() {
    let hall = |id: &str, decor: bool, alcohol: bool| {
        let mut hall = venue(id, CateringPolicy::Outside);
        let policies = hall.policies.get_or_insert_with(Policies::default);
        policies.decor = Some(HouseRule::Allowed(decor));
        policies.alcohol = Some(HouseRule::Allowed(alcohol));
        hall
    };
    let decorated = |halls: Vec<crate::model::Vendor>| {
        let mut case = Case::of(&["venue", "decorator"]).with(halls);
        case = case.with([vendor("d", "decorator")]);
        case.request.preferences.amenities = vec!["bar".into(), "parking".into()];
        case
    };
    let bare = decorated(vec![hall("a", false, true), hall("b", false, true)]);
    let explanation = explained(&bare);
    assert_eq!(
        explanation.conflicts,
        [
            "the venues' rules on decor: 2 of 3 vendors take no decorator",
            "a venue is required",
            "a decorator is required",
        ]
    );
    let advice = |explanation: &Infeasibility, field| {
        of(explanation, field).map(|relaxation| relaxation.advice.clone())
    };
    assert_eq!(
        advice(&explanation, "policies.decor").unwrap(),
        "agree with venue `a` on a decorator"
    );
    assert_eq!(
        advice(&explanation, "services.decorator.required").unwrap(),
        "do without a decorator where none fits"
    );
    let dry = decorated(vec![hall("a", true, false)]);
    let explanation = explained(&dry);
    assert_eq!(
        explanation.conflicts,
        ["the wanted amenity `bar`: 1 of 1 vendors allow no alcohol", "a venue is required"]
    );
    let wish = of(&explanation, "preferences.amenities").unwrap();
    assert_eq!(
        (wish.advice.as_str(), wish.value.as_str()),
        ("do without the amenity `bar`", "[\"parking\"]")
    );
    // Both rules at once: no single rule that gives way is enough.
    let both = decorated(vec![hall("a", false, false)]);
    let explanation = explained(&both);
    let fields: Vec<&str> = explanation.relaxations.iter().map(|r| r.field.as_str()).collect();
    assert_eq!(fields, ["services.venue.required"]);
    // An optional decorator is left out, and one that must come is not.
    let optional = |must: &[&str]| {
        edited(&bare, |case| {
            let service = case.request.services.get_mut(&Category::new("decorator")).unwrap();
            service.required = false;
            case.request.must_include = must.iter().map(|&id| id.into()).collect();
        })
    };
    assert_eq!(explained(&optional(&[])), Infeasibility::default());
    assert_eq!(explained(&optional(&["a"])), Infeasibility::default());
    let forced = optional(&["d"]);
    assert!(of(&explained(&forced), "must_include").is_some());
    for relaxation in explained(&forced).relaxations {
        assert!(is_feasible(&relaxed(&forced, &relaxation)), "{relaxation:?}");
    }
}

#[test]
fn the_timeline_has_a_say() {
    let halls = ["a", "b"].map(|id| {
        let mut hall = venue(id, CateringPolicy::Outside);
        hall.pricing[0].amount.minor += i64::from(id == "b");
        hall
    });
    let mut case = Case::of(&["venue"]).with(halls);
    case.request.budget.amount.minor = 100_000;
    case.request.anchors =
        vec![Anchor { activity: "ceremony".into(), at: civil::time(18, 0, 0, 0), location: None }];
    // Hall a, the cheaper one, closes before the ceremony.
    let timeline: &mut Timeline<'_> = &mut |request, _, engagements| {
        let is_late = |e: &super::engagement::Engagement<'_>| e.vendor.id.as_str() == "a";
        let clashes = !request.anchors.is_empty() && engagements.iter().any(is_late);
        if clashes { Err("a closes at 17:00".into()) } else { Ok(()) }
    };
    let explanation = explain(&case.inquiry(), timeline);
    assert!(explanation.conflicts.contains(&"the timeline: a closes at 17:00".to_owned()));
    assert_eq!(of(&explanation, "budget.amount").unwrap().value, "1000.01");
    let anchor = of(&explanation, "anchors[0]").unwrap();
    assert_eq!(anchor.advice, "leave the time of `ceremony` open");
}

#[test]
fn a_feasible_request_needs_no_explanation() {
    let case = Case::of(&["florist"]).with([vendor("f", "florist")]);
    assert_eq!(explained(&case), Infeasibility::default());
}

fn is_pair(relaxation: &Relaxation) -> bool {
    relaxation.advice.contains(", and ")
}

/// All changes of one dimension, by brute force.
fn dimensions(case: &Case) -> Vec<(String, Vec<Case>)> {
    let mut all = Vec::new();
    let rich = edited(case, |case| case.request.budget.amount.minor = 1 << 50);
    all.push(("budget.amount".to_owned(), vec![rich]));
    let guests = (1..=260).map(|guests| edited(case, |case| case.request.guests = guests));
    all.push(("guests".to_owned(), guests.collect()));
    let dates = (-14..=14).map(|days: i64| {
        edited(case, |c| c.request.time.date = c.request.time.date.saturating_add(days.days()))
    });
    let coming = dates.filter(|case| case.request.time.date >= TODAY);
    all.push(("date".to_owned(), coming.collect()));
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
