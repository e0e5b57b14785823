//! The LLM side's mechanisms, on the configured servers: response cache, warm-up, batching.

use std::time::{Duration, Instant};

use super::{
    Material, VerifierSettings,
    database::ms,
    samples::{Claim, Comparison},
};
use llm::{
    Gateway, Priority, Task,
    settings::{LlmSettings, ServerKind},
};

const CACHE: Claim =
    Claim { name: "response cache", unit: "ms of an answer", promised: Some(70.0) };
const WARM_UP: Claim =
    Claim { name: "warm-up", unit: "ms of a first answer", promised: Some(30.0) };
const BATCHING: Claim =
    Claim { name: "batching", unit: "ms of a batch of questions", promised: Some(25.0) };

/// A model answers in seconds, and loads in more: fewer samples of it.
const SAMPLES_MAX: u32 = 5;
/// The same for every gateway made here.
const SEED: u64 = 0;

pub(super) async fn compare(
    settings: &VerifierSettings,
    material: &Material,
    samples: u32,
) -> Vec<Comparison> {
    let claims = [CACHE, WARM_UP, BATCHING];
    let nothing = |note: &str| claims.map(|claim| Comparison::not_measured(claim, note)).to_vec();
    let has_server = settings.llm.endpoints.iter().any(|e| e.kind != ServerKind::Rules);
    if !has_server {
        return nothing("no LLM server is configured; the built-in rules need none of this");
    }
    if material.tasks.is_empty() {
        return nothing("no plan in the database to take questions from; submit one");
    }
    let samples = samples.min(SAMPLES_MAX);
    vec![
        response_cache(&settings.llm, &material.tasks, samples).await,
        warm_up(&settings.llm, &material.tasks, samples).await,
        batching(&settings.llm, &material.tasks, samples).await,
    ]
}

/// The same question twice.
async fn response_cache(llm: &LlmSettings, tasks: &[Task], samples: u32) -> Comparison {
    let off = Gateway::new(LlmSettings { response_cache: false, ..llm.clone() }, SEED);
    let on = Gateway::new(LlmSettings { response_cache: true, ..llm.clone() }, SEED);
    let (Ok(off), Ok(on)) = (off, on) else { return unusable(CACHE) };
    let mut compared = Comparison::new(CACHE);
    for task in tasks.iter().cycle().take(samples as usize) {
        let Some(without) = answer_ms(&off, task, llm.timeout).await else { continue };
        if answer_ms(&on, task, llm.timeout).await.is_none() {
            continue;
        }
        if let Some(with) = answer_ms(&on, task, llm.timeout).await {
            compared.add(without, with);
        }
    }
    answered(compared)
}

/// An answer right after the model was unloaded, and one after a warm-up.
async fn warm_up(llm: &LlmSettings, tasks: &[Task], samples: u32) -> Comparison {
    if llm.endpoints.first().is_none_or(|first| first.kind != ServerKind::Ollama) {
        let note = "only Ollama loads and unloads models; other servers hold theirs";
        return Comparison::not_measured(WARM_UP, note);
    }
    // A keep-alive of zero unloads the model after each answer.
    let cold = LlmSettings { response_cache: false, keep_alive: Duration::ZERO, ..llm.clone() };
    let warm = LlmSettings { response_cache: false, ..llm.clone() };
    let (Ok(cold), Ok(warm)) = (Gateway::new(cold, SEED), Gateway::new(warm, SEED)) else {
        return unusable(WARM_UP);
    };
    let mut compared = Comparison::new(WARM_UP);
    for task in tasks.iter().cycle().take(samples as usize) {
        // Unloads what another gateway keeps loaded.
        if answer_ms(&cold, task, llm.timeout).await.is_none() {
            continue;
        }
        let Some(without) = answer_ms(&cold, task, llm.timeout).await else { continue };
        warm.warm_up().await;
        if let Some(with) = answer_ms(&warm, task, llm.timeout).await {
            compared.add(without, with);
        }
    }
    answered(compared)
}

/// The same questions one by one, and together.
async fn batching(llm: &LlmSettings, tasks: &[Task], samples: u32) -> Comparison {
    let gateway = |batching| {
        Gateway::new(LlmSettings { response_cache: false, batching, ..llm.clone() }, SEED)
    };
    let (Ok(off), Ok(on)) = (gateway(false), gateway(true)) else { return unusable(BATCHING) };
    let batch: Vec<Task> = tasks.iter().take(llm.batch_size).cloned().collect();
    let mut compared = Comparison::new(BATCHING);
    for _ in 0..samples {
        let without = batch_ms(&off, &batch, llm.timeout).await;
        let with = batch_ms(&on, &batch, llm.timeout).await;
        if let Some((without, with)) = without.zip(with) {
            compared.add(without, with);
        }
    }
    let parallel = llm.endpoints.first().map_or(1, |first| first.parallel);
    let note = format!("{} questions, a server that works on {parallel} at once", batch.len());
    answered(compared.with_note(note))
}

/// None where no server answered: the rules' time says nothing here.
async fn answer_ms(gateway: &Gateway, task: &Task, limit: Duration) -> Option<f64> {
    let began = Instant::now();
    let answer = gateway.answer(task.clone(), Priority::Background, began + limit).await;
    answer.model.is_some().then(|| ms(began.elapsed()))
}

async fn batch_ms(gateway: &Gateway, batch: &[Task], limit: Duration) -> Option<f64> {
    let began = Instant::now();
    let deadline = began + limit;
    let answers = gateway.answer_batch(batch.to_vec(), Priority::Background, deadline).await;
    answers.iter().all(|answer| answer.model.is_some()).then(|| ms(began.elapsed()))
}

fn unusable(claim: Claim) -> Comparison {
    Comparison::not_measured(claim, "the configured servers can't be used; see llm status")
}

/// A server that never answered was not measured.
fn answered(compared: Comparison) -> Comparison {
    match compared.is_empty() {
        true => compared.with_note("no server gave a valid answer; see llm status"),
        false => compared,
    }
}
