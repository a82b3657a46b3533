-- The catalog: which layers, blobs, images and names there are. The one source of truth;
-- what is on disk and not in here is removed by recovery.

CREATE TABLE layers (
    diff_id          TEXT PRIMARY KEY,   -- sha256:… of the uncompressed tar
    size             INTEGER NOT NULL,   -- bytes of layer.tar
    index_size       INTEGER NOT NULL,   -- bytes of index.erofs
    index_digest     TEXT NOT NULL,      -- sha256:… of index.erofs
    entries          INTEGER NOT NULL,   -- entries in the tar, whiteouts and streams included
    whiteouts        INTEGER NOT NULL,   -- whiteouts among them
    unresolved_links INTEGER NOT NULL,   -- hard links whose target only a lower layer can have
    dialect          TEXT NOT NULL,      -- who wrote the tar: 'windows' or 'foreign'
    names            TEXT NOT NULL,      -- how names compare in its index: 'windows' or 'posix'
    created          INTEGER NOT NULL    -- seconds since 1970
) STRICT;

-- Compressed forms of layers that were seen: what a blob inflates to, and whether its bytes are kept.
CREATE TABLE blobs (
    digest      TEXT PRIMARY KEY,
    diff_id     TEXT NOT NULL REFERENCES layers ON DELETE CASCADE,
    compression TEXT NOT NULL,           -- 'none', 'gzip' or 'zstd'
    size        INTEGER NOT NULL,
    kept        INTEGER NOT NULL         -- 1: the bytes are in blobs/
) STRICT;
CREATE INDEX blobs_by_layer ON blobs (diff_id);

-- Manifests and configs, byte for byte.
CREATE TABLE documents (
    digest TEXT PRIMARY KEY,
    bytes  BLOB NOT NULL
) STRICT;

CREATE TABLE images (
    manifest     TEXT PRIMARY KEY REFERENCES documents,
    config       TEXT NOT NULL REFERENCES documents,
    media_type   TEXT NOT NULL,          -- of the manifest
    os           TEXT NOT NULL,
    architecture TEXT NOT NULL,
    os_version   TEXT NOT NULL,          -- empty if the config has none
    created      INTEGER NOT NULL        -- when it was stored, seconds since 1970
) STRICT;

CREATE TABLE image_layers (
    manifest TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
    position INTEGER NOT NULL,           -- 0 is the base
    diff_id  TEXT NOT NULL REFERENCES layers,
    blob     TEXT NOT NULL,              -- the digest the manifest names
    PRIMARY KEY (manifest, position)
) STRICT;
CREATE INDEX image_layers_by_layer ON image_layers (diff_id);

CREATE TABLE names (
    name     TEXT PRIMARY KEY,           -- repository:tag
    manifest TEXT NOT NULL REFERENCES images ON DELETE CASCADE
) STRICT;

-- Layers that a running operation needs although no image names them yet.
CREATE TABLE leases (
    holder  TEXT NOT NULL,               -- a folder in staging/, alive while its lock is held
    diff_id TEXT NOT NULL REFERENCES layers,
    PRIMARY KEY (holder, diff_id)
) STRICT;

-- Layers by the ids that drivers and people give them: writable ones, and read-only ones of a driver.
CREATE TABLE named_layers (
    id        TEXT PRIMARY KEY,
    parent    TEXT REFERENCES named_layers,
    writable  INTEGER NOT NULL,
    diff_id   TEXT REFERENCES layers,    -- what was applied to a read-only one
    bound     INTEGER,                   -- bytes of a writable one's scratch image; NULL: a plain folder
    names     TEXT NOT NULL,             -- how names compare: 'windows' or 'posix'
    config    TEXT REFERENCES documents, -- of the image that a writable one was made from
    held      INTEGER NOT NULL,          -- references that a driver holds on its mount
    created   INTEGER NOT NULL           -- seconds since 1970
) STRICT;
CREATE INDEX named_layers_by_parent ON named_layers (parent);

-- The layers below a named one, base first.
CREATE TABLE chains (
    id       TEXT NOT NULL REFERENCES named_layers ON DELETE CASCADE,
    position INTEGER NOT NULL,
    diff_id  TEXT NOT NULL REFERENCES layers,
    PRIMARY KEY (id, position)
) STRICT;
CREATE INDEX chains_by_layer ON chains (diff_id);

-- Where people have mounted something. What the kernel does not show there is not mounted.
CREATE TABLE mounts (
    target   TEXT PRIMARY KEY,           -- absolute path
    id       TEXT REFERENCES named_layers,
    manifest TEXT REFERENCES images,     -- of a read-only view of an image
    via      TEXT NOT NULL               -- 'kernel', 'loop' or 'fuse'
) STRICT;

-- Snapshots, as containerd names and stacks them.
CREATE TABLE snapshots (
    number  INTEGER PRIMARY KEY AUTOINCREMENT, -- names its files; never given twice
    key     TEXT NOT NULL UNIQUE,
    parent  INTEGER REFERENCES snapshots,
    kind    TEXT NOT NULL,               -- 'active', 'view' or 'committed'
    names   TEXT,                        -- how names compare; NULL: nothing has told it yet
    created INTEGER NOT NULL,            -- nanoseconds since 1970
    updated INTEGER NOT NULL,
    was     TEXT                         -- key that a committed one had while it was active; of an active
                                         -- one that was brought back the key it was committed by
) STRICT;
CREATE INDEX snapshots_by_was ON snapshots (was);
CREATE INDEX snapshots_by_parent ON snapshots (parent);

CREATE TABLE snapshot_labels (
    number INTEGER NOT NULL REFERENCES snapshots ON DELETE CASCADE,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (number, name)
) STRICT;

-- What a snapshot adds to its parent, lowest first.
CREATE TABLE snapshot_layers (
    number   INTEGER NOT NULL REFERENCES snapshots ON DELETE CASCADE,
    position INTEGER NOT NULL,
    diff_id  TEXT NOT NULL REFERENCES layers,
    PRIMARY KEY (number, position)
) STRICT;
CREATE INDEX snapshot_layers_by_layer ON snapshot_layers (diff_id);

-- How far notes.log tells of this catalog: one row.
CREATE TABLE notes (
    number INTEGER NOT NULL,             -- transactions noted so far
    whole  INTEGER NOT NULL              -- bytes that the log had when it was last written anew
) STRICT;
INSERT INTO notes VALUES (0, 0);
