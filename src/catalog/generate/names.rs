//! Invented names and descriptions, put together from words.

use super::{Character, draws::Draws};

const FIRST: [&str; 40] = [
    "Amber", "Azure", "Bright", "Cedar", "Copper", "Coral", "Crimson", "Dawn", "Dusk", "Ember",
    "Emerald", "Evening", "Fern", "Gentle", "Gilded", "Golden", "Grand", "Hidden", "Indigo",
    "Ivory", "Jade", "Lantern", "Linen", "Lunar", "Marigold", "Mellow", "Misty", "Monsoon",
    "Morning", "Olive", "Pearl", "Quiet", "Russet", "Saffron", "Scarlet", "Silver", "Tamarind",
    "Velvet", "Violet", "Wild",
];

const SECOND: [&str; 40] = [
    "Acacia",
    "Anklet",
    "Banyan",
    "Bower",
    "Bulbul",
    "Canopy",
    "Cardamom",
    "Cove",
    "Courtyard",
    "Drongo",
    "Egret",
    "Feather",
    "Fig",
    "Fountain",
    "Gazelle",
    "Grove",
    "Heron",
    "Hibiscus",
    "Hornbill",
    "Ibis",
    "Jasmine",
    "Juniper",
    "Kestrel",
    "Kite",
    "Lotus",
    "Lyre",
    "Mango",
    "Meadow",
    "Mynah",
    "Orchard",
    "Oriole",
    "Palmyra",
    "Parijat",
    "Peacock",
    "Petal",
    "Plume",
    "Sandal",
    "Sparrow",
    "Terrace",
    "Willow",
];

const TRADES: [(&str, &[&str]); 8] = [
    ("venue", &["Hall", "House", "Manor", "Pavilion", "Gardens", "Courts", "Retreat", "Palace"]),
    ("caterer", &["Kitchen", "Catering", "Table", "Feasts", "Spice Company", "Banquets"]),
    ("photographer", &["Studio", "Frames", "Photography", "Pictures", "Lens Works"]),
    ("makeup_artist", &["Makeup", "Beauty Studio", "Bridal Artistry", "Glow Room"]),
    ("florist", &["Flowers", "Blooms", "Florists", "Garlands"]),
    ("music", &["Sounds", "Ensemble", "Music", "Beats", "Strings"]),
    ("decorator", &["Decor", "Settings", "Event Design", "Mandap Works"]),
    ("transport", &["Coaches", "Travels", "Cars", "Fleet"]),
];

/// `Amber Heron Hall`: 40 × 40 × trade words.
pub(crate) fn name(draws: &mut Draws, category: &str) -> String {
    let trades = TRADES.iter().find(|(name, _)| *name == category).map_or(&["Events"][..], |t| t.1);
    format!("{} {} {}", draws.pick(&FIRST), draws.pick(&SECOND), draws.pick(trades))
}

const PRAISE: [&[&str]; 3] = [
    &["simple", "friendly", "practical", "unfussy", "homely", "thrifty"],
    &["warm", "reliable", "charming", "bright", "relaxed", "thoughtful"],
    &["elegant", "refined", "luxurious", "intimate", "exquisite", "award-winning"],
];

/// Words that a vision may share with a style.
fn style_words(style: &str) -> &'static [&'static str] {
    match style {
        "classic" => &["timeless", "traditional", "candlelight", "white linen"],
        "rustic" => &["wooden", "fairy lights", "earthy", "handmade"],
        "modern" => &["sleek", "clean lines", "glass", "contemporary"],
        "bohemian" => &["colourful", "dreamcatchers", "free-spirited", "macramé"],
        "royal" => &["palatial", "grand", "chandeliers", "opulent"],
        "minimalist" => &["uncluttered", "calm", "neutral tones", "understated"],
        "garden" => &["open-air", "lush", "flowers", "greenery"],
        "beach" => &["sea breeze", "sunset", "sand", "waterfront"],
        "vintage" => &["antique", "nostalgic", "lace", "old-world"],
        "industrial" => &["exposed brick", "loft", "metal", "warehouse"],
        _ => &["flexible", "adaptable"],
    }
}

const OFFERS: [(&str, &[&str]); 8] = [
    ("venue", &["place for celebrations", "setting for ceremonies and dinners", "event space"]),
    ("caterer", &["kitchen with live counters", "team for buffets and plated meals", "menu"]),
    ("photographer", &["candid photography", "portraits and documentary pictures", "albums"]),
    ("makeup_artist", &["bridal make-up and hair", "looks for the whole party", "artistry"]),
    ("florist", &["garlands and bouquets", "seasonal flowers", "table arrangements"]),
    ("music", &["music for ceremonies and dancing", "sets from folk to pop", "sound and lights"]),
    ("decorator", &["stages and entrances", "mandaps and backdrops", "lighting and drapes"]),
    ("transport", &["rides for guests", "coaches with drivers", "cars for the couple"]),
];

/// Two sentences whose words follow the vendor's quality and style.
pub(crate) fn description(draws: &mut Draws, category: &str, character: &Character) -> String {
    let tier = (character.quality * 3.0) as usize;
    let praise = PRAISE[tier.min(PRAISE.len() - 1)];
    let offers =
        OFFERS.iter().find(|(name, _)| *name == category).map_or(&["service"][..], |offer| offer.1);
    let (first, second) = (draws.pick(praise), draws.pick(praise));
    let offer = draws.pick(offers);
    let area = &character.area.name;
    let style = character.styles.first().map_or("", String::as_str);
    let (mood, detail) = (draws.pick(style_words(style)), draws.pick(style_words(style)));
    let mut praises = vec![first];
    if second != first {
        praises.push(second);
    }
    let opening = capitalised(&praises.join(" and "));
    format!("{opening}: {offer} in {area}. {}, {detail}, {style} at heart.", capitalised(mood))
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
