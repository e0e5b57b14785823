//! The requirements agent: reads wishes out of the client's vision.

use llm::{Reply, RequirementsTask, Task};
use model::{Request, Requirements};
use planning::matching::keywords;

pub const NAME: &str = "requirements";

/// What to ask the LLM. The keywords are ours: the model may add wishes, not words.
pub fn task(request: &Request) -> Task {
    Task::Requirements(RequirementsTask {
        event_type: request.event_type,
        vision: request.vision.clone(),
        keywords: keywords::stems(&request.vision),
    })
}

/// What the reply says; a reply of another kind says nothing beyond the keywords.
pub fn conclude(request: &Request, reply: Reply) -> Requirements {
    match reply {
        Reply::Requirements(requirements) => requirements,
        _ => Requirements { keywords: keywords::stems(&request.vision), ..Requirements::default() },
    }
}
