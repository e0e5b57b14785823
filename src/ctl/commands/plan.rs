//! `eventplannerctl plan …`.

use std::{path::Path, time::Duration};

use serde_json::json;

use super::{
    audit,
    replan::{finish, replan},
};
use crate::{
    args::{ExportFormat, PlanCommand},
    error::CtlError,
    input::read_document,
    session::{Session, print, print_bytes},
};
use control::{
    Reply, follow_plan, save_documents,
    show::{Progress, event_line, plan_list, plan_text, proof_text},
};
use model::{PlanId, PlanState};
use wire::{PlanEvent, PlanList, PlanView, ProofView, SelectOption, is_settled};

/// As the daemon's own limit for a plan.
pub(crate) const WAIT: Duration = Duration::from_secs(1_200);
/// A watch ends with its plan; this only keeps one from running for ever.
const WATCH: Duration = Duration::from_secs(86_400);
/// The longest that one call waits on the daemon's side.
const LONG_POLL: Duration = Duration::from_secs(30);

/// Runs the command; returns the exit code.
pub(crate) async fn run(session: &Session, command: PlanCommand) -> Result<u8, CtlError> {
    match command {
        PlanCommand::Submit { file, wait, key, priority } => {
            submit(session, &file, wait, key.as_deref(), priority).await
        }
        PlanCommand::List {
            state,
            user,
            client,
            date,
            city,
            event_type,
            currency,
            limit,
            before,
        } => {
            let query = json!({
                "state": state, "user": user, "client": client, "date": date, "city": city,
                "event_type": event_type, "currency": currency, "limit": limit, "before": before
            });
            let reply: Reply<PlanList> = session.client.get("/v1/plans", &query).await?;
            session.print(&reply, |list, look| plan_list(&list.plans, look))?;
            Ok(0)
        }
        PlanCommand::Show { id, proof: true, .. } => {
            let path = format!("/v1/plans/{id}/proof");
            let reply: Reply<ProofView> = session.client.get(&path, &()).await?;
            session.print(&reply, proof_text)?;
            Ok(u8::from(reply.value.refuted.is_some()))
        }
        PlanCommand::Show { id, audit: true, .. } => audit::show(session, id).await,
        PlanCommand::Show { id, .. } => {
            let reply = get(session, id).await?;
            session.print(&reply, plan_text)?;
            Ok(0)
        }
        PlanCommand::Watch { id } => watch(session, id).await,
        PlanCommand::Select { id, number, accept_changes, wait } => {
            select(session, id, SelectOption { option: number, accept_changes }, wait).await
        }
        PlanCommand::Replan(args) => replan(session, args).await,
        PlanCommand::Cancel { id } => {
            let path = format!("/v1/plans/{id}/cancel");
            let reply: Reply<PlanView> = session.client.post(&path, &json!({})).await?;
            session.print(&reply, |plan, _| format!("plan {} is {}\n", plan.id, plan.state))?;
            Ok(0)
        }
        PlanCommand::Erase { id } => {
            let path = format!("/v1/plans/{id}/erase");
            let reply: Reply<PlanView> = session.client.post(&path, &json!({})).await?;
            session.print(&reply, |plan, _| {
                format!("plan {} holds no personal data any more\n", plan.id)
            })?;
            Ok(0)
        }
        PlanCommand::Export { id, format: ExportFormat::Problem } => export(session, id).await,
        PlanCommand::Documents { id, output } => documents(session, id, output.as_deref()).await,
    }
}

async fn submit(
    session: &Session,
    file: &Path,
    wait: bool,
    key: Option<&str>,
    priority: i16,
) -> Result<u8, CtlError> {
    let submitted = session.client.submit_plan(read_document(file)?, key, priority).await?;
    finish(session, submitted, wait).await
}

async fn get(session: &Session, id: PlanId) -> Result<Reply<PlanView>, CtlError> {
    Ok(session.client.get(&format!("/v1/plans/{id}"), &()).await?)
}

/// On a terminal a bar, in a pipe a line per event, with `--json` all events as one array.
async fn watch(session: &Session, id: PlanId) -> Result<u8, CtlError> {
    let mut events: Vec<PlanEvent> = Vec::new();
    let mut printed = Ok(());
    let progress = Progress::new(session.look);
    let on_event = |event: &PlanEvent| match (session.json, session.look.terminal) {
        (true, _) => events.push(event.clone()),
        (false, true) => progress.event(event),
        (false, false) if printed.is_ok() => printed = print(&format!("{}\n", event_line(event))),
        (false, false) => {}
    };
    let limit = session.timeout_or(WATCH);
    let settled = follow_plan(&session.client, id, 0, limit, on_event).await?;
    printed?;
    progress.finish();
    if session.json {
        let text = serde_json::to_string(&events).map_err(|e| CtlError::failed(e.to_string()))?;
        print(&format!("{text}\n"))?;
    } else {
        print(&plan_text(&settled.value, session.look))?;
    }
    Ok(u8::from(is_lost(settled.value.state)))
}

async fn select(
    session: &Session,
    id: PlanId,
    choice: SelectOption,
    wait: bool,
) -> Result<u8, CtlError> {
    let path = format!("/v1/plans/{id}/select");
    let number = choice.option;
    let mut reply: Reply<PlanView> = session.client.post(&path, &choice).await?;
    if wait {
        reply = wait_settled(session, id).await?;
    }
    session.print(&reply, |plan, look| match wait {
        true => plan_text(plan, look),
        false => format!("plan {}: option {number} selected, {}\n", plan.id, plan.state),
    })?;
    Ok(u8::from(is_lost(reply.value.state)))
}

/// Long polls until the plan is settled.
async fn wait_settled(session: &Session, id: PlanId) -> Result<Reply<PlanView>, CtlError> {
    let limit = session.timeout_or(WAIT);
    let settled = async {
        loop {
            let reply = session.client.wait_plan(id, LONG_POLL).await?;
            if is_settled(reply.value.state) {
                return Ok(reply);
            }
        }
    };
    match tokio::time::timeout(limit, settled).await {
        Ok(settled) => settled,
        Err(_) => Err(control::ClientError::TimedOut {
            seconds: limit.as_secs_f64(),
            doing: format!("waiting for plan {id}"),
        }
        .into()),
    }
}

/// Writes the problem as it comes.
async fn export(session: &Session, id: PlanId) -> Result<u8, CtlError> {
    let path = format!("/v1/plans/{id}/export?format=problem");
    let mut body = session.client.get_body(&path).await?;
    let mut begun = false;
    loop {
        let piece = body.next().await;
        match piece.map_err(|error| CtlError::of_body(error, begun))? {
            Some(piece) => print_bytes(&piece)?,
            None => break,
        }
        begun = true;
    }
    print("\n")?;
    Ok(0)
}

async fn documents(session: &Session, id: PlanId, output: Option<&Path>) -> Result<u8, CtlError> {
    let plan = get(session, id).await?.value;
    let mut entries = plan.documents.clone();
    if let Some(dir) = output {
        let mut documents = Vec::with_capacity(plan.documents.len());
        for name in &plan.documents {
            let path = format!("/v1/plans/{id}/documents/{name}");
            documents.push((name.clone(), session.client.get_text(&path).await?));
        }
        let saved = save_documents(dir, &documents)?;
        entries = saved.iter().map(|path| path.display().to_string()).collect();
    }
    if session.json {
        print(&format!("{}\n", json!({"documents": entries})))?;
    } else if entries.is_empty() {
        print(&format!("plan {id} is {} and has no documents yet\n", plan.state))?;
    } else {
        print(&format!("{}\n", entries.join("\n")))?;
    }
    Ok(0)
}

/// The plan ended without what was asked for.
pub(crate) fn is_lost(state: PlanState) -> bool {
    use PlanState::{Cancelled, Failed, Infeasible, Superseded};
    matches!(state, Failed | Infeasible | Cancelled | Superseded)
}
