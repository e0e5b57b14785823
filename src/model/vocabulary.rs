//! The shared words: what requests may wish for, vendors may carry, and models may answer.
//!
//! Other words are taken as they are; these are the ones that the built-in rules know.

pub const STYLES: [&str; 10] = [
    "classic",
    "rustic",
    "modern",
    "bohemian",
    "royal",
    "minimalist",
    "garden",
    "beach",
    "vintage",
    "industrial",
];

pub const CUISINES: [&str; 10] = [
    "south_indian",
    "north_indian",
    "chinese",
    "italian",
    "continental",
    "mediterranean",
    "mughlai",
    "gujarati",
    "bengali",
    "pan_asian",
];

/// Diets; what they rule out is a matter of planning.
pub const DIETS: [&str; 5] = ["vegetarian", "vegan", "jain", "halal", "gluten_free"];

pub const AMENITIES: [&str; 11] = [
    "parking",
    "air_conditioning",
    "rooms",
    "wheelchair_access",
    "stage",
    "dance_floor",
    "projector",
    "wifi",
    "generator",
    "pool",
    "lawn",
];

pub const VENUE_TYPES: [&str; 8] = [
    "banquet_hall",
    "garden",
    "hotel",
    "resort",
    "heritage",
    "rooftop",
    "farmhouse",
    "convention_centre",
];

/// Words of a wanted amenity that mean alcohol, as in `open bar`.
pub const DRINKS: [&str; 17] = [
    "alcohol",
    "bar",
    "bars",
    "beer",
    "beers",
    "brewery",
    "champagne",
    "cocktail",
    "cocktails",
    "liquor",
    "prosecco",
    "pub",
    "spirits",
    "whiskey",
    "whisky",
    "wine",
    "wines",
];

/// Words beside which those mean none: `juice bar`, `alcohol-free`.
pub const NOT_DRINKS: [&str; 23] = [
    "breakfast",
    "candy",
    "cereal",
    "chaat",
    "chocolate",
    "coffee",
    "dessert",
    "espresso",
    "free",
    "ice",
    "juice",
    "milk",
    "mocktail",
    "mocktails",
    "no",
    "non",
    "noodle",
    "salad",
    "smoothie",
    "snack",
    "sushi",
    "tea",
    "without",
];
