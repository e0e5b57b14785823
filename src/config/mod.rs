//! Floor 3: settings. Files, a profile and the environment are merged (`layers`), then read key
//! by key along one table (`keys`) into checked [`Settings`] (`load`).
//!
//! The table knows each key's name, unit, range and meaning; the defaults are those of the
//! settings structs. So the checks, the annotated file and `print-config` cannot drift apart.

mod check;
mod credentials;
mod database_url;
mod endpoints;
mod environment;
mod error;
mod key;
mod keys;
mod layers;
mod load;
mod paths;
mod print;
mod raw_value;
mod reload;
mod settings;
mod value;

pub use database_url::masked_url;
pub use environment::OLDER_NAMES;
pub use error::{Problem, SettingsError};
pub use key::Key;
pub use keys::{ENDPOINT_KEYS, keys};
pub use layers::LoadOptions;
pub use paths::default_file;
pub use print::annotated_defaults;
pub use reload::Difference;
pub use settings::{
    AdmissionSettings, ControlSettings, PathSettings, PlanSettings, Settings, SupervisionSettings,
    WorkflowSettings,
};
pub use value::Kind;
