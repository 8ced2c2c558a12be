// SPDX-License-Identifier: Apache-2.0
// Tokens of the API, by the hash of their secret, and the answers of requests that may be sent again. Before it:
// 0003. After it: tokens.ts, repeats.ts.

export const TOKENS = `
CREATE TABLE tokens (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  -- Also of one that is revoked: the audit log knows its holder by it.
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  body TEXT NOT NULL CHECK (json_valid(body)),
  secret_hash BLOB NOT NULL
) STRICT;

-- Of each Idempotency-Key: what was asked, and what was made.
CREATE TABLE repeats (
  who TEXT NOT NULL,
  key TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  answer TEXT NOT NULL CHECK (json_valid(answer)),
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (who, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX repeats_by_time ON repeats (at_ms);
`;
