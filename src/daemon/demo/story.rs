//! What the demo does as the daemon's client, from the sample vendors to the blueprint.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;

use super::{child::DemoDaemon, hints};
use crate::{cli::DemoArgs, service::exit::Failed};
use control::{
    Client, Reply, SaveError, follow_plan, save_documents,
    show::{Look, Progress, plan_facts},
    show_duration,
};
use model::PlanState;
use wire::{ImportReport, PlanView, SelectOption, StatusView, is_settled};

const VENDORS: &[u8] = include_bytes!("../../../etc/sample/vendors.json");
const REQUEST: &[u8] = include_bytes!("../../../etc/sample/wedding.json");

const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// With a model on a slow machine; the built-in rules take well under a second.
const PLAN_LIMIT: Duration = Duration::from_secs(1_200);
const MIB: u64 = 1024 * 1024;

/// What `--json` prints.
#[derive(Serialize)]
struct DemoDocument {
    plan: PlanView,
    documents: Vec<PathBuf>,
}

/// Fails early where the blueprint couldn't be written later.
pub(crate) fn check_output(dir: &Path) -> Result<(), Failed> {
    let io = |what, source| SaveError::Io { what, path: dir.to_owned(), source };
    std::fs::create_dir_all(dir).map_err(|error| unwritable(io("make directory", error)))?;
    tempfile::tempfile_in(dir).map_err(|error| unwritable(io("write into", error)))?;
    Ok(())
}

fn unwritable(error: SaveError) -> Failed {
    Failed::new(format!("{error}; choose another directory with --output"))
}

/// Everything between the daemon's start and its stop.
pub(super) async fn tell(args: &DemoArgs, daemon: &mut DemoDaemon) -> Result<(), Failed> {
    let progress = Progress::new(Look::of_stderr());
    let start = Instant::now();
    progress.step("starting the daemon");
    daemon.wait_ready(|status| progress.step(status)).await?;
    progress.done(&format!("daemon ready in {}", show_duration(start.elapsed())));
    let client = Client::new(daemon.socket(), CALL_TIMEOUT)?;

    let report = import(&client).await?;
    progress.done(&format!("{} sample vendors imported", report.inserted));
    let submitted_at = Instant::now();
    let submitted = client.submit_plan(REQUEST.to_vec(), None, 0).await?.value;
    let found =
        follow_plan(&client, submitted.id, 0, PLAN_LIMIT, |event| progress.event(event)).await?;
    let planning = submitted_at.elapsed();
    if found.value.state != PlanState::AwaitingSelection {
        return Err(lost(&found.value));
    }
    progress.done(&format!("three options in {}", show_duration(planning)));
    let completed = select_first(&client, &found.value).await?;
    let documents = download(&client, &completed, &args.output).await?;
    let status: Reply<StatusView> = client.get("/v1/status", &()).await?;
    progress.finish();

    let memory = status.value.memory_bytes / MIB;
    eprintln!("daemon: {memory} MiB resident, log {}", daemon.log.display());
    let program = std::env::current_exe()?;
    if args.keep {
        let pid = daemon.pid();
        eprint!("{}", hints::kept_daemon(&program, daemon.socket(), pid));
    }
    print(args, &program, completed, documents)
}

async fn import(client: &Client) -> Result<ImportReport, Failed> {
    let query = json!({"format": "json"});
    let reply = client.post_document("/v1/vendors/import", &query, VENDORS).await?;
    Ok(reply.value)
}

async fn select_first(client: &Client, plan: &PlanView) -> Result<PlanView, Failed> {
    let id = plan.id;
    let body = SelectOption { option: 1, accept_changes: false };
    let reply: Reply<PlanView> = client.post(&format!("/v1/plans/{id}/select"), &body).await?;
    let mut plan = reply.value;
    let deadline = Instant::now() + PLAN_LIMIT;
    while !is_settled(plan.state) && Instant::now() < deadline {
        plan = client.wait_plan(id, CALL_TIMEOUT).await?.value;
    }
    match plan.state {
        PlanState::Completed => Ok(plan),
        _ => Err(lost(&plan)),
    }
}

/// The plan ended without what the demo is to show.
fn lost(plan: &PlanView) -> Failed {
    let why =
        plan.error.clone().or_else(|| Some(plan.infeasibility.as_ref()?.conflicts.join("; ")));
    Failed::new(format!("the sample plan is {}: {}", plan.state, why.unwrap_or_default()))
}

async fn download(client: &Client, plan: &PlanView, dir: &Path) -> Result<Vec<PathBuf>, Failed> {
    let mut documents = Vec::new();
    for name in &plan.documents {
        let body = client.get_text(&format!("/v1/plans/{}/documents/{name}", plan.id)).await?;
        documents.push((name.clone(), body));
    }
    save_documents(dir, &documents).map_err(unwritable)
}

fn print(
    args: &DemoArgs,
    program: &Path,
    plan: PlanView,
    documents: Vec<PathBuf>,
) -> Result<(), Failed> {
    if args.json {
        let text = serde_json::to_string_pretty(&DemoDocument { plan, documents })?;
        return crate::print(&format!("{text}\n"));
    }
    let look = Look::of_stdout();
    let paths: Vec<String> = documents.iter().map(|path| path.display().to_string()).collect();
    let mut text = plan_facts(&plan, look);
    text.push_str(&format!("\nblueprint written: {}\n", paths.join(", ")));
    let readable = documents.iter().find(|path| path.extension().is_some_and(|end| end == "md"));
    if let (Some(blueprint), false) = (readable, args.keep) {
        text.push_str(&hints::next_steps(program, blueprint));
    }
    crate::print(&text)
}
