"""Sources into shards, shards into items: folders, zip, tar, Parquet, CSV, and nestings of these.

Every file, member and row becomes exactly one item (a `Rows` stands for its `count`), and each
damage event in an archive adds one. What is not an item:

- an archive or table that is a shard of its own: its members or rows are the items. An archive
  inside another one, or small and under a picture's name, is an item besides its members;
- extended headers of a tar, and slack between the members of a zip;
- the side table and statistics of a tar (see `webdataset`): they say what its members are.
  A row of a side table without a member is an item.

Nothing is written to disk, no link is followed, and no size that a file claims is trusted.
"""

from __future__ import annotations

from brightline.sources.discovery import SOURCE_TYPES, discover
from brightline.sources.paths import decode_path, encode_path
from brightline.sources.reader import ShardReader, read
from brightline.sources.webdataset import Reconciliation

__all__ = [
    "SOURCE_TYPES",
    "Reconciliation",
    "ShardReader",
    "decode_path",
    "discover",
    "encode_path",
    "read",
]
