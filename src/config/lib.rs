//! Floor 3: settings. Files, a profile and the environment are merged (`layers`), then read key
//! by key along one table (`keys`) into checked [`Settings`] (`load`).
//!
//! The table knows each key's name, unit, range and meaning; the defaults are those of the
//! settings structs. So the checks, the annotated file and `print-config` cannot drift apart.

mod error;
mod load;
mod reload;
mod settings;
mod sources;
mod table;

pub use error::{Problem, SettingsError};
pub use reload::Difference;
pub use settings::{
    AdmissionSettings, ControlSettings, PathSettings, PlanSettings, Settings, SupervisionSettings,
    WorkflowSettings,
};
pub use sources::environment::OLDER_NAMES;
pub use sources::layers::LoadOptions;
pub use sources::paths::default_file;
pub use table::key::Key;
pub use table::keys::keys;
pub use table::print::annotated_defaults;
pub use table::value::Kind;
