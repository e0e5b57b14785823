//! Secrets that systemd hands over as files (`LoadCredential=`), beside the environment.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use super::environment::Variable;
use crate::error::SettingsError;

/// The settings that may come as a credential, which is named like the setting.
const NAMES: [&str; 1] = ["database.url"];
/// A longer secret is a mistake.
const MAX_BYTES: u64 = 65_536;

/// The settings that lie in `$CREDENTIALS_DIRECTORY`. An empty credential sets nothing: a unit
/// names it whether there is one or not.
///
/// # Errors
/// A credential that can't be read.
pub(crate) fn credentials(
    environment: &BTreeMap<String, String>,
) -> Result<Vec<Variable>, SettingsError> {
    let Some(directory) = environment.get("CREDENTIALS_DIRECTORY") else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for name in NAMES {
        let path = Path::new(directory).join(name);
        let failed = |source| SettingsError::Read { path: path.clone(), source };
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            opened => opened.map_err(failed)?,
        };
        let mut text = String::new();
        file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(SettingsError::TooLarge { path, limit: MAX_BYTES });
        }
        let value = text.trim();
        if !value.is_empty() {
            let origin = format!("credential {name}");
            found.push(Variable { key: name.to_owned(), value: value.to_owned(), origin });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LoadOptions, Settings};

    #[test]
    fn a_credential_sets_its_key_below_the_environment() {
        let directory = tempfile::tempdir().unwrap();
        let load = |more: &[(&str, &str)]| {
            let mut environment: BTreeMap<String, String> =
                more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let path = directory.path().display().to_string();
            environment.insert("CREDENTIALS_DIRECTORY".to_owned(), path);
            Settings::load(&LoadOptions { environment, ..LoadOptions::default() })
        };
        assert_eq!(load(&[]).unwrap().database.url, "");
        std::fs::write(directory.path().join("database.url"), "\n").unwrap();
        assert_eq!(load(&[]).unwrap().database.url, "");
        let url = "postgresql://planner:secret@db/eventplanner";
        std::fs::write(directory.path().join("database.url"), format!("{url}\n")).unwrap();
        assert_eq!(load(&[]).unwrap().database.url, url);
        let other = "postgresql:///other?host=/run/postgresql";
        assert_eq!(load(&[("DATABASE_URL", other)]).unwrap().database.url, other);
        std::fs::write(directory.path().join("database.url"), [0xff, 0xfe]).unwrap();
        let error = load(&[]).unwrap_err().to_string();
        assert!(error.contains("database.url"), "{error}");
    }
}
