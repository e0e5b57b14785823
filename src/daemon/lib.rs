//! Floor 5: wiring, control server, signals and systemd notify.

mod api;
mod cli;
mod database;
mod demo;
mod run;
mod server;
mod service;
mod serving;
mod solve;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{CommandFactory, Parser};
use cli::{Cli, Command, RunArgs, SettingsArgs};
use service::exit::Failed;

use control::manual;
use settings::{LoadOptions, Settings, default_file};

/// `eventplannerd`: reads the command line and does what it says. Exit codes: see [`exit`].
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::CheckConfig { file, profile } => {
            check_config(&SettingsArgs { config: file, profile })
        }
        Command::PrintConfig(args) => print_config(&args),
        Command::Solve(args) => solve::solve(&args),
        Command::Completions { shell } => print(&manual::completions(command(), shell)),
        Command::Man { output } => {
            manual::write_pages(command(), "8", &output).map_err(Failed::from)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            failed.report();
            ExitCode::from(failed.code)
        }
    }
}

/// The command line, for completions and man pages.
pub fn command() -> clap::Command {
    Cli::command()
}

fn check_config(args: &SettingsArgs) -> Result<(), Failed> {
    let options = options(args);
    let file = options.file.clone();
    Settings::load(&options)?;
    match file {
        Some(file) => print(&format!("{}: ok\n", file.display())),
        None => print("no settings file, the defaults: ok\n"),
    }
}

fn print_config(args: &SettingsArgs) -> Result<(), Failed> {
    print(&Settings::load(&options(args))?.to_toml())
}

/// Where this process's settings come from.
fn options(args: &SettingsArgs) -> LoadOptions {
    let mut options = LoadOptions::from_process(args.config.clone(), args.profile.clone());
    options.file = options.file.take().or_else(|| default_file(&options));
    options
}

/// The settings of a run: what the command line says wins.
fn settings(args: &RunArgs) -> Result<(Settings, Option<PathBuf>), Failed> {
    let mut options = options(&args.settings);
    if let Some(dir) = &args.state_dir {
        let dir = std::path::absolute(dir)?.display().to_string();
        options.environment.insert("EVENTPLANNER__PATHS__STATE_DIR".to_owned(), dir);
    }
    Ok((Settings::load(&options)?, options.file))
}

/// Writes to standard output. A reader that has gone away (`| head`) is no error.
fn print(text: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failed::new(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
