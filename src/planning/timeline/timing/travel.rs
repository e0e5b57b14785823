//! How long the way between two places takes.

use super::network::Minutes;
use model::GeoPoint;

/// Roads are longer than the straight line: 1.3 times is the usual mean of road networks
/// (Ballou, Rahardja and Sakai: Selected country circuity factors, 2002: 1.2 to 1.5).
const DETOUR: f64 = 1.3;
/// Kilometres an hour through a city, with a place to park at the end.
const SPEED_KMH: f64 = 25.0;
/// Ways are told in steps of so many minutes.
const STEP: f64 = 5.0;

/// Minutes from door to door, in steps of five, rounded up; 0 for places less than a minute
/// apart.
pub(crate) fn travel_minutes(from: GeoPoint, to: GeoPoint) -> Minutes {
    let minutes = from.distance_km(to) * DETOUR / SPEED_KMH * 60.0;
    if minutes < 1.0 { 0 } else { ((minutes / STEP).ceil() * STEP) as Minutes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_longer_than_the_straight_line() {
        let at = |lat| GeoPoint { lat, lon: 77.6 };
        assert_eq!(travel_minutes(at(12.9), at(12.9)), 0);
        // 11.1 km: 34.7 minutes.
        assert_eq!(travel_minutes(at(12.9), at(13.0)), 35);
    }
}
