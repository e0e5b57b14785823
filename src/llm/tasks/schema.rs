//! JSON schemas of the replies, which a server's sampler is held to. Derived from the reply types,
//! so that they can't drift apart; `bounds` holds a reply to the same limits.

use std::{num::NonZeroUsize, sync::Arc};

use lru::LruCache;
use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    SharesTask, Task,
    bounds::{ARRIVAL_NOTE_MAX, ATMOSPHERE_MAX, CLOSING_MAX, SUMMARY_MAX, WISHES_MAX},
    vocabulary,
};

/// Sets of categories whose schemas are kept: few, since event types are few.
const SHAPES_MAX: usize = 64;

/// Reply to a requirements task, as the LLM writes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequirementsReply {
    pub styles: Vec<String>,
    pub cuisines: Vec<String>,
    pub amenities: Vec<String>,
    pub venue_types: Vec<String>,
    pub video: bool,
}

/// Reply to a shares task: per strategy, one line per category.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharesReply {
    pub balanced: Vec<ShareLine>,
    pub venue_and_food: Vec<ShareLine>,
    pub experience: Vec<ShareLine>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShareLine {
    pub category: String,
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: f64,
}

/// Reply to a prose task; lengths in characters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProseReply {
    #[schemars(length(min = 1, max = SUMMARY_MAX))]
    pub summary: String,
    #[schemars(length(min = 1, max = ATMOSPHERE_MAX))]
    pub atmosphere: String,
    #[schemars(length(min = 1, max = ARRIVAL_NOTE_MAX))]
    pub arrival_note: String,
    #[schemars(length(min = 1, max = CLOSING_MAX))]
    pub closing: String,
}

/// The schemas of all tasks, as they go to a server: without lengths of strings, which some servers
/// refuse and others turn into enormous grammars. The one of shares depends on the categories asked
/// for.
pub(crate) struct Schemas {
    requirements: Arc<Value>,
    prose: Arc<Value>,
    shares: std::sync::Mutex<LruCache<Vec<String>, Arc<Value>>>,
}

impl Default for Schemas {
    fn default() -> Self {
        let shapes = NonZeroUsize::new(SHAPES_MAX).unwrap_or(NonZeroUsize::MIN);
        Self {
            requirements: Arc::new(without_lengths(requirements_schema())),
            prose: Arc::new(without_lengths(base::<ProseReply>())),
            shares: std::sync::Mutex::new(LruCache::new(shapes)),
        }
    }
}

impl Schemas {
    pub(crate) fn of(&self, task: &Task) -> Arc<Value> {
        match task {
            Task::Requirements(_) => Arc::clone(&self.requirements),
            Task::Prose(_) => Arc::clone(&self.prose),
            Task::Shares(task) => self.of_shares(task),
        }
    }

    fn of_shares(&self, task: &SharesTask) -> Arc<Value> {
        let names: Vec<String> =
            task.categories.iter().map(|category| category.name.to_string()).collect();
        let mut known = crate::locked(&self.shares);
        let make = || Arc::new(without_lengths(shares_schema(&names)));
        Arc::clone(known.get_or_insert(names.clone(), make))
    }
}

/// The derived schema, self-contained: no references, no title, no meta schema.
pub(crate) fn base<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let plain = |schema: &mut Schema| {
        // Comments for programmers are not for the model.
        for key in ["title", "description", "format"] {
            schema.remove(key);
        }
    };
    let settings = settings.with_transform(RecursiveTransform(plain));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

pub(crate) fn requirements_schema() -> Value {
    let mut schema = base::<RequirementsReply>();
    let lists: [(&str, &[&str]); 4] = [
        ("styles", &vocabulary::STYLES),
        ("cuisines", &vocabulary::CUISINES),
        ("amenities", &vocabulary::AMENITIES),
        ("venue_types", &vocabulary::VENUE_TYPES),
    ];
    for (list, words) in lists {
        schema["properties"][list]["items"] = json!({"type": "string", "enum": words});
        schema["properties"][list]["maxItems"] = json!(WISHES_MAX);
    }
    schema
}

pub(crate) fn shares_schema(categories: &[String]) -> Value {
    let mut schema = base::<SharesReply>();
    for strategy in model::Strategy::ALL {
        let list = &mut schema["properties"][strategy.as_str()];
        list["items"]["properties"]["category"] = json!({"type": "string", "enum": categories});
        list["minItems"] = json!(categories.len());
        list["maxItems"] = json!(categories.len());
    }
    schema
}

fn without_lengths(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(map) => {
            map.retain(|key, _| key != "minLength" && key != "maxLength");
            for value in map.values_mut() {
                *value = without_lengths(value.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_lengths(item.take());
            }
        }
        _ => {}
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::ShareCategory;
    use model::EventType;

    #[test]
    fn schemas_are_closed_and_self_contained() {
        let schemas = [
            requirements_schema(),
            base::<ProseReply>(),
            shares_schema(&["venue".to_owned(), "caterer".to_owned()]),
        ];
        for schema in schemas {
            let text = without_lengths(schema.clone()).to_string();
            assert_eq!(schema["additionalProperties"], json!(false), "{text}");
            let properties = schema["properties"].as_object().unwrap().len();
            assert_eq!(schema["required"].as_array().unwrap().len(), properties, "{text}");
            for key in ["$ref", "$defs", "$schema", "title", "description", "maxLength"] {
                assert!(!text.contains(key), "{key} in {text}");
            }
        }
        assert_eq!(base::<ProseReply>()["properties"]["summary"]["maxLength"], json!(700));
    }

    #[test]
    fn the_schema_of_shares_follows_the_categories_and_is_kept() {
        let schemas = Schemas::default();
        let task = |names: &[&str]| {
            Task::Shares(SharesTask {
                event_type: EventType::Gala,
                guests: 10,
                budget: None,
                categories: names
                    .iter()
                    .map(|name| ShareCategory { name: (*name).into(), required: true })
                    .collect(),
            })
        };
        let one = schemas.of(&task(&["venue"]));
        assert!(Arc::ptr_eq(&one, &schemas.of(&task(&["venue"]))));
        let names = "/properties/balanced/items/properties/category/enum";
        assert_eq!(one.pointer(names), Some(&json!(["venue"])));
        assert_eq!(schemas.of(&task(&["music"])).pointer(names), Some(&json!(["music"])));
    }
}
