"""Every error that Brightline raises on purpose.

    BrightlineError                 base; never raised itself
    ├── UsageError                  the request cannot be carried out as asked (exit 2)
    │   ├── WorkspaceError          the workspace is missing, locked, unreadable or incomplete
    │   ├── ListError               a hash list or snapshot is missing or cannot be used
    │   │   ├── ListFormatError     a list file was refused; names lines, never their content
    │   │   └── FeedError           a feed cannot be read; its kinds: `lists.feeds.errors`
    │   ├── SourceError             a source is missing or of a kind that cannot be read
    │   │   └── SourceChangedError  a source is no longer what the run's manifest froze
    │   └── SealError               findings could not be sealed or opened
    ├── DamagedError                a file of ours is not what its digest says (exit 2)
    ├── VerificationError           what was to be verified is not what it claims (exit 1)
    └── TaskError                   a fault of this program while it screened a shard (exit 70)

A message is one line: what happened, where, and what to do next. It may name files that
the user named, shards and line numbers; it never holds the locator or the hash of an item.
Troubles with one *item* are not errors: they become an outcome with a `types.Reason`.
"""

from __future__ import annotations


class BrightlineError(Exception):
    """Base of the tree above."""


class UsageError(BrightlineError):
    """The request cannot be carried out as asked."""


class WorkspaceError(UsageError):
    """The workspace is missing, locked by another process, or unreadable."""


class ListError(UsageError):
    """A hash list or one of its snapshots is missing or cannot be used."""


class ListFormatError(ListError):
    """A list file was refused. The message holds line numbers, never a line's content."""


class SourceError(UsageError):
    """A source is missing or is of a kind that cannot be read."""


class SourceChangedError(SourceError):
    """A file is no longer what the run's manifest froze."""


class SealError(UsageError):
    """Findings could not be sealed or opened."""


class DamagedError(BrightlineError):
    """A file that Brightline wrote is not what its recorded digest says."""


class VerificationError(BrightlineError):
    """A signature, proof, log or file that was to be verified is not what it claims to be."""


class TaskError(BrightlineError):
    """A fault of this program inside a worker; the message names places in the code."""
