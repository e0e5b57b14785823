//! The closed vocabularies of wishes, and the phrases of plain English that stand for them.
//! A reply of an LLM is held to the same words.

pub use model::vocabulary::{AMENITIES, CUISINES, STYLES, VENUE_TYPES};

/// Which list of [`model::Requirements`] a term belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Styles,
    Cuisines,
    Amenities,
    VenueTypes,
    Video,
}

/// A word of a vocabulary, and phrases that mean it. Phrases are compared by word stems, so one
/// form of a word is enough.
pub(crate) struct Term {
    pub field: Field,
    pub name: &'static str,
    pub phrases: &'static [&'static str],
}

const fn term(field: Field, name: &'static str, phrases: &'static [&'static str]) -> Term {
    Term { field, name, phrases }
}

/// Every term with its phrases. A phrase may stand for several terms.
pub(crate) const TERMS: &[Term] = &[
    term(Field::Styles, "classic", &["classic", "classical", "timeless", "traditional", "elegant"]),
    term(Field::Styles, "rustic", &["rustic", "countryside", "barn", "earthy", "raw wood"]),
    term(Field::Styles, "modern", &["modern", "contemporary", "sleek", "chic"]),
    term(Field::Styles, "bohemian", &["bohemian", "boho", "free spirited", "hippie"]),
    term(
        Field::Styles,
        "royal",
        &["royal", "regal", "palace", "palatial", "opulent", "maharaja", "fit for a king"],
    ),
    term(
        Field::Styles,
        "minimalist",
        &["minimalist", "minimal", "minimalism", "minimalistic", "understated", "uncluttered"],
    ),
    term(
        Field::Styles,
        "garden",
        &["garden", "botanical", "greenery", "lush green", "outdoor floral"],
    ),
    term(
        Field::Styles,
        "beach",
        &["beach", "seaside", "coastal", "by the sea", "ocean", "nautical", "tropical"],
    ),
    term(Field::Styles, "vintage", &["vintage", "retro", "antique", "old world", "nostalgic"]),
    term(
        Field::Styles,
        "industrial",
        &["industrial", "warehouse", "loft", "exposed brick", "factory", "raw concrete"],
    ),
    term(
        Field::Cuisines,
        "south_indian",
        &["south indian", "dosa", "idli", "sadya", "chettinad", "banana leaf", "filter coffee"],
    ),
    term(
        Field::Cuisines,
        "north_indian",
        &["north indian", "punjabi", "tandoori", "butter chicken", "dal makhani", "rajasthani"],
    ),
    term(
        Field::Cuisines,
        "chinese",
        &["chinese", "szechuan", "sichuan", "cantonese", "hakka", "dim sum"],
    ),
    term(Field::Cuisines, "italian", &["italian", "pasta", "pizza", "risotto", "tuscan"]),
    term(Field::Cuisines, "continental", &["continental", "european food", "french food"]),
    term(
        Field::Cuisines,
        "mediterranean",
        &["mediterranean", "greek food", "lebanese", "mezze", "falafel", "hummus"],
    ),
    term(
        Field::Cuisines,
        "mughlai",
        &["mughlai", "mughal food", "biryani", "awadhi", "kebab", "nizami"],
    ),
    term(Field::Cuisines, "gujarati", &["gujarati", "dhokla", "undhiyu", "thepla", "kathiawadi"]),
    term(Field::Cuisines, "bengali", &["bengali", "mishti", "kosha mangsho", "hilsa", "rosogolla"]),
    term(
        Field::Cuisines,
        "pan_asian",
        &["pan asian", "asian fusion", "thai", "sushi", "japanese", "korean", "ramen"],
    ),
    term(
        Field::Amenities,
        "parking",
        &["parking", "valet", "car park", "space for cars", "many cars"],
    ),
    term(
        Field::Amenities,
        "air_conditioning",
        &[
            "air conditioning",
            "air conditioned",
            "aircon",
            "airconditioned",
            "ac hall",
            "centrally cooled",
        ],
    ),
    term(
        Field::Amenities,
        "rooms",
        &[
            "guest room",
            "accommodation",
            "stay overnight",
            "overnight stay",
            "room for guests",
            "room for the guests",
            "bridal suite",
            "room on site",
            "bedroom",
        ],
    ),
    term(
        Field::Amenities,
        "wheelchair_access",
        &["wheelchair", "step free", "barrier free", "ramp", "disabled access", "accessible"],
    ),
    term(Field::Amenities, "stage", &["stage", "podium"]),
    term(
        Field::Amenities,
        "dance_floor",
        &["dance floor", "dancefloor", "dancing", "dance all night"],
    ),
    term(
        Field::Amenities,
        "projector",
        &["projector", "projection", "slideshow", "slide show", "big screen", "presentation"],
    ),
    term(Field::Amenities, "wifi", &["wifi", "wi fi", "wireless internet", "internet access"]),
    term(Field::Amenities, "generator", &["generator", "power backup", "backup power"]),
    term(Field::Amenities, "pool", &["pool", "poolside", "swimming"]),
    term(Field::Amenities, "lawn", &["lawn", "grass"]),
    term(
        Field::VenueTypes,
        "banquet_hall",
        &["banquet", "ballroom", "ball room", "function hall", "marriage hall", "wedding hall"],
    ),
    term(
        Field::VenueTypes,
        "garden",
        &["garden", "outdoor venue", "outdoors", "open air", "under the stars", "in the open"],
    ),
    term(Field::VenueTypes, "hotel", &["hotel"]),
    term(Field::VenueTypes, "resort", &["resort"]),
    term(
        Field::VenueTypes,
        "heritage",
        &["heritage", "haveli", "palace", "fort", "castle", "mansion", "historic building"],
    ),
    term(Field::VenueTypes, "rooftop", &["rooftop", "roof top", "roof terrace", "skyline view"]),
    term(Field::VenueTypes, "farmhouse", &["farmhouse", "farm house", "barn", "ranch", "farm"]),
    term(
        Field::VenueTypes,
        "convention_centre",
        &[
            "convention centre",
            "convention center",
            "conference centre",
            "conference center",
            "exhibition hall",
        ],
    ),
    term(
        Field::Video,
        "video",
        &[
            "video",
            "videography",
            "videographer",
            "film",
            "cinematic",
            "drone",
            "movie",
            "live stream",
            "livestream",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_phrases_and_every_phrase_a_word() {
        for (field, words) in [
            (Field::Styles, &STYLES[..]),
            (Field::Cuisines, &CUISINES[..]),
            (Field::Amenities, &AMENITIES[..]),
            (Field::VenueTypes, &VENUE_TYPES[..]),
            (Field::Video, &["video"][..]),
        ] {
            let named: Vec<&str> =
                TERMS.iter().filter(|term| term.field == field).map(|term| term.name).collect();
            assert_eq!(named, words, "{field:?}");
        }
        assert!(TERMS.iter().all(|term| !term.phrases.is_empty()));
    }
}
