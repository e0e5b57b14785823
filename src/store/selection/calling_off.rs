//! Calling a plan off: it is cancelled, its vendors are free and its documents say so, in one
//! transaction.

use jiff::Timestamp;
use tokio_postgres::types::Type;

use crate::{
    Patch, Store, StoreError, Transition,
    connection::session::Sql,
    plans::{
        self,
        change::{lock, write},
        plan_columns,
    },
    records::{
        audit::AuditEvent,
        documents::{self, CallOff},
    },
};
use model::{CalledOff, PlanId, PlanState};

/// What became of the wish to cancel a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It is cancelled; whoever worked on it changes nothing any more.
    AtOnce { from: PlanState },
    /// It had ended before.
    TooLate(PlanState),
    /// Another plan took its place.
    Superseded { successor: PlanId },
    /// Its event took place, and ended then.
    Over { ended: Timestamp },
}

impl Store {
    /// Cancels a plan, whether somebody works on it or not, up to the end of its event.
    ///
    /// # Errors
    /// `NoSuchPlan`.
    pub async fn cancel(
        &self,
        plan: PlanId,
        by: Option<u32>,
        call_off: CallOff<'_>,
    ) -> Result<Cancelled, StoreError> {
        let mut session = self.pool.session("cancelling a plan").await?;
        let transaction = session.begin().await?;
        let locked = lock(&transaction, plan).await?;
        let sql = concat!("SELECT ", plan_columns!(), " FROM plan WHERE id = $1");
        let stored = plans::read(&transaction.query_one(sql, &[(&plan.0, Type::UUID)]).await?)?;
        let (from, to, now) = (locked.state, PlanState::Cancelled, locked.now);
        if let Some(successor) = stored.successor {
            return Ok(Cancelled::Superseded { successor });
        }
        if !from.successors().contains(&to) {
            return Ok(Cancelled::TooLate(from));
        }
        let ended = stored.request.time.window().end;
        // A plan that booked nobody is only tidied away.
        if from.is_booked() && ended <= now {
            return Ok(Cancelled::Over { ended });
        }
        let called_off = CalledOff { state: to, at: now, successor: None };
        let documents = documents::called_off(&transaction, plan, call_off, called_off).await?;
        let detail = serde_json::json!({ "requested_by": by });
        let events = vec![AuditEvent::new("cancel_requested", detail)];
        let patch = Patch { events, documents: &documents, ..Patch::default() };
        let change = Transition::new(plan, locked.run_number, from, to).with(patch);
        let touched_bookings = write(&transaction, locked, &change).await?;
        let sql = "UPDATE plan SET cancel_requested = true WHERE id = $1";
        transaction.execute(sql, &[(&plan.0, Type::UUID)]).await?;
        transaction.commit().await?;
        if touched_bookings {
            self.notifications.catalogue();
        }
        self.notifications.changed([plan]);
        Ok(Cancelled::AtOnce { from })
    }
}
