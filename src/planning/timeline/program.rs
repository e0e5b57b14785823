//! The activities of one event in their order, and the bounds between them.

use super::{
    durations::{Length, fill},
    hours::Hours,
    template::{GETTING_READY, OPEN_END, OWN, Photos, Step, steps},
    timing::{
        network::{Minutes, Network, ORIGIN, Point},
        place::Place,
        travel::travel_minutes,
    },
};
use model::{Anchor, GeoPoint, Part};

/// Guests who need one more minute to arrive and find their places.
const GUESTS_PER_ARRIVAL_MINUTE: i64 = 20;
/// Minutes that each further person in the make-up chair adds.
const MINUTES_PER_PERSON: i64 = 30;

/// An activity of this event. Its index in [`Program::items`] names it in the network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub step: &'a Step,
    /// The anchor's own word for it, where one names it.
    pub name: &'a str,
    pub least: Minutes,
    pub ideal: Minutes,
    pub most: Minutes,
    /// The minute at which an anchor fixes its start.
    pub fixed_at: Option<Minutes>,
    /// `None`: at the venue.
    pub location: Option<GeoPoint>,
    /// Which of the part's anchors fixes it.
    pub anchor: Option<usize>,
}

/// Why a bound of the network is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    EventStarts,
    EventEnds,
    /// The second activity follows the first.
    Follows(usize, usize),
    Takes(usize),
    TakesAtMost(usize),
    Anchored(usize),
    /// Music must end at the venue's closing time for it.
    MusicEnds(usize),
    /// The vendor in this place can't stay longer.
    Stays(usize),
    /// A service may begin no earlier before the event.
    Lead,
    /// The way from the first activity's place to the second one's.
    Travels(usize, usize),
    /// The vendor in this place can't set up before the venue opens.
    Opens(usize),
    /// The vendor in this place must have cleared away when the venue closes.
    Closes(usize),
}

/// What is scheduled, and which bounds still hold.
#[derive(Clone, Debug)]
pub(super) struct Program<'a> {
    /// One after the other.
    pub items: Vec<Item<'a>>,
    /// Beside the first items.
    pub getting_ready: Option<Item<'a>>,
    pub places: &'a [Place<'a>],
    pub minutes: Minutes,
    /// The venue's.
    pub hours: Hours,
    /// The venue's place, where it is known.
    home: Option<GeoPoint>,
    /// Ways between places no longer count.
    pub is_beamed: bool,
    /// Places whose longest stay is no longer insisted on.
    pub overstaying: Vec<usize>,
}

impl<'a> Program<'a> {
    /// The event type's steps with the client's anchors in them. `anchors` are (minute, index
    /// into the request's anchors), by time.
    pub(super) fn new(
        part: Part<'a>,
        places: &'a [Place<'a>],
        anchors: &[(Minutes, usize)],
        hours: Hours,
    ) -> Self {
        let engaged = |category: &str| places.iter().any(|place| place.category() == category);
        let named_by =
            |step: &Step| anchors.iter().find(|(_, i)| step.is_named(&part.anchors[*i].activity));
        let mut used = vec![false; part.anchors.len()];
        let mut items = Vec::with_capacity(anchors.len() + 10);
        for step in steps(part.event_type) {
            let anchor = named_by(step).filter(|(_, i)| !used[*i]);
            let wanted = step.led_by.is_none_or(engaged) && !step.without.is_some_and(engaged);
            if !wanted && anchor.is_none() {
                continue;
            }
            let mut item = Item::new(step);
            if items.is_empty() {
                item.ideal += i64::from(part.guests) / GUESTS_PER_ARRIVAL_MINUTE;
                item.ideal = item.ideal.min(item.most);
            }
            if let Some(&(at, i)) = anchor {
                used[i] = true;
                item.fixed_at = Some(at);
                item.name = &part.anchors[i].activity;
                item.location = part.anchors[i].location;
                item.anchor = Some(i);
            }
            items.push(item);
        }
        let getting_ready = getting_ready(places).map(|item| match named_by(&GETTING_READY) {
            Some(&(at, i)) => {
                used[i] = true;
                Item { fixed_at: Some(at), anchor: Some(i), ..item }
            }
            None => item,
        });
        let mut program = Self::of_items(part, places, hours, items);
        program.getting_ready = getting_ready;
        for &(at, i) in anchors.iter().filter(|(_, i)| !used[*i]) {
            program.insert(Item::own(part, i, at));
        }
        program
    }

    /// These activities and no other.
    pub(crate) fn of_items(
        part: Part<'a>,
        places: &'a [Place<'a>],
        hours: Hours,
        items: Vec<Item<'a>>,
    ) -> Self {
        let venue = places.iter().find(|place| place.category() == "venue");
        Self {
            items,
            getting_ready: None,
            places,
            minutes: i64::from(part.time.minutes),
            hours,
            home: venue.and_then(|place| place.vendor().location),
            is_beamed: false,
            overstaying: Vec::new(),
        }
    }

    /// Puts an activity of the client's own among the others, where the draft has its time or
    /// next to it.
    pub(super) fn insert(&mut self, own: Item<'a>) {
        let at = own.fixed_at.unwrap_or(0);
        let started = self.draft().iter().filter(|(start, _)| *start <= at).count();
        let places = [Some(started), started.checked_sub(1), Some(started + 1)];
        let tried = places.into_iter().flatten().filter(|place| *place <= self.items.len());
        for place in tried {
            let mut tried = self.clone();
            tried.items.insert(place, own);
            if tried.network().latest().is_ok() {
                *self = tried;
                return;
            }
        }
        self.items.insert(started, own);
    }

    /// The same with other items one after the other.
    pub(crate) fn with_items(&self, items: Vec<Item<'a>>) -> Self {
        Self { items, ..self.clone() }
    }

    /// The item of a rule's index: behind the last stands the one beside them.
    pub(super) fn item(&self, index: usize) -> Option<&Item<'a>> {
        self.items.get(index).or(self.getting_ready.as_ref())
    }

    /// Start and end points of an item.
    pub(super) const fn points(index: usize) -> (Point, Point) {
        (1 + 2 * index, 2 + 2 * index)
    }

    /// The bounds between all activities.
    pub(crate) fn network(&self) -> Network<Rule> {
        let count = self.items.len() + usize::from(self.getting_ready.is_some());
        let mut network = Network::new(1 + 2 * count);
        let mut last = ORIGIN;
        for (i, item) in self.items.iter().enumerate() {
            let why = if i == 0 { Rule::EventStarts } else { Rule::Follows(i - 1, i) };
            let (start, end) = Self::points(i);
            network.at_least(last, start, 0, why);
            let way = self.way_to(i);
            if way > 0 {
                network.at_least(last, start, way, Rule::Travels(i - 1, i));
            }
            bound_item(&mut network, i, item);
            if let Some(music_ends) = self.hours.music_ends.filter(|_| item.step.amplified) {
                network.at_most(ORIGIN, end, music_ends, Rule::MusicEnds(i));
            }
            last = end;
        }
        network.at_most(ORIGIN, last, self.minutes, Rule::EventEnds);
        for (i, place) in self.places.iter().enumerate() {
            let span = self.needed(place);
            if let (Some(most), Some((first, last))) = (place.stays_at_most, span)
                && !self.overstaying.contains(&i)
            {
                let (start, end) = (Self::points(first).0, Self::points(last).1);
                network.at_most(start, end, most, Rule::Stays(i));
            }
            if let Some(span) = span.filter(|_| place.is_bound_by_hours()) {
                self.bound_by_hours(&mut network, i, span);
            }
        }
        if let Some(item) = &self.getting_ready {
            let index = self.items.len();
            let first_pictured = self.first_pictured();
            let lead = self.lead("makeup_artist");
            network.at_least(ORIGIN, Self::points(index).0, -lead, Rule::Lead);
            bound_item(&mut network, index, item);
            let follows = Rule::Follows(index, first_pictured);
            network.at_least(Self::points(index).1, Self::points(first_pictured).0, 0, follows);
        }
        network
    }

    /// Setup and teardown of the vendor in a place lie in the venue's hours.
    fn bound_by_hours(
        &self,
        network: &mut Network<Rule>,
        place: usize,
        (first, last): (usize, usize),
    ) {
        let vendor = self.places[place].vendor();
        if let Some(opens) = self.hours.opens {
            let least = opens + Minutes::from(vendor.setup_minutes);
            network.at_least(ORIGIN, Self::points(first).0, least, Rule::Opens(place));
        }
        if let Some(closes) = self.hours.closes {
            let most = closes - Minutes::from(vendor.teardown_minutes);
            network.at_most(ORIGIN, Self::points(last).1, most, Rule::Closes(place));
        }
    }

    /// Minutes of the way from the activity before; 0 for the first one, for the same place, and
    /// where a place isn't known.
    pub(crate) fn way_to(&self, index: usize) -> Minutes {
        let place = |item: &Item<'_>| item.location.or(self.home);
        let before = index.checked_sub(1).and_then(|before| self.items.get(before));
        match (before.and_then(place), self.items.get(index).and_then(place)) {
            (Some(from), Some(to)) if !self.is_beamed => travel_minutes(from, to),
            _ => 0,
        }
    }

    /// Minutes before the event at which a category's service may begin.
    pub(crate) fn lead(&self, category: &str) -> Minutes {
        let place = self.places.iter().find(|place| place.category() == category);
        place.map_or(0, |place| place.lead)
    }

    /// The first and the last activity that a vendor can't miss. `None` for a category that
    /// carries none: it accompanies the event as long as it may.
    pub(super) fn needed(&self, place: &Place<'_>) -> Option<(usize, usize)> {
        let needs = |item: &Item<'_>| needs(item, place);
        let first = self.items.iter().position(needs)?;
        let last = self.items.iter().rposition(needs)?;
        Some((first, last))
    }

    /// Whether a vendor can't miss an activity.
    pub(crate) fn is_needed(&self, place: &Place<'_>, index: usize) -> bool {
        self.items.get(index).is_some_and(|item| needs(item, place))
    }

    /// What the make-up must be ready for.
    fn first_pictured(&self) -> usize {
        let pictured = self.items.iter().position(|item| item.step.photos == Photos::Core);
        pictured.unwrap_or(0)
    }

    /// Wished start and end of every item: lengths scaled between the fixed times.
    pub(crate) fn draft(&self) -> Vec<(Minutes, Minutes)> {
        let mut draft = Vec::with_capacity(self.items.len());
        let mut from = 0;
        while draft.len() < self.items.len() {
            let first = draft.len();
            if let Some(at) = self.items[first].fixed_at {
                from = at;
            }
            let behind = self.items[first + 1..].iter().position(|item| item.fixed_at.is_some());
            let next = behind.map_or(self.items.len(), |offset| first + 1 + offset);
            let until = self.items.get(next).and_then(|item| item.fixed_at);
            let until = until.unwrap_or(self.minutes);
            self.draft_stretch(first, next, from, until, &mut draft);
            from = until;
        }
        draft
    }

    /// Items `first..next` between two fixed times; those with music before it must end.
    fn draft_stretch(
        &self,
        first: usize,
        next: usize,
        from: Minutes,
        until: Minutes,
        draft: &mut Vec<(Minutes, Minutes)>,
    ) {
        let fill_in = |draft: &mut Vec<_>, first: usize, next: usize, from, until| {
            let items = &self.items[first..next];
            let lengths: Vec<Length> = items.iter().map(Item::length).collect();
            let mut at = from;
            for taken in fill(&lengths, until - from) {
                draft.push((at, at + taken));
                at += taken;
            }
        };
        let kept = draft.len();
        fill_in(draft, first, next, from, until);
        let with_music = (first..next).rev().find(|&i| self.items[i].step.amplified);
        if let (Some(music_ends), Some(last)) = (self.hours.music_ends, with_music)
            && draft[last].1 > music_ends
        {
            draft.truncate(kept);
            fill_in(draft, first, last + 1, from, music_ends);
            fill_in(draft, last + 1, next, music_ends.max(from), until);
        }
    }
}

impl<'a> Item<'a> {
    pub(super) fn new(step: &'a Step) -> Self {
        let Step { name, least, ideal, most, .. } = *step;
        Self { step, name, least, ideal, most, fixed_at: None, location: None, anchor: None }
    }

    /// An activity of the client's own.
    pub(super) fn own(part: Part<'a>, anchor: usize, at: Minutes) -> Self {
        let Anchor { activity, location, .. } = &part.anchors[anchor];
        let (name, location) = (activity.as_str(), *location);
        Self { name, location, fixed_at: Some(at), anchor: Some(anchor), ..Self::new(&OWN) }
    }

    fn length(&self) -> Length {
        Length { least: self.least, ideal: self.ideal, most: self.most }
    }
}

/// Beside the first activities, where a make-up artist comes; at any time.
pub(super) fn getting_ready<'a>(places: &[Place<'a>]) -> Option<Item<'a>> {
    let place = places.iter().find(|place| place.category() == "makeup_artist")?;
    let mut item = Item::new(&GETTING_READY);
    item.ideal += MINUTES_PER_PERSON * i64::from(place.quantity.saturating_sub(1));
    item.most = place.stays_at_most.unwrap_or(OPEN_END);
    item.least = item.least.min(item.most);
    item.ideal = item.ideal.min(item.most);
    Some(item)
}

fn needs(item: &Item<'_>, place: &Place<'_>) -> bool {
    match place.category() {
        "photographer" => item.step.photos == Photos::Core,
        category => item.step.led_by == Some(category),
    }
}

fn bound_item(network: &mut Network<Rule>, index: usize, item: &Item<'_>) {
    let (start, end) = Program::points(index);
    network.at_least(start, end, item.least, Rule::Takes(index));
    network.at_most(start, end, item.most, Rule::TakesAtMost(index));
    if let Some(at) = item.fixed_at {
        network.fix(start, at, Rule::Anchored(index));
    }
}
