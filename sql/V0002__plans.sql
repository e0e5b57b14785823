-- Plans: the queue, their results, checkpoints, documents and the audit chain.

CREATE TABLE plan (
    id               uuid PRIMARY KEY,
    state            text COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running',
                     'awaiting_selection', 'writing', 'completed', 'failed', 'infeasible',
                     'cancelled')),
    -- Higher goes first; equal ones in order of submission.
    priority         smallint NOT NULL DEFAULT 0,
    idempotency_key  text COLLATE "C" UNIQUE,
    -- What must be equal for the same key: a digest of the document as it was sent.
    fingerprint      bytea NOT NULL CHECK (length(fingerprint) = 32),
    request          jsonb NOT NULL,
    currency         text COLLATE "C" NOT NULL,
    seed             bigint NOT NULL,
    -- User id of the peer on the control socket.
    requested_by     bigint,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    state_since      timestamptz NOT NULL,
    -- Not claimed before: a plan that failed once waits.
    run_after        timestamptz NOT NULL,
    -- The daemon that works on it, until when. By the server's clock, the only one that all
    -- daemons share.
    lease_owner      text,
    lease_until      timestamptz,
    -- Fencing: every claim counts it up, every write by a worker names it.
    run_number       bigint NOT NULL DEFAULT 0,
    -- Claims since the last step that succeeded: a plan that kills its workers is found by it.
    attempts         integer NOT NULL DEFAULT 0,
    requirements     jsonb,
    shares           jsonb,
    -- Options, tally, notes, digest.
    result           jsonb,
    -- Number of the selected option.
    selected         smallint,
    infeasibility    jsonb,
    error            text,
    cancel_requested boolean NOT NULL DEFAULT false,
    -- Head of the audit chain: a row cut off the chain's end is noticed too.
    audit_seq        bigint NOT NULL,
    audit_hash       bytea NOT NULL CHECK (length(audit_hash) = 32),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    CHECK (lease_owner IS NULL OR state IN ('running', 'writing'))
);

-- Claims: the queue, and plans whose lease has run out. Holds unfinished plans only.
CREATE INDEX plan_queue ON plan (priority DESC, created_at, id)
    WHERE state IN ('queued', 'running', 'writing');

-- `plan list`, newest first, paged by (created_at, id).
CREATE INDEX plan_newest ON plan (created_at DESC, id DESC);

CREATE TABLE checkpoint (
    plan_id    uuid NOT NULL REFERENCES plan ON DELETE CASCADE,
    round      integer NOT NULL CHECK (round >= 0),
    run_number bigint NOT NULL,
    -- Of the content's shape: a daemon that cannot read it starts again from round 0.
    version    integer NOT NULL,
    codec      text NOT NULL,
    body       bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_id, round)
);

CREATE TABLE document (
    plan_id    uuid NOT NULL REFERENCES plan ON DELETE CASCADE,
    name       text COLLATE "C" NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'),
    media_type text NOT NULL,
    body       bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_id, name)
);

-- One row per state change and agent step, chained per plan: `hash` covers `prev_hash` and every
-- other column. `detail` is json, not jsonb: it keeps the text as it was hashed.
CREATE TABLE plan_event (
    plan_id   uuid NOT NULL REFERENCES plan ON DELETE CASCADE,
    seq       bigint NOT NULL CHECK (seq >= 1),
    at        timestamptz NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    detail    json NOT NULL,
    prev_hash bytea NOT NULL CHECK (length(prev_hash) = 32),
    hash      bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (plan_id, seq)
);
