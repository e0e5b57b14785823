-- Names in one form: NFC, white space collapsed, without invisible signs; keys in no case. The
-- form is the program's (model/names), since no function of the server folds the case of all
-- letters in every locale. It also brings what earlier versions wrote into the form, once.

-- What the program has still to do to rows of earlier versions; a task's row goes with its commit.
CREATE TABLE upkeep (
    task text COLLATE "C" PRIMARY KEY
);
INSERT INTO upkeep (task) VALUES ('tidy_names');
COMMENT ON INDEX upkeep_pkey IS 'integrity: each task once';

-- The key of the request's city; NULL where an earlier version wrote the plan.
ALTER TABLE plan ADD COLUMN city_key text COLLATE "C";
