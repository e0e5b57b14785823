-- Replanning: which plan and which option another plan starts from. What a proof rests on.

ALTER TABLE plan ADD COLUMN replans uuid REFERENCES plan ON DELETE SET NULL;
-- The option whose vendors are to be kept, as it was; NULL where the earlier plan had none.
ALTER TABLE plan ADD COLUMN previous jsonb;

CREATE INDEX plan_by_replanned ON plan (replans) WHERE replans IS NOT NULL;

-- The abstract problem that a plan's search was given, and the evidence for its bound. Absent
-- where the problem was too large to be kept.
CREATE TABLE plan_proof (
    plan_id     uuid PRIMARY KEY REFERENCES plan ON DELETE CASCADE,
    -- Of both bodies' shape.
    version     integer NOT NULL,
    problem     bytea NOT NULL,
    certificate bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
