//! The daemon's name among the daemons of one database: it marks the plans that it works on.

use std::{fs, io, path::Path};

use uuid::Uuid;

use super::exit::Failed;
use crate::control::save_document;

const FILE: &str = "daemon.id";

/// The name kept in the state directory, made at the first start: the same after every restart,
/// so that a restarted daemon takes its own plans back at once.
pub fn daemon_name(state_dir: &Path) -> Result<String, Failed> {
    let path = state_dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) if Uuid::parse_str(text.trim()).is_ok() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(Failed::new(format!("cannot read {}: {error}", path.display())));
        }
    }
    let name = Uuid::now_v7().to_string();
    save_document(state_dir, FILE, &format!("{name}\n"))?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_and_a_damaged_one_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let first = daemon_name(dir.path()).unwrap();
        assert_eq!(daemon_name(dir.path()).unwrap(), first);
        fs::write(dir.path().join(FILE), "").unwrap();
        assert_ne!(daemon_name(dir.path()).unwrap(), first);
    }
}
