//! What every command needs: the daemon's client, and how to print.

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use crate::{args::Args, error::CtlError};
use control::{Client, ClientError, Reply, show::Look, socket_places};

const CALL_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Session {
    pub client: Client,
    pub look: Look,
    pub json: bool,
    /// As asked for on the command line.
    timeout: Option<Duration>,
}

impl Session {
    pub(crate) fn open(args: &Args) -> Result<Self, CtlError> {
        let socket = args.socket.clone().map_or_else(find_socket, Ok)?;
        let client = Client::new(&socket, args.timeout.unwrap_or(CALL_TIMEOUT))?;
        Ok(Self { client, look: Look::of_stdout(), json: args.json, timeout: args.timeout })
    }

    /// The span asked for, else this command's own.
    pub(crate) fn timeout_or(&self, usual: Duration) -> Duration {
        self.timeout.unwrap_or(usual)
    }

    /// The daemon's JSON as it came, or the text for people.
    pub(crate) fn print<T>(
        &self,
        reply: &Reply<T>,
        text: impl FnOnce(&T, Look) -> String,
    ) -> Result<(), CtlError> {
        if self.json {
            print(&format!("{}\n", reply.text.trim_end()))
        } else {
            print(&text(&reply.value, self.look))
        }
    }
}

/// Writes to standard output. A reader that has gone away (`| head`) is no error.
pub(crate) fn print(text: &str) -> Result<(), CtlError> {
    print_bytes(text.as_bytes())
}

/// As `print`, for a piece of a text.
pub(crate) fn print_bytes(text: &[u8]) -> Result<(), CtlError> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CtlError::Print(error)),
        _ => Ok(()),
    }
}

/// The first of the usual places that has a socket; else the first that may hold one behind a
/// closed door, so that the caller learns of the door; the first of all where none does.
fn find_socket() -> Result<PathBuf, CtlError> {
    let places = socket_places(|name| env::var_os(name).map(PathBuf::from));
    let closed = |path: &&PathBuf| path.try_exists().is_err();
    let found = places.iter().find(|path| path.exists()).or_else(|| places.iter().find(closed));
    if let Some(found) = found {
        return Ok(found.clone());
    }
    let others: Vec<String> = places.iter().skip(1).map(|p| p.display().to_string()).collect();
    let reason = match others.is_empty() {
        true => "no such socket".to_owned(),
        false => format!("no such socket, nor {}", others.join(", nor ")),
    };
    let socket = places.into_iter().next().unwrap_or_default();
    Err(ClientError::NotRunning { socket, reason }.into())
}
