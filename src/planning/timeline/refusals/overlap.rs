//! Functions that ask for the same vendor at the same time, whoever it is.

use jiff::{Timestamp, ToSpan};

use super::certain::{Known, accompanies};
use crate::timeline::{
    Conflict, Severity,
    part::anchors,
    template::{Photos, Step, steps},
    timing::{network::Minutes, place::Place},
};
use model::{Category, Part};

/// Two functions that need one vendor at once.
pub(crate) struct Overlap {
    pub conflict: Conflict,
    /// The later one, by its place among the parts.
    pub later: usize,
}

/// When a vendor has to be there, at least.
type Span = (Timestamp, Timestamp);

impl Known<'_> {
    /// The first category whose vendor two parts need at once. A venue is there from a part's
    /// start to its end; who accompanies a part is there from its start on, as long as it may;
    /// everybody else at the activities that an anchor fixes.
    pub(crate) fn overlap(&self) -> Option<Overlap> {
        let parts: Vec<Part<'_>> = self.request.parts().collect();
        let wanted = self.request.services.keys();
        let engaged = |category: &&Category| {
            self.engagements.iter().any(|e| e.category == *category) || (self.surely)(category)
        };
        wanted.filter(engaged).find_map(|category| self.overlap_of(category, &parts))
    }

    fn overlap_of(&self, category: &Category, parts: &[Part<'_>]) -> Option<Overlap> {
        let needed = parts.iter().enumerate().filter(|(_, part)| part.needs(category));
        let spans: Vec<(usize, Span)> =
            needed.filter_map(|(i, part)| Some((i, self.span(category, *part)?))).collect();
        for (k, &(i, first)) in spans.iter().enumerate() {
            for &(j, second) in &spans[k + 1..] {
                if first.0.max(second.0) < first.1.min(second.1) {
                    let later = if first.0 <= second.0 {
                        (i, first, j, second)
                    } else {
                        (j, second, i, first)
                    };
                    return Some(self.in_words(category, parts, later));
                }
            }
        }
        None
    }

    fn span(&self, category: &Category, part: Part<'_>) -> Option<Span> {
        let engagement = self.engagements.iter().find(|e| e.category == category);
        if engagement.is_some_and(|engagement| engagement.in_house) {
            return None;
        }
        let place = engagement.map(|e| Place::new(*e, self.request, self.categories));
        let minutes = Minutes::from(part.time.minutes);
        let (from, until) = if category.as_str() == "venue" {
            (0, minutes)
        } else if accompanies(part, category.as_str()) {
            (0, place?.stays_at_most.map_or(minutes, |most| most.min(minutes)))
        } else {
            fixed_span(category.as_str(), part)?
        };
        let start = part.time.start_zoned().timestamp();
        let at = |minutes: Minutes| start.saturating_add(minutes.minutes()).unwrap_or(start);
        Some((at(from), at(until)))
    }

    fn in_words(
        &self,
        category: &Category,
        parts: &[Part<'_>],
        (i, first, j, second): (usize, Span, usize, Span),
    ) -> Overlap {
        let zone = self.request.time.zone();
        let time = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%d %b %H:%M").to_string();
        let name = |at: usize| parts.get(at).and_then(|part| part.name).unwrap_or("the event");
        let engagement = self.engagements.iter().find(|e| e.category == category);
        let who = match engagement {
            Some(engagement) => engagement.vendor.name.clone(),
            None => format!("one {}", category.as_str().replace('_', " ")),
        };
        let (one, other) = (name(i), name(j));
        let chain = vec![
            format!("{one} needs the {category} from {} to {}", time(first.0), time(first.1)),
            format!("{other} needs the {category} from {} to {}", time(second.0), time(second.1)),
        ];
        let message = format!(
            "{who} cannot serve {one} and {other} at the same time: {}",
            chain.join(", and ")
        );
        let places = engagement.map(|_| category.clone()).into_iter().collect();
        let conflict = Conflict { severity: Severity::High, message, chain, places };
        Overlap { conflict, later: j }
    }
}

/// From the first to the last fixed activity that a category's vendor can't miss.
fn fixed_span(category: &str, part: Part<'_>) -> Option<(Minutes, Minutes)> {
    let is_needed = |step: &&Step| match category {
        "photographer" => step.photos == Photos::Core,
        _ => step.led_by == Some(category),
    };
    let start = part.time.start_zoned();
    // Only getting ready may lie before the event, and no vendor but the make-up artist is there.
    let anchors = anchors(part, &start, &[]);
    let mut span: Option<(Minutes, Minutes)> = None;
    for step in steps(part.event_type).iter().filter(is_needed) {
        let named = anchors.iter().find(|(_, i)| step.is_named(&part.anchors[*i].activity));
        if let Some(&(at, _)) = named {
            let (from, until) = span.unwrap_or((at, at));
            span = Some((from.min(at), until.max(at + step.least)));
        }
    }
    let most: Minutes = steps(part.event_type).iter().map(|step| step.least).sum();
    let own = part.anchors.len() as Minutes * crate::timeline::template::OWN.least;
    // An event that is too short shrinks its activities: then there is no telling.
    span.filter(|_| most + own <= Minutes::from(part.time.minutes))
}
