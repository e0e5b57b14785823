//! Explanations of infeasible requests, held against the assembled problem.

use jiff::{ToSpan, civil};
use proptest::prelude::*;

use super::{cheapest_fill::Timeline, explain};
use crate::{
    assembly::{assemble, properties::combinations},
    domain::{
        constraints::Rules,
        violation::{Violation, ViolationSet},
    },
    matching::compatibility::AreaTable,
    samples::{Case, TODAY, any_case, any_timed_case, inr, line, meal, vendor, venue},
    search::solve,
    settings::SearchSettings,
    timeline::{Severity, schedule},
};
use model::{
    Amount, Anchor, Basis, BookedSlot, Budget, Capacity, Category, CateringPolicy, GeoPoint,
    HouseRule, Infeasibility, MealOption, Percent, Policies, Relaxation, VendorId, Window,
};

fn any_time() -> Box<Timeline<'static>> {
    Box::new(|_, _, _| Ok(()))
}

/// What the scheduler says.
fn real_time() -> Box<Timeline<'static>> {
    Box::new(|request, categories, engagements| {
        let laid_out = schedule(request, categories, engagements);
        let high = laid_out.conflicts.into_iter().find(|c| c.severity == Severity::High);
        high.map_or(Ok(()), |conflict| Err(conflict.message))
    })
}

fn explained(case: &Case) -> Infeasibility {
    explained_by(case, &mut *any_time())
}

/// Of the vendors that serve the city; those that serve Mysuru, the other one, stand apart.
fn explained_by(case: &Case, timeline: &mut Timeline<'_>) -> Infeasibility {
    let serving = |case: &Case| {
        edited(case, |own| {
            let areas = AreaTable::new(&case.areas);
            let inquiry = case.inquiry();
            let rules = Rules::new(&inquiry, &areas);
            let city = ViolationSet::only(Violation::City);
            own.vendors.retain(|sourced| {
                let def = case.categories.iter().find(|def| def.name == sourced.vendor.category);
                def.is_some_and(|def| !rules.broken(def, sourced).has(city))
            });
        })
    };
    let away = serving(&edited(case, |case| case.request.city = "Mysuru".into()));
    let away = (!away.vendors.is_empty()).then_some(away);
    let away = away.as_ref().map(Case::inquiry);
    explain(&serving(case).inquiry(), away.as_ref(), timeline)
}

/// By trying every combination of the assembled problem.
fn is_feasible(case: &Case) -> bool {
    is_feasible_by(case, &mut *any_time())
}

fn is_feasible_by(case: &Case, timeline: &mut Timeline<'_>) -> bool {
    let inquiry = case.inquiry();
    let assembly = assemble(&inquiry, &SearchSettings::default());
    combinations(&assembly.problem, 100_000).iter().any(|chosen| {
        let engagements = assembly.engagements(chosen);
        timeline(&case.request, &case.categories, &engagements).is_ok()
    })
}

/// The case with a relaxation's changes made, as a client would write them.
fn relaxed(case: &Case, relaxation: &Relaxation) -> Case {
    let mut case = case.clone();
    let values = relaxation.value.split("; ");
    let changes: Vec<(&str, &str)> = relaxation.field.split(", ").zip(values).collect();
    // The last first: taking an entry out of a list moves those behind it.
    for (field, value) in changes.into_iter().rev() {
        let list = || -> Vec<String> { serde_json::from_str(value).unwrap() };
        let ids = || list().iter().map(VendorId::new).collect();
        let request = &mut case.request;
        match field {
            "budget" => {
                let value: serde_json::Value = serde_json::from_str(value).unwrap();
                let text = |key: &str| value[key].as_str().unwrap();
                let currency = text("currency").parse().unwrap();
                let amount = Amount::parse(text("amount"), currency).unwrap();
                request.budget = Budget { amount, currency };
            }
            "budget.amount" => request.budget.amount = Amount::parse(value, inr()).unwrap(),
            "contingency_percent" => {
                request.contingency = Percent::from_f64(value.parse().unwrap()).unwrap();
            }
            "guests" => request.guests = value.parse().unwrap(),
            "date" => request.time.date = value.parse().unwrap(),
            "city" => request.city = value.to_owned(),
            "start" => request.time.start = value.parse().unwrap(),
            "hours" => {
                request.time.minutes = (value.parse::<f64>().unwrap() * 60.0).round() as u32;
            }
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
            other if other.starts_with("anchors[") => {
                assert_eq!(value, "null");
                request.anchors.remove(other[8..other.len() - 1].parse().unwrap());
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
    let explanation = explain(&case.inquiry(), None, timeline);
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
    let inquiry = case.inquiry();
    let settings = SearchSettings { min_difference: 1, ..SearchSettings::default() };
    let assembly = assemble(&inquiry, &settings);
    let mut accept = |chosen: &crate::problem::Combination| {
        let engagements = assembly.engagements(chosen);
        !schedule(&case.request, &case.categories, &engagements).has_high()
    };
    let found = solve(&assembly.problem, &settings, 0, &mut accept, &mut || None);
    !found.options.is_empty()
}

#[test]
fn a_plan_of_nothing_is_no_way_out() {
    // Nobody is known for either of the two services.
    let case = Case::of(&["venue", "caterer"]);
    let explanation = explained(&case);
    assert_eq!(explanation.relaxations, []);
    let none = explanation.no_way_out.unwrap();
    assert!(none.tried_all);
    let expected = "no single or double change of the budget, the contingency, the guests, the \
                    date (by up to 14 days), the start (on the same day), the hours, the catering \
                    policy or the required services helps";
    assert_eq!(none.statement, expected);
    // With a third one somebody is left to plan with.
    let three = Case::of(&["venue", "caterer", "florist"]).with([vendor("f", "florist")]);
    let explanation = explained(&three);
    let fields: Vec<_> = explanation.relaxations.iter().map(|r| r.field.as_str()).collect();
    assert_eq!(fields, ["services.venue.required, services.caterer.required"]);
    assert_eq!(explanation.no_way_out, None);
    // An optional third one is no plan by itself.
    let optional = edited(&three, |case| {
        case.request.services.get_mut(&Category::new("florist")).unwrap().required = false;
    });
    assert_eq!(explained(&optional).relaxations, []);
}

#[test]
fn closing_times_have_their_way_out() {
    // Every hall closes at 23:00; the event is to last until midnight.
    let hall = |id: &str, minor: i64| {
        let mut hall = venue(id, CateringPolicy::Outside);
        hall.pricing[0].amount.minor = minor;
        let policies = hall.policies.get_or_insert_default();
        policies.open_from = Some(civil::time(8, 0, 0, 0));
        policies.open_until = Some(civil::time(23, 0, 0, 0));
        hall
    };
    let halls = (0..300).map(|i| {
        let mut hall = hall(&format!("v{i:03}"), 100_000 + i);
        // No two alike.
        hall.max_hours = Some(24.0 + i as f64 / 30.0);
        hall
    });
    let caterers = (0..300).map(|i| vendor(&format!("c{i:03}"), "caterer"));
    let case = Case::of(&["venue", "caterer"]).with(halls).with(caterers);
    let (mut asked, mut real) = (0, real_time());
    let explanation = explained_by(&case, &mut |request, categories, engagements| {
        asked += 1;
        real(request, categories, engagements)
    });
    // Some microseconds each.
    assert!(asked < 20_000, "{asked} schedules");
    assert_eq!(
        explanation.conflicts,
        [
            "the timeline: venue v000 closes at 23:00, but the event ends at 00:00; the times \
             don't suit 300 of 300 vendors",
            "a venue is required",
        ]
    );
    let shown: Vec<_> =
        explanation.relaxations.iter().map(|r| (r.field.as_str(), r.advice.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("start", "let the event start at 15:00"),
            ("hours", "shorten the event to 7 hours"),
            ("services.venue.required", "do without a venue where none fits"),
        ]
    );

    // An anchor keeps its time: a start behind it is none.
    let late = edited(&case, |case| {
        case.request.time.start = civil::time(7, 0, 0, 0);
        case.request.time.minutes = 240;
        case.request.anchors = vec![Anchor {
            activity: "blessing".into(),
            at: civil::time(7, 30, 0, 0),
            location: None,
        }];
    });
    let explanation = explained_by(&late, &mut *real_time());
    assert_eq!(of(&explanation, "start"), None, "{explanation:?}");
    assert_eq!(of(&explanation, "hours"), None);
    let pair = edited(&late, |case| case.request.anchors.clear());
    let explanation = explained_by(&pair, &mut *real_time());
    assert_eq!(of(&explanation, "start").unwrap().value, "08:00");
}

#[test]
fn an_hourly_price_and_a_booking_are_matters_of_hours() {
    let mut artist = vendor("p", "photographer");
    artist.pricing = vec![line(Basis::PerHour, 20_000)];
    let mut case =
        Case::of(&["photographer", "venue"]).with([artist, venue("v", CateringPolicy::Outside)]);
    // 1,000.00 for the hall, 200.00 an hour.
    case.request.budget.amount.minor = 210_000;
    let explanation = explained_by(&case, &mut *real_time());
    assert_eq!(of(&explanation, "hours").unwrap().value, "5.5");
    assert_eq!(of(&explanation, "start"), None);

    case.request.budget.amount.minor = 1_000_000;
    let at = |time: &str| format!("2027-02-20T{time}:00Z").parse().unwrap();
    // 14:00 to 16:40 at the place of the event.
    let window = Window { start: at("08:30"), end: at("11:10") };
    case.vendors[0].busy = vec![BookedSlot { slot: 1, window }];
    let explanation = explained_by(&case, &mut *real_time());
    assert_eq!(of(&explanation, "start").unwrap().value, "16:45");
    assert_eq!(of(&explanation, "hours"), None);
}

#[test]
fn nothing_is_said_of_another_citys_vendors() {
    // One caterer travels to Bengaluru; Mysuru has cheaper ones that don't.
    let mut travelling = vendor("t", "caterer");
    travelling.city = "Mysuru".into();
    travelling.location = Some(GeoPoint { lat: 12.3, lon: 76.6 });
    travelling.service_radius_km = Some(300.0);
    let mut cheap = vendor("w", "caterer");
    (cheap.city, cheap.pricing[0].amount.minor) = ("Mysuru".into(), 100);
    let mut hall = venue("m", CateringPolicy::Outside);
    (hall.city, hall.pricing[0].amount.minor) = ("Mysuru".into(), 100);
    let mut case = Case::of(&["venue", "caterer"]).with([
        venue("v", CateringPolicy::Outside),
        travelling,
        cheap,
        hall,
    ]);
    case.request.budget.amount.minor = 150_000;
    let explanation = explained(&case);
    // Handed in among its own, they are left aside all the same.
    let mixed = explain(&case.inquiry(), None, &mut *any_time());
    assert_eq!(mixed.conflicts, explanation.conflicts);
    assert_eq!(
        explanation.conflicts,
        [
            "the budget of 1,500.00 INR: the cheapest vendors cost 2,000.00 INR",
            "a venue is required",
            "a caterer is required",
        ]
    );
    assert_eq!(of(&explanation, "budget.amount").unwrap().value, "2000.00");
    assert_eq!(of(&explanation, "city").unwrap().advice, "move to Mysuru");
}
