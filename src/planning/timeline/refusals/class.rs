//! What of a vendor the scheduler looks at.

use model::{Request, Vendor};

/// Vendors of one class in the same place have the same high-severity conflicts: whoever asks for
/// those alone needs to ask once per class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimeClass {
    setup_minutes: u32,
    teardown_minutes: u32,
    /// The longest service's bits; only equality matters.
    max_hours: Option<u64>,
    open_from: Option<jiff::civil::Time>,
    open_until: Option<jiff::civil::Time>,
    music_until: Option<jiff::civil::Time>,
    /// A venue's place, where ways count: latitude's and longitude's bits.
    location: Option<(u64, u64)>,
}

impl TimeClass {
    pub(crate) fn of(request: &Request, vendor: &Vendor) -> Self {
        let policies = vendor.policies.clone().unwrap_or_default();
        let mut anchors = request.parts().flat_map(|part| part.anchors);
        let has_ways = anchors.any(|anchor| anchor.location.is_some());
        let bits = |place: model::GeoPoint| (place.lat.to_bits(), place.lon.to_bits());
        Self {
            setup_minutes: vendor.setup_minutes,
            teardown_minutes: vendor.teardown_minutes,
            max_hours: vendor.max_hours.map(f64::to_bits),
            open_from: policies.open_from,
            open_until: policies.open_until,
            music_until: policies.music_until,
            location: vendor.location.filter(|_| has_ways).map(bits),
        }
    }
}
