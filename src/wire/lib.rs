//! Floor 1: the types of the control API, as daemon and client use them.
//!
//! Every one is both written and read, so that the two can't drift apart.

mod duration;
mod error;
mod operations;
mod plans;
mod vendor;

pub use duration::{parse_duration, read_duration, show_duration};
pub use error::{ApiError, ErrorCode, ErrorDocument, Refusal, Stale};
pub use operations::admin::{ChangedSetting, DrainDaemon, Reloaded};
pub use operations::llm::{
    CacheName, FlushCache, Flushed, LlmEndpoint, LlmFigures, LlmTimes, LlmView, LogLevel,
};
pub use operations::report::{AgentFigures, DatabaseStats, SlowStatement};
pub use operations::status::{
    ActorStatus, Alert, Alerts, Features, HealthView, ReportFormat, ResolvedAlert, Severity,
    StatusView,
};
pub use operations::verification::{
    Mechanism, OptimizationsView, SAMPLES_DEFAULT, SAMPLES_MAX, SAMPLES_MIN, Verdict,
    VerifyOptimizations,
};
pub use plans::audit::{AuditEntry, AuditTrail, BrokenChain, VerifiedAudit};
pub use plans::event::PlanEvent;
pub use plans::history::{History, HistoryEntry, HistoryQuery};
pub use plans::proof::{ProofCategory, ProofStrategy, ProofView, Replan};
pub use plans::{
    AgentRun, Document, EventFacts, IdempotencyKey, PlanList, PlanQuery, PlanSummary, PlanView,
    SelectOption, is_settled,
};
pub use vendor::{
    DatabaseUse, GenerateVendors, ImportFormat, ImportReport, VendorCount, VendorList, VendorQuery,
    VendorStats,
};
