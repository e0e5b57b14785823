//! What the coordinator does for its callers about a plan's problem: exports it, and checks the
//! proof of its bound.

use jiff::Timestamp;

use super::{
    calls::{ExportProblem, GetProof},
    service::PlanService,
};
use crate::run::{
    proof_record::{NamedProblem, ProofRecord},
    round_zero::AgentLimits,
    search_run::{self, AgentFindings, SearchInput},
};
use llm::Priority;
use store::{Plan, Reach};
use wire::{ApiError, ErrorCode, ProofView};

impl PlanService {
    /// The plan's problem as it was searched; for one too large to be kept, with the vendors as
    /// they are now.
    pub async fn export(&self, message: ExportProblem) -> Result<NamedProblem, ApiError> {
        let context = &self.context;
        let plan = context.store.plan(message.id).await?;
        let kept = match context.store.proof(message.id).await? {
            Some(row) => {
                self.compute(move || ProofRecord::unpack(&row).map(ProofRecord::into_problem))
                    .await?
            }
            None => None,
        };
        if let Some(problem) = kept {
            return Ok(problem);
        }
        let input = self.input_now(plan).await?;
        let settings = self.settings();
        self.compute(move || search_run::named_problem(&input, &settings.search)).await
    }

    /// What the plan's bound rests on, checked anew.
    pub async fn proof(&self, message: GetProof) -> Result<ProofView, ApiError> {
        let GetProof { id } = message;
        let plan = self.context.store.plan(id).await?;
        let Some(summary) = plan.result.and_then(|result| result.tally) else {
            let message = format!("plan {id} is {} and has no proof", plan.state);
            return Err(
                ApiError::new(ErrorCode::WrongState, message).with_hint("wait for its options")
            );
        };
        let none = || {
            let message = format!("the problem of plan {id} was too large to be kept");
            ApiError::new(ErrorCode::NotFound, message)
                .with_hint("`plan export` and `eventplannerd solve` prove it anew")
        };
        let row = self.context.store.proof(id).await?.ok_or_else(none)?;
        let checked = self.compute(move || Some(ProofRecord::unpack(&row)?.view(id, &summary)));
        checked.await?.ok_or_else(|| {
            ApiError::new(ErrorCode::Internal, format!("the proof of plan {id} can't be read"))
        })
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let done = self.context.work.compute(work).await;
        done.map_err(|panicked| ApiError::new(ErrorCode::Internal, panicked.to_string()))
    }

    /// What a plan's search would be given today.
    async fn input_now(&self, plan: Plan) -> Result<SearchInput, ApiError> {
        let context = &self.context;
        let today = Timestamp::now().to_zoned(plan.request.time.zone()).date();
        let limits = AgentLimits::of(&self.settings().workflow, Priority::Interactive);
        let categories = context.peers.requested_categories(&plan.request).await?;
        let supply =
            context.peers.source(&plan, &categories, today, Reach::Feasible, limits).await?;
        let (Some(requirements), Some(shares)) = (plan.requirements.clone(), plan.shares.clone())
        else {
            let message = format!("plan {} has not been searched yet", plan.id);
            return Err(ApiError::new(ErrorCode::WrongState, message)
                .with_hint("wait for its options, or submit it again"));
        };
        let found = AgentFindings { requirements, shares, categories, supply };
        Ok(SearchInput::new(&plan, found, today))
    }
}
