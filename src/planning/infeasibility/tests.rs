//! Explanations of infeasible requests, held against the assembled problem.

mod double_changes;
mod properties;
mod single_changes;
mod times;

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
            let input = case.input();
            let rules = Rules::new(&input, &areas);
            let city = ViolationSet::only(Violation::City);
            own.vendors.retain(|sourced| {
                let def = case.categories.iter().find(|def| def.name == sourced.vendor.category);
                def.is_some_and(|def| !rules.broken(def, sourced).has(city))
            });
        })
    };
    let away = serving(&edited(case, |case| case.request.city = "Mysuru".into()));
    let away = (!away.vendors.is_empty()).then_some(away);
    let away = away.as_ref().map(Case::input);
    explain(&serving(case).input(), away.as_ref(), timeline)
}

/// By trying every combination of the assembled problem.
fn is_feasible(case: &Case) -> bool {
    is_feasible_by(case, &mut *any_time())
}

fn is_feasible_by(case: &Case, timeline: &mut Timeline<'_>) -> bool {
    let input = case.input();
    let assembly = assemble(&input, &SearchSettings::default());
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
fn a_feasible_request_needs_no_explanation() {
    let case = Case::of(&["florist"]).with([vendor("f", "florist")]);
    assert_eq!(explained(&case), Infeasibility::default());
}
