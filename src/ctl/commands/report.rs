//! `eventplannerctl report`: once, or one report after the other.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::json;

use crate::{
    error::CtlError,
    session::{Session, print},
};
use control::save_document;
use wire::ReportFormat;

/// What a report's answer may take beyond the span that it waits out.
const GRACE: Duration = Duration::from_secs(30);

/// As the command line has it.
pub(crate) struct Wanted {
    pub single: bool,
    pub interval: Option<Duration>,
    pub markdown: bool,
    pub output: Option<PathBuf>,
}

/// As text, Markdown or, with `--json`, JSON; on standard output or in a file.
pub(crate) async fn run(session: &Session, wanted: &Wanted) -> Result<u8, CtlError> {
    loop {
        let text = fetch(session, wanted).await?;
        match &wanted.output {
            None if session.json && wanted.markdown => {
                print(&format!("{}\n", json!({"report": text})))?;
            }
            None => print(&text)?,
            Some(file) => save(session, file, &text)?,
        }
        if wanted.interval.is_none() {
            return Ok(0);
        }
    }
}

async fn fetch(session: &Session, wanted: &Wanted) -> Result<String, CtlError> {
    let format = match (wanted.markdown, session.json) {
        (true, _) => ReportFormat::Markdown,
        (false, true) => ReportFormat::Json,
        (false, false) => ReportFormat::Text,
    };
    let mut path = format!("/v1/report?format={}", format.as_str());
    let mut client = session.client.clone();
    if let Some(span) = wanted.interval {
        path += &format!("&over={}ms", span.as_millis());
        client = client.with_timeout(session.timeout_or(span + GRACE));
    } else if wanted.single {
        path += "&over=cycle";
    }
    Ok(format!("{}\n", client.get_text(&path).await?.trim_end()))
}

/// Replaces the file as a whole: a reader sees the old report or the new one.
fn save(session: &Session, file: &Path, text: &str) -> Result<(), CtlError> {
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let path = save_document(dir, &name, text)?;
    let shown = path.display().to_string();
    print(&if session.json { format!("{}\n", json!({"report": shown})) } else { shown + "\n" })
}
