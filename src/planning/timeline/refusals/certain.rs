//! What is refused whoever else is engaged.
//!
//! A schedule without a severe conflict keeps, whatever was left out or moved on the way, every
//! bound between the activities of its *core*: those that an anchor fixes, and those of rank 0 (or
//! the only one that an engaged category carries) whose category is engaged for sure. An activity
//! that stands between two of the core only lengthens the way from one to the other, and what a
//! vendor needs beyond the core only lengthens its stay. So where the core's own bounds clash in
//! every order that it may take, the schedule is refused, whoever fills the other places.
//!
//! What isn't known is left out: bounds of vendors that aren't named, activities whose category
//! may or may not be engaged, and lengths that an event that is too short would shrink.

use jiff::Zoned;

use super::blame::blamed;
use crate::{
    engagement::Engagement,
    timeline::{
        Conflict, Severity,
        hours::Hours,
        part::{anchors, closed, outstayed},
        program::{Item, Program, Rule, getting_ready},
        template::{GETTING_READY, OWN, Photos, Step, steps},
        timing::{network::Minutes, place::Place},
        words::Words,
    },
};
use model::{Category, CategoryDef, Part, Request};

/// Orders of a core that are tried; where they don't suffice, nothing is claimed.
const ORDERS_MAX: usize = 200;

/// What is known of who is engaged.
#[derive(Clone, Copy)]
pub(crate) struct Known<'k> {
    pub request: &'k Request,
    pub categories: &'k [CategoryDef],
    pub engagements: &'k [Engagement<'k>],
    /// Whether a vendor is engaged for a category, though it isn't known which.
    pub surely: &'k dyn Fn(&Category) -> bool,
}

/// Whether a category's vendor takes part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Engaged,
    Unknown,
    Absent,
}

/// A clash of what is known, with the anchors in it.
pub(crate) struct Clash {
    pub conflict: Conflict,
    /// By time: minutes from the part's start, index among the part's anchors.
    pub anchors: Vec<(Minutes, usize)>,
}

impl<'k> Known<'k> {
    /// The clash of one part.
    pub(crate) fn clash(&self, part: Part<'k>) -> Option<Clash> {
        let start = part.time.start_zoned();
        let engaged = self.engagements.iter().filter(|e| part.needs(e.category));
        let places: Vec<Place<'_>> =
            engaged.map(|e| Place::new(*e, self.request, self.categories)).collect();
        let venue = places.iter().find(|place| place.category() == "venue");
        let hours = Hours::of(venue, &start);
        let venue_name = venue.map(|place| place.vendor().name.as_str());
        let words = Words { start: &start, venue: venue_name, hours };
        let anchors = self.anchors(part, &start, &places);
        let core = Core::of(self, part, &places, hours, &anchors);
        let outstayed = venue.and_then(|venue| outstayed(venue, &core.program, &words));
        let closed = || closed(&core.program, &words, &|place| accompanies(part, place.category()));
        match outstayed.or_else(closed) {
            Some(mut conflict) => {
                if let Some(name) = part.name {
                    conflict.message = format!("{name}: {}", conflict.message);
                }
                Some(Clash { conflict, anchors: Vec::new() })
            }
            None => core.clash(&words),
        }
    }

    /// The anchors of a part that lie outside of it: of those whose time is known, by their place
    /// among all.
    pub(crate) fn outside(&self, part: Part<'_>) -> Vec<usize> {
        let fixed = self.anchors(part, &part.time.start_zoned(), &[]);
        let minutes = Minutes::from(part.time.minutes);
        let outside = fixed.into_iter().filter(|(at, _)| !(0..minutes).contains(at));
        let mut outside: Vec<usize> = outside.map(|(_, anchor)| anchor).collect();
        outside.sort_unstable();
        outside
    }

    /// As the scheduler reads them, but for getting ready where it isn't known who does it:
    /// whether it may lie before the event is for the make-up artist to say.
    fn anchors(
        &self,
        part: Part<'_>,
        start: &Zoned,
        places: &[Place<'_>],
    ) -> Vec<(Minutes, usize)> {
        let mut fixed = anchors(part, start, places);
        let is_made_up = places.iter().any(|place| place.category() == "makeup_artist");
        if !is_made_up && self.presence(part, "makeup_artist") != Presence::Absent {
            fixed.retain(|(_, i)| !GETTING_READY.is_named(&part.anchors[*i].activity));
        }
        fixed
    }

    fn presence(&self, part: Part<'_>, category: &str) -> Presence {
        if self
            .engagements
            .iter()
            .any(|e| e.category.as_str() == category && part.needs(e.category))
        {
            return Presence::Engaged;
        }
        let wanted = self.request.services.keys().find(|name| name.as_str() == category);
        match wanted.filter(|name| part.needs(name)) {
            None => Presence::Absent,
            Some(name) if (self.surely)(name) => Presence::Engaged,
            Some(_) => Presence::Unknown,
        }
    }
}

/// Whether a category's vendor is there all along, whatever takes place: it carries no activity.
pub(crate) fn accompanies(part: Part<'_>, category: &str) -> bool {
    let leads = |step: &Step| step.led_by == Some(category);
    !matches!(category, "photographer" | "makeup_artist")
        && !steps(part.event_type).iter().any(leads)
}

/// The activities that take place for sure.
struct Core<'a> {
    part: Part<'a>,
    /// With the event type's activities, in their order.
    program: Program<'a>,
    /// The client's own ones, by time.
    own: Vec<Item<'a>>,
    /// Which of the program's the music is that may be moved forward.
    music: Option<usize>,
}

impl<'a> Core<'a> {
    fn of(
        known: &Known<'_>,
        part: Part<'a>,
        places: &'a [Place<'a>],
        hours: Hours,
        anchors: &[(Minutes, usize)],
    ) -> Self {
        let presence = |category: &str| known.presence(part, category);
        let mut used = vec![false; part.anchors.len()];
        let mut named_by = |step: &Step| {
            let named = anchors.iter().find(|(_, i)| step.is_named(&part.anchors[*i].activity));
            named.copied().filter(|(_, i)| !std::mem::replace(&mut used[*i], true))
        };
        let all = steps(part.event_type);
        let mut items = Vec::new();
        for step in all {
            let anchor = named_by(step);
            if anchor.is_none() && !stays(step, all, &presence) {
                continue;
            }
            let mut item = Item::new(step);
            if let Some((at, i)) = anchor {
                item.fixed_at = Some(at);
                item.name = &part.anchors[i].activity;
                item.location = part.anchors[i].location;
                item.anchor = Some(i);
            }
            items.push(item);
        }
        let mut beside = getting_ready(places);
        if let Some(item) = &mut beside
            && let Some((at, i)) = named_by(&GETTING_READY)
        {
            (item.fixed_at, item.anchor) = (Some(at), Some(i));
        }
        let own = anchors.iter().filter(|(_, i)| !used[*i]);
        let mut own: Vec<Item<'a>> = own.map(|&(at, i)| Item::own(part, i, at)).collect();
        let mut program = Program::of_items(part, places, hours, items);
        shorten(&mut program, &mut own, &mut beside, all);
        // Without a picture for sure, there is no telling what make-up must be ready for.
        let is_pictured = program.items.iter().any(|item| item.step.photos == Photos::Core);
        program.getting_ready = beside.filter(|_| is_pictured);
        let movable = |item: &Item<'_>| item.step.amplified && item.fixed_at.is_none();
        let music = program.items.iter().position(movable);
        Self { part, program, own, music }
    }

    /// What clashes in every order.
    fn clash(&self, words: &Words<'_>) -> Option<Clash> {
        let mut usual = self.program.clone();
        self.own.iter().for_each(|own| usual.insert(*own));
        let clash = usual.network().latest().err()?;
        let mut orders = Orders { core: self, left: ORDERS_MAX, placed: Vec::new() };
        if (self.music.is_some() || !self.own.is_empty()) && orders.hold(0, 0, self.music, 0) {
            return None;
        }
        Some(self.in_words(&usual, &clash, words))
    }

    fn in_words(&self, program: &Program<'_>, clash: &[Rule], words: &Words<'_>) -> Clash {
        let fixed = clash.iter().filter_map(|rule| match rule {
            Rule::Anchored(index) => {
                let item = program.item(*index)?;
                Some((item.fixed_at?, item.anchor?))
            }
            _ => None,
        });
        let mut anchors: Vec<(Minutes, usize)> = fixed.collect();
        anchors.sort_unstable();
        anchors.dedup();
        let chain = words.chain(program, clash);
        let mut message = chain.join(", ");
        if let Some(name) = self.part.name {
            message = format!("{name}: {message}");
        }
        let places = blamed(program, clash);
        let conflict = Conflict { severity: Severity::High, message, chain, places };
        Clash { conflict, anchors }
    }
}

/// Whether a step takes place in every schedule that isn't refused.
fn stays(step: &Step, all: &[Step], presence: &dyn Fn(&str) -> Presence) -> bool {
    if step.without.is_some_and(|category| presence(category) != Presence::Absent) {
        return false;
    }
    match step.led_by {
        None => step.rank == 0,
        Some(category) => {
            let alone = all.iter().filter(|other| other.led_by == step.led_by).count() == 1;
            presence(category) == Presence::Engaged && (step.rank == 0 || alone)
        }
    }
}

/// The least lengths that are left where everything that may take place has to shrink.
fn shorten<'a>(
    program: &mut Program<'a>,
    own: &mut [Item<'a>],
    beside: &mut Option<Item<'a>>,
    all: &[Step],
) {
    let minutes = program.minutes;
    let most: Minutes =
        all.iter().map(|step| step.least).sum::<Minutes>() + own.len() as Minutes * OWN.least;
    if most > minutes {
        for item in program.items.iter_mut().chain(own) {
            item.least = item.least * minutes / most;
        }
        // What is left out takes no time, so it doesn't bridge what rounding makes of two ways.
        program.is_beamed = true;
    }
    let lead = program.lead("makeup_artist");
    if let Some(item) = beside.as_mut().filter(|item| most + item.least - lead > minutes) {
        item.least = 0;
    }
}

/// Tries the orders that the activities may take: the event type's as they stand, the client's own
/// by time, the music at its place or earlier.
struct Orders<'c, 'a> {
    core: &'c Core<'a>,
    left: usize,
    placed: Vec<Item<'a>>,
}

impl<'a> Orders<'_, 'a> {
    /// Whether some order of the rest holds, or might; `at`: the end of what is placed. A fixed
    /// activity that begins too late for the next one is not gone on from.
    fn hold(&mut self, step: usize, own: usize, music: Option<usize>, at: Minutes) -> bool {
        if self.left == 0 {
            return true;
        }
        let core = self.core;
        let next_step = core.program.items.get(step).copied();
        let next_own = core.own.get(own).copied();
        if next_step.is_none() && next_own.is_none() && music.is_none() {
            self.left -= 1;
            let tried = core.program.with_items(self.placed.clone());
            return tried.network().latest().is_ok();
        }
        let is_music = music == Some(step);
        if let Some(item) = next_own
            && self.with(item, at, |orders, at| orders.hold(step, own + 1, music, at))
        {
            return true;
        }
        // Music is never moved to the very beginning; what begins an event takes place for sure.
        if let (Some(early), false) = (music, is_music || self.placed.is_empty())
            && self
                .with(core.program.items[early], at, |orders, at| orders.hold(step, own, None, at))
        {
            return true;
        }
        let Some(item) = next_step else { return false };
        // The music stands already, earlier than usual.
        if core.music == Some(step) && music.is_none() {
            return self.hold(step + 1, own, None, at);
        }
        let left = music.filter(|_| !is_music);
        self.with(item, at, |orders, at| orders.hold(step + 1, own, left, at))
    }

    /// Places an activity as early as may be and goes on; false where it comes too late.
    fn with(
        &mut self,
        item: Item<'a>,
        at: Minutes,
        go_on: impl FnOnce(&mut Self, Minutes) -> bool,
    ) -> bool {
        let start = item.fixed_at.unwrap_or(at);
        let end = start + item.least;
        if start < at || end > self.core.program.minutes {
            return false;
        }
        self.placed.push(item);
        let holds = go_on(self, end);
        self.placed.pop();
        holds
    }
}
