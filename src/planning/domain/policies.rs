//! A venue's rules on decor and alcohol, and what a request wants that they forbid.

use super::input::{DECORATOR, PlanningInput, VENUE};
use model::{
    HouseRule, Preferences, Vendor,
    vocabulary::{DRINKS, NOT_DRINKS},
};

/// Whether a decorator may work there. A rule in words is for people to read.
pub(crate) fn takes_decor(vendor: &Vendor) -> bool {
    let decor = vendor.policies.as_ref().and_then(|policies| policies.decor.as_ref());
    decor != Some(&HouseRule::Allowed(false))
}

/// Whether alcohol may be served there.
pub(crate) fn takes_alcohol(vendor: &Vendor) -> bool {
    let alcohol = vendor.policies.as_ref().and_then(|policies| policies.alcohol.as_ref());
    alcohol != Some(&HouseRule::Allowed(false))
}

/// Whether some part of the event has a venue and a decorator.
pub(crate) fn decorates_venue(input: &PlanningInput<'_>) -> bool {
    let place = |name| input.index_of(name).map(|index| &input.categories[index].name);
    let (Some(venue), Some(decorator)) = (place(VENUE), place(DECORATOR)) else { return false };
    input.request.parts().any(|part| part.needs(venue) && part.needs(decorator))
}

/// The wanted amenities that mean alcohol: `bar`, `open bar`, `wine`; not `juice bar` or
/// `alcohol-free`.
pub(crate) fn drinks_wanted(preferences: &Preferences) -> impl Iterator<Item = &String> {
    preferences.amenities.iter().filter(|wish| means_alcohol(wish))
}

/// Whether a wanted amenity means alcohol.
pub(crate) fn means_alcohol(wish: &str) -> bool {
    let lower = wish.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_drink = words.clone().any(|word| DRINKS.contains(&word));
    is_drink && !words.any(|word| NOT_DRINKS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_told_from_a_juice_bar() {
        for wish in
            ["bar", "Open Bar", "cash-bar", "cocktail_bar", "wine", "alcohol", "beer garden"]
        {
            assert!(means_alcohol(wish), "{wish}");
        }
        for wish in ["parking", "barn", "juice bar", "alcohol-free", "no alcohol", "salad_bar", ""]
        {
            assert!(!means_alcohol(wish), "{wish}");
        }
    }
}
