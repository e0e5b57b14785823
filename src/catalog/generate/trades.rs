//! What makes a sample vendor one of its trade: prices, capacity, tags, policies, times.

use jiff::civil;

use super::{Character, draws::Draws, prices::Prices, sites::Site};
use model::{
    Capacity, CateringPolicy, HouseRule, Percent, Policies, Vendor,
    vocabulary::{AMENITIES, CUISINES, DIETS, VENUE_TYPES},
};

/// Adds prices, capacity, tags, policies and times that fit the vendor's category.
pub(crate) fn fill_trade(
    draws: &mut Draws,
    character: &Character,
    site: &Site,
    vendor: &mut Vendor,
) {
    let Site { currency, price_level: level, .. } = *site;
    let mut prices = Prices { draws, character, currency, level, lines: Vec::new() };
    match vendor.category.as_str() {
        "venue" => venue(&mut prices, vendor),
        "caterer" => caterer(&mut prices, vendor),
        "photographer" => {
            let video = prices.draws.chance(0.55);
            vendor.tags.push("candid".to_owned());
            vendor.tags.extend(video.then(|| "video".to_owned()));
            vendor.tags.extend(prices.draws.chance(0.3).then(|| "drone".to_owned()));
            prices.photographer(video);
            vendor.max_hours = Some([8.0, 9.0, 10.0, 12.0, 14.0][prices.draws.below(5)]);
            vendor.setup_minutes = 30;
            vendor.teardown_minutes = 15;
            vendor.parallel_events = 1 + u32::from(prices.draws.chance(0.2));
            vendor.service_radius_km = Some(100.0);
        }
        "makeup_artist" => {
            vendor.tags.push("bridal".to_owned());
            vendor.tags.extend(prices.draws.chance(0.5).then(|| "airbrush".to_owned()));
            prices.makeup_artist();
            vendor.max_hours = Some([4.0, 5.0, 6.0][prices.draws.below(3)]);
            vendor.setup_minutes = 15;
            vendor.teardown_minutes = 15;
            vendor.service_radius_km = Some(50.0);
        }
        "florist" => {
            prices.florist();
            vendor.setup_minutes = 90;
            vendor.teardown_minutes = 30;
            vendor.parallel_events = 2;
        }
        "music" => {
            let act = prices.draws.pick(&["dj", "live_band", "classical", "folk"]);
            vendor.tags.push(act.to_owned());
            prices.music(act != "dj");
            vendor.max_hours = Some([4.0, 5.0, 6.0, 8.0][prices.draws.below(4)]);
            vendor.setup_minutes = 60;
            vendor.teardown_minutes = 45;
            vendor.service_radius_km = Some(150.0);
        }
        "decorator" => {
            prices.decorator();
            vendor.tags.extend(prices.draws.some(&["lighting", "mandap", "drapes"], 2));
            vendor.setup_minutes = 180;
            vendor.teardown_minutes = 120;
            vendor.parallel_events = 1 + u32::from(prices.draws.chance(0.3));
        }
        "transport" => {
            prices.transport();
            let fleet = prices.draws.log_normal(260.0, 0.6) as u32;
            vendor.capacity =
                Some(Capacity { min: None, ideal: None, max: Some((fleet / 10 * 10).max(20)) });
            vendor.tags.extend(prices.draws.some(&["coach", "car", "vintage_car"], 2));
            vendor.setup_minutes = 15;
            vendor.parallel_events = 3;
        }
        _ => {
            prices.other();
            vendor.setup_minutes = 30;
            vendor.teardown_minutes = 30;
        }
    }
    vendor.pricing = prices.lines;
}

fn venue(prices: &mut Prices<'_>, vendor: &mut Vendor) {
    let draws = &mut *prices.draws;
    let max = draws.log_normal(280.0, 0.65).clamp(40.0, 2_500.0) as u32 / 10 * 10;
    let ideal = (f64::from(max) * draws.between(0.6, 0.85)) as u32 / 10 * 10;
    let min = draws.chance(0.5).then(|| (max / 5 / 10 * 10).min(ideal));
    vendor.capacity = Some(Capacity { min, ideal: Some(ideal), max: Some(max) });
    let share = draws.unit();
    let catering = match share {
        _ if share < 0.45 => CateringPolicy::InHouse,
        _ if share < 0.70 => CateringPolicy::Both,
        _ => CateringPolicy::Outside,
    };
    let alcohol = if draws.chance(0.6) {
        HouseRule::Allowed(draws.chance(0.8))
    } else {
        HouseRule::Text("with the client's own licence".to_owned())
    };
    let closing = [None, None, Some((22, 0)), Some((22, 30)), Some((23, 0)), Some((0, 30))];
    let music_until = closing[draws.below(closing.len())].map(|(h, m)| civil::time(h, m, 0, 0));
    vendor.policies = Some(Policies {
        catering: Some(catering),
        alcohol: Some(alcohol),
        decor: Some(HouseRule::Allowed(draws.chance(0.75))),
        music_until,
        ..Policies::default()
    });
    vendor.tags.push(draws.pick(&VENUE_TYPES).to_owned());
    if draws.chance(0.25) {
        let second = draws.pick(&VENUE_TYPES).to_owned();
        vendor.tags.extend((second != vendor.tags[0]).then_some(second));
    }
    let amenities = 3 + draws.below(7);
    vendor.amenities = draws.some(&AMENITIES, amenities);
    vendor.setup_minutes = 120;
    vendor.teardown_minutes = 60;
    vendor.parallel_events = if max >= 800 { 2 } else { 1 };
    prices.venue(max, catering);
    if catering != CateringPolicy::Outside {
        vendor.service_charge = Percent::from_whole([0, 5, 10][prices.draws.below(3)]);
        kitchen(prices.draws, vendor);
    }
}

fn caterer(prices: &mut Prices<'_>, vendor: &mut Vendor) {
    let draws = &mut *prices.draws;
    let max = draws.log_normal(500.0, 0.6).clamp(60.0, 5_000.0) as u32 / 10 * 10;
    let min = [20, 30, 50][draws.below(3)];
    vendor.capacity = Some(Capacity { min: Some(min), ideal: None, max: Some(max) });
    let meat = draws.chance(0.7);
    kitchen(draws, vendor);
    if !meat {
        vendor.tags.retain(|tag| tag != "halal");
        if !vendor.tags.iter().any(|tag| tag == "vegetarian") {
            vendor.tags.push("vegetarian".to_owned());
        }
    }
    vendor.setup_minutes = 90;
    vendor.teardown_minutes = 60;
    vendor.tax = Percent::from_whole(5);
    vendor.service_charge = Percent::from_whole([0, 0, 5, 10][draws.below(4)]);
    vendor.parallel_events = 1 + draws.below(3) as u32;
    vendor.service_radius_km = Some(60.0);
    prices.caterer(meat);
}

/// Cuisines, and the diets it serves: nearly every kitchen cooks vegetarian dishes.
fn kitchen(draws: &mut Draws, vendor: &mut Vendor) {
    let cuisines = 1 + draws.below(4);
    let cuisines = draws.some(&CUISINES, cuisines);
    vendor.tags.extend(cuisines.into_iter().filter(|cuisine| !cuisine.is_empty()));
    for (diet, chance) in DIETS.iter().zip([0.95, 0.5, 0.35, 0.45, 0.4]) {
        vendor.tags.extend(draws.chance(chance).then(|| (*diet).to_owned()));
    }
}
