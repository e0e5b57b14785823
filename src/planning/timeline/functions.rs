//! What functions of one event ask of the same vendor one after the other.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use super::{Conflict, Severity, VendorCall};
use crate::engagement::Engagement;
use model::{VendorId, clock};

/// Vendors who would serve two functions at once, or can't clear away between two.
pub(super) fn clashes(
    calls: &[VendorCall],
    engagements: &[Engagement<'_>],
    zone: &TimeZone,
) -> Vec<Conflict> {
    let mut of_vendor: BTreeMap<(&VendorId, &str), Vec<&VendorCall>> = BTreeMap::new();
    for call in calls {
        of_vendor.entry((&call.vendor, call.category.as_str())).or_default().push(call);
    }
    let mut conflicts = Vec::new();
    for ((vendor, _), mut calls) in of_vendor {
        calls.sort_by_key(|call| call.service_start);
        let engaged = engagements.iter().find(|engagement| engagement.vendor.id == *vendor);
        let name = engaged.map_or(vendor.as_str(), |e| e.vendor.name.as_str());
        conflicts.extend(calls.windows(2).filter_map(|two| clash(name, two[0], two[1], zone)));
    }
    conflicts
}

fn clash(name: &str, before: &VendorCall, after: &VendorCall, zone: &TimeZone) -> Option<Conflict> {
    let time = |at: Timestamp| {
        let at = at.to_zoned(zone.clone());
        format!("{} {}", at.strftime("%d %b"), clock(&at))
    };
    let function = |call: &VendorCall| call.function.clone().unwrap_or_default();
    let (first, second) = (function(before), function(after));
    if after.service_start < before.service_end {
        return Some(Conflict {
            severity: Severity::High,
            message: format!("{name} cannot serve {first} and {second} at the same time"),
            chain: vec![
                format!("{first} needs {name} until {}", time(before.service_end)),
                format!("{second} needs {name} from {}", time(after.service_start)),
            ],
            places: vec![before.category.clone()],
        });
    }
    (after.arrive < before.leave).then(|| Conflict {
        severity: Severity::Low,
        message: format!("{name} stays set up between {first} and {second}"),
        chain: vec![
            format!("{name} would leave {first} at {}", time(before.leave)),
            format!("{name} would arrive for {second} at {}", time(after.arrive)),
        ],
        places: vec![before.category.clone()],
    })
}
