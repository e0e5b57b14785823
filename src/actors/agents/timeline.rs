//! The timeline agent: lays out the run of show of one option.

use model::{CategoryDef, PlanOption, Request, Vendor};
use planning::{
    engagement::Engagement,
    timeline::{Timeline, schedule},
};

pub const NAME: &str = "timeline";

/// The run of show of `option`. A chosen vendor without a record takes no part in it; the
/// blueprint then says which one is missing.
pub fn lay_out(
    request: &Request,
    categories: &[CategoryDef],
    option: &PlanOption,
    vendors: &[Vendor],
) -> Timeline {
    let engagements: Vec<Engagement<'_>> = option
        .vendors
        .iter()
        .filter_map(|chosen| {
            let vendor = vendors.iter().find(|vendor| vendor.id == chosen.id)?;
            let in_house = chosen.in_house;
            Some(Engagement { category: &chosen.category, vendor, in_house })
        })
        .collect();
    schedule(request, categories, &engagements)
}
