//! `eventplannerd demo`: the whole way of a plan, on this machine, with nothing set up.
//!
//! A real daemon is started as a child process, with a private database of its own; the demo
//! then is a client like any other, over the control socket.

mod child;
mod hints;
mod story;

use std::path::PathBuf;

use child::DemoDaemon;

use crate::{cli::DemoArgs, service::exit::Failed};

/// Runs the demo to its end; the daemon is stopped whatever happens, unless it is to be kept.
pub(crate) fn run(args: &DemoArgs) -> Result<(), Failed> {
    story::check_output(&args.output)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupt = Interrupt::new()?;
        let state_dir = state_dir(args)?;
        let mut daemon = DemoDaemon::spawn(args, &state_dir)?;
        let told = tokio::select! {
            told = story::tell(args, &mut daemon) => told,
            signal = interrupt.received() => Err(Failed::new(format!("stopped by {signal}"))),
        };
        if told.is_ok() && args.keep {
            daemon.leave();
            return told;
        }
        let stopped = daemon.stop().await;
        told.and(stopped)
    })
}

/// Where the demo's cluster lies. Not under root's home: the database server, which runs as an
/// unprivileged user then, couldn't get there.
fn state_dir(args: &DemoArgs) -> Result<PathBuf, Failed> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let chosen = if let Some(dir) = &args.state_dir {
        dir.clone()
    } else if nix::unistd::geteuid().is_root() {
        PathBuf::from("/var/lib/eventplanner-demo")
    } else if let Some(dir) = variable("XDG_STATE_HOME") {
        PathBuf::from(dir).join("eventplanner-demo")
    } else if let Some(home) = variable("HOME") {
        PathBuf::from(home).join(".local/state/eventplanner-demo")
    } else {
        return Err(Failed::configuration("HOME is not set; name a directory with --state-dir"));
    };
    Ok(std::path::absolute(chosen)?)
}

/// The signals that end a demo early.
struct Interrupt {
    int: tokio::signal::unix::Signal,
    term: tokio::signal::unix::Signal,
}

impl Interrupt {
    fn new() -> Result<Self, Failed> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { int: signal(SignalKind::interrupt())?, term: signal(SignalKind::terminate())? })
    }

    async fn received(&mut self) -> &'static str {
        tokio::select! {
            _ = self.int.recv() => "SIGINT",
            _ = self.term.recv() => "SIGTERM",
        }
    }
}
