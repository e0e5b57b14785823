//! The budgeting agent: splits the budget over the categories, once per strategy.

use llm::{Reply, ShareCategory, SharesTask, Task};
use model::{Category, CategoryDef, Note, Request, Shares, Strategy};
use planning::fitness::budget::{check_shares, default_shares};

pub(crate) const NAME: &str = "budgeting";

/// What to ask the LLM.
pub(crate) fn task(request: &Request, categories: &[CategoryDef]) -> Task {
    let share_category = |definition: &CategoryDef| ShareCategory {
        name: definition.name.clone(),
        required: is_required(request, &definition.name),
    };
    Task::Shares(SharesTask {
        event_type: request.event_type,
        guests: request.guests,
        budget: Some(request.budget),
        categories: categories.iter().map(share_category).collect(),
    })
}

/// The proposed shares where all three are valid, else the documented defaults, with a note.
pub(crate) fn conclude(request: &Request, reply: Reply) -> (Vec<Shares>, Option<Note>) {
    let defaults = || {
        let requested: Vec<Category> = request.services.keys().cloned().collect();
        let of = |strategy| default_shares(request.event_type, &requested, strategy);
        Strategy::ALL.map(of).to_vec()
    };
    let Reply::Shares(Some(proposed)) = reply else { return (defaults(), None) };
    let checked: Result<Vec<Shares>, String> = Strategy::ALL
        .into_iter()
        .map(|strategy| {
            let found = proposed.iter().find(|shares| shares.strategy == strategy);
            let shares = found.ok_or_else(|| format!("none for the strategy {strategy}"))?;
            check_shares(shares, &request.services)
        })
        .collect();
    match checked {
        Ok(shares) => (shares, None),
        Err(why) => {
            let message = format!("the proposed budget shares were not used: {why}");
            (defaults(), Some(Note { code: "shares_refused".into(), message }))
        }
    }
}

fn is_required(request: &Request, category: &Category) -> bool {
    request.services.get(category).is_some_and(|service| service.required)
}
