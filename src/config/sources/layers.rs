//! Files, profiles and environment laid over each other: file < profile < credentials <
//! environment.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use config::{Config, ConfigError, FileFormat, Format, Map, Source, Value, ValueKind};

use super::{credentials::credentials, environment::variables};
use crate::error::SettingsError;

/// A settings file is some kilobytes; a larger one is a mistake.
const FILE_MAX_BYTES: u64 = 1_048_576;

/// The profiles that come with the program.
const BUILT_IN: [(&str, &str); 2] = [
    ("development", include_str!("../../../etc/profiles/development.toml")),
    ("performance", include_str!("../../../etc/profiles/performance.toml")),
];

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// TOML; none: the defaults.
    pub file: Option<PathBuf>,
    /// A name (`performance`) or a path. Wins over `EVENTPLANNER_PROFILE` and over `profile` in
    /// the file.
    pub profile: Option<String>,
    pub environment: BTreeMap<String, String>,
    /// Whether root runs the program: then state lies under /var/lib.
    pub is_root: bool,
}

impl LoadOptions {
    /// With this process's environment and user. Variables that are no UTF-8 set nothing.
    pub fn from_process(file: Option<PathBuf>, profile: Option<String>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { file, profile, environment, is_root: nix::unistd::geteuid().is_root() }
    }
}

/// All layers merged, each value with its origin, and the profile's name.
pub(crate) struct Merged {
    pub values: Map<String, Value>,
    pub profile: Option<String>,
}

pub(crate) fn merge(options: &LoadOptions) -> Result<Merged, SettingsError> {
    let mut builder = Config::builder();
    let mut file_profile = None;
    if let Some(path) = &options.file {
        let source = TomlSource::read(path)?;
        file_profile = source.profile();
        builder = builder.add_source(source);
    }
    let variables = variables(&options.environment);
    let named = variables.iter().rev().find(|variable| variable.key == "profile");
    let profile = options
        .profile
        .clone()
        .or_else(|| named.map(|variable| variable.value.clone()))
        .or(file_profile)
        .filter(|name| !name.is_empty());
    if let Some(name) = &profile {
        builder = builder.add_source(find_profile(name, options.file.as_deref())?);
    }
    for variable in credentials(&options.environment)?.into_iter().chain(variables) {
        builder = builder.add_source(variable);
    }
    let merged = builder.build().and_then(|config| config.collect());
    // Every source was parsed before, and our keys are paths by construction.
    let values = merged.map_err(|cause| SettingsError::Syntax {
        origin: "the environment".into(),
        cause: cause.to_string(),
    })?;
    Ok(Merged { values, profile })
}

/// A path, a file in `profiles/` beside the settings file, or a built-in one.
fn find_profile(name: &str, file: Option<&Path>) -> Result<TomlSource, SettingsError> {
    if name.contains('/') || name.ends_with(".toml") {
        return TomlSource::read(Path::new(name));
    }
    let beside = file.and_then(Path::parent).map(|dir| dir.join(format!("profiles/{name}.toml")));
    if let Some(path) = beside.filter(|path| path.is_file()) {
        return TomlSource::read(&path);
    }
    match BUILT_IN.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => TomlSource::parse(format!("built-in profile {name}"), text),
        None => Err(SettingsError::UnknownProfile {
            name: name.into(),
            known: BUILT_IN.map(|(known, _)| known).join(", "),
        }),
    }
}

/// One file, parsed.
#[derive(Clone, Debug)]
struct TomlSource {
    values: Map<String, Value>,
}

impl TomlSource {
    fn read(path: &Path) -> Result<Self, SettingsError> {
        let failed = |source| SettingsError::Read { path: path.into(), source };
        let mut text = String::new();
        let file = File::open(path).map_err(failed)?;
        file.take(FILE_MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > FILE_MAX_BYTES {
            return Err(SettingsError::TooLarge { path: path.into(), limit: FILE_MAX_BYTES });
        }
        Self::parse(path.display().to_string(), &text)
    }

    fn parse(origin: String, text: &str) -> Result<Self, SettingsError> {
        match FileFormat::Toml.parse(Some(&origin), text) {
            Ok(values) => Ok(Self { values }),
            Err(cause) => Err(SettingsError::Syntax { origin, cause: cause.to_string() }),
        }
    }

    fn profile(&self) -> Option<String> {
        match &self.values.get("profile")?.kind {
            ValueKind::String(name) => Some(name.clone()),
            _ => None,
        }
    }
}

impl Source for TomlSource {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.values.clone())
    }
}
