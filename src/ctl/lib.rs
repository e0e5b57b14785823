//! Floor 5: the control command line: arguments and rendering.

mod args;
mod commands;
mod error;
mod input;
mod session;

use std::{path::Path, process::ExitCode};

use args::{Args, CacheCommand, Command, LlmCommand, VerifyCommand};
use clap::{CommandFactory, Parser};
use error::CtlError;
use serde_json::json;
use session::Session;

use control::{SaveError, manual};

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
        Command::Plan(command) => crate::commands::plan::run(&session, command).await,
        Command::Vendors(command) => crate::commands::vendors::run(&session, command).await,
        Command::Status { watch } => crate::commands::admin::status(&session, watch).await,
        Command::Health => crate::commands::admin::health(&session).await,
        Command::Metrics => crate::commands::admin::metrics(&session).await,
        Command::Alerts => crate::commands::admin::alerts(&session).await,
        Command::History(args) => crate::commands::admin::history(&session, args).await,
        Command::Report { single, interval, markdown, output } => {
            let wanted = crate::commands::report::Wanted { single, interval, markdown, output };
            crate::commands::report::run(&session, &wanted).await
        }
        Command::LogLevel { level } => crate::commands::admin::log_level(&session, level).await,
        Command::Cache(CacheCommand::Flush { cache }) => {
            crate::commands::admin::flush(&session, cache).await
        }
        Command::Llm(LlmCommand::Status) => crate::commands::admin::llm_status(&session).await,
        Command::Llm(LlmCommand::Warm) => crate::commands::admin::llm_warm(&session).await,
        Command::Llm(LlmCommand::Tune) => crate::commands::admin::llm_tune(&session).await,
        Command::Verify(VerifyCommand::Optimizations { samples }) => {
            crate::commands::verify::optimizations(&session, samples).await
        }
        Command::Verify(VerifyCommand::Audit) => crate::commands::audit::verify(&session).await,
        Command::Reload => crate::commands::admin::reload(&session).await,
        Command::Drain { undo, no_wait } => {
            crate::commands::drain::drain(&session, undo, no_wait).await
        }
        Command::Stop => crate::commands::admin::stop(&session).await,
        // Handled without a daemon.
        Command::Completions { .. } | Command::Man { .. } => Ok(0),
    }
}
