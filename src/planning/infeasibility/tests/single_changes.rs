//! Ways out by one change: of money, date, guests, services, rules, wishes.

use super::*;

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

/// Every price is in dollars.
fn in_dollars(case: &mut Case) {
    for line in case.vendors.iter_mut().flat_map(|sourced| &mut sourced.vendor.pricing) {
        line.currency = "USD".parse().unwrap();
    }
}

#[test]
fn each_dimension_has_its_way_out() {
    let cases: &[(&str, &str, &str, Edit)] = &[
        ("date", "2027-02-21", "the date 2027-02-20: 1 of 1 vendors", |case| {
            let saturday = vec!["saturday".parse().unwrap()];
            case.vendors[0].vendor.closed_weekdays = saturday;
        }),
        ("date", "2027-02-22", "the date", |case| case.vendors[0].vendor.lead_days = 83),
        ("city", "Mysuru", "a caterer is required, and none is known that serves Beng", |case| {
            case.vendors.iter_mut().for_each(|sourced| sourced.vendor.city = "Mysuru".into());
        }),
        (
            "budget",
            "{\"amount\": \"2000.00\", \"currency\": \"USD\"}",
            "the budget is in INR, whatever its amount: 1 of 1 vendors are priced in USD",
            |case| in_dollars(case),
        ),
        (
            "budget",
            "{\"amount\": \"2000.00\", \"currency\": \"USD\"}",
            "the budget is in INR, whatever its amount: 1 of 1 vendors are priced in USD",
            |case| {
                in_dollars(case);
                case.request.budget.amount.minor = 1;
            },
        ),
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
fn venues_rules_are_conflicts_of_their_own() {
    let hall = |id: &str, decor: bool, alcohol: bool| {
        let mut hall = venue(id, CateringPolicy::Outside);
        let policies = hall.policies.get_or_insert_with(Policies::default);
        policies.decor = Some(HouseRule::Allowed(decor));
        policies.alcohol = Some(HouseRule::Allowed(alcohol));
        hall
    };
    let decorated = |halls: Vec<model::Vendor>| {
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
        hall.max_hours = (id == "a").then_some(24.0);
        hall
    });
    let mut case = Case::of(&["venue"]).with(halls);
    case.request.budget.amount.minor = 100_000;
    case.request.anchors =
        vec![Anchor { activity: "ceremony".into(), at: civil::time(18, 0, 0, 0), location: None }];
    // Hall a, the cheaper one, closes before the ceremony.
    let timeline: &mut Timeline<'_> = &mut |request, _, engagements| {
        let is_late = |e: &crate::engagement::Engagement<'_>| e.vendor.id.as_str() == "a";
        let clashes = !request.anchors.is_empty() && engagements.iter().any(is_late);
        if clashes { Err("a closes at 17:00".into()) } else { Ok(()) }
    };
    let explanation = explain(&case.input(), None, timeline);
    assert!(explanation.conflicts.contains(&"the timeline: a closes at 17:00".to_owned()));
    assert_eq!(of(&explanation, "budget.amount").unwrap().value, "1000.01");
    let anchor = of(&explanation, "anchors[0]").unwrap();
    assert_eq!(anchor.advice, "leave the time of `ceremony` open");
}
