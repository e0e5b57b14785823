//! A vendor in the timeline: how long it may stay and when it may begin.

use super::network::Minutes;
use crate::engagement::Engagement;
use model::{CategoryDef, Request, Vendor};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub engagement: Engagement<'a>,
    /// Rooms or persons of the service.
    pub quantity: u32,
    /// Minutes before the event's start at which its service may begin.
    pub lead: Minutes,
    /// Its longest service in minutes. `None`: no limit. An in-house kitchen has none: the
    /// venue's own limit stands for it.
    pub stays_at_most: Option<Minutes>,
}

impl<'a> Place<'a> {
    pub(crate) fn new(
        engagement: Engagement<'a>,
        request: &Request,
        categories: &[CategoryDef],
    ) -> Self {
        let def = categories.iter().find(|def| def.name == *engagement.category);
        let service = request.services.get(engagement.category);
        let hours = engagement.vendor.max_hours.filter(|_| !engagement.in_house);
        Self {
            engagement,
            quantity: service.map_or(1, |service| service.quantity),
            lead: def.map_or(0, |def| i64::from(def.lead_minutes)),
            stays_at_most: hours.map(|hours| (hours * 60.0) as Minutes),
        }
    }

    pub(crate) fn category(&self) -> &'a str {
        self.engagement.category.as_str()
    }

    /// Whether its setup and teardown take place at the venue, in the venue's hours: make-up is
    /// done elsewhere, and a bus waits outside.
    pub(crate) fn is_bound_by_hours(&self) -> bool {
        let outside = matches!(self.category(), "venue" | "makeup_artist" | "transport");
        !self.engagement.in_house && !outside
    }

    pub(crate) fn vendor(&self) -> &'a Vendor {
        self.engagement.vendor
    }
}
