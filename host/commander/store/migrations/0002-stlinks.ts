// SPDX-License-Identifier: Apache-2.0
// What STLinks, codes and the site are beside their objects: facts, keys, and secrets in tables of their own,
// which no list reads. Before it: 0001. After it: stlinks.ts, codes.ts, psks.ts, site.ts.

export const STLINKS = `
CREATE TABLE stlink_facts (
  id TEXT PRIMARY KEY REFERENCES objects (id) ON DELETE CASCADE,
  facts TEXT NOT NULL CHECK (json_valid(facts))
) STRICT, WITHOUT ROWID;

-- A key has one STLink, or is spent for ever; so no reference to the object, which may be gone.
CREATE TABLE keys (
  key TEXT PRIMARY KEY,
  stlink_id TEXT NOT NULL,
  is_spent INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX keys_by_stlink ON keys (stlink_id);

CREATE TABLE codes (
  seq INTEGER PRIMARY KEY,
  code_id TEXT NOT NULL UNIQUE,
  profile_id TEXT REFERENCES objects (id) ON DELETE SET NULL,
  stlink_id TEXT REFERENCES objects (id) ON DELETE SET NULL,
  body TEXT NOT NULL CHECK (json_valid(body))
) STRICT;

CREATE INDEX codes_by_profile ON codes (profile_id);
CREATE INDEX codes_by_stlink ON codes (stlink_id);

CREATE TABLE code_psks (
  code_id TEXT PRIMARY KEY REFERENCES codes (code_id) ON DELETE CASCADE,
  psk BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One of the two may be the Commander, which is no object.
CREATE TABLE pair_psks (
  low TEXT NOT NULL,
  high TEXT NOT NULL,
  name BLOB NOT NULL,
  psk BLOB NOT NULL,
  PRIMARY KEY (low, high)
) STRICT, WITHOUT ROWID;

CREATE INDEX pair_psks_by_high ON pair_psks (high);

CREATE TABLE hop_psks (
  stlink_id TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
  connector_key TEXT NOT NULL,
  psk BLOB NOT NULL,
  PRIMARY KEY (stlink_id, connector_key)
) STRICT, WITHOUT ROWID;

-- serial is a u64, more than an INTEGER holds.
CREATE TABLE site (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL,
  serial TEXT NOT NULL,
  authority TEXT CHECK (authority IS NULL OR json_valid(authority))
) STRICT;

INSERT INTO site VALUES (1, 1, '1', NULL);

CREATE TABLE site_secrets (
  name TEXT PRIMARY KEY,
  secret BLOB NOT NULL
) STRICT, WITHOUT ROWID;
`;
