//! Floor 5: the control command line: arguments and rendering.

mod admin;
mod args;
mod args_groups;
mod args_values;
mod audit;
mod drain;
mod error;
mod input;
mod plan;
mod replan;
mod report;
mod session;
mod vendors;
mod verify;

use std::{path::Path, process::ExitCode};

use clap::{CommandFactory, Parser};
use serde_json::json;

use args::{Args, CacheCommand, Command, LlmCommand, VerifyCommand};
use error::CtlError;
use session::Session;

use crate::control::{SaveError, manual};

/// `eventplannerctl`: reads the command line, makes the calls, prints, and says how it went:
/// 0 ok, 1 failed, 2 wrong command line, 3 no daemon, 4 denied, 5 busy, 6 timed out.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let json = args.json;
    match run(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            error.report(json);
            ExitCode::from(error.exit_code())
        }
    }
}

/// The command line, for completions and man pages.
pub fn command() -> clap::Command {
    Args::command()
}

fn run(args: Args) -> Result<u8, CtlError> {
    match args.command {
        Command::Completions { shell } => {
            let script = manual::completions(command(), shell);
            print_text(args.json, "script", script)?;
            return Ok(0);
        }
        Command::Man { output } => return man(args.json, output.as_deref()),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| CtlError::failed(format!("cannot start: {source}")))?;
    runtime.block_on(call(args))
}

/// One page for standard output, or one per command in a directory.
fn man(json: bool, output: Option<&Path>) -> Result<u8, CtlError> {
    let Some(dir) = output else {
        let page = manual::page(command(), "1").map_err(CtlError::Print)?;
        print_text(json, "page", page)?;
        return Ok(0);
    };
    let failed = |source| SaveError::Io { what: "write", path: dir.to_owned(), source };
    manual::write_pages(command(), "1", dir).map_err(failed)?;
    if json {
        print_text(json, "directory", dir.display().to_string())?;
    }
    Ok(0)
}

/// Text as it is, or with `--json` under a key.
fn print_text(json: bool, key: &str, text: String) -> Result<(), CtlError> {
    session::print(&if json { format!("{}\n", json!({key: text})) } else { text })
}

async fn call(args: Args) -> Result<u8, CtlError> {
    let session = Session::open(&args)?;
    match args.command {
        Command::Plan(command) => plan::run(&session, command).await,
        Command::Vendors(command) => vendors::run(&session, command).await,
        Command::Status { watch } => admin::status(&session, watch).await,
        Command::Health => admin::health(&session).await,
        Command::Metrics => admin::metrics(&session).await,
        Command::Alerts => admin::alerts(&session).await,
        Command::History(args) => admin::history(&session, args).await,
        Command::Report { single, interval, markdown, output } => {
            let wanted = report::Wanted { single, interval, markdown, output };
            report::run(&session, &wanted).await
        }
        Command::LogLevel { level } => admin::log_level(&session, level).await,
        Command::Cache(CacheCommand::Flush { cache }) => admin::flush(&session, cache).await,
        Command::Llm(LlmCommand::Status) => admin::llm_status(&session).await,
        Command::Llm(LlmCommand::Warm) => admin::llm_warm(&session).await,
        Command::Llm(LlmCommand::Tune) => admin::llm_tune(&session).await,
        Command::Verify(VerifyCommand::Optimizations { samples }) => {
            verify::optimizations(&session, samples).await
        }
        Command::Verify(VerifyCommand::Audit) => audit::verify(&session).await,
        Command::Reload => admin::reload(&session).await,
        Command::Drain { undo, no_wait } => drain::drain(&session, undo, no_wait).await,
        Command::Stop => admin::stop(&session).await,
        // Handled without a daemon.
        Command::Completions { .. } | Command::Man { .. } => Ok(0),
    }
}
