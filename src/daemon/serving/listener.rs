//! The control socket: made without ever taking away what isn't a dead daemon's.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use nix::unistd::{Gid, Group, chown};

use crate::service::exit::{CONFIGURATION, FAILED, Failed, OCCUPIED};
use control::SOCKET_PATH_MAX_BYTES;
use settings::ControlSettings;

/// Why the daemon can't listen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    #[error("another daemon listens on {}; stop it, or set control.socket to another path", .0.display())]
    InUse(PathBuf),
    #[error("{} exists and is no socket; move it away, or set control.socket to another path", .0.display())]
    NotASocket(PathBuf),
    #[error(
        "the path of the control socket, {}, is longer than {SOCKET_PATH_MAX_BYTES} bytes; \
         set control.socket to a shorter one",
        .0.display()
    )]
    TooLong(PathBuf),
    #[error("control.socket_group: there is no group `{0}`; make it, or leave the setting empty")]
    NoGroup(String),
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
}

/// A listening socket file; removed when dropped, unless somebody else made it.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    path: PathBuf,
    /// None where the service manager holds the socket.
    identity: Option<Identity>,
}

impl ControlSocket {
    /// The socket that the service manager holds; where it holds none, one of our own. The path,
    /// the mode and the group of the former are its unit's.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub(crate) fn open(
        inherited: Option<UnixListener>,
        settings: &ControlSettings,
    ) -> Result<(Self, UnixListener), ListenError> {
        let Some(listener) = inherited else { return Self::bind(settings) };
        let address = listener.local_addr().ok();
        let path = address.and_then(|address| Some(address.as_pathname()?.to_owned()));
        Ok((Self { path: path.unwrap_or_default(), identity: None }, listener))
    }

    /// Binds, in the place of the socket of a daemon that is dead.
    ///
    /// # Errors
    /// See [`ListenError`]; what stood there still does.
    pub(crate) fn bind(settings: &ControlSettings) -> Result<(Self, UnixListener), ListenError> {
        let path = settings.socket.clone();
        let io = |what, source| ListenError::Io { what, path: path.clone(), source };
        let group = group_of(&settings.socket_group)?;
        let dir = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(dir).map_err(|source| io("make the directory of", source))?;
        refuse_occupied(&path)?;
        // Made in a directory that is closed to everybody else, and moved into place once it is
        // said who may open it.
        let cradle = tempfile::Builder::new()
            .prefix(".")
            .rand_bytes(4)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(dir)
            .map_err(|source| io("make a directory beside", source))?;
        let newborn = cradle.path().join("s");
        let longest = path.as_os_str().len().max(newborn.as_os_str().len());
        if longest > SOCKET_PATH_MAX_BYTES {
            return Err(ListenError::TooLong(path));
        }
        let listener =
            UnixListener::bind(&newborn).map_err(|source| io("make the socket for", source))?;
        if group.is_some() {
            chown(&newborn, None, group).map_err(|errno| io("give to its group", errno.into()))?;
        }
        let mode = fs::Permissions::from_mode(settings.socket_mode);
        fs::set_permissions(&newborn, mode).map_err(|source| io("set the mode of", source))?;
        let identity = Identity::of(&newborn).map_err(|source| io("look at", source))?;
        fs::rename(&newborn, &path).map_err(|source| io("move the socket to", source))?;
        Ok((Self { path, identity: Some(identity) }, listener))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if Identity::of(&self.path).is_ok_and(|found| Some(found) == self.identity) {
            // Left behind it is only a dead socket, which the next start replaces.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Which file it is, so that a successor's isn't removed. The number alone is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    inode: u64,
    modified: (i64, i64),
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self { inode: found.ino(), modified: (found.mtime(), found.mtime_nsec()) })
    }
}

/// Only a socket that nobody answers on may be replaced.
fn refuse_occupied(path: &Path) -> Result<(), ListenError> {
    let io = |what, source| ListenError::Io { what, path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io("look at", error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // It answers, or it can't be said that it is dead.
        Ok(_) => Err(ListenError::InUse(path.to_owned())),
        Err(error) => Err(io("connect to", error)),
    }
}

fn group_of(name: &str) -> Result<Option<Gid>, ListenError> {
    if name.is_empty() {
        return Ok(None);
    }
    let found = Group::from_name(name).ok().flatten();
    found.map(|group| Some(group.gid)).ok_or_else(|| ListenError::NoGroup(name.to_owned()))
}

impl From<ListenError> for Failed {
    fn from(error: ListenError) -> Self {
        let code = match error {
            ListenError::InUse(_) => OCCUPIED,
            ListenError::NotASocket(_) | ListenError::TooLong(_) | ListenError::NoGroup(_) => {
                CONFIGURATION
            }
            ListenError::Io { .. } => FAILED,
        };
        Self { message: error.to_string(), code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(path: &Path) -> ControlSettings {
        ControlSettings { socket: path.to_owned(), ..ControlSettings::default() }
    }

    #[test]
    fn a_dead_socket_is_replaced_and_a_living_one_respected() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/control.sock");
        let (socket, listener) = ControlSocket::bind(&settings(&path)).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let second = ControlSocket::bind(&settings(&path)).unwrap_err();
        assert!(matches!(second, ListenError::InUse(_)), "{second}");
        // As after a kill: the file stays, nobody listens.
        drop(listener);
        let (successor, _listener) = ControlSocket::bind(&settings(&path)).unwrap();
        drop(socket);
        assert!(path.exists(), "the dead daemon's guard took its successor's socket away");
        drop(successor);
        assert!(!path.exists());
    }

    #[test]
    fn other_files_are_never_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("precious");
        fs::write(&path, "text").unwrap();
        let error = ControlSocket::bind(&settings(&path)).unwrap_err();
        assert!(matches!(error, ListenError::NotASocket(_)), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
        let long = dir.path().join("x".repeat(SOCKET_PATH_MAX_BYTES));
        let error = ControlSocket::bind(&settings(&long)).unwrap_err();
        assert!(matches!(error, ListenError::TooLong(_)), "{error}");
    }
}
