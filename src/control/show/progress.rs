//! A plan's way, shown while it goes: a bar on a terminal, lines elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Look, table::clean};
use wire::PlanEvent;

const TICK: Duration = Duration::from_millis(120);

/// Shows events on standard error, where they don't mix with a result.
pub struct Progress {
    bar: Option<ProgressBar>,
}

/// Steps of the bar.
const BAR_STEPS: u64 = 1_000;

impl Progress {
    pub fn new(look: Look) -> Self {
        Self { bar: look.terminal.then(spinner) }
    }

    /// Says what is being done now.
    pub fn step(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => eprintln!("{text}"),
        }
    }

    /// Says that something is done, for good.
    pub fn done(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    pub fn event(&self, event: &PlanEvent) {
        let line = event_line(event);
        if let (Some(bar), Some(steps)) = (&self.bar, steps(event)) {
            bar.set_position(steps);
        }
        if event.round.is_some() {
            self.step(&line);
        } else {
            self.done(&line);
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// An event in one line: `round 3: best 0.8812, at most 0.9020`.
pub fn event_line(event: &PlanEvent) -> String {
    let mut text = match (event.state, event.round) {
        (Some(state), _) => state.to_string(),
        (None, Some(round)) => format!("round {round}"),
        (None, None) => event.kind.replace('_', " "),
    };
    if let Some(best) = event.best {
        text.push_str(&format!(": best {best:.4}"));
        if let Some(bound) = event.bound {
            text.push_str(&format!(", at most {bound:.4}"));
        }
    }
    if let Some(message) = &event.message {
        text.push_str(&format!(": {}", clean(message)));
    }
    text
}

/// How near the best combination is to the best possible one.
fn steps(event: &PlanEvent) -> Option<u64> {
    let (best, bound) = event.best.zip(event.bound)?;
    let share = if bound > 0.0 { best / bound } else { 1.0 };
    Some((share.clamp(0.0, 1.0) * BAR_STEPS as f64) as u64)
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(BAR_STEPS), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} [{bar:24}] {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(TICK);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let event: PlanEvent = serde_json::from_str(
            r#"{"seq":9,"at":"2027-01-01T00:00:00Z","kind":"round_finished","round":3,
                "best":0.88125,"bound":0.902,"message":"a\nb"}"#,
        )
        .unwrap();
        assert_eq!(event_line(&event), "round 3: best 0.8812, at most 0.9020: ab");
        assert_eq!(steps(&event), Some(976));
        assert_eq!(steps(&PlanEvent { bound: None, ..event }), None);
    }
}
