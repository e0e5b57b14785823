//! Families: a plan and those that replan it, one after the other or side by side, stand for one
//! event. At most one of them holds vendors.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql, Transaction},
    },
    plans::change::Locked,
    records::audit::Head,
};
use model::{PlanId, PlanState};

/// Plans that may stand for one event; a client that needs more submits anew.
pub const FAMILY_MAX: usize = 1_000;

const ROOT: &str = "SELECT coalesce(family, id) FROM plan WHERE id = $1";

const MEMBERS: &str = "
    SELECT id, state, replans, successor FROM plan WHERE id = $1 OR family = $1 ORDER BY id";

/// In the order of the ids, as everywhere where several plans are locked.
const LOCK: &str = "
    SELECT id, state, replans, successor, run_number, clock_timestamp(), audit_seq, audit_hash
    FROM plan WHERE id = $1 OR family = $1 ORDER BY id FOR NO KEY UPDATE";

/// One plan of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: PlanId,
    pub state: PlanState,
    pub replans: Option<PlanId>,
    pub successor: Option<PlanId>,
}

/// Where a plan stands among those of its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    own: PlanId,
    members: BTreeMap<PlanId, Member>,
}

impl Family {
    fn new(own: PlanId, members: impl IntoIterator<Item = Member>) -> Self {
        let members = members.into_iter().map(|member| (member.id, member)).collect();
        Self { own, members }
    }

    /// The plans that this one stands in for, the nearest first.
    pub(crate) fn ancestors(&self) -> Vec<Member> {
        let mut found: Vec<Member> = Vec::new();
        let mut at = self.members.get(&self.own);
        while let Some(earlier) = at.and_then(|member| self.members.get(&member.replans?)) {
            if found.len() >= self.members.len() {
                break;
            }
            found.push(*earlier);
            at = Some(earlier);
        }
        found
    }

    /// Whether the plan may still be selected or replanned.
    ///
    /// # Errors
    /// `Superseded` names the plan that took its place; `BookedElsewhere` the one that holds the
    /// event's vendors and that it does not stand in for.
    pub fn check(&self) -> Result<(), StoreError> {
        let plan = self.own;
        let own = self.members.get(&plan).ok_or(StoreError::NoSuchPlan { plan })?;
        if let Some(successor) = own.successor {
            return Err(StoreError::Superseded { plan, successor });
        }
        let earlier = self.ancestors();
        let elsewhere = self.members.values().find(|member| {
            member.id != plan
                && member.state.is_booked()
                && member.successor.is_none()
                && !earlier.contains(member)
        });
        match elsewhere {
            Some(member) => Err(StoreError::BookedElsewhere { plan, holder: member.id }),
            None => Ok(()),
        }
    }

    /// The ancestors that are superseded once the plan is selected: all that may go that way, and
    /// those whose own successor is not among them, since it was cancelled meanwhile.
    pub(crate) fn to_supersede(&self) -> Vec<Member> {
        let earlier = self.ancestors();
        let is_earlier = |id: PlanId| earlier.iter().any(|member| member.id == id);
        let goes = |member: &&Member| match member.state {
            PlanState::Superseded => member.successor.is_none_or(|id| !is_earlier(id)),
            state => state.successors().contains(&PlanState::Superseded),
        };
        earlier.iter().filter(goes).copied().collect()
    }

    /// Whether there is room for one more plan.
    pub fn is_full(&self) -> bool {
        self.members.len() >= FAMILY_MAX
    }
}

impl Store {
    /// The plans that stand for a plan's event, as they are now.
    ///
    /// # Errors
    /// `NoSuchPlan`.
    pub async fn family(&self, plan: PlanId) -> Result<Family, StoreError> {
        let session = self.pool.session("reading the plans of an event").await?;
        let root = root(&session, plan).await?;
        let rows = session.query(MEMBERS, &[(&root, Type::UUID)]).await?;
        let members = rows.iter().map(|row| member(&mut RowReader::of(row, "a plan")));
        Ok(Family::new(plan, members.collect::<Result<Vec<_>, _>>()?))
    }
}

/// Locks all plans of an event until the transaction ends: nobody selects another one meanwhile.
pub(crate) async fn lock(
    transaction: &Transaction<'_>,
    plan: PlanId,
) -> Result<(Family, BTreeMap<PlanId, Locked>), StoreError> {
    let root = root(transaction, plan).await?;
    let params: [Param<'_>; 1] = [(&root, Type::UUID)];
    let rows = transaction.query(LOCK, &params).await?;
    let mut members = Vec::with_capacity(rows.len());
    let mut locked = BTreeMap::new();
    for row in &rows {
        let mut c = RowReader::of(row, "a plan");
        let member = member(&mut c)?;
        let (run_number, now): (i64, Timestamp) = (c.take()?, c.take()?);
        let head = Head::read(&mut c)?;
        locked.insert(member.id, Locked { state: member.state, run_number, now, head });
        members.push(member);
    }
    Ok((Family::new(plan, members), locked))
}

async fn root(sql: &impl Sql, plan: PlanId) -> Result<Uuid, StoreError> {
    let row = sql.query_opt(ROOT, &[(&plan.0, Type::UUID)]).await?;
    RowReader::of(&row.ok_or(StoreError::NoSuchPlan { plan })?, "a plan").take()
}

fn member(c: &mut RowReader<'_>) -> Result<Member, StoreError> {
    Ok(Member {
        id: PlanId(c.take()?),
        state: c.parsed()?,
        replans: c.take::<Option<Uuid>>()?.map(PlanId),
        successor: c.take::<Option<Uuid>>()?.map(PlanId),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> PlanId {
        PlanId(Uuid::from_u128(n))
    }

    /// `(plan, state, replans, successor)`; 0 for none.
    fn family(own: u128, members: &[(u128, PlanState, u128, u128)]) -> Family {
        let some = |n: u128| (n > 0).then(|| id(n));
        let member = |&(n, state, replans, successor)| Member {
            id: id(n),
            state,
            replans: some(replans),
            successor: some(successor),
        };
        Family::new(id(own), members.iter().map(member))
    }

    #[test]
    fn one_plan_of_an_event_may_hold_its_vendors() {
        use PlanState::{AwaitingSelection as Waits, Cancelled, Completed, Superseded, Writing};
        type Row = (u128, PlanState, u128, u128);
        // The plans, which one is looked at, who stands in its way, what it supersedes.
        type Case = (&'static [Row], u128, Option<u128>, &'static [u128]);
        let cases: &[Case] = &[
            (&[(1, Completed, 0, 0), (2, Waits, 1, 0)], 2, None, &[1]),
            (&[(1, Waits, 0, 0), (2, Waits, 1, 0)], 1, None, &[]),
            // Two successors of one plan.
            (&[(1, Superseded, 0, 2), (2, Writing, 1, 0), (3, Waits, 1, 0)], 3, Some(2), &[1]),
            (&[(1, Superseded, 0, 2), (2, Completed, 1, 0)], 1, Some(2), &[]),
            // A chain whose middle was never selected.
            (&[(1, Completed, 0, 0), (2, Waits, 1, 0), (3, Waits, 2, 0)], 3, None, &[2, 1]),
            // A chain whose middle was: the first keeps its successor.
            (&[(1, Superseded, 0, 2), (2, Completed, 1, 0), (3, Waits, 2, 0)], 3, None, &[2]),
            // The child of a plan that came too late itself.
            (
                &[(1, Superseded, 0, 2), (2, Completed, 1, 0), (3, Waits, 1, 0), (4, Waits, 3, 0)],
                4,
                Some(2),
                &[3, 1],
            ),
            // The successor was cancelled: its place is free, and taken by the next one.
            (&[(1, Superseded, 0, 2), (2, Cancelled, 1, 0), (3, Waits, 1, 0)], 3, None, &[1]),
            (&[(1, Cancelled, 0, 0), (2, Waits, 1, 0)], 2, None, &[]),
            // An earlier plan is gone: what it stood in for is another's.
            (&[(1, Completed, 0, 0), (3, Waits, 0, 0)], 3, Some(1), &[]),
        ];
        for (i, (members, own, in_the_way, superseded)) in cases.iter().enumerate() {
            let family = family(*own, members);
            let found = match family.check() {
                Err(StoreError::Superseded { successor, .. }) => Some(successor),
                Err(StoreError::BookedElsewhere { holder, .. }) => Some(holder),
                Err(other) => panic!("{other}"),
                Ok(()) => None,
            };
            assert_eq!(found, in_the_way.map(id), "case {i}");
            let gone: Vec<PlanId> = family.to_supersede().iter().map(|m| m.id).collect();
            assert_eq!(gone, superseded.iter().map(|n| id(*n)).collect::<Vec<_>>(), "case {i}");
        }
    }
}
