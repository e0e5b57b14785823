//! Whether each tuned mechanism helps on this system's own data: measured with it and without it,
//! taking turns, judged by medians.
//!
//! Everything runs on connections and gateways of its own, so that the plans under way keep
//! theirs; the figures of a busy system are still those of a busy system.

mod database;
mod llm;
mod samples;
mod search;

use std::sync::Arc;

use ::llm::{Task, settings::LlmSettings};
use jiff::Timestamp;
use samples::Comparison;
use tokio::sync::Semaphore;

use crate::{
    agents::{budgeting, requirements, sourcing},
    coordinator::{BeamCoordinator, ExportProblem},
    supervision::Handle,
    vendor_search::VendorSearch,
};
use model::CategoryDef;
use planning::{problem::Problem, settings::SearchSettings};
use store::{Plan, Reach, SourcingQuery, Store, StoreError, settings::DatabaseSettings};
use wire::{ApiError, ErrorCode, OptimizationsView, PlanQuery};

/// Stored plans that are measured on, the newest ones.
const PLANS: u32 = 10;

/// Measures. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    pub store: Store,
    pub vendors: Handle<VendorSearch>,
    pub coordinator: Handle<BeamCoordinator>,
    pub settings: Arc<VerifierSettings>,
    /// One at a time: two would measure each other.
    pub turn: Arc<Semaphore>,
}

/// The mechanisms' own settings.
pub struct VerifierSettings {
    /// With the address of the database that is in use.
    pub database: DatabaseSettings,
    pub llm: LlmSettings,
    pub search: SearchSettings,
    pub max_parallel_agents: usize,
}

/// What there is to measure on.
struct Material {
    queries: Vec<SourcingQuery>,
    tasks: Vec<Task>,
    problems: Vec<Problem>,
}

impl Verifier {
    /// Twelve rows, in the order of the original's three areas. `samples`: of each kind.
    ///
    /// # Errors
    /// Another verification is under way, or the database doesn't answer.
    pub async fn optimizations(&self, samples: u32) -> Result<OptimizationsView, ApiError> {
        let busy = |_| ApiError::new(ErrorCode::Busy, "another verification is under way");
        let _turn = self.turn.try_acquire().map_err(busy)?;
        let material = self.material().await?;
        let mut rows = database::compare(self, &material, samples).await?;
        rows.extend(llm::compare(&self.settings, &material, samples).await);
        rows.push(database::parallel_agents(self, &material, samples).await?);
        let (settings, problems) = (self.settings.clone(), material.problems);
        let searching =
            tokio::task::spawn_blocking(move || search::compare(&settings, problems, samples));
        let failed = |error: tokio::task::JoinError| {
            ApiError::new(ErrorCode::Internal, format!("measuring failed: {error}"))
        };
        rows.extend(searching.await.map_err(failed)?);
        let mechanisms = rows.into_iter().map(Comparison::into_row).collect();
        Ok(OptimizationsView { samples, mechanisms })
    }

    async fn material(&self) -> Result<Material, ApiError> {
        let categories = self.store.categories().await?;
        let query = PlanQuery { limit: Some(PLANS), ..PlanQuery::default() };
        let mut material =
            Material { queries: Vec::new(), tasks: Vec::new(), problems: Vec::new() };
        for summary in self.store.plans(&query).await?.plans {
            let plan = self.store.plan(summary.id).await?;
            let wanted: Vec<CategoryDef> = categories
                .iter()
                .filter(|definition| plan.request.services.contains_key(&definition.name))
                .cloned()
                .collect();
            material.tasks.push(requirements::task(&plan.request));
            material.tasks.push(budgeting::task(&plan.request, &wanted));
            material.queries.extend(queries(&plan, &wanted));
            // One that was never searched has no problem.
            if let Ok(problem) = self.coordinator.ask(ExportProblem { id: plan.id }).await {
                material.problems.push(problem.problem);
            }
        }
        material.tasks.dedup();
        Ok(material)
    }
}

fn queries(plan: &Plan, categories: &[CategoryDef]) -> Vec<SourcingQuery> {
    let today = Timestamp::now().to_zoned(plan.request.time.zone()).date();
    sourcing::queries(&plan.request, categories, today, Reach::Feasible, None)
}

/// A store of its own with other settings.
async fn open(
    settings: &DatabaseSettings,
    change: impl FnOnce(&mut DatabaseSettings),
) -> Result<Store, StoreError> {
    let mut own = DatabaseSettings { pool_size: 1, max_overflow: 15, ..settings.clone() };
    change(&mut own);
    Store::open(&own).await
}
