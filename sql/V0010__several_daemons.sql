-- Several daemons on one database: who is there, whose turn it is, and plans that kill their
-- workers.

-- Daemons that joined. Each holds the session advisory lock `lock_key` for as long as it is
-- connected: a row whose lock is free is that of a dead daemon.
CREATE TABLE daemon (
    name      text COLLATE "C" PRIMARY KEY,
    lock_key  bigint NOT NULL UNIQUE,
    joined_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE plan
    -- Order within a priority: start-time fair queueing. A client's plans take one turn each,
    -- and its first one starts where the queue's head is, so that nobody's many plans stand
    -- before another's few.
    ADD COLUMN turn     bigint NOT NULL DEFAULT 0,
    -- Runs since the last step that succeeded which failed, and which ended with their daemon.
    ADD COLUMN failures smallint NOT NULL DEFAULT 0,
    ADD COLUMN crashes  smallint NOT NULL DEFAULT 0;

-- Claims look at the queue, at plans whose lease is over, and at suspects: each by an index of
-- its own that holds nothing else.
DROP INDEX plan_queue;
CREATE INDEX plan_queue ON plan (priority DESC, turn, created_at, id) WHERE state = 'queued';
CREATE INDEX plan_leased ON plan (lease_until) WHERE state IN ('running', 'writing');
CREATE INDEX plan_suspect ON plan (crashes, id)
    WHERE crashes >= 2 AND state IN ('queued', 'running', 'writing');

-- A client's last turn, and how many plans it has in the queue.
CREATE INDEX plan_queued_by_client ON plan (requested_by, turn) WHERE state = 'queued';

-- Retention: plans that ended, oldest first.
CREATE INDEX plan_ended ON plan (state_since)
    WHERE state IN ('completed', 'failed', 'infeasible', 'cancelled');
