//! Reading the settings anew while the daemon runs.

use std::sync::Arc;

use slog::{Logger, error, info};
use tokio::sync::Mutex;

use super::exit::Failed;
use crate::cli::RunArgs;
use actors::Actors;
use settings::Difference;
use telemetry::{
    LogHandle,
    log::events::{RELOAD_FAILED, SETTINGS_RELOADED},
};
use wire::{ApiError, ChangedSetting, ErrorCode, Reloaded};

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reloader {
    /// Say where the settings come from.
    args: Arc<RunArgs>,
    actors: Actors,
    level: LogHandle,
    log: Logger,
    /// One at a time.
    turn: Arc<Mutex<()>>,
}

impl Reloader {
    pub(crate) fn new(args: &RunArgs, actors: Actors, (log, level): (&Logger, &LogHandle)) -> Self {
        let (log, level) = (log.clone(), level.clone());
        Self { args: Arc::new(args.clone()), actors, level, log, turn: Arc::default() }
    }

    /// Reads the same files and variables as the start did, and puts into force what can be.
    ///
    /// # Errors
    /// Settings that are refused: the old ones stay, all of them.
    pub(crate) async fn reload(&self) -> Result<Reloaded, ApiError> {
        let _turn = self.turn.lock().await;
        let old = self.actors.settings();
        let args = self.args.clone();
        // Files are read on a thread where a slow disk holds up nobody.
        let read = tokio::task::spawn_blocking(move || crate::settings(&args)).await;
        let read = read.unwrap_or_else(|error| Err(Failed::new(error.to_string())));
        let (new, _) = read.map_err(|failed| {
            error!(self.log, "the settings were not reloaded"; RELOAD_FAILED,
                "error" => &failed.message);
            ApiError::new(ErrorCode::Invalid, failed.message)
                .with_hint("`eventplannerd check-config` checks a file before it is reloaded")
        })?;
        let reloaded = report(old.differences(&new));
        if old.log.level != new.log.level {
            self.level.set_level(new.log.level);
        }
        self.actors.reconfigure(Arc::new(old.with_live(&new))).await?;
        let names = |list: &[ChangedSetting]| {
            list.iter().map(|changed| changed.key.as_str()).collect::<Vec<_>>().join(", ")
        };
        info!(self.log, "settings reloaded"; SETTINGS_RELOADED,
            "changed" => names(&reloaded.changed), "needs_restart" => names(&reloaded.needs_restart));
        Ok(reloaded)
    }
}

fn report(differences: Vec<Difference>) -> Reloaded {
    let mut reloaded = Reloaded::default();
    for Difference { key, from, to, is_live } in differences {
        let list = if is_live { &mut reloaded.changed } else { &mut reloaded.needs_restart };
        list.push(ChangedSetting { key, from, to });
    }
    reloaded
}
