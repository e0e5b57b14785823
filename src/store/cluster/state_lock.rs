//! One daemon per state directory: an exclusive lock that ends with its process.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::StoreError;

const LOCK_FILE: &str = "daemon.lock";

/// Holds a state directory for this process. The kernel lets go of it when the process ends,
/// however it ends, so a stale lock does not exist.
#[derive(Debug)]
pub struct StateLock {
    directory: PathBuf,
    /// Closing it unlocks.
    _file: File,
}

impl StateLock {
    /// Locks `directory`, which is made where it is missing (mode 0711: the server's user must
    /// be able to pass through it).
    ///
    /// # Errors
    /// `Locked` with the holder's process id where another process has it.
    pub fn acquire(directory: &Path) -> Result<Self, StoreError> {
        let io = |what, source| StoreError::Io { what, path: directory.to_owned(), source };
        if !directory.is_dir() {
            let mut builder = std::fs::DirBuilder::new();
            builder
                .recursive(true)
                .mode(0o711)
                .create(directory)
                .map_err(|source| io("can't make the state directory", source))?;
        }
        let directory = directory
            .canonicalize()
            .map_err(|source| io("can't resolve the state directory", source))?;
        let path = directory.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|source| io("can't open the lock file in", source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() { "(unknown)" } else { holder };
                return Err(StoreError::Locked { path: directory, holder: holder.to_owned() });
            }
            Err(TryLockError::Error(source)) => {
                return Err(io("can't lock the state directory", source));
            }
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .and_then(|()| file.flush());
        written.map_err(|source| io("can't write the lock file in", source))?;
        Ok(Self { directory, _file: file })
    }

    /// The locked directory, absolute.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let first = StateLock::acquire(&state).unwrap();
        match StateLock::acquire(&state).unwrap_err() {
            StoreError::Locked { holder, .. } => {
                assert_eq!(holder, std::process::id().to_string());
            }
            other => panic!("{other}"),
        }
        drop(first);
        StateLock::acquire(&state).unwrap();
    }
}
