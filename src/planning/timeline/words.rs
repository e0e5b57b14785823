//! The scheduler's reasons in plain words. Nothing here is built unless there is a conflict.

use jiff::{SignedDuration, Zoned};

use super::{
    hours::Hours,
    program::{Program, Rule},
    template::MEAL,
    timing::{network::Minutes, place::Place},
};
use model::clock;

/// Tells times in the event's own zone.
pub(super) struct Words<'a> {
    /// The event's start, minute 0.
    pub start: &'a Zoned,
    pub venue: Option<&'a str>,
    pub hours: Hours,
}

impl Words<'_> {
    /// Local time of day, `22:30`; one that comes twice with its zone.
    pub(super) fn time(&self, minutes: Minutes) -> String {
        let at = self.start.checked_add(SignedDuration::from_mins(minutes));
        at.map_or_else(|_| "?".to_owned(), |at| clock(&at))
    }

    pub(super) fn item<'a>(&self, program: &Program<'a>, index: usize) -> &'a str {
        program.item(index).map_or("an activity", |item| item.name)
    }

    /// The rules of a clash, each once, in its order.
    pub(super) fn chain(&self, program: &Program<'_>, clash: &[Rule]) -> Vec<String> {
        let mut chain: Vec<String> = Vec::with_capacity(clash.len());
        for rule in clash {
            let told = self.rule(program, *rule);
            if !chain.contains(&told) {
                chain.push(told);
            }
        }
        chain
    }

    fn rule(&self, program: &Program<'_>, rule: Rule) -> String {
        let name = |index| self.item(program, index);
        match rule {
            Rule::EventStarts => format!("the event starts at {}", self.time(0)),
            Rule::EventEnds => format!("the event ends at {}", self.time(program.minutes)),
            Rule::Follows(first, second) => format!("{} follows {}", name(second), name(first)),
            Rule::Takes(index) => {
                let least = program.item(index).map_or(0, |item| item.least);
                format!("{} takes at least {least} minutes", name(index))
            }
            Rule::TakesAtMost(index) => format!("{} has a longest length", name(index)),
            Rule::Anchored(index) => {
                let at = program.item(index).and_then(|item| item.fixed_at).unwrap_or(0);
                format!("{} is fixed at {}", name(index), self.time(at))
            }
            Rule::MusicEnds(index) => {
                let (venue, time) = (self.venue.unwrap_or("the venue"), self.music_time());
                format!("{venue} allows music until {time}, and {} has music", name(index))
            }
            Rule::Stays(place) => self.stay(&program.places[place]),
            Rule::Lead => {
                let lead = program.lead("makeup_artist");
                format!("make-up may begin {lead} minutes before the event")
            }
            Rule::Travels(from, to) => {
                let way = program.way_to(to);
                format!("the way from {} to {} takes {way} minutes", name(from), name(to))
            }
            Rule::Opens(place) => {
                let setup = program.places[place].vendor().setup_minutes;
                let who = &program.places[place].vendor().name;
                format!("{}, and {who} needs {setup} minutes to set up", self.opens())
            }
            Rule::Closes(place) => {
                let teardown = program.places[place].vendor().teardown_minutes;
                let who = &program.places[place].vendor().name;
                format!("{}, and {who} needs {teardown} minutes to clear away", self.closes())
            }
        }
    }

    /// The message of a bound that had to be given up.
    pub(super) fn given_up(&self, program: &Program<'_>, rule: Rule) -> String {
        match rule {
            Rule::Stays(place) => {
                let place = &program.places[place];
                format!("{}, too short for its part", self.stay(place))
            }
            Rule::MusicEnds(index) => {
                let venue = self.venue.unwrap_or("the venue");
                let (name, time) = (self.item(program, index), self.music_time());
                format!("{name} cannot end by {time}, when music must stop at {venue}")
            }
            Rule::Anchored(index) => {
                let at = program.item(index).and_then(|item| item.fixed_at).unwrap_or(0);
                format!("{} cannot start at {}", self.item(program, index), self.time(at))
            }
            other => self.rule(program, other),
        }
    }

    /// `Amber Lens works at most 6.5 hours`.
    pub(crate) fn stay(&self, place: &Place<'_>) -> String {
        let hours = place.stays_at_most.unwrap_or(0) as f64 / 60.0;
        format!("{} works at most {hours} hours", place.vendor().name)
    }

    fn music_time(&self) -> String {
        self.hours.music_ends.map_or_else(String::new, |minutes| self.time(minutes))
    }

    /// `Lotus Hall opens at 10:00`.
    pub(crate) fn opens(&self) -> String {
        let at = self.hours.opens.map_or_else(String::new, |minutes| self.time(minutes));
        format!("{} opens at {at}", self.venue.unwrap_or("the venue"))
    }

    /// `Lotus Hall closes at 23:00`.
    pub(crate) fn closes(&self) -> String {
        let at = self.hours.closes.map_or_else(String::new, |minutes| self.time(minutes));
        format!("{} closes at {at}", self.venue.unwrap_or("the venue"))
    }

    /// `Amber Decor sets up from 14:30`, to be ready at the given minute.
    pub(crate) fn sets_up(&self, place: &Place<'_>, ready: Minutes) -> String {
        let setup = Minutes::from(place.vendor().setup_minutes);
        format!("{} sets up from {}", place.vendor().name, self.time(ready - setup))
    }

    /// `Amber Decor clears away until 00:30`, from the given minute on.
    pub(crate) fn clears(&self, place: &Place<'_>, from: Minutes) -> String {
        let teardown = Minutes::from(place.vendor().teardown_minutes);
        format!("{} clears away until {}", place.vendor().name, self.time(from + teardown))
    }
}

/// The meal's name at a local hour.
pub(super) fn shown_name(name: &str, local_hour: i8) -> &str {
    match local_hour {
        _ if name != MEAL => name,
        4..10 => "breakfast",
        10 => "brunch",
        11..16 => "lunch",
        _ => "dinner",
    }
}
