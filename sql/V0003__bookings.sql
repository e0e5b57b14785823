-- Bookings: one vendor serves at most `parallel_events` events at a time. Each of them occupies
-- a slot, and two live bookings of a slot never overlap.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE booking (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vendor_id  bigint NOT NULL REFERENCES vendor,
    -- 1 to the vendor's parallel_events.
    slot       smallint NOT NULL CHECK (slot >= 1),
    plan_id    uuid REFERENCES plan ON DELETE SET NULL,
    -- From setup to teardown.
    during     tstzrange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during)
                                         AND NOT upper_inf(during)),
    state      text COLLATE "C" NOT NULL CHECK (state IN ('held', 'confirmed', 'released',
               'expired')),
    -- A hold that ran out no longer counts: whoever wants the vendor next marks it as expired.
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'held') = (expires_at IS NOT NULL)),
    CONSTRAINT booking_no_overlap
        EXCLUDE USING gist (vendor_id WITH =, slot WITH =, during WITH &&)
        WHERE (state IN ('held', 'confirmed'))
);

-- Which slots of a vendor are taken in a window: sourcing, holds. Past bookings are skipped.
CREATE INDEX booking_by_vendor ON booking (vendor_id, upper(during)) 
    WHERE state IN ('held', 'confirmed');

-- Confirm, release and list the bookings of one plan.
CREATE INDEX booking_by_plan ON booking (plan_id);

-- Holds that have run out.
CREATE INDEX booking_expiring ON booking (expires_at) WHERE state = 'held';
