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
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::{
    api::{body::Params, path::PlanPath},
    serving::{
        context::Context,
        failure::{Answer, Failure},
    },
};
use actors::coordinator::ExportProblem;
use planning::problem_file::export::ProblemText;
use wire::{ApiError, ErrorCode};

/// Bytes that are made at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait to be sent.
const CHUNKS_QUEUED: usize = 2;
/// How long a reader may take nothing.
const STALL_MAX: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    format: Option<String>,
}

/// The problem in chunks; 503 `busy` where many are on their way already.
pub(crate) async fn show(
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
    actix_web::rt::spawn(send(problem.into_text(), sender, turn, STALL_MAX));
    Ok(HttpResponse::Ok().content_type("application/json").streaming(body(receiver)))
}

/// What is sent, to its end; an error where it breaks off.
fn body(receiver: mpsc::Receiver<Part>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Part::Chunk(chunk)) => Some((Ok(chunk), Some(receiver))),
            Some(Part::End) => None,
            // Ended like the others, it would look complete.
            None => Some((Err(io::Error::from(io::ErrorKind::TimedOut)), None)),
        }
    })
}

enum Part {
    Chunk(Bytes),
    End,
}

/// Sends all, and its end; less where the reader is gone or takes nothing for too long.
async fn send(
    text: ProblemText,
    sender: mpsc::Sender<Part>,
    _turn: OwnedSemaphorePermit,
    stall_max: Duration,
) {
    let chunks = text.chunks(CHUNK_BYTES).map(|chunk| Part::Chunk(Bytes::from(chunk)));
    for part in chunks.chain([Part::End]) {
        if sender.send_timeout(part, stall_max).await.is_err() {
            return;
        }
    }
}

fn busy() -> Failure {
    let error = ApiError::new(ErrorCode::Busy, "other exports are under way");
    error.with_hint("try again in a moment").into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::StreamExt;
    use tokio::sync::Semaphore;

    use super::*;
    use planning::problem::{Candidate, Problem, ProblemCategory};

    /// Some megabytes of text.
    fn long_text() -> ProblemText {
        let candidate = Candidate {
            value: vec![0.5],
            usage: vec![1.0],
            signature: 0,
            also_fills: None,
            same_as: None,
        };
        let candidates = std::iter::repeat_n(candidate, 50_000).collect();
        let problem = Problem {
            strategies: 1,
            categories: vec![ProblemCategory { required: true, candidates }],
            limits: vec![1.0],
            pair_value: vec![vec![0.0]],
            forbidden_pairs: Vec::new(),
            nogoods: Vec::new(),
            options: 3,
            min_difference: 2,
        };
        let ids: Vec<String> = (0..50_000).map(|x| format!("vendor-{x}")).collect();
        ProblemText::new(problem, &["venue".to_owned()], &[ids])
    }

    #[actix_web::test]
    async fn a_reader_that_stops_loses_the_rest_and_sees_it() {
        let turns = Arc::new(Semaphore::new(1));
        let turn = turns.clone().try_acquire_owned().unwrap();
        let (sender, receiver) = mpsc::channel(CHUNKS_QUEUED);
        send(long_text(), sender, turn, Duration::from_millis(5)).await;
        assert_eq!(turns.available_permits(), 1, "its turn is over");
        let parts: Vec<io::Result<Bytes>> = body(receiver).collect().await;
        assert_eq!(parts.len(), CHUNKS_QUEUED + 1, "no more waited than may");
        assert!(parts[..CHUNKS_QUEUED].iter().all(Result::is_ok));
        assert!(parts[CHUNKS_QUEUED].is_err());
    }

    #[actix_web::test]
    async fn one_that_reads_gets_all() {
        let turn = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let (sender, receiver) = mpsc::channel(CHUNKS_QUEUED);
        actix_web::rt::spawn(send(long_text(), sender, turn, STALL_MAX));
        let parts: Vec<io::Result<Bytes>> = body(receiver).collect().await;
        let text: Vec<u8> = parts.into_iter().flat_map(Result::unwrap).collect();
        let whole: String = long_text().collect();
        assert_eq!(text, whole.into_bytes());
    }
}
