//! Why a schedule is refused, over as few of its vendors as can be shown.

pub(crate) mod alike;
pub(crate) mod blame;
pub(crate) mod certain;
pub(crate) mod overlap;

use certain::Known;

use super::{Conflict, Severity, schedule, timing::network::Minutes};
use crate::engagement::Engagement;
use model::{Anchor, Category, CategoryDef, Request};

/// Why some vendors can't serve a request together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    /// The categories whose vendors are refused together, whoever fills the others, in category
    /// order; none: the request itself is. `None`: nothing is known but that these vendors, all
    /// of them and nobody else, are refused.
    pub places: Option<Vec<Category>>,
    /// The categories that the scheduler's own chain of reasons names.
    pub suspects: Vec<Category>,
}

impl From<String> for Refusal {
    /// For these reasons, in words alone.
    fn from(message: String) -> Self {
        Self { message, places: None, suspects: Vec::new() }
    }
}

impl From<&str> for Refusal {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

/// Whether these vendors can't serve the request whoever else is engaged, and why: the conflict
/// names those of them that it takes. `None` where nothing can be shown; then [`schedule`] decides.
pub(crate) fn certain_refusal(
    request: &Request,
    categories: &[CategoryDef],
    engagements: &[Engagement<'_>],
) -> Option<Refusal> {
    let mut conflict = certain(request, categories, engagements)?;
    let mut kept: Vec<Engagement<'_>> = engagements.to_vec();
    for engagement in engagements {
        let fewer: Vec<Engagement<'_>> =
            kept.iter().filter(|e| e.category != engagement.category).copied().collect();
        if let Some(found) = certain(request, categories, &fewer) {
            (conflict, kept) = (found, fewer);
        }
    }
    let places: Vec<Category> = kept.iter().map(|engagement| engagement.category.clone()).collect();
    Some(Refusal { message: conflict.message, suspects: places.clone(), places: Some(places) })
}

/// Why [`schedule`] refuses these engagements; `None` where it doesn't.
pub fn refusal(
    request: &Request,
    categories: &[CategoryDef],
    engagements: &[Engagement<'_>],
) -> Option<Refusal> {
    let laid_out = schedule(request, categories, engagements);
    let mut conflicts = laid_out.conflicts.into_iter();
    let conflict = conflicts.find(|conflict| conflict.severity == Severity::High)?;
    let named: Vec<Engagement<'_>> =
        engagements.iter().filter(|e| conflict.places.contains(e.category)).copied().collect();
    let certain = certain_refusal(request, categories, &named)
        .or_else(|| certain_refusal(request, categories, engagements));
    let Conflict { message, places: suspects, .. } = conflict;
    Some(match certain {
        Some(certain) => Refusal { message, ..certain },
        None => Refusal { message, places: None, suspects },
    })
}

/// Whether [`certain_refusal`] shows something.
pub(crate) fn is_certain(
    request: &Request,
    categories: &[CategoryDef],
    engagements: &[Engagement<'_>],
) -> bool {
    certain(request, categories, engagements).is_some()
}

fn certain(
    request: &Request,
    categories: &[CategoryDef],
    engagements: &[Engagement<'_>],
) -> Option<Conflict> {
    let known = Known { request, categories, engagements, surely: &|_| false };
    let clash = request.parts().find_map(|part| known.clash(part)).map(|clash| clash.conflict);
    clash.or_else(|| known.overlap().map(|overlap| overlap.conflict))
}

/// What of a request clashes whoever is engaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impossible {
    /// By its place among the request's functions, where it has any.
    pub function: Option<usize>,
    /// The latest anchor of the clash, by its place among those of the function or of the event;
    /// `None`: the start of the function clashes with another one's.
    pub anchor: Option<usize>,
    pub message: String,
    pub hint: String,
}

/// What of a request can't be held whoever is engaged: the first clash of each part, and the first
/// two parts that need one vendor at once. Empty: nothing is known against it.
pub fn impossible(request: &Request, categories: &[CategoryDef]) -> Vec<Impossible> {
    let is_required = |category: &Category| {
        request.services.get(category).is_some_and(|service| service.required)
    };
    let known = Known { request, categories, engagements: &[], surely: &is_required };
    let mut found = Vec::new();
    for (i, part) in request.parts().enumerate() {
        let Some(clash) = known.clash(part) else { continue };
        let zoned = part.time.start_zoned();
        let day = zoned.date();
        let time = |minutes: Minutes| {
            let at = zoned.checked_add(jiff::SignedDuration::from_mins(minutes));
            at.map_or_else(
                |_| "?".to_owned(),
                |at| {
                    let next = if at.date() > day { " the next day" } else { "" };
                    format!("{}{next}", at.strftime("%H:%M"))
                },
            )
        };
        let ends = time(Minutes::from(part.time.minutes));
        let names: Vec<String> = clash
            .anchors
            .iter()
            .map(|(_, anchor)| format!("`{}`", part.anchors[*anchor].activity.escape_debug()))
            .collect();
        let function = part.name.map(|_| i);
        let outside = known.outside(part);
        if !outside.is_empty() {
            found.extend(outside.into_iter().map(|anchor| {
                let Anchor { activity, at, .. } = &part.anchors[anchor];
                let (name, at, starts) = (activity.escape_debug(), at.strftime("%H:%M"), time(0));
                let whole = if function.is_some() { "its function" } else { "the event" };
                Impossible {
                    function,
                    anchor: Some(anchor),
                    message: format!(
                        "`{name}` at {at} lies outside {whole}, which lasts from {starts} to {ends}"
                    ),
                    hint: format!(
                        "choose a time from {starts} to {ends}, or change start or hours"
                    ),
                }
            }));
            continue;
        }
        let (message, hint) = match names.as_slice() {
            [] => (clash.conflict.message.clone(), "raise hours".to_owned()),
            [name] => (
                clash.conflict.message.clone(),
                format!("choose another time for {name}, or change start or hours"),
            ),
            _ => (
                clash.conflict.message.clone(),
                format!("move {}, or leave one of them open", names.join(" or ")),
            ),
        };
        let anchor = clash.anchors.last().map(|(_, anchor)| *anchor);
        found.push(Impossible { function, anchor, message, hint });
    }
    if let Some(overlap) = known.overlap() {
        let hint = "let one begin when the other has ended, or name other services in its services";
        let (function, message) = (Some(overlap.later), overlap.conflict.message);
        found.push(Impossible { function, anchor: None, message, hint: hint.to_owned() });
    }
    found
}
