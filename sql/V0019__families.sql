-- A plan and those that replan it stand for one event, and at most one of them holds vendors.

ALTER TABLE plan DROP CONSTRAINT plan_state_check;
ALTER TABLE plan ADD CONSTRAINT plan_state_check CHECK (state IN ('queued', 'running',
    'awaiting_selection', 'writing', 'completed', 'failed', 'infeasible', 'cancelled',
    'superseded'));

-- The first plan of the event; NULL for that plan itself. Kept where that plan is deleted: its
-- successors still stand for the same event.
ALTER TABLE plan ADD COLUMN family uuid;
-- The plan that was selected in its place.
ALTER TABLE plan ADD COLUMN successor uuid;

WITH RECURSIVE descent AS (
    SELECT id, id AS family FROM plan WHERE replans IS NULL
    UNION ALL
    SELECT plan.id, descent.family FROM plan JOIN descent ON plan.replans = descent.id
)
UPDATE plan SET family = descent.family FROM descent
WHERE plan.id = descent.id AND plan.replans IS NOT NULL;

-- The latest successor that was selected before there was this column. The state stays: a change
-- of state has its row in the audit chain.
UPDATE plan SET successor = (
    SELECT next.id FROM plan next
    WHERE next.replans = plan.id AND next.state IN ('writing', 'completed')
    ORDER BY next.state_since DESC, next.id LIMIT 1)
WHERE id IN (SELECT replans FROM plan WHERE state IN ('writing', 'completed'));

CREATE INDEX plan_by_family ON plan (family) WHERE family IS NOT NULL;
COMMENT ON INDEX plan_by_family IS 'select, replan: the plans that stand for one event';

DROP INDEX plan_ended;
CREATE INDEX plan_ended ON plan (state_since)
    WHERE state IN ('completed', 'failed', 'infeasible', 'cancelled', 'superseded');
COMMENT ON INDEX plan_ended IS 'retention: plans that ended, oldest first';
