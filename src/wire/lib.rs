//! Floor 1: the types of the control API, as daemon and client use them.
//!
//! Every one is both written and read, so that the two can't drift apart.

mod admin;
mod audit;
mod duration;
mod error;
mod event;
mod history;
mod llm;
mod plan;
mod proof;
mod report;
mod status;
mod vendor;
mod verification;

pub use admin::{ChangedSetting, DrainDaemon, Reloaded};
pub use audit::{AuditEntry, AuditTrail, BrokenChain, VerifiedAudit};
pub use duration::{parse_duration, read_duration, show_duration};
pub use error::{ApiError, ErrorCode, ErrorDocument, Refusal, Stale};
pub use event::PlanEvent;
pub use history::{History, HistoryEntry, HistoryQuery};
pub use llm::{
    CacheName, FlushCache, Flushed, LlmEndpoint, LlmFigures, LlmTimes, LlmView, LogLevel,
};
pub use plan::{
    AgentRun, Document, EventFacts, IdempotencyKey, PlanList, PlanQuery, PlanSummary, PlanView,
    SelectOption, is_settled,
};
pub use proof::{ProofCategory, ProofStrategy, ProofView, Replan};
pub use report::{AgentFigures, DatabaseStats, SlowStatement};
pub use status::{
    ActorStatus, Alert, Alerts, Features, HealthView, ReportFormat, ResolvedAlert, Severity,
    StatusView,
};
pub use vendor::{
    DatabaseUse, GenerateVendors, ImportFormat, ImportReport, VendorCount, VendorList, VendorQuery,
    VendorStats,
};
pub use verification::{
    Mechanism, OptimizationsView, SAMPLES_DEFAULT, SAMPLES_MAX, SAMPLES_MIN, Verdict,
    VerifyOptimizations,
};
