//! Conflicts are minimal, by trying every combination.

use jiff::civil;
use proptest::prelude::*;

use super::{
    cheapest_fill::{CheapestFill, Schedules, engagements},
    conflicts::{Conflict, Constraint},
};
use crate::{
    domain::{
        input::PlanningInput,
        roles::{Candidate, CateringRole},
        violation::{Violation, ViolationSet},
    },
    engagement::Engagement,
    matching::compatibility::AreaTable,
    problem::CategoryIndex,
    samples::{any_case, any_timed_case},
    timeline::schedule,
};
use model::{CategoryDef, Request, VendorId};

type Says = fn(&Request, &[CategoryDef], &[Engagement<'_>]) -> Result<(), String>;

/// Where a venue opens at an hour, nobody's setup there may be long.
fn setup_is_short(
    _: &Request,
    _: &[CategoryDef],
    engagements: &[Engagement<'_>],
) -> Result<(), String> {
    let opens = |e: &Engagement<'_>| e.vendor.policies.as_ref().and_then(|p| p.open_from);
    let is_bound = |e: &&Engagement<'_>| {
        !e.in_house && !matches!(e.category.as_str(), "venue" | "makeup_artist")
    };
    let mut bound = engagements.iter().filter(is_bound);
    let is_late = bound.any(|e| e.vendor.setup_minutes > 200);
    if is_late && engagements.iter().any(|e| opens(e).is_some()) {
        return Err("setup takes too long".into());
    }
    Ok(())
}

fn real_time(
    request: &Request,
    categories: &[CategoryDef],
    engagements: &[Engagement<'_>],
) -> Result<(), String> {
    let laid_out = schedule(request, categories, engagements);
    if laid_out.has_high() { Err(laid_out.conflicts[0].message.clone()) } else { Ok(()) }
}

/// Whether any combination meets the active constraints, by trying them all; the timeline is
/// asked about whole combinations alone.
fn can_be_met(conflict: &Conflict<'_, '_, '_>, active: &[Constraint], says: Says) -> bool {
    let input = conflict.input;
    let kept = active.iter().fold(ViolationSet::NOTHING, |all, c| all.and(c.broken()));
    // A venue without decor is out beside a decorator, not where none comes.
    let decor = ViolationSet::only(Violation::Decor);
    let (keeps_decor, kept) = (kept.has(decor), kept.without(decor));
    let must_include = &input.request.must_include;
    let has_must_include = active.contains(&Constraint::MustInclude) && !must_include.is_empty();
    if has_must_include && !conflict.fill.impossible().is_empty() {
        return false;
    }
    let mut all: Vec<Vec<(CategoryIndex, Candidate<'_>)>> = vec![vec![]];
    for (index, def) in input.categories.iter().enumerate() {
        let candidates = conflict.fill.candidates();
        let standing = candidates.filter(|(i, e)| *i == index && !e.broken.has(kept));
        let standing: Vec<Candidate<'_>> = standing.map(|(_, candidate)| *candidate).collect();
        let mut extended = Vec::new();
        for chosen in all {
            let has_kitchen = chosen.iter().any(|(_, e)| e.role == CateringRole::Catering);
            if def.name.as_str() == "caterer" && has_kitchen {
                extended.push(chosen);
                continue;
            }
            for candidate in &standing {
                extended.push([&chosen[..], &[(index, *candidate)]].concat());
            }
            let required = input.service(&def.name).required;
            if !required || !active.contains(&Constraint::Required(index)) {
                extended.push(chosen);
            }
        }
        all = extended;
    }
    let limit = conflict.limit(active);
    let has_timeline = active.contains(&Constraint::Timeline);
    all.into_iter().any(|chosen| {
        let decorated =
            chosen.iter().any(|(index, _)| input.categories[*index].name.as_str() == "decorator");
        if keeps_decor && decorated && chosen.iter().any(|(_, e)| e.broken.has(decor)) {
            return false;
        }
        let cost: i64 = chosen.iter().map(|(_, candidate)| candidate.cost()).sum();
        let stands =
            |id: &VendorId| chosen.iter().any(|(_, candidate)| candidate.vendor().id == *id);
        let engaged = engagements(input, &chosen);
        cost <= limit
            && (!has_must_include || must_include.iter().all(stands))
            && (!has_timeline || says(input.request, input.categories, &engaged).is_ok())
    })
}

/// Not to be met as it stands, and to be met without any one of it; never empty where the
/// request can't be met.
fn check(input: &PlanningInput<'_>, says: Says) -> Result<(), TestCaseError> {
    let fill = CheapestFill::of(input, &AreaTable::new(input.areas), input.vendors);
    let mut timeline = says;
    let mut schedules = Schedules::new(&mut timeline, u32::MAX);
    let mut conflict = Conflict { input, fill: &fill, schedules: &mut schedules };
    let (minimal, all) = (conflict.minimal(), conflict.all());
    prop_assert_eq!(minimal.is_empty(), can_be_met(&conflict, &all, says));
    if !minimal.is_empty() {
        prop_assert!(!can_be_met(&conflict, &minimal, says), "{:?}", minimal);
    }
    for constraint in &minimal {
        let rest: Vec<_> = minimal.iter().copied().filter(|c| c != constraint).collect();
        prop_assert!(can_be_met(&conflict, &rest, says), "{:?} of {:?}", constraint, minimal);
        prop_assert!(!conflict.in_words(*constraint, &minimal).is_empty());
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_conflict_is_minimal(mut case in any_case(3)) {
        for venue in case.vendors.iter_mut().map(|sourced| &mut sourced.vendor) {
            if let Some(policies) = venue.policies.as_mut().filter(|_| venue.lead_days > 20) {
                policies.open_from = Some(civil::time(8, 0, 0, 0));
            }
        }
        check(&case.input(), setup_is_short)?;
    }

    #[test]
    fn a_conflict_with_the_clock_is_minimal(case in any_timed_case(2)) {
        check(&case.input(), real_time)?;
    }
}
