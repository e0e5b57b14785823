//! Commands about the daemon, and about the command line itself.

use std::path::Path;

use serde_json::json;

use super::{
    error::CtlError,
    session::{Session, print},
};
use crate::control::{
    HealthView, Reply, SaveError, StatusView,
    show::{health_text, status_text},
};

pub async fn status(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<StatusView> = session.client.get("/v1/status", &()).await?;
    session.print(&reply, status_text)?;
    Ok(0)
}

/// Exit code 1 where the daemon says that it isn't healthy.
pub async fn health(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<HealthView> = session.client.get("/v1/health", &()).await?;
    session.print(&reply, |health, _| health_text(health))?;
    Ok(u8::from(!reply.value.healthy))
}

pub async fn stop(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<serde_json::Value> = session.client.post("/v1/admin/stop", &json!({})).await?;
    session.print(&reply, |_, _| "the daemon is stopping\n".to_owned())?;
    Ok(0)
}

pub fn completions(shell: clap_complete::Shell) -> Result<u8, CtlError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "eventplannerctl", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// One page for standard output, or one per command in a directory.
pub fn man(output: Option<&Path>) -> Result<u8, CtlError> {
    let command = super::command();
    let Some(dir) = output else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(CtlError::Print)?;
        print(&String::from_utf8_lossy(&page))?;
        return Ok(0);
    };
    let failed = |source| SaveError::Io { what: "write", path: dir.to_owned(), source };
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(command, dir).map_err(failed)?;
    Ok(0)
}
