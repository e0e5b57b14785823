//! A plan's problem as a file: written while it is sent.
//!
//! A task makes the chunks and waits for room in the reply's queue, so that memory holds the
//! problem and a few chunks, whatever the reader's pace. A reader that takes nothing for a while
//! loses the rest: the reply then breaks off, which its transfer coding shows.

use std::{io, time::Duration};

use actix_web::{
    HttpResponse,
    web::{Bytes, Data},
};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{Answer, Context, Failure, body::Params, path::PlanPath};
use crate::{
    actors::beam_coordinator::ExportProblem,
    control::{ApiError, ErrorCode},
    planning::abstract_export::ProblemText,
};

/// Bytes that are made at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait to be sent.
const CHUNKS_QUEUED: usize = 2;
/// How long a reader may take nothing.
const STALL_MAX: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportQuery {
    format: Option<String>,
}

/// The problem in chunks; 503 `busy` where many are on their way already.
pub async fn show(
    context: Data<Context>,
    PlanPath(id): PlanPath,
    Params(query): Params<ExportQuery>,
) -> Answer {
    if query.format.is_some_and(|format| format != "problem") {
        return Err(ApiError::invalid("format", "is unknown", "write problem").into());
    }
    let turn = context.exports.clone().try_acquire_owned().map_err(|_| busy())?;
    let problem = context.actors.coordinator.ask(ExportProblem { id }).await?;
    let (sender, receiver) = mpsc::channel(CHUNKS_QUEUED);
    actix_web::rt::spawn(send(problem.into_text(), sender, turn));
    let body = stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Part::Chunk(chunk)) => Some((Ok(chunk), Some(receiver))),
            Some(Part::End) => None,
            // Ended like the others, it would look complete.
            None => Some((Err(io::Error::from(io::ErrorKind::TimedOut)), None)),
        }
    });
    Ok(HttpResponse::Ok().content_type("application/json").streaming(body))
}

enum Part {
    Chunk(Bytes),
    End,
}

/// Sends all, and its end; less where the reader is gone or takes nothing for too long.
async fn send(text: ProblemText, sender: mpsc::Sender<Part>, _turn: OwnedSemaphorePermit) {
    let chunks = text.chunks(CHUNK_BYTES).map(|chunk| Part::Chunk(Bytes::from(chunk)));
    for part in chunks.chain([Part::End]) {
        if sender.send_timeout(part, STALL_MAX).await.is_err() {
            return;
        }
    }
}

fn busy() -> Failure {
    let error = ApiError::new(ErrorCode::Busy, "other exports are under way");
    error.with_hint("try again in a moment").into()
}
