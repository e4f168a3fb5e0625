"""Feeds: lists that a hotline keeps current over the network, and look-ups at one.

httpx is needed only once a feed is opened.
"""

from __future__ import annotations

from brightline.lists.feeds.arachnid import ArachnidShield
from brightline.lists.feeds.config import FeedConfig, FeedKind, read_config, write_config
from brightline.lists.feeds.engine import Synced, sync
from brightline.lists.feeds.errors import (
    BadPageError,
    CursorExpiredError,
    FeedError,
    RefusedError,
    TransientError,
)
from brightline.lists.feeds.interface import (
    Change,
    Delete,
    Feed,
    Page,
    Publish,
    Range,
    Unusable,
    Upsert,
)
from brightline.lists.feeds.kinds import open_feed, open_lookup, sync_list
from brightline.lists.feeds.lookups import Answer, Classification, Lookup, MatchType, NearMatch
from brightline.lists.feeds.retrying import Retry

__all__ = [
    "Answer",
    "ArachnidShield",
    "BadPageError",
    "Change",
    "Classification",
    "CursorExpiredError",
    "Delete",
    "Feed",
    "FeedConfig",
    "FeedError",
    "FeedKind",
    "Lookup",
    "MatchType",
    "NearMatch",
    "Page",
    "Publish",
    "Range",
    "RefusedError",
    "Retry",
    "Synced",
    "TransientError",
    "Unusable",
    "Upsert",
    "open_feed",
    "open_lookup",
    "read_config",
    "sync",
    "sync_list",
    "write_config",
]
