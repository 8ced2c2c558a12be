// SPDX-License-Identifier: Apache-2.0
// The audit log: rows that are only ever added, each with the hash of the one before it, and a record of the
// last one, so that rows missing at the end show. Before it: 0002. After it: audit.ts.

export const AUDIT = `
CREATE TABLE audit (
  n INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  kind TEXT NOT NULL,
  object_id TEXT NOT NULL,
  object_name TEXT NOT NULL,
  -- The object as JSON; NULL: it was not there, or is gone.
  before TEXT,
  after TEXT,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_object ON audit (object_id, n);

CREATE TABLE audit_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  n INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;

INSERT INTO audit_head VALUES (1, 0, '');

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never changed'); END;

CREATE TRIGGER audit_keeps BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never shortened'); END;
`;
