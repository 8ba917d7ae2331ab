-- +goose Up
-- How far each read model has come. It stands in the same schema as the tables
-- it speaks of, so that rows and checkpoint commit, and switch, together.
-- Position -1 means that nothing was applied yet.
CREATE TABLE checkpoint (
	projection text COLLATE "C" PRIMARY KEY,
	version integer NOT NULL,
	position bigint NOT NULL
);

-- +goose Down
DROP TABLE checkpoint;
