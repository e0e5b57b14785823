//! Ways out by two changes, and none; other cities.

use super::*;

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
    // With a third one a service is left to plan with.
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
    let mixed = explain(&case.input(), None, &mut *any_time());
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
