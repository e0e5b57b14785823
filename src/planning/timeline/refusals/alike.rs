//! Which vendors the scheduler can't tell apart.

use jiff::civil;

use super::certain::accompanies;
use crate::engagement::Engagement;
use model::{Request, Vendor};

/// What of a vendor can count in a schedule of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight<'r> {
    request: &'r Request,
    /// Some activity takes place elsewhere than at the venue.
    has_ways: bool,
    /// Some venue opens, or closes, at an hour.
    opens: bool,
    closes: bool,
}

/// What a schedule's severe conflicts can depend on, of one vendor. Vendors of one category with
/// equal traits are refused in the same company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Traits {
    in_house: bool,
    setup: u32,
    teardown: u32,
    /// Minutes.
    stays: Option<i64>,
    /// A venue's: opens, closes, music until.
    hours: [Option<civil::Time>; 3],
    /// A venue's place, as bits.
    at: Option<[u64; 2]>,
}

impl<'r> Sight<'r> {
    /// `venues`: all that may be engaged; their hours make others' setup and teardown count.
    pub(crate) fn of<'v>(
        request: &'r Request,
        venues: impl Iterator<Item = &'v Vendor> + Clone,
    ) -> Self {
        let policies = venues.filter_map(|venue| venue.policies.as_ref());
        Self {
            request,
            has_ways: request.parts().flat_map(|part| part.anchors).any(|a| a.location.is_some()),
            opens: policies.clone().any(|policies| policies.open_from.is_some()),
            closes: policies.clone().any(|policies| policies.open_until.is_some()),
        }
    }

    pub(crate) fn traits(&self, engagement: &Engagement<'_>) -> Traits {
        let Engagement { category, vendor, in_house } = *engagement;
        let is_venue = category.as_str() == "venue";
        // Setup and teardown of the others lie outside of the venue's hours.
        let is_bound = !in_house && !is_venue;
        let is_bound = is_bound && !matches!(category.as_str(), "makeup_artist" | "transport");
        // Who accompanies a single part just leaves earlier.
        let may_tire = !self.request.functions.is_empty()
            || is_venue
            || !self.request.parts().all(|part| accompanies(part, category.as_str()));
        let stays = vendor.max_hours.filter(|_| may_tire && !in_house);
        let policies = vendor.policies.as_ref().filter(|_| is_venue);
        let location = vendor.location.filter(|_| is_venue && self.has_ways);
        Traits {
            in_house,
            setup: if is_bound && self.opens { vendor.setup_minutes } else { 0 },
            teardown: if is_bound && self.closes { vendor.teardown_minutes } else { 0 },
            stays: stays.map(|hours| (hours * 60.0) as i64),
            hours: policies.map_or([None; 3], |p| [p.open_from, p.open_until, p.music_until]),
            at: location.map(|at| [at.lat.to_bits(), at.lon.to_bits()]),
        }
    }
}
