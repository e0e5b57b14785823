//! JSON schemas of the replies: what a server's sampler is held to, and what a reply is checked
//! against. Derived from the reply types, so that they can't drift apart.

use std::{num::NonZeroUsize, sync::Arc};

use jsonschema::Validator;
use lru::LruCache;
use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    error::LlmError,
    task::{SharesTask, Task, TaskKind},
    vocabulary,
};

/// Sets of categories whose schemas are kept: few, since event types are few.
const SHAPES_MAX: usize = 64;

/// Wishes per list: more is no preference any more.
pub const WISHES_MAX: usize = 5;

/// Reply to a requirements task, as the LLM writes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementsReply {
    pub styles: Vec<String>,
    pub cuisines: Vec<String>,
    pub amenities: Vec<String>,
    pub venue_types: Vec<String>,
    pub video: bool,
}

/// Reply to a shares task: per strategy, one line per category.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharesReply {
    pub balanced: Vec<ShareLine>,
    pub venue_and_food: Vec<ShareLine>,
    pub experience: Vec<ShareLine>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareLine {
    pub category: String,
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: f64,
}

/// Reply to a prose task; lengths in characters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProseReply {
    #[schemars(length(min = 1, max = 700))]
    pub summary: String,
    #[schemars(length(min = 1, max = 500))]
    pub atmosphere: String,
    #[schemars(length(min = 1, max = 400))]
    pub arrival_note: String,
    #[schemars(length(min = 1, max = 300))]
    pub closing: String,
}

/// The schema of one kind of reply.
#[derive(Debug)]
pub struct ReplySchema {
    /// What goes to the server: without lengths of strings, which some servers refuse and others
    /// turn into enormous grammars.
    pub wire: Value,
    /// What a reply is held to.
    pub validator: Validator,
}

/// The schemas of all tasks; the one of shares depends on the categories asked for.
pub struct Schemas {
    requirements: Arc<ReplySchema>,
    prose: Arc<ReplySchema>,
    shares: std::sync::Mutex<LruCache<Vec<String>, Arc<ReplySchema>>>,
}

impl Schemas {
    /// # Errors
    /// A schema that does not compile: a bug, found by the first test that builds a gateway.
    pub fn new() -> Result<Self, LlmError> {
        let shapes = NonZeroUsize::new(SHAPES_MAX).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            requirements: compile(TaskKind::Requirements, requirements_schema())?,
            prose: compile(TaskKind::Prose, base::<ProseReply>())?,
            shares: std::sync::Mutex::new(LruCache::new(shapes)),
        })
    }

    /// # Errors
    /// As [`Self::new`].
    pub fn of(&self, task: &Task) -> Result<Arc<ReplySchema>, LlmError> {
        match task {
            Task::Requirements(_) => Ok(Arc::clone(&self.requirements)),
            Task::Prose(_) => Ok(Arc::clone(&self.prose)),
            Task::Shares(task) => self.of_shares(task),
        }
    }

    fn of_shares(&self, task: &SharesTask) -> Result<Arc<ReplySchema>, LlmError> {
        let names: Vec<String> =
            task.categories.iter().map(|category| category.name.to_string()).collect();
        let mut known = super::locked(&self.shares);
        if let Some(schema) = known.get(&names) {
            return Ok(Arc::clone(schema));
        }
        let schema = compile(TaskKind::Shares, shares_schema(&names))?;
        known.put(names, Arc::clone(&schema));
        Ok(schema)
    }
}

/// The derived schema, self-contained: no references, no title, no meta schema.
fn base<T: JsonSchema>() -> Value {
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

fn requirements_schema() -> Value {
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

fn shares_schema(categories: &[String]) -> Value {
    let mut schema = base::<SharesReply>();
    for strategy in crate::model::Strategy::ALL {
        let list = &mut schema["properties"][strategy.as_str()];
        list["items"]["properties"]["category"] = json!({"type": "string", "enum": categories});
        list["minItems"] = json!(categories.len());
        list["maxItems"] = json!(categories.len());
    }
    schema
}

fn compile(kind: TaskKind, schema: Value) -> Result<Arc<ReplySchema>, LlmError> {
    let problem = |e: jsonschema::ValidationError<'_>| LlmError::Schema {
        task: kind.as_str(),
        problem: e.to_string(),
    };
    let validator = jsonschema::validator_for(&schema).map_err(problem)?;
    Ok(Arc::new(ReplySchema { wire: without_lengths(schema), validator }))
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
    use crate::{llm::task::ShareCategory, model::EventType};

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
        let schemas = Schemas::new().unwrap();
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
        let one = schemas.of(&task(&["venue"])).unwrap();
        assert!(Arc::ptr_eq(&one, &schemas.of(&task(&["venue"])).unwrap()));
        let reply = |name: &str| {
            let line = json!([{"category": name, "share": 1.0}]);
            json!({"balanced": line, "venue_and_food": line, "experience": line})
        };
        assert!(one.validator.is_valid(&reply("venue")));
        assert!(!one.validator.is_valid(&reply("music")));
        assert!(schemas.of(&task(&["music"])).unwrap().validator.is_valid(&reply("music")));
    }
}
