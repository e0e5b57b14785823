-- What a search of the catalogue needs to be fast, and to know when it is stale.

-- What the planner reads of a vendor, in one piece: decoding it costs a fifth of reading the
-- columns. Written with the row; NULL where the row was changed by other hands, and then the
-- columns are read.
ALTER TABLE vendor ADD COLUMN packed bytea;

-- Kept as it is: what is a few hundred bytes is not worth a compression on every import.
ALTER TABLE vendor ALTER COLUMN packed SET STORAGE EXTERNAL;

-- A box of degrees (longitude, latitude) that holds every point within km of a centre: wider
-- than the circle, never narrower. Near a pole, or across the date line, all longitudes.
CREATE FUNCTION box_around(lat double precision, lon double precision, km double precision)
RETURNS box LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN abs(lat) + dlat >= 89 OR abs(lon) + dlat / cos(radians(abs(lat) + dlat)) >= 180
        THEN box(point(-180, lat - dlat), point(180, lat + dlat))
        ELSE box(point(lon - dlat / cos(radians(abs(lat) + dlat)), lat - dlat),
                 point(lon + dlat / cos(radians(abs(lat) + dlat)), lat + dlat))
        END
    FROM (SELECT least(km, 20100) / 111.0 + 0.001 AS dlat) reach
$$;

-- The lowest per-guest price, in minor units; NULL without a per-guest line.
CREATE FUNCTION guest_price(bases "char"[], amounts bigint[])
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT min(amount) FROM unnest(bases, amounts) AS line (basis, amount) WHERE basis = 'g'
$$;

-- The lowest price of any line, in minor units.
CREATE FUNCTION lowest_price(amounts bigint[])
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT min(amount) FROM unnest(amounts) AS amount
$$;

-- Which vendors changed: what a daemon remembers of their category and city is stale. Daemons
-- read what was written by transactions that they had not seen to their end before.
CREATE TABLE catalogue_change (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    -- The transaction that changed it.
    written_by  xid8 NOT NULL DEFAULT pg_current_xact_id(),
    category_id smallint NOT NULL,
    -- NULL for all cities: a vendor that travels.
    city_id     integer
);

CREATE FUNCTION note_vendor_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO catalogue_change (category_id, city_id)
        VALUES (OLD.category_id, CASE WHEN OLD.service_radius_km IS NULL THEN OLD.city_id END);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    INSERT INTO catalogue_change (category_id, city_id)
    VALUES (NEW.category_id, CASE WHEN NEW.service_radius_km IS NULL THEN NEW.city_id END);
    NEW.packed := NULL;
    RETURN NEW;
END $$;

-- An import numbers its rows, packs them and notes what it changed itself; these are for other
-- hands.
CREATE TRIGGER vendor_edited BEFORE UPDATE ON vendor FOR EACH ROW
    WHEN (OLD.import_number = NEW.import_number) EXECUTE FUNCTION note_vendor_change();
-- After the row: a trigger before it would make COPY insert row by row.
CREATE TRIGGER vendor_added AFTER INSERT ON vendor FOR EACH ROW
    WHEN (NEW.packed IS NULL) EXECUTE FUNCTION note_vendor_change();
CREATE TRIGGER vendor_removed BEFORE DELETE ON vendor FOR EACH ROW
    EXECUTE FUNCTION note_vendor_change();

-- Packed vendors name their city and area.
CREATE FUNCTION unpack_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'city' THEN
        UPDATE vendor SET packed = NULL WHERE city_id = NEW.id;
    ELSE
        UPDATE vendor SET packed = NULL WHERE city_id = NEW.city_id AND area_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER city_renamed AFTER UPDATE OF name ON city FOR EACH ROW
    WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION unpack_renamed();
CREATE TRIGGER area_renamed AFTER UPDATE OF name ON area FOR EACH ROW
    WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION unpack_renamed();

-- Whoever books or releases: their vendors' categories and cities have changed.
CREATE FUNCTION note_booking_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalogue_change (category_id, city_id)
    SELECT DISTINCT v.category_id, CASE WHEN v.service_radius_km IS NULL THEN v.city_id END
    FROM changed JOIN vendor v ON v.id = changed.vendor_id;
    RETURN NULL;
END $$;
CREATE TRIGGER booking_added AFTER INSERT ON booking REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_booking_change();
CREATE TRIGGER booking_changed AFTER UPDATE ON booking REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_booking_change();
CREATE TRIGGER booking_removed AFTER DELETE ON booking REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_booking_change();

COMMENT ON INDEX service_category_pkey IS 'integrity: one row per category';
COMMENT ON INDEX service_category_name_key IS 'integrity: one category of a name';
COMMENT ON INDEX service_category_position_key IS 'integrity: one order of the categories';
COMMENT ON INDEX city_pkey IS 'names of cities in every list of vendors';
COMMENT ON INDEX city_key_key IS 'sourcing, vendors search: a city by its name in lower case';
COMMENT ON INDEX area_pkey IS 'names of areas in every list of vendors';
COMMENT ON INDEX area_city_id_key_key IS 'import: an area by city and name; the areas of a city';
COMMENT ON INDEX vendor_pkey IS 'names of the vendors of bookings; sourcing: the rows to read column by column';
COMMENT ON INDEX vendor_external_id_key IS 'vendors by id; import: whether a vendor is known';
COMMENT ON INDEX plan_pkey IS 'plan show: a plan by id';
COMMENT ON INDEX plan_idempotency_key_key IS 'plan submit: the plan of a key';
COMMENT ON INDEX plan_queue IS 'the claim: unfinished plans by priority and age';
COMMENT ON INDEX plan_newest IS 'plan list, page by page';
COMMENT ON INDEX checkpoint_pkey IS 'resuming: the newest checkpoint of a plan';
COMMENT ON INDEX document_pkey IS 'plan documents: a document by name';
COMMENT ON INDEX plan_event_pkey IS 'verify: the audit chain of a plan';
COMMENT ON INDEX booking_pkey IS 'expiry: the holds that ran out, row by row';
COMMENT ON INDEX booking_no_overlap IS 'integrity: two live bookings of a slot never overlap';
COMMENT ON INDEX booking_by_plan IS 'plan show, confirm, release: the bookings of a plan';
COMMENT ON INDEX booking_expiring IS 'expiry: holds that ran out';
COMMENT ON INDEX agent_run_pkey IS 'integrity: one row per run';
COMMENT ON INDEX agent_run_by_plan IS 'plan show: the agents of a plan';
COMMENT ON INDEX workflow_metric_pkey IS 'integrity: one row per measurement';
COMMENT ON INDEX workflow_metric_by_name IS 'report: one metric over a span of time';
COMMENT ON INDEX catalogue_change_pkey IS 'integrity: one row per change';

-- Trigrams: parts of names.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
