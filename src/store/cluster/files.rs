//! The private cluster's files: directories only its server and its daemon can enter, and who may
//! connect.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::process::Accounts;
use crate::StoreError;

/// Longest path of a Unix socket in bytes (Linux: 108 with the closing zero).
const SOCKET_PATH_MAX: usize = 107;

/// The directory of the socket: below the state directory where its path is short enough, else
/// one of a name derived from it in the runtime or temporary directory.
pub(crate) fn socket_directory(home: &Path, socket_file: &str) -> Result<PathBuf, StoreError> {
    let socket = home.join("socket");
    let fits = |directory: &Path| directory.join(socket_file).as_os_str().len() <= SOCKET_PATH_MAX;
    if fits(&socket) {
        return Ok(socket);
    }
    let digest = blake3::hash(home.as_os_str().as_encoded_bytes()).to_hex();
    let name = format!("eventplanner-{}", &digest[..16]);
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let runtime =
        runtime.filter(|directory| directory.is_dir() && !nix::unistd::geteuid().is_root());
    let parents = runtime.into_iter().chain([std::env::temp_dir(), PathBuf::from("/tmp")]);
    parents.map(|parent| parent.join(&name)).find(|directory| fits(directory)).ok_or_else(|| {
        StoreError::cluster("no directory has a path short enough for a socket", home.display())
    })
}

/// Makes a directory of mode 0700 that belongs to the server's user; refuses one that somebody
/// else put there.
pub(crate) fn private_directory(path: &Path, accounts: &Accounts) -> Result<(), StoreError> {
    let io = |what, source| StoreError::Io { what, path: path.to_owned(), source };
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => accounts.own(path)?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(io("can't make", source)),
    }
    let meta = fs::symlink_metadata(path).map_err(|source| io("can't look at", source))?;
    let owner = meta.uid();
    // Root's own is one that a killed daemon had not handed over yet.
    let ours = [accounts.server.uid.as_raw(), accounts.daemon.uid.as_raw()].contains(&owner);
    if !meta.is_dir() || !ours {
        let what = format!("{} is not ours", path.display());
        return Err(StoreError::cluster(what, format!("it belongs to user id {owner}; remove it")));
    }
    accounts.own(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .map_err(|source| io("can't protect", source))
}

/// Who may connect, written at every start: the daemon's user may have changed.
pub(crate) fn write_access(data: &Path, role: &str, accounts: &Accounts) -> Result<(), StoreError> {
    let hba = "# Written by eventplannerd at every start.\nlocal all all peer map=daemon\n";
    let mut ident = String::from("# Written by eventplannerd at every start.\n");
    for user in [&accounts.daemon.name, &accounts.server.name] {
        ident.push_str(&format!("daemon \"{user}\" {role}\n"));
    }
    for (name, text) in [("pg_hba.conf", hba), ("pg_ident.conf", ident.as_str())] {
        let path = data.join(name);
        fs::write(&path, text).map_err(|source| StoreError::Io {
            what: "can't write",
            path: path.clone(),
            source,
        })?;
        accounts.own(&path)?;
    }
    Ok(())
}

/// A text as part of a URL.
pub(crate) fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let encode =
        |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use tokio_postgres::Config;

    use super::*;

    const FILE: &str = ".s.PGSQL.5432.lock";

    #[test]
    fn a_long_path_gets_a_short_socket() {
        let short = Path::new("/var/lib/eventplanner/postgres");
        assert_eq!(socket_directory(short, FILE).unwrap(), short.join("socket"));
        let long = Path::new("/var/lib").join("x".repeat(90));
        let found = socket_directory(&long, FILE).unwrap();
        assert!(found.as_os_str().len() < 80, "{}", found.display());
        assert_eq!(found, socket_directory(&long, FILE).unwrap());
        assert_ne!(found, socket_directory(&long.join("y"), FILE).unwrap());
    }

    #[test]
    fn a_socket_path_survives_the_url() {
        let url = format!("postgresql://u@/db?host={}", percent_encoded("/a b/é&/c"));
        let config: Config = url.parse().unwrap();
        let hosts = config.get_hosts();
        assert_eq!(hosts, [tokio_postgres::config::Host::Unix("/a b/é&/c".into())]);
    }
}
