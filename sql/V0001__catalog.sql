-- The vendor catalogue: service categories, cities and their areas, vendors.

-- A service category is data: a new one is a row.
CREATE TABLE service_category (
    id           smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    -- Ascending: the order in which categories are summed, listed and compared.
    position     integer NOT NULL UNIQUE,
    label        text NOT NULL,
    -- Which preferences of a request count as wanted tags of this category's vendors.
    wants        text[] NOT NULL DEFAULT '{}'
                 CHECK (wants <@ '{styles,cuisines,amenities,venue_types,video}'::text[]),
    -- Minutes before the event's start at which the service may begin; setup comes on top.
    lead_minutes integer NOT NULL DEFAULT 0 CHECK (lead_minutes BETWEEN 0 AND 10080)
);

INSERT INTO service_category (name, position, label, wants, lead_minutes) VALUES
    ('venue',         1, 'Venue',         '{venue_types,amenities,styles}', 0),
    ('caterer',       2, 'Caterer',       '{cuisines}',                     0),
    ('photographer',  3, 'Photographer',  '{styles,video}',               120),
    ('makeup_artist', 4, 'Make-up artist','{styles}',                     240),
    ('florist',       5, 'Florist',       '{styles}',                       0),
    ('music',         6, 'Music',         '{styles}',                       0),
    ('decorator',     7, 'Decorator',     '{styles}',                       0),
    ('transport',     8, 'Transport',     '{}',                             0);

-- `key` is the name in lower case, folded by the importer, so that a match does not depend on
-- the server's locale. The first spelling imported is the one shown.
CREATE TABLE city (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key  text COLLATE "C" NOT NULL UNIQUE,
    name text NOT NULL,
    -- Centre, degrees WGS 84: the mean of the first imported vendors that have coordinates.
    lat  double precision CHECK (lat BETWEEN -90 AND 90),
    lon  double precision CHECK (lon BETWEEN -180 AND 180),
    CHECK ((lat IS NULL) = (lon IS NULL))
);

CREATE TABLE area (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    city_id integer NOT NULL REFERENCES city,
    key     text COLLATE "C" NOT NULL,
    name    text NOT NULL,
    lat     double precision CHECK (lat BETWEEN -90 AND 90),
    lon     double precision CHECK (lon BETWEEN -180 AND 180),
    UNIQUE (city_id, key),
    CHECK ((lat IS NULL) = (lon IS NULL))
);

CREATE SEQUENCE vendor_import_number AS bigint;

-- Typed columns for what is filtered and sorted; `details` for what is only shown (policies,
-- contact, source). The price lines lie in the row as arrays of one length: they are never read
-- or written without their vendor, and a table of their own would cost three times the rows on
-- import and a second look-up on every search. The view `vendor_price` shows them as rows.
CREATE TABLE vendor (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Compared as bytes, so that ties break the same everywhere.
    external_id       text COLLATE "C" NOT NULL UNIQUE,
    category_id       smallint NOT NULL,
    city_id           integer NOT NULL,
    area_id           integer,
    lat               double precision CHECK (lat BETWEEN -90 AND 90),
    lon               double precision CHECK (lon BETWEEN -180 AND 180),
    service_radius_km double precision CHECK (service_radius_km >= 0),
    capacity_min      integer,
    capacity_ideal    integer,
    capacity_max      integer,
    rating            double precision CHECK (rating BETWEEN 0 AND 5),
    max_hours         double precision CHECK (max_hours > 0),
    setup_minutes     integer NOT NULL CHECK (setup_minutes >= 0),
    teardown_minutes  integer NOT NULL CHECK (teardown_minutes >= 0),
    lead_days         integer NOT NULL CHECK (lead_days >= 0),
    -- Events that can be served at the same time: crews, halls.
    parallel_events   smallint NOT NULL CHECK (parallel_events >= 1),
    -- Basis points.
    tax               integer NOT NULL CHECK (tax BETWEEN 0 AND 10000),
    service_charge    integer NOT NULL CHECK (service_charge BETWEEN 0 AND 10000),
    -- ISO 8601: 1 for Monday to 7 for Sunday.
    closed_weekdays   smallint[] NOT NULL,
    blackout_dates    date[] NOT NULL,
    currency          text COLLATE "C" NOT NULL CHECK (length(currency) = 3),
    price_labels      text[] NOT NULL CHECK (cardinality(price_labels) > 0),
    -- f flat, g per guest, h per hour, r per room, p per person.
    price_bases       "char"[] NOT NULL CHECK (cardinality(price_bases) = cardinality(price_labels)),
    price_amounts     bigint[] NOT NULL CHECK (cardinality(price_amounts) = cardinality(price_labels)),
    -- v for vegetarian, n for not, NULL for all guests.
    price_options     "char"[] NOT NULL CHECK (cardinality(price_options) = cardinality(price_labels)),
    name              text NOT NULL CHECK (name <> ''),
    description       text,
    tags              text[] NOT NULL,
    amenities         text[] NOT NULL,
    -- Ordered; the first is the primary style.
    styles            text[] NOT NULL,
    details           jsonb,
    -- The import that wrote the row last: finds an id that stands twice in one file.
    import_number     bigint NOT NULL,
    CHECK ((lat IS NULL) = (lon IS NULL))
);

-- category_id, city_id and area_id have no foreign keys: the importer, their only writer, takes
-- the ids from those tables in the same transaction, no row there is ever deleted, and the
-- checks would take a third of the time of an import.

-- Great-circle distance in km (haversine, mean radius of the IUGG): the formula of the planner.
CREATE FUNCTION km_between(lat1 double precision, lon1 double precision,
                           lat2 double precision, lon2 double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 2 * 6371.0088 * asin(least(1, sqrt(
        power(sin(radians(lat2 - lat1) / 2), 2)
        + cos(radians(lat1)) * cos(radians(lat2)) * power(sin(radians(lon2 - lon1) / 2), 2))))
$$;

-- The search of one category in one city: the heart of sourcing.
CREATE INDEX vendor_by_category_city ON vendor (category_id, city_id);

-- Vendors of other cities that come to this one: the second branch of sourcing.
CREATE INDEX vendor_by_category_travelling ON vendor (category_id)
    WHERE service_radius_km IS NOT NULL;

CREATE VIEW vendor_price AS
SELECT v.id AS vendor_id,
       p.line_number,
       p.label,
       CASE p.basis WHEN 'f' THEN 'flat' WHEN 'g' THEN 'per_guest' WHEN 'h' THEN 'per_hour'
                    WHEN 'r' THEN 'per_room' WHEN 'p' THEN 'per_person' END AS basis,
       p.amount_minor,
       v.currency,
       CASE p.option WHEN 'v' THEN 'veg' WHEN 'n' THEN 'non_veg' END AS option
FROM vendor v,
     unnest(v.price_labels, v.price_bases, v.price_amounts, v.price_options)
         WITH ORDINALITY AS p (label, basis, amount_minor, option, line_number);
