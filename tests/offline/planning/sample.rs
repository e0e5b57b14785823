//! The planning core on the sample files: what a newcomer's first plan rests on.

use std::fs::File;

use common::daemon::sample;
use eventplanner::{
    catalog::{areas, reader},
    model::{
        AreaMap, Category, CategoryDef, Request, Requirements, Sourced, StopReason, Strategy, Wants,
    },
    planning::{
        assembly::assemble, domain::input::PlanningInput, fitness::budget::default_shares,
        matching::keywords, search::solve, settings::SearchSettings,
    },
    wire::ImportFormat,
};

fn definition(name: &str, position: i32, wants: &[Wants], lead_minutes: u32) -> CategoryDef {
    CategoryDef { name: name.into(), position, wants: wants.to_vec(), lead_minutes }
}

#[test]
fn the_sample_wedding_has_three_proven_options_within_its_budget() {
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let document = std::fs::read(sample("wedding.json")).unwrap();
    let request = Request::parse(&document, now).unwrap();
    let vendors: Vec<Sourced> =
        reader(ImportFormat::Json, File::open(sample("vendors.json")).unwrap())
            .map(|row| Sourced { vendor: row.result.unwrap(), busy: Vec::new() })
            .collect();
    let categories = [
        definition("venue", 1, &[Wants::VenueTypes, Wants::Amenities, Wants::Styles], 0),
        definition("caterer", 2, &[Wants::Cuisines], 0),
        definition("photographer", 3, &[Wants::Styles, Wants::Video], 120),
        definition("makeup_artist", 4, &[Wants::Styles], 240),
    ];
    let names: Vec<Category> = categories.iter().map(|category| category.name.clone()).collect();
    let shares = Strategy::ALL.map(|s| default_shares(request.event_type, &names, s));
    let requirements =
        Requirements { keywords: keywords::stems(&request.vision), ..Requirements::default() };
    let areas = AreaMap::new(areas(&request.city));
    let input = PlanningInput {
        request: &request,
        requirements: &requirements,
        categories: &categories,
        areas: &areas,
        shares: &shares,
        vendors: (&vendors).into(),
        today: "2026-11-22".parse().unwrap(),
    };
    let settings = SearchSettings::default();
    let started = std::time::Instant::now();
    let assembly = assemble(&input, &settings);
    let assembled = started.elapsed();
    let outcome = solve(&assembly.problem, &settings, 0, &mut |_| true, &mut || None);
    println!("assembled in {assembled:?}, solved in {:?}", started.elapsed() - assembled);
    assert_eq!(outcome.stopped_because, StopReason::ProvenOptimal);
    assert_eq!(outcome.options.len(), 3);
    for (i, solution) in outcome.options.iter().enumerate() {
        let option = assembly.option(solution, i as u32 + 1, None);
        println!(
            "{} {} {} {:?}",
            option.fitness,
            option.total,
            option.strategy,
            option.vendors.iter().map(|v| (v.id.as_str(), v.quote.to_string())).collect::<Vec<_>>()
        );
        assert!(option.total.minor <= request.spendable_minor());
        assert!((option.fitness - solution.value).abs() < 1e-9);
        let sum: i64 = option.vendors.iter().map(|vendor| vendor.quote.minor).sum();
        assert_eq!(sum, option.total.minor);
    }
}
