-- +goose Up

-- A legal hold: while one is in force, the keys it names are not destroyed. An
-- empty purpose means every one. The decisions behind it are events elsewhere.
CREATE TABLE hold (
    tenant     uuid        NOT NULL,
    matter     uuid        NOT NULL,
    subject    uuid        NOT NULL,
    purpose    text        NOT NULL,
    placed_at  timestamptz NOT NULL,
    expires_at timestamptz,
    PRIMARY KEY (tenant, matter, subject, purpose),
    FOREIGN KEY (tenant, subject) REFERENCES subject
);
CREATE INDEX hold_subject ON hold (tenant, subject);

-- +goose Down
DROP TABLE hold;
