//! Floor 2: the control API as both its sides use it.
//!
//! Wire types (every one both written and read, so that daemon and client can't drift apart),
//! where the socket lies, the client, and how replies look to people ([`show`]).

mod admin;
mod audit;
mod client;
mod duration;
mod error;
mod event;
mod follow;
mod history;
mod llm;
pub mod manual;
mod plan;
mod proof;
mod save;
pub mod show;
mod socket;
mod status;
mod vendor;
mod verification;

pub use admin::{ChangedSetting, DrainDaemon, Reloaded};
pub use audit::{AuditEntry, AuditTrail, BrokenChain, VerifiedAudit};
pub use client::{Body, Client, ClientError, Reply};
pub use duration::{parse_duration, show_duration};
pub use error::{ApiError, ErrorCode, ErrorDocument, Refusal, Stale};
pub use event::{EventReader, PlanEvent};
pub use follow::follow_plan;
pub use history::{History, HistoryEntry, HistoryQuery};
pub use llm::{
    CacheName, FlushCache, Flushed, LlmEndpoint, LlmFigures, LlmTimes, LlmView, LogLevel,
};
pub use plan::{
    AgentRun, DocumentView, EventFacts, PlanList, PlanSummary, PlanView, SelectOption, is_settled,
};
pub use proof::{ProofCategory, ProofStrategy, ProofView, Replan};
pub use save::{SaveError, save_document, save_documents};
pub use socket::{SOCKET_NAME, SOCKET_PATH_MAX_BYTES, SOCKET_VARIABLE, socket_places};
pub use status::{
    ActorStatus, Alert, Alerts, Features, HealthView, ReportFormat, ResolvedAlert, StatusView,
};
pub use vendor::{
    DatabaseUse, GenerateVendors, ImportFormat, ImportReport, VendorCount, VendorList, VendorQuery,
    VendorStats,
};
pub use verification::{
    Mechanism, OptimizationsView, SAMPLES_DEFAULT, SAMPLES_MAX, SAMPLES_MIN, Verdict,
    VerifyOptimizations,
};
