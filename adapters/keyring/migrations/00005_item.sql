-- +goose Up

-- An item key (a photo, a document, a note) stands beside the key of its person
-- that wraps it. What is stored is wrapped twice, under that key and then under
-- the epoch: the one so that the items go with the person, the other so that an
-- old copy of an item's row is noise once the epoch is retired, although the
-- person's key lives on.
ALTER TABLE dek ADD item uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
ALTER TABLE dek ADD parent uuid REFERENCES dek;
ALTER TABLE dek DROP CONSTRAINT dek_tenant_subject_purpose_period_generation_key;
ALTER TABLE dek ADD UNIQUE (tenant, subject, purpose, period, item, generation);
ALTER TABLE dek DROP CONSTRAINT dek_wrapped_check;
ALTER TABLE dek ADD CHECK (octet_length(wrapped) = CASE WHEN parent IS NULL THEN 60 ELSE 88 END);
ALTER TABLE dek ADD CHECK ((parent IS NULL) = (item = '00000000-0000-0000-0000-000000000000'));
CREATE INDEX dek_parent ON dek (parent) WHERE parent IS NOT NULL;

-- What may be opened for legal claims and audits only, by purpose. An empty
-- purpose means every one.
CREATE TABLE restriction (
    tenant  uuid        NOT NULL,
    case_id uuid        NOT NULL,
    subject uuid        NOT NULL,
    purpose text        NOT NULL,
    kind    text        NOT NULL CHECK (kind IN ('restriction', 'objection', 'held')),
    set_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant, case_id, subject, purpose),
    FOREIGN KEY (tenant, subject) REFERENCES subject
);
CREATE INDEX restriction_subject ON restriction (tenant, subject);
COMMENT ON COLUMN restriction.kind IS 'held: a case would have destroyed it, and a legal hold keeps it';

-- +goose Down
DROP TABLE restriction;
ALTER TABLE dek DROP COLUMN parent, DROP COLUMN item;
