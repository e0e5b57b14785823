//! The command line of `eventplannerctl`.

pub(crate) mod groups;
pub(crate) mod values;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};
use jiff::civil;

pub(crate) use groups::{HistoryArgs, ReplanArgs, SearchArgs};
use values::{cache_name, event_type, parse_interval};

use control::parse_duration;
use model::{Currency, EventType, PlanId, PlanState};
use wire::{CacheName, ImportFormat, SAMPLES_DEFAULT, SAMPLES_MAX, SAMPLES_MIN};

/// Steers the event planning daemon over its Unix socket.
#[derive(Debug, Parser)]
#[command(
    name = "eventplannerctl",
    version,
    after_help = "Exit codes: 0 ok, 1 failed, 2 wrong command line, 3 daemon not running, \
                  4 denied, 5 busy, 6 timed out."
)]
pub(crate) struct Args {
    /// The daemon's socket; else where EVENTPLANNER_SOCKET says, else the usual places.
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Print exactly one JSON document on standard output, also for an error; its shape stands in
    /// etc/openapi.json, x-commands.
    #[arg(long, global = true)]
    pub json: bool,
    /// How long a call may take, e.g. 500ms, 30s, 5m [default: 30s; 10m for an import, 20m for
    /// --wait].
    #[arg(long, global = true, value_name = "SPAN", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Submit, watch and decide plans.
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Search, import, generate and count vendors.
    #[command(subcommand)]
    Vendors(VendorsCommand),
    /// How the daemon and its actors are.
    Status {
        /// Show it anew each time this span is over, until interrupted; also over restarts of the
        /// daemon.
        #[arg(long, value_name = "SPAN", value_parser = parse_duration, num_args = 0..=1,
              default_missing_value = "2s", require_equals = true)]
        watch: Option<Duration>,
    },
    /// Whether the daemon works; exit code 1 where it doesn't.
    Health,
    /// All figures in Prometheus's text format.
    Metrics,
    /// Alerts that fire, and those that were resolved lately.
    Alerts,
    /// What happened, over all plans: events, or runs of agents; the newest first.
    History(HistoryArgs),
    /// How the daemon has done, with trends, room that is left, and advice on settings.
    Report {
        /// Since the last look of the metrics cycle, in place of since the start.
        #[arg(long, conflicts_with = "interval")]
        single: bool,
        /// One report after the other, each over so much time, until interrupted: "60" (seconds),
        /// "5m"; with --json one document a line.
        #[arg(long, value_name = "SPAN", value_parser = parse_interval)]
        interval: Option<Duration>,
        /// Markdown in place of plain text.
        #[arg(long)]
        markdown: bool,
        /// Write it into this file, replacing an older one.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Change what the log holds until the next start.
    LogLevel {
        #[arg(value_parser = ["error", "warning", "info", "debug"])]
        level: String,
    },
    /// Empty caches.
    #[command(subcommand)]
    Cache(CacheCommand),
    /// The LLM servers.
    #[command(subcommand)]
    Llm(LlmCommand),
    /// Check that the daemon holds what it promises.
    #[command(subcommand)]
    Verify(VerifyCommand),
    /// Read the settings anew; says which of the changed ones need a restart.
    Reload,
    /// Claim no more plans, and wait until none runs any more.
    Drain {
        /// Claim plans again.
        #[arg(long)]
        undo: bool,
        /// Don't wait.
        #[arg(long)]
        no_wait: bool,
    },
    /// Stop the daemon in good order.
    Stop,
    /// Print a completion script for a shell.
    Completions { shell: clap_complete::Shell },
    /// Print the man page, or write one for every command.
    Man {
        /// Directory for the pages.
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Submit a request; `-` reads it from standard input.
    Submit {
        file: PathBuf,
        /// Wait for the options; exit code 1 where there are none.
        #[arg(long)]
        wait: bool,
        /// Idempotency key: the same key with the same request is the same plan.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// Higher goes first, -100 to 100; above 0 for administrators only.
        #[arg(long, default_value_t = 0, value_name = "N", allow_negative_numbers = true,
              value_parser = clap::value_parser!(i16).range(-100..=100))]
        priority: i16,
    },
    /// List plans, newest first.
    List {
        #[arg(long)]
        state: Option<PlanState>,
        /// User id of whoever submitted them.
        #[arg(long, value_name = "UID")]
        user: Option<u32>,
        /// A part of the client's name.
        #[arg(long)]
        client: Option<String>,
        /// Day of the event, e.g. 2027-02-14.
        #[arg(long)]
        date: Option<civil::Date>,
        /// City of the event.
        #[arg(long)]
        city: Option<String>,
        #[arg(long, value_parser = event_type())]
        event_type: Option<EventType>,
        #[arg(long, value_name = "CODE")]
        currency: Option<Currency>,
        /// At most so many.
        #[arg(long, default_value_t = 20, value_name = "N",
              value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// Only those older than this plan.
        #[arg(long, value_name = "ID")]
        before: Option<PlanId>,
    },
    /// Show a plan with its options.
    Show {
        id: PlanId,
        /// What its bound rests on, checked anew from the problem that was searched.
        #[arg(long, conflicts_with = "audit")]
        proof: bool,
        /// Show all that happened to it instead, with the proof that nothing was changed.
        #[arg(long)]
        audit: bool,
    },
    /// Follow a plan's progress until it is settled.
    Watch { id: PlanId },
    /// Select an option: its vendors are held and the blueprint is written.
    Select {
        id: PlanId,
        /// Number of the option, from 1.
        number: u32,
        /// Book it at the present quotes where its vendors' records have changed since, if it
        /// still meets every constraint.
        #[arg(long)]
        accept_changes: bool,
        /// Wait for the documents.
        #[arg(long)]
        wait: bool,
    },
    /// Plan the same event anew under changed circumstances, keeping as many bookings as
    /// possible.
    Replan(ReplanArgs),
    /// Cancel a plan, up to the end of its event: its vendors are free, its documents say so.
    Cancel { id: PlanId },
    /// Erase the personal data of a plan that has ended: client, vision, documents. One whose event
    /// is still to come is cancelled by it.
    Erase { id: PlanId },
    /// Print a plan as a file for `eventplannerd solve` and other solvers.
    Export {
        id: PlanId,
        #[arg(long, value_enum, default_value_t = ExportFormat::Problem)]
        format: ExportFormat,
    },
    /// List a plan's documents, or download them.
    Documents {
        id: PlanId,
        /// Directory to write them into.
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// The abstract problem: values, limits, pairs.
    Problem,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VendorsCommand {
    /// Import vendors; `-` reads them from standard input. All or nothing.
    Import {
        file: PathBuf,
        /// json, ndjson or csv; else by the file's ending.
        #[arg(long)]
        format: Option<ImportFormat>,
        /// Import the valid rows and report the others.
        #[arg(long)]
        skip_invalid: bool,
    },
    /// Search vendors; all conditions must hold.
    Search(Box<SearchArgs>),
    /// Generate made-up vendors for tests and trials.
    Generate {
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        count: u32,
        #[arg(long, default_value_t = 0, value_name = "S")]
        seed: u64,
        /// May be repeated; else the generator's own cities. A real one brings its currency,
        /// calling code, place and level of prices.
        #[arg(long = "city", value_name = "CITY", conflicts_with = "city_count")]
        cities: Vec<String>,
        /// Currency of the prices; needed for a city that is not known.
        #[arg(long, value_name = "CODE")]
        currency: Option<Currency>,
        /// Where the city lies, in degrees; needed for one that is not known.
        #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true, requires = "cities")]
        near: Option<String>,
        /// So many invented cities in place of named ones.
        #[arg(long = "cities", default_value_t = 0, value_name = "N",
              value_parser = clap::value_parser!(u32).range(..=10_000))]
        city_count: u32,
    },
    /// Count vendors by category and city.
    Stats,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Forget vendor queries, replies of LLM servers, or both.
    Flush {
        #[arg(default_value_t = CacheName::All, value_parser = cache_name())]
        cache: CacheName,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum VerifyCommand {
    /// Measure each tuned mechanism off and on, on this system's own data; exit code 1 where one
    /// doesn't hold what was promised.
    Optimizations {
        /// Of each kind; more make a steadier median.
        #[arg(long, value_name = "N", default_value_t = SAMPLES_DEFAULT,
              value_parser = clap::value_parser!(u32).range(SAMPLES_MIN as i64..=SAMPLES_MAX as i64))]
        samples: u32,
    },
    /// The audit chains of all plans; exit code 1 where one is broken.
    Audit,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LlmCommand {
    /// How the servers and their models are.
    Status,
    /// Load the configured models now.
    Warm,
    /// Print the servers' own settings that fit the daemon's.
    Tune,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn global_options_stand_anywhere() {
        let args = Args::try_parse_from([
            "eventplannerctl",
            "plan",
            "list",
            "--state",
            "completed",
            "--json",
            "--timeout",
            "2s",
        ])
        .unwrap();
        assert_eq!((args.json, args.timeout), (true, Some(Duration::from_secs(2))));
        for bad in ["--timeout=soon", "--limit=0", "--state=lost", "--before=x"] {
            assert!(Args::try_parse_from(["c", "plan", "list", bad]).is_err(), "{bad}");
        }
    }
}
