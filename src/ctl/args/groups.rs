//! The longer groups of `eventplannerctl`'s arguments: replanning, searching vendors, history.

use std::time::Duration;

use jiff::civil;

use super::values::{Guests, catering, parse_guests};
use control::parse_duration;
use model::{CateringPolicy, Currency, PlanId};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true)
          .args(["without", "guests", "budget", "date"]))]
pub(crate) struct ReplanArgs {
    pub id: PlanId,
    /// A vendor that dropped out; may be repeated.
    #[arg(long, value_name = "VENDOR")]
    pub without: Vec<String>,
    /// Another number of guests; of an event with functions all their numbers change in the same
    /// proportion. NAME=N: of one function alone. May be repeated.
    #[arg(long, value_name = "N|NAME=N", allow_negative_numbers = true,
          value_parser = parse_guests)]
    pub guests: Vec<Guests>,
    /// Another budget: in the plan's currency, or in another one with its code behind it, e.g.
    /// '57137.00 INR'.
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub budget: Option<String>,
    /// Another date: 2027-02-14, or +180d from today.
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    pub date: Option<String>,
    /// Wait for the options; exit code 1 where there are none.
    #[arg(long)]
    pub wait: bool,
    /// Idempotency key: the same key with the same change is the same plan.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SearchArgs {
    #[arg(long)]
    pub category: Option<String>,
    #[arg(long)]
    pub city: Option<String>,
    /// A part of the name.
    #[arg(long)]
    pub name: Option<String>,
    /// Serves that many guests.
    #[arg(long, value_name = "N")]
    pub guests: Option<u32>,
    /// Works on that day, e.g. 2027-02-14.
    #[arg(long)]
    pub date: Option<civil::Date>,
    /// A tag, amenity or style.
    #[arg(long)]
    pub tag: Option<String>,
    /// Words of the name or description, e.g. '"sea view" -hotel'.
    #[arg(long)]
    pub words: Option<String>,
    #[arg(long)]
    pub style: Option<String>,
    #[arg(long)]
    pub amenity: Option<String>,
    #[arg(long)]
    pub cuisine: Option<String>,
    /// Has a price of at most this.
    #[arg(long, value_name = "AMOUNT", requires = "currency")]
    pub max_price: Option<String>,
    /// Has a price per guest of at most this.
    #[arg(long, value_name = "AMOUNT", requires = "currency")]
    pub max_guest_price: Option<String>,
    #[arg(long, value_name = "CODE")]
    pub currency: Option<Currency>,
    /// Around a place, in degrees.
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    pub near: Option<String>,
    /// Km around it.
    #[arg(long, value_name = "KM", requires = "near")]
    pub within: Option<f64>,
    /// Name of the source of the record.
    #[arg(long)]
    pub source: Option<String>,
    /// in_house, outside or both.
    #[arg(long, value_parser = catering())]
    pub catering: Option<CateringPolicy>,
    #[arg(long, value_name = "0-5")]
    pub min_rating: Option<f64>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub limit: Option<u32>,
    /// Leave out so many: the next page.
    #[arg(long, value_name = "N")]
    pub offset: Option<u32>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// Runs of agents in place of events.
    #[arg(long)]
    pub runs: bool,
    /// Events of this kind, e.g. state.
    #[arg(long, conflicts_with_all = ["runs", "failed", "agent"])]
    pub kind: Option<String>,
    /// Runs of this agent.
    #[arg(long)]
    pub agent: Option<String>,
    /// Runs that failed or took too long.
    #[arg(long)]
    pub failed: bool,
    /// Not older than this, e.g. 1h.
    #[arg(long, value_name = "SPAN", value_parser = parse_duration)]
    pub since: Option<Duration>,
    /// Older than this.
    #[arg(long, value_name = "SPAN", value_parser = parse_duration)]
    pub until: Option<Duration>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub limit: Option<u32>,
}
