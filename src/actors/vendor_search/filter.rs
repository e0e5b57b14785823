//! A caller's search of the catalogue, checked, as the store takes it.

use model::{Amount, Currency, GeoPoint};
use store::{SEARCH_LIMIT_MAX, VendorFilter};
use wire::{ApiError, VendorQuery};

/// Vendors that a search lists where the caller names no limit.
const LIMIT_DEFAULT: u32 = 50;
/// Radius of a search around a point, km.
const WITHIN_DEFAULT_KM: f64 = 10.0;
const WITHIN_MAX_KM: f64 = 20_100.0;

/// # Errors
/// `Invalid` with the field that makes no sense.
pub(crate) fn search_filter(query: VendorQuery) -> Result<VendorFilter, ApiError> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=SEARCH_LIMIT_MAX).contains(&limit) {
        let hint = format!("write a number from 1 to {SEARCH_LIMIT_MAX}");
        return Err(ApiError::invalid("limit", format!("is {limit}"), hint));
    }
    let money = |field: &str, text: &Option<String>| {
        let Some(text) = text else { return Ok(None) };
        let currency = query.currency.ok_or_else(|| {
            ApiError::invalid("currency", "is missing", format!("name the currency of {field}"))
        })?;
        let amount = Amount::parse(text, currency)
            .map_err(|error| ApiError::invalid(field, error, "write an amount such as 1500.00"))?;
        Ok::<Option<(i64, Currency)>, ApiError>(Some((amount.minor, currency)))
    };
    Ok(VendorFilter {
        max_price: money("max_price", &query.max_price)?,
        max_guest_price: money("max_guest_price", &query.max_guest_price)?,
        near: near(query.near.as_deref(), query.within_km)?,
        category: query.category,
        city: query.city,
        name: query.name,
        words: query.words,
        tag: query.tag.map(|word| word.to_lowercase()),
        style: query.style.map(|word| word.to_lowercase()),
        amenity: query.amenity.map(|word| word.to_lowercase()),
        cuisine: query.cuisine.map(|word| word.to_lowercase()),
        guests: query.guests,
        date: query.date,
        min_rating: query.min_rating,
        source: query.source,
        catering: query.catering,
        limit,
        offset: query.offset.unwrap_or(0),
    })
}

fn near(at: Option<&str>, km: Option<f64>) -> Result<Option<(GeoPoint, f64)>, ApiError> {
    let Some(text) = at else {
        return match km {
            Some(_) => Err(ApiError::invalid("near", "is missing", "write near=LAT,LON")),
            None => Ok(None),
        };
    };
    let point = near_point(text)?;
    let km = km.unwrap_or(WITHIN_DEFAULT_KM);
    if !(0.0..=WITHIN_MAX_KM).contains(&km) {
        let hint = format!("write km from 0 to {WITHIN_MAX_KM}");
        return Err(ApiError::invalid("within_km", format!("is {km}"), hint));
    }
    Ok(Some((point, km)))
}

/// `LAT,LON` in degrees.
///
/// # Errors
/// `near`: no such numbers, or no place on earth.
pub(crate) fn near_point(text: &str) -> Result<GeoPoint, ApiError> {
    let numbers = text.split_once(',').and_then(|(lat, lon)| {
        Some(GeoPoint { lat: lat.trim().parse().ok()?, lon: lon.trim().parse().ok()? })
    });
    numbers.filter(|point| point.is_valid()).ok_or_else(|| {
        let message = format!("`{}` is no place", text.escape_debug());
        ApiError::invalid("near", message, "write degrees, e.g. 12.97,77.59")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_needs_a_currency_and_places_must_be_on_earth() {
        let any = VendorQuery::default;
        let inr = Some(Currency::INR);
        let text = |text: &str| Some(text.to_owned());
        for (query, field) in [
            (VendorQuery { limit: Some(0), ..any() }, "limit"),
            (VendorQuery { max_price: text("5"), ..any() }, "currency"),
            (
                VendorQuery { max_guest_price: text("5.001"), currency: inr, ..any() },
                "max_guest_price",
            ),
            (VendorQuery { near: text("91,0"), ..any() }, "near"),
            (VendorQuery { near: text("x"), ..any() }, "near"),
            (VendorQuery { within_km: Some(1.0), ..any() }, "near"),
            (VendorQuery { near: text("1,1"), within_km: Some(-1.0), ..any() }, "within_km"),
        ] {
            let error = search_filter(query).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field), "{error:?}");
        }
        let query =
            VendorQuery { near: text("12.9, 77.5"), max_price: text("5"), currency: inr, ..any() };
        let filter = search_filter(query).unwrap();
        assert_eq!(filter.near, Some((GeoPoint { lat: 12.9, lon: 77.5 }, WITHIN_DEFAULT_KM)));
        assert_eq!(filter.max_price, Some((500, Currency::INR)));
    }
}
