-- A restore builds the indexes with an empty search path, where one function of ours doesn't find
-- another: the same box, without a helper.
CREATE OR REPLACE FUNCTION box_around(lat double precision, lon double precision,
                                      km double precision)
RETURNS box LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN abs(lat) + (least(km, 20100) / 111.0 + 0.001) >= 89
             OR abs(lon) + (least(km, 20100) / 111.0 + 0.001)
                / cos(radians(abs(lat) + (least(km, 20100) / 111.0 + 0.001))) >= 180
        THEN box(point(-180, lat - (least(km, 20100) / 111.0 + 0.001)),
                 point(180, lat + (least(km, 20100) / 111.0 + 0.001)))
        ELSE box(point(lon - (least(km, 20100) / 111.0 + 0.001)
                           / cos(radians(abs(lat) + (least(km, 20100) / 111.0 + 0.001))),
                       lat - (least(km, 20100) / 111.0 + 0.001)),
                 point(lon + (least(km, 20100) / 111.0 + 0.001)
                           / cos(radians(abs(lat) + (least(km, 20100) / 111.0 + 0.001))),
                       lat + (least(km, 20100) / 111.0 + 0.001)))
        END
$$;

DROP FUNCTION reach_degrees(double precision);
