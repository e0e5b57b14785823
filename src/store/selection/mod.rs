//! Selecting an option: judged by the vendors' present records and held, in one transaction.

pub(crate) mod calling_off;
pub(crate) mod family;

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use tokio_postgres::types::Type;

use crate::{
    Patch, Store, StoreError, Transition,
    connection::session::{Sql, Transaction},
    plans::{self, Plan, PlanResult, change::write, plan_columns},
    records::{
        audit::AuditEvent,
        bookings::Bookings,
        documents::{self, CallOff},
    },
    schema::advisory_locks,
    vendors,
};
use model::{AreaMap, CalledOff, PlanId, PlanState, Vendor, VendorId, Window};

/// A client's choice.
#[derive(Clone, Copy)]
pub struct Choice<'a> {
    pub plan: PlanId,
    /// Number of the option.
    pub number: u32,
    /// How long its vendors are held.
    pub lasts: Duration,
    /// For the documents of the plans that this one stands in for.
    pub call_off: CallOff<'a>,
}

/// What a choice is judged by: as it is in the transaction that holds the vendors. An import is
/// visible as a whole before it, or comes after it.
pub struct Present {
    pub plan: Plan,
    /// The option's vendors that exist, by id.
    pub vendors: Vec<Vendor>,
    /// Of the event's city and the vendors'.
    pub areas: AreaMap,
    /// By the database's clock.
    pub now: Timestamp,
}

/// What a choice comes to once it was judged.
pub struct Agreed {
    /// The needed window of each vendor.
    pub windows: Vec<(VendorId, Window)>,
    /// In place of the plan's, where it was changed.
    pub result: Option<PlanResult>,
    /// Put on record after the change of state.
    pub events: Vec<AuditEvent>,
}

/// What became of a choice.
#[derive(Debug)]
pub enum Selected<R> {
    Now,
    /// The same option had been selected.
    Before,
    /// Judged unfit; nothing was changed.
    Refused(R),
}

impl Store {
    /// Selects an option: its vendors are held, and the plans that this one stands in for are
    /// superseded and hand theirs over. `judge` decides by the present records; it runs inside
    /// the transaction and should be quick.
    ///
    /// # Errors
    /// `Superseded`, `BookedElsewhere` where another plan has the event; `WrongState` where the
    /// plan awaits no selection; `Taken`. Nothing is changed then.
    pub async fn select<R: Send>(
        &self,
        choice: Choice<'_>,
        judge: impl FnOnce(&Present) -> Result<Agreed, R> + Send,
    ) -> Result<Selected<R>, StoreError> {
        let Choice { plan, number, lasts, .. } = choice;
        let mut session = self.pool.session("selecting an option").await?;
        let transaction = session.begin().await?;
        let (family, mut locked) = family::lock(&transaction, plan).await?;
        let own = locked.remove(&plan).ok_or(StoreError::NoSuchPlan { plan })?;
        let now = own.now;
        let sql = concat!("SELECT ", plan_columns!(), " FROM plan WHERE id = $1");
        let stored = plans::read(&transaction.query_one(sql, &[(&plan.0, Type::UUID)]).await?)?;
        if stored.state.is_booked() && stored.selected == Some(number) {
            return Ok(Selected::Before);
        }
        family.check()?;
        let (from, to) = (PlanState::AwaitingSelection, PlanState::Writing);
        if own.state != from {
            let found = own.state;
            return Err(StoreError::WrongState { plan, found, expected: from });
        }
        let present = present(&transaction, stored, number, now).await?;
        let agreed = match judge(&present) {
            Ok(agreed) => agreed,
            Err(refusal) => return Ok(Selected::Refused(refusal)),
        };
        let superseded = family.to_supersede();
        let instead_of: Vec<PlanId> = superseded.iter().map(|member| member.id).collect();
        let vendors = &agreed.windows;
        let patch = Patch {
            selected: Some(number),
            result: agreed.result.as_ref(),
            bookings: Bookings::Hold { vendors, lasts, instead_of: &instead_of },
            events: agreed.events,
            ..Patch::default()
        };
        let change = Transition::new(plan, own.run_number, from, to).with(patch);
        write(&transaction, own, &change).await?;
        for member in &superseded {
            let Some(locked) = locked.remove(&member.id) else { continue };
            let called_off =
                CalledOff { state: PlanState::Superseded, at: now, successor: Some(plan) };
            let documents =
                documents::called_off(&transaction, member.id, choice.call_off, called_off).await?;
            let patch = Patch { successor: Some(plan), documents: &documents, ..Patch::default() };
            let (from, to) = (locked.state, PlanState::Superseded);
            let change = Transition::new(member.id, locked.run_number, from, to).with(patch);
            write(&transaction, locked, &change).await?;
        }
        transaction.commit().await?;
        self.notifications.catalogue();
        self.notifications.ready([plan]);
        self.notifications.changed(instead_of);
        Ok(Selected::Now)
    }
}

/// Reads the option's vendors under the catalogue's lock: no import is committed between this
/// and the end of the transaction.
async fn present(
    transaction: &Transaction<'_>,
    plan: Plan,
    number: u32,
    now: Timestamp,
) -> Result<Present, StoreError> {
    let sql = "SELECT pg_advisory_xact_lock_shared($1)";
    transaction.query(sql, &[(&advisory_locks::CATALOGUE, Type::INT8)]).await?;
    let options = plan.result.iter().flat_map(|result| &result.options);
    let chosen = options.filter(|option| option.number == number);
    let ids: BTreeSet<VendorId> =
        chosen.flat_map(|option| &option.vendors).map(|place| place.id.clone()).collect();
    let ids: Vec<VendorId> = ids.into_iter().collect();
    let vendors = vendors::by_ids(transaction, &ids).await?;
    let cities: BTreeSet<&str> = std::iter::once(plan.request.city.as_str())
        .chain(vendors.iter().map(|vendor| vendor.city.as_str()))
        .collect();
    let cities: Vec<&str> = cities.into_iter().collect();
    let areas = vendors::areas_of(transaction, &cities).await?;
    Ok(Present { plan, vendors, areas, now })
}
