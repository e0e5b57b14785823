//! Rules that hold between settings, beyond each one's range.

use std::net::SocketAddr;

use crate::{settings::Settings, sources::endpoints};
use telemetry::alerts::{ALERTS, Bad, Thresholds};

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
    for rule in ALERTS {
        let Thresholds { warning, critical, .. } = *(rule.of)(&settings.alerts);
        let Some((warning, critical)) = warning.zip(critical) else { continue };
        let side = match rule.bad {
            Bad::Above => "below",
            Bad::Below => "above",
        };
        let name = rule.name;
        refuse(
            rule.bad.is_bad(warning, critical),
            &format!("alerts.{name}.critical"),
            format!("must not lie {side} alerts.{name}.warning ({warning})"),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both directions, for every alert that there is.
    #[test]
    fn a_critical_threshold_on_the_wrong_side_of_its_warning_is_refused() {
        for rule in ALERTS {
            let problems = |warning: f64, critical: f64| {
                let mut settings = Settings::default();
                let thresholds = (rule.of_mut)(&mut settings.alerts);
                (thresholds.warning, thresholds.critical) = (Some(warning), Some(critical));
                check(&settings)
            };
            let (less, more) = match rule.bad {
                Bad::Above => (5.0, 10.0),
                Bad::Below => (10.0, 5.0),
            };
            assert_eq!(problems(less, more), [], "{}", rule.name);
            assert_eq!(problems(less, less), [], "{}", rule.name);
            let refused = problems(more, less);
            let [(key, message)] = &refused[..] else { panic!("{}: {refused:?}", rule.name) };
            assert_eq!(*key, format!("alerts.{}.critical", rule.name));
            assert!(
                message.contains(&format!("alerts.{}.warning ({more})", rule.name)),
                "{message}"
            );
        }
    }
}
