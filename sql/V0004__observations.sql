-- What happened: runs of agents and workflow metrics. Append-only.

CREATE TABLE agent_run (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id    uuid NOT NULL REFERENCES plan ON DELETE CASCADE,
    agent      text COLLATE "C" NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL,
    outcome    text COLLATE "C" NOT NULL CHECK (outcome IN ('ok', 'fallback', 'failed',
               'timed_out', 'cancelled')),
    -- The LLM server and model that the reply came from; NULL where none was asked.
    server     text,
    model      text,
    detail     jsonb,
    CHECK (ended_at >= started_at)
);

-- The agents of one plan, in order.
CREATE INDEX agent_run_by_plan ON agent_run (plan_id, started_at);

CREATE TABLE workflow_metric (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at    timestamptz NOT NULL,
    name  text COLLATE "C" NOT NULL,
    value double precision NOT NULL,
    labels jsonb
);

-- One metric over a span of time: the report.
CREATE INDEX workflow_metric_by_name ON workflow_metric (name, at);
