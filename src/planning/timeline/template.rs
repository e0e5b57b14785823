//! The run of show of each event type, as data. Durations are planning practice, not measured:
//! they only shape the first draft, which anchors, vendors and the client's hours then bend.

use super::timing::network::Minutes;
use model::EventType;

/// What a photographer has to do with an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Photos {
    No,
    Wanted,
    /// The pictures the client came for: a photographer who can't stay for them is refused.
    Core,
    /// Wanted for its first minutes.
    First(Minutes),
    /// Wanted for its last minutes.
    Last(Minutes),
}

/// An activity as an event type knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub name: &'static str,
    /// Other names under which an anchor may mean it.
    pub aliases: &'static [&'static str],
    /// The category that carries it; without such a vendor it takes place only if an anchor
    /// names it.
    pub led_by: Option<&'static str>,
    /// Takes the place of what this category would carry.
    pub without: Option<&'static str>,
    pub least: Minutes,
    pub ideal: Minutes,
    pub most: Minutes,
    /// 0: essential. Else it may be left out where time is short, the highest rank first.
    pub rank: u8,
    /// Music that a venue's closing time for music binds.
    pub amplified: bool,
    pub photos: Photos,
}

/// No upper limit: the activity that fills a long event.
pub(super) const OPEN_END: Minutes = 72 * 60;

const fn step(name: &'static str, least: Minutes, ideal: Minutes, most: Minutes, rank: u8) -> Step {
    Step {
        name,
        aliases: &[],
        led_by: None,
        without: None,
        least,
        ideal,
        most,
        rank,
        amplified: false,
        photos: Photos::No,
    }
}

impl Step {
    const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    const fn led_by(self, category: &'static str) -> Self {
        Self { led_by: Some(category), ..self }
    }

    const fn without(self, category: &'static str) -> Self {
        Self { without: Some(category), ..self }
    }

    const fn amplified(self) -> Self {
        Self { amplified: true, ..self }
    }

    const fn photos(self, photos: Photos) -> Self {
        Self { photos, ..self }
    }

    /// Whether an anchor of this name means the step: case and `_` or `-` for a space don't
    /// matter.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        let same = |known: &str| {
            let fold = |b: u8| if b == b'_' || b == b'-' { b' ' } else { b.to_ascii_lowercase() };
            let name = name.trim();
            known.len() == name.len() && known.bytes().eq(name.bytes().map(fold))
        };
        same(self.name) || self.aliases.iter().any(|alias| same(alias))
    }
}

/// The name of every meal; the hour gives it its own.
pub(super) const MEAL: &str = "meal";

const ARRIVAL: Step = step("guest arrival", 15, 30, 75, 0)
    .also(&["arrival", "arrivals", "doors open"])
    .photos(Photos::Wanted);
const DRINKS: Step = step("reception drinks", 15, 45, 90, 2)
    .also(&["drinks", "cocktails", "cocktail hour", "welcome drinks"])
    .led_by("caterer")
    .photos(Photos::Wanted);
const MEAL_STEP: Step =
    step(MEAL, 45, 100, 150, 0).also(&["dinner", "lunch", "brunch", "banquet"]).led_by("caterer");
const CAKE: Step =
    step("cake cutting", 5, 15, 30, 4).also(&["cake", "cutting the cake"]).photos(Photos::Core);
const DANCING: Step = step("dancing", 30, 120, OPEN_END, 1)
    .also(&["dance", "party", "first dance", "dance party"])
    .led_by("music")
    .amplified()
    .photos(Photos::First(45));
const FAREWELL: Step = step("farewell", 5, 15, 30, 3).also(&["send-off", "departure"]);

const WEDDING: [Step; 9] = [
    ARRIVAL,
    step("ceremony", 20, 75, 180, 0)
        .also(&["wedding ceremony", "wedding", "vows"])
        .photos(Photos::Core),
    DRINKS,
    MEAL_STEP,
    step("toasts", 10, 20, 45, 3).also(&["speeches", "toast", "speech"]).photos(Photos::Wanted),
    CAKE,
    DANCING,
    step("celebration", 30, 120, OPEN_END, 1).without("music").photos(Photos::First(45)),
    FAREWELL,
];

const BIRTHDAY: [Step; 8] = [
    ARRIVAL,
    step("welcome", 5, 10, 30, 4).also(&["opening"]),
    step("entertainment", 20, 50, 120, 2).also(&["games", "show"]).photos(Photos::Wanted),
    Step { least: 30, ideal: 70, most: 120, ..MEAL_STEP },
    Step { rank: 0, ..CAKE },
    Step { least: 20, ideal: 75, ..DANCING },
    step("celebration", 20, 75, OPEN_END, 1).without("music"),
    FAREWELL,
];

const CORPORATE: [Step; 14] = [
    step("registration", 15, 30, 60, 0).also(&["guest arrival", "arrival", "check-in"]),
    step("opening", 5, 15, 30, 3).also(&["welcome"]).photos(Photos::Wanted),
    step("keynote", 20, 60, 120, 0).also(&["keynote speech"]).photos(Photos::Core),
    step("coffee break", 10, 20, 45, 4).also(&["coffee", "tea break", "break"]).led_by("caterer"),
    step("break", 10, 15, 45, 4).without("caterer"),
    step("sessions", 30, 110, OPEN_END, 0)
        .also(&["talks", "presentations", "morning sessions"])
        .photos(Photos::Wanted),
    Step { least: 30, ideal: 60, most: 90, ..MEAL_STEP },
    step("workshops", 30, 90, 240, 2).also(&["workshop", "breakouts"]).photos(Photos::Wanted),
    step("afternoon coffee", 10, 20, 45, 6)
        .also(&["afternoon break", "second coffee break"])
        .led_by("caterer"),
    step("afternoon break", 10, 15, 45, 6).without("caterer"),
    step("afternoon sessions", 30, 75, 180, 5).also(&["panel", "panel discussion"]),
    step("closing", 5, 20, 45, 1).also(&["closing remarks", "wrap-up"]).photos(Photos::Wanted),
    step("networking", 15, 45, 120, 7).also(&["mingling"]),
    step("evening music", 30, 60, 180, 2).also(&["dancing", "party"]).led_by("music").amplified(),
];

const GALA: [Step; 8] = [
    ARRIVAL,
    DRINKS,
    step("welcome", 5, 15, 30, 3).also(&["opening", "welcome speech"]).photos(Photos::Core),
    MEAL_STEP,
    step("programme", 20, 50, 150, 0)
        .also(&["program", "awards", "award ceremony", "auction", "show"])
        .photos(Photos::Core),
    Step { ideal: 90, ..DANCING },
    step("mingling", 30, 90, OPEN_END, 1).also(&["networking"]).without("music"),
    FAREWELL,
];

const OTHER: [Step; 6] = [
    ARRIVAL,
    step("opening", 5, 15, 30, 3).also(&["welcome"]).photos(Photos::Wanted),
    step("programme", 20, 120, OPEN_END, 0).also(&["program", "main event"]).photos(Photos::Core),
    Step { least: 30, ideal: 70, most: 120, ..MEAL_STEP },
    step("music", 20, 60, 240, 2).also(&["dancing", "party"]).led_by("music").amplified(),
    step("closing", 5, 15, 30, 3).also(&["farewell"]),
];

/// The steps of an event, in order.
pub(super) const fn steps(event_type: EventType) -> &'static [Step] {
    match event_type {
        EventType::Wedding => &WEDDING,
        EventType::Birthday => &BIRTHDAY,
        EventType::Corporate => &CORPORATE,
        EventType::Gala => &GALA,
        EventType::Other => &OTHER,
    }
}

/// Takes place beside the others and before the first picture, where a make-up artist comes.
pub(super) const GETTING_READY: Step = Step {
    photos: Photos::Last(60),
    ..step("getting ready", 60, 90, OPEN_END, 0).also(&["make-up", "makeup", "preparation"])
}
.led_by("makeup_artist");

/// An anchor's activity that the event type doesn't know.
pub(super) const OWN: Step = step("", 10, 30, 60, 0).photos(Photos::Wanted);
