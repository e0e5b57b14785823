//! The shipped samples: vendors as the generator makes them, and requests that never expire.
//!
//! `UPDATE_SAMPLES=1 cargo test --test offline samples` writes the vendors anew.

use std::{collections::BTreeSet, fs};

use common::daemon::sample;
use eventplanner::{
    catalog::{self, GenerateOptions},
    model::{Request, Vendor},
    wire::ImportFormat,
};
use jiff::{Timestamp, civil};

fn options() -> GenerateOptions {
    GenerateOptions {
        count: 750,
        seed: 2026,
        cities: ["Bengaluru", "Mumbai", "Kochi"].map(str::to_owned).to_vec(),
        categories: Vec::new(),
        currency: None,
        near: None,
        as_of: civil::date(2026, 11, 1),
    }
}

#[test]
fn the_sample_vendors_are_the_generators() {
    let mut generated = Vec::new();
    catalog::write(ImportFormat::Json, catalog::generate(&options()), &mut generated).unwrap();
    let path = sample("vendors.json");
    if std::env::var_os("UPDATE_SAMPLES").is_some() {
        let new = path.with_extension("new");
        fs::write(&new, &generated).unwrap();
        fs::rename(&new, &path).unwrap();
    }
    let shipped = fs::read(&path).unwrap();
    assert!(
        shipped == generated,
        "etc/sample/vendors.json is not what the generator makes; run UPDATE_SAMPLES=1 cargo test --test offline samples"
    );
}

#[test]
fn the_sample_vendors_can_be_imported() {
    let file = fs::File::open(sample("vendors.json")).unwrap();
    let vendors: Vec<Vendor> =
        catalog::reader(ImportFormat::Json, file).map(|row| row.result.unwrap()).collect();
    let categories: BTreeSet<&str> = vendors.iter().map(|v| v.category.as_str()).collect();
    let cities: BTreeSet<&str> = vendors.iter().map(|v| v.city.as_str()).collect();
    assert!(vendors.len() >= 600, "{}", vendors.len());
    assert_eq!((categories.len(), cities.len()), (8, 3));
}

#[test]
fn the_sample_requests_never_expire() {
    for now in ["2026-11-22T12:00:00Z", "2036-02-28T23:30:00Z"] {
        let now: Timestamp = now.parse().unwrap();
        for name in ["wedding.json", "corporate.json", "birthday.json"] {
            let request = Request::parse(&fs::read(sample(name)).unwrap(), now);
            assert!(request.is_ok(), "{name}: {}", request.unwrap_err());
        }
    }
}
