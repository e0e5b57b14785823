//! Rules that hold between settings, beyond each one's range.

use std::net::SocketAddr;

use crate::{settings::Settings, sources::endpoints};

/// The kernel's limit for a socket's path, without the final zero (`sun_path`, unix(7)).
const SOCKET_PATH_MAX_BYTES: usize = 107;

/// What is wrong, by key: (key, message).
pub(crate) fn check(settings: &Settings) -> Vec<(String, String)> {
    let mut problems = endpoints::check(&settings.llm.endpoints);
    let mut refuse = |wrong: bool, key: &str, message: String| {
        if wrong {
            problems.push((key.into(), message));
        }
    };
    let (search, workflow) = (&settings.search, &settings.workflow);
    refuse(
        search.early_termination && search.min_rounds_before_termination > search.max_rounds,
        "search.min_rounds_before_termination",
        format!("must not exceed search.max_rounds ({})", search.max_rounds),
    );
    refuse(
        workflow.agent_timeout > workflow.workflow_timeout,
        "workflow.agent_timeout",
        "must not exceed workflow.workflow_timeout".into(),
    );
    let llm = &settings.llm;
    refuse(
        llm.first_byte_timeout > llm.timeout,
        "llm.first_byte_timeout",
        "must not exceed llm.timeout".into(),
    );
    for (i, endpoint) in llm.endpoints.iter().enumerate() {
        refuse(
            endpoint.parallel > llm.max_connections,
            &format!("llm.endpoints[{i}].parallel"),
            format!("must not exceed llm.max_connections ({})", llm.max_connections),
        );
    }
    let supervision = &settings.supervision;
    refuse(
        supervision.backoff > supervision.backoff_max,
        "supervision.backoff",
        "must not exceed supervision.backoff_max".into(),
    );
    let socket = settings.control.socket.as_os_str().len();
    refuse(
        socket > SOCKET_PATH_MAX_BYTES,
        "control.socket",
        format!(
            "the path has {socket} bytes, a socket's at most {SOCKET_PATH_MAX_BYTES}; name a \
             shorter one or a shorter paths.runtime_dir"
        ),
    );
    let tcp = &settings.control.tcp_listen;
    refuse(
        !tcp.is_empty() && !tcp.parse().is_ok_and(|at: SocketAddr| at.ip().is_loopback()),
        "control.tcp_listen",
        format!("`{tcp}` is no loopback address with a port, such as 127.0.0.1:9464"),
    );
    let alerts = &settings.alerts;
    for (rule, thresholds, rises) in [
        ("cpu", alerts.cpu, true),
        ("memory", alerts.memory, true),
        ("response_time", alerts.response_time, true),
        ("error_rate", alerts.error_rate, true),
        ("workflow_time", alerts.workflow_time, true),
        ("pool_usage", alerts.pool_usage, true),
        ("query_time", alerts.query_time, true),
        ("llm_time", alerts.llm_time, true),
        ("query_cache_hits", alerts.query_cache_hits, false),
        ("llm_cache_hits", alerts.llm_cache_hits, false),
        ("agent_success", alerts.agent_success, false),
        ("disk", alerts.disk, true),
        ("plan_burn_fast", alerts.plan_burn_fast, true),
        ("plan_burn_slow", alerts.plan_burn_slow, true),
    ] {
        let Some((warning, critical)) = thresholds.warning.zip(thresholds.critical) else {
            continue;
        };
        let (wrong, side) =
            if rises { (critical < warning, "above") } else { (critical > warning, "below") };
        refuse(
            wrong,
            &format!("alerts.{rule}.critical"),
            format!("must lie {side} the warning ({warning})"),
        );
    }
    problems
}
