// SPDX-License-Identifier: Apache-2.0
// Objects of every kind, what they refer to, and their words for searching. Before it: an empty file. After
// it: objects.ts, listing.ts. A reference carries its owner's kind, facet and name, kept right by the foreign
// key, so that a Tag's objects come out of an index in the order of their names, of one type or state too.

export const OBJECTS = `
CREATE TABLE objects (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  -- What lists are filtered by: a Route's type, an STLink's state.
  facet TEXT NOT NULL,
  -- Names that differ in the case of letters alone would be taken for each other.
  name TEXT NOT NULL COLLATE NOCASE,
  -- The fields that are neither the name nor references.
  body TEXT NOT NULL CHECK (json_valid(body)),
  version INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  changed_ms INTEGER NOT NULL,
  changed_by TEXT NOT NULL,
  UNIQUE (kind, name),
  UNIQUE (id, kind, facet, name)
) STRICT;

CREATE INDEX objects_by_facet ON objects (kind, facet, name);

CREATE TABLE refs (
  from_id TEXT NOT NULL,
  field TEXT NOT NULL,
  to_id TEXT NOT NULL REFERENCES objects (id),
  from_kind TEXT NOT NULL,
  from_facet TEXT NOT NULL,
  from_name TEXT NOT NULL COLLATE NOCASE,
  PRIMARY KEY (from_id, field, to_id),
  FOREIGN KEY (from_id, from_kind, from_facet, from_name)
    REFERENCES objects (id, kind, facet, name)
    ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX refs_by_name ON refs (to_id, field, from_kind, from_name);
CREATE INDEX refs_by_facet ON refs (to_id, field, from_kind, from_facet, from_name);

-- rowid is seq. \`marks\` holds the kind and the Tags, so that one look-up serves a search with filters.
CREATE VIRTUAL TABLE object_words USING fts5(
  words, marks, content='', contentless_delete=1, prefix='1 2 3',
  tokenize='unicode61 remove_diacritics 2'
);
`;
