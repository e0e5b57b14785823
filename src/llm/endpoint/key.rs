//! Keys of the response cache: BLAKE3 of the canonical request (protocol, model, options, schema,
//! messages).
//!
//! What is the same in all requests of one endpoint and task kind is hashed once, when the
//! gateway is built; a request adds only what is its own, each field with its length in front.

use crate::tasks::{ProseTask, RequirementsTask, SharesTask, Task};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CacheKey(pub [u8; 32]);

impl CacheKey {
    pub(crate) fn to_hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
    }
}

/// The digest's state after the constant part of a request.
#[derive(Clone)]
pub(crate) struct KeyPrefix(blake3::Hasher);

impl KeyPrefix {
    /// `constant`: everything besides the task's own fields that the prompt depends on.
    pub(crate) fn new(constant: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in constant {
            feed(&mut hasher, part.as_bytes());
        }
        Self(hasher)
    }

    pub(crate) fn key_of(&self, task: &Task) -> CacheKey {
        let mut hasher = self.0.clone();
        match task {
            Task::Requirements(task) => feed_requirements(&mut hasher, task),
            Task::Shares(task) => feed_shares(&mut hasher, task),
            Task::Prose(task) => feed_prose(&mut hasher, task),
        }
        CacheKey(*hasher.finalize().as_bytes())
    }
}

fn feed(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn feed_list<'a>(hasher: &mut blake3::Hasher, items: impl ExactSizeIterator<Item = &'a str>) {
    hasher.update(&(items.len() as u64).to_le_bytes());
    for item in items {
        feed(hasher, item.as_bytes());
    }
}

fn feed_requirements(hasher: &mut blake3::Hasher, task: &RequirementsTask) {
    feed(hasher, task.event_type.as_str().as_bytes());
    feed(hasher, task.vision.as_bytes());
    // Not in the prompt, but in the reply.
    feed_list(hasher, task.keywords.iter().map(String::as_str));
}

fn feed_shares(hasher: &mut blake3::Hasher, task: &SharesTask) {
    feed(hasher, task.event_type.as_str().as_bytes());
    hasher.update(&task.guests.to_le_bytes());
    match &task.budget {
        None => feed(hasher, b""),
        Some(budget) => {
            feed(hasher, budget.currency.to_string().as_bytes());
            hasher.update(&budget.amount.minor.to_le_bytes());
        }
    }
    feed_list(hasher, task.categories.iter().map(|category| category.name.as_str()));
    for category in &task.categories {
        hasher.update(&[u8::from(category.required)]);
    }
}

fn feed_prose(hasher: &mut blake3::Hasher, task: &ProseTask) {
    feed(hasher, task.event_type.as_str().as_bytes());
    for text in [&task.city, &task.date_text, &task.start_text, &task.vision] {
        feed(hasher, text.as_bytes());
    }
    hasher.update(&task.guests.to_le_bytes());
    feed_list(hasher, task.styles.iter().map(String::as_str));
    feed_list(hasher, task.vendors.iter().map(|vendor| vendor.category.as_str()));
    feed_list(hasher, task.vendors.iter().map(|vendor| vendor.name.as_str()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::EventType;

    fn task(vision: &str, keywords: &[&str]) -> Task {
        Task::Requirements(RequirementsTask {
            event_type: EventType::Gala,
            vision: vision.to_owned(),
            keywords: keywords.iter().map(|word| (*word).to_owned()).collect(),
        })
    }

    #[test]
    fn a_key_depends_on_every_part_and_on_where_parts_end() {
        let prefix = KeyPrefix::new(&["ollama", "model"]);
        let key = prefix.key_of(&task("ab", &["c"]));
        assert_eq!(key, prefix.key_of(&task("ab", &["c"])));
        for other in
            [task("a", &["bc"]), task("ab", &["c", ""]), task("ab", &[]), task("b", &["c"])]
        {
            assert_ne!(key, prefix.key_of(&other));
        }
        assert_ne!(key, KeyPrefix::new(&["ollamam", "odel"]).key_of(&task("ab", &["c"])));
    }
}
