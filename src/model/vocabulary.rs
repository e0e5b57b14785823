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
