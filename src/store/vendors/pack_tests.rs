//! The packed form, byte for byte: vendors that were stored by an earlier daemon are read.

use model::Vendor;

use super::columns::{pack, unpack};

fn vendor(document: serde_json::Value) -> Vendor {
    serde_json::from_value(document).unwrap()
}

#[test]
fn what_is_packed_keeps_its_bytes_and_comes_back_but_for_other_versions() {
    let full = vendor(serde_json::json!({
        "external_id": "v", "category": "venue", "name": "The V", "city": "Kochi",
        "area": "Fort", "location": {"lat": 9.9, "lon": 76.2},
        "pricing": [{"label": "plate", "basis": "per_guest", "amount": "650.50",
                     "currency": "INR", "option": "veg"},
                    {"label": "hall", "basis": "flat", "amount": "0.00", "currency": "INR"}],
        "capacity": {"min": 1, "max": 400}, "tags": ["ü"], "amenities": ["a", "b"],
        "policies": {"catering": "both", "alcohol": false, "decor": "no fire",
                     "music_until": "22:30:00", "open_from": "08:00:00"},
        "rating": 4.5, "description": "x", "contact": {"phone": "1"}, "setup_minutes": 90,
        "styles": ["rustic"], "max_hours": 7.5, "lead_days": 14,
        "closed_weekdays": ["monday"], "blackout_dates": ["2027-02-03"],
        "tax_percent": 18, "service_charge_percent": 7.25,
        "source": {"name": "fair", "as_of": "2026-10-01"}, "service_radius_km": 42.5,
        "parallel_events": 3
    }));
    let bare = vendor(serde_json::json!({
        "external_id": "w", "category": "music", "name": "W", "city": "Kochi", "pricing": [
            {"label": "set", "basis": "per_hour", "amount": "1", "currency": "JPY"}]
    }));
    let full_bytes = [
        "0101760576656e7565055468652056054b6f6368690104466f727401cdcccccccccc2340cdcccccc",
        "cc0c534003494e520205706c61746567b4f80701760468616c6c6600000101000190030101010201",
        "00000101076e6f206669726501161e00000108000000000102c3bc02016101620106727573746963",
        "010000000000001240010178010570686f6e6501315a000e880ed50503010000000000001e400101",
        "01d61f0203010466616972d41f0a01010000000000404540",
    ];
    let bare_bytes = [
        "010177056d757369630157054b6f6368690000034a50590103736574680200000000000000000000",
        "00000000000000010000000000",
    ];
    for (vendor, of_version_1) in [(full, &full_bytes[..]), (bare, &bare_bytes[..])] {
        let mut bytes = pack(&vendor, &vendor.city, vendor.area.as_deref()).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        // A new field stands behind them.
        assert!(hex[2..].starts_with(&of_version_1.concat()[2..]), "{hex}");
        assert_eq!(unpack(&bytes), Some(vendor));
        bytes[0] += 1;
        assert_eq!(unpack(&bytes), None);
        assert_eq!(unpack(&bytes[..0]), None);
        bytes[0] -= 1;
        assert_eq!(unpack(&bytes[..bytes.len() / 2]), None);
    }
}
