//! `eventplannerd run`: everything is started in order, watched, and stopped in reverse order.

use std::{
    os::unix::net::UnixListener,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{dev::ServerHandle, web};
use jiff::Timestamp;
use sd_notify::NotifyState;
use slog::{Logger, crit, error, info, warn};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::interval,
};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    api::problem,
    cli::RunArgs,
    database::Database,
    server::{bind_tcp, serve, serve_tcp, start_server, stop_servers},
    service::{
        exit::Failed,
        identity::daemon_name,
        llm_watch::{self, log_events},
        notify::{self, watchdog_interval},
        reload::Reloader,
        runtimes::Runtimes,
        status::ServiceStatus,
        stop::{Demand, StopReason, StopSources},
    },
    serving::{
        activation::inherited_socket,
        context::{Context, Facts},
        listener::ControlSocket,
    },
};
use actors::{
    Actors, Foundation, TaskSpawner, coordinator::Drain, llm_gateway::reply_keeper::ReplyKeeper,
};
use llm::Gateway;
use settings::Settings;
use store::{FleetLink, StateLock, Store, settings::DatabaseSettings};
use telemetry::{
    LogHandle, LogTarget, Telemetry,
    log::events::{
        CONTROL_LISTENING, DAEMON_FAILED, DAEMON_READY, DAEMON_STARTING, DAEMON_STOPPED,
        DAEMON_STOPPING, WATCHDOG_UNFED,
    },
    start_log,
};

/// How often the daemon looks after itself where no watchdog sets the pace.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Pinned in every call upstream: the same question gets the same answer on every start.
const GATEWAY_SEED: u64 = 0;
/// How long the daemon waits to be listed among the others; it starts without, if need be.
const JOIN_LIMIT: Duration = Duration::from_secs(2);
/// Beyond `workflow.drain_grace`, for plans to be given back once the daemon is to stop.
const GIVE_BACK_LIMIT: Duration = Duration::from_secs(10);
/// Beyond that, for open calls to end and for the private database to write out.
const CLOSE_LIMIT: Duration = Duration::from_secs(40);

/// Runs until it is told to stop, or can't go on.
pub(crate) fn run(args: &RunArgs) -> Result<(), Failed> {
    let started = Instant::now();
    let inherited = inherited_socket()?;
    let (settings, file) = crate::settings(args)?;
    let (log, level, _flushed_at_the_end) = start_log(&settings.log, LogTarget::Stdout);
    info!(log, "starting"; DAEMON_STARTING, "version" => env!("CARGO_PKG_VERSION"),
        "pid" => std::process::id(), "profile" => &settings.profile,
        "config" => file.map(|file: PathBuf| file.display().to_string()));
    let ended = run_in_system(args, &settings, (&log, &level), inherited, started);
    match &ended {
        Ok(()) => info!(log, "stopped"; DAEMON_STOPPED, "uptime_s" => started.elapsed().as_secs()),
        Err(failed) => crit!(log, "failed"; DAEMON_FAILED, "error" => &failed.message),
    }
    ended
}

fn run_in_system(
    args: &RunArgs,
    settings: &Settings,
    (log, level): (&Logger, &LogHandle),
    inherited: Option<UnixListener>,
    started: Instant,
) -> Result<(), Failed> {
    let runtimes = Runtimes::start(settings.workflow.nice, log)?;
    let system = actix::System::new();
    let ended = system.block_on(async {
        let mut stop = StopSources::new(args.until_stdin_ends)?;
        let ways_to_stop = (stop.asked.clone(), stop.escalate.clone());
        let start = Daemon::start(args, settings, (log, level), &runtimes, inherited, ways_to_stop);
        let daemon = tokio::select! {
            daemon = start => daemon?,
            reason = stop.wait() => {
                info!(log, "stopping"; DAEMON_STOPPING, "reason" => reason.as_str());
                return Ok(());
            }
        };
        info!(log, "ready"; DAEMON_READY, "startup_ms" => started.elapsed().as_millis() as u64);
        let status = match daemon.database.store.pool_status().reachable {
            true => "ready",
            false => "waiting for the database",
        };
        notify::notify(log, &[NotifyState::Ready, NotifyState::Status(status)]);
        daemon.until(&mut stop, settings, log).await
    });
    runtimes.end();
    ended
}

/// What runs, in the order in which it was started.
struct Daemon {
    _lock: StateLock,
    _socket: ControlSocket,
    database: Database,
    actors: Actors,
    servers: Vec<ServerHandle>,
    stopping: watch::Sender<bool>,
    reloader: Reloader,
    fleet: Option<FleetLink>,
}

impl Daemon {
    async fn start(
        args: &RunArgs,
        settings: &Settings,
        (log, level): (&Logger, &LogHandle),
        runtimes: &Runtimes,
        inherited: Option<UnixListener>,
        (asked, escalate): (Arc<Notify>, mpsc::Sender<&'static str>),
    ) -> Result<Self, Failed> {
        let work = runtimes.work();
        let lock = StateLock::acquire(&settings.paths.state_dir)?;
        // Callers wait in its queue until the daemon is ready.
        let (socket, listener) = ControlSocket::open(inherited, &settings.control)?;
        let tcp = bind_tcp(&settings.control.tcp_listen)?;
        let telemetry = Telemetry::new(&settings.metrics);
        let (lock, database) = open_database(args, settings, lock, &telemetry, log, work).await?;
        let store = database.store.clone();
        let gateway = Gateway::new(settings.llm.clone(), GATEWAY_SEED)?;
        let keeper = ReplyKeeper::new(gateway.clone(), store.clone(), &settings.llm);
        llm_watch::restore(&keeper, work, log).await;
        let llm = (gateway, keeper);
        let opened = (store.clone(), database.settings.clone(), telemetry);
        let logs = (log, level);
        let (actors, fleet) =
            start_actors(settings, opened, llm, logs, runtimes, &escalate).await?;
        let reloader = Reloader::new(args, actors.clone(), (log, level));
        let (stopping, is_stopping) = watch::channel(false);
        let facts = Facts {
            started_at: Timestamp::now(),
            state_dir: settings.paths.state_dir.clone(),
            database: database.kind(),
        };
        let context = web::Data::new(Context::new(
            (actors.clone(), store),
            (log.clone(), level.clone()),
            settings,
            facts,
            (is_stopping, asked),
            reloader.clone(),
        ));
        let mut servers = Vec::new();
        if let Some(tcp) = tcp {
            let address = tcp.local_addr()?.to_string();
            servers.push(start_server(serve_tcp(tcp, &settings.control, context.clone())?));
            info!(log, "listening, read-only"; CONTROL_LISTENING, "socket" => address);
        }
        servers.push(start_server(serve(listener, &settings.control, context)?));
        info!(log, "listening"; CONTROL_LISTENING, "socket" => socket.path().display().to_string());
        Ok(Self {
            _lock: lock,
            _socket: socket,
            database,
            actors,
            servers,
            stopping,
            reloader,
            fleet,
        })
    }

    /// Watches over everything until there is a reason to stop; then stops in order.
    async fn until(
        mut self,
        stop: &mut StopSources,
        settings: &Settings,
        log: &Logger,
    ) -> Result<(), Failed> {
        let watchdog = watchdog_interval();
        let mut look = interval(watchdog.unwrap_or(LOOK_EVERY).min(LOOK_EVERY));
        let mut shown = ServiceStatus::default();
        let ended = loop {
            tokio::select! {
                demand = stop.next() => match demand {
                    Demand::Stop(reason) => break Ok(reason),
                    Demand::Reload => {
                        self.reload(log).await;
                        shown = ServiceStatus::default();
                    }
                },
                _ = look.tick() => {
                    shown.update(&self.actors.telemetry, log);
                    if let Some(how) = self.database.ended() {
                        break Err(Failed::database(format!("the private database ended: {how}")));
                    }
                    if watchdog.is_some() {
                        self.feed_watchdog(settings.supervision.heartbeat_timeout, log);
                    }
                }
            }
        };
        let reason = ended.as_ref().map_or("the database is gone", |reason| reason.as_str());
        info!(log, "stopping"; DAEMON_STOPPING, "reason" => reason);
        let stopped = self.stop(log).await;
        match ended? {
            StopReason::Escalated(actor) => Err(Failed::escalated(actor)),
            _ => stopped,
        }
    }

    /// As SIGHUP asks for; what came of it stands in the log.
    async fn reload(&self, log: &Logger) {
        notify::reloading(log);
        let _ = self.reloader.reload().await;
        notify::notify(log, &[NotifyState::Ready, NotifyState::Status("ready")]);
    }

    /// Fed only while every actor gives signs of life: a daemon that hangs is to be restarted.
    fn feed_watchdog(&self, heartbeat_timeout: Duration, log: &Logger) {
        let statuses = self.actors.status();
        let frozen = statuses.iter().find(|actor| problem(actor, heartbeat_timeout).is_some());
        match frozen {
            None => notify::notify(log, &[NotifyState::Watchdog]),
            Some(actor) => error!(log, "actor {} gives no sign", actor.name; WATCHDOG_UNFED,
                "stale_s" => actor.heartbeat_age_ms / 1_000),
        }
    }

    /// Calls first, then plans, then the database.
    async fn stop(self, log: &Logger) -> Result<(), Failed> {
        let grace = self.actors.settings().workflow.drain_grace;
        notify::stopping(log, grace + GIVE_BACK_LIMIT + CLOSE_LIMIT);
        self.stopping.send_replace(true);
        stop_servers(&self.servers).await;
        let drain = self.actors.coordinator.ask(Drain { grace });
        match tokio::time::timeout(grace + GIVE_BACK_LIMIT, drain).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(log, "plans were not given back: {}", error),
            Err(_) => warn!(log, "plans were not given back in time; another start resumes them"),
        }
        if let Some(fleet) = self.fleet {
            fleet.leave().await;
        }
        llm_watch::save_replies(&self.actors, log).await;
        self.database.close(log).await
    }
}

async fn start_actors(
    settings: &Settings,
    (store, database, telemetry): (Store, DatabaseSettings, Telemetry),
    (gateway, keeper): (Gateway, ReplyKeeper),
    (log, level): (&Logger, &LogHandle),
    runtimes: &Runtimes,
    escalate: &mpsc::Sender<&'static str>,
) -> Result<(Actors, Option<FleetLink>), Failed> {
    let (work, threads) = (runtimes.work(), runtimes.handles());
    let events = gateway.take_events();
    let owner = daemon_name();
    let mut joined = {
        let _on_the_work_runtime = work.enter();
        store.join_fleet(owner.clone())
    };
    if let Some((_, peer_events)) = &mut joined {
        // Before it claims: the end of a daemon that isn't listed shows only by its lease.
        let _ = tokio::time::timeout(JOIN_LIMIT, peer_events.recv()).await;
    }
    let (fleet, peer_events) = joined.unzip();
    let foundation = Foundation {
        store: store.clone(),
        database,
        gateway,
        keeper,
        work: TaskSpawner::new(threads, log.clone(), telemetry.clone()),
        telemetry,
        log_handle: level.clone(),
        owner,
        peer_events,
    };
    let actors = Actors::start(foundation, settings, escalate);
    if let Some(events) = events {
        work.spawn(log_events(events, log.clone()));
    }
    let watch =
        llm_watch::look_after(actors.clone(), store.clone(), settings.llm.clone(), log.clone());
    work.spawn(watch);
    Ok((actors, fleet))
}

/// On the work runtime: connections must not end with the task that made them.
async fn open_database(
    args: &RunArgs,
    settings: &Settings,
    lock: StateLock,
    telemetry: &Telemetry,
    log: &Logger,
    work: &tokio::runtime::Runtime,
) -> Result<(StateLock, Database), Failed> {
    let telemetry = telemetry.clone();
    let (settings, log, fresh) = (settings.clone(), log.clone(), args.fresh_database.clone());
    // A stop in mid-start takes the half-started database along.
    let opening = AbortOnDropHandle::new(work.spawn(async move {
        let database = Database::open(&settings, &lock, fresh.as_deref(), &telemetry, &log).await?;
        Ok((lock, database))
    }));
    opening.await.unwrap_or_else(|error| Err(Failed::new(format!("the start failed: {error}"))))
}
