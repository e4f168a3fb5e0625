"""What can go wrong with a feed.

    FeedError                a sync or look-up cannot go on; a `ListError`
    ├── RefusedError         the server does not accept the credentials
    ├── CursorExpiredError   the server no longer knows the page asked for
    └── TransientError       worth another try: unreachable, busy, cut short
        └── BadPageError     an answer came and is not what the protocol says

Messages name the feed's address as configured and say what to do; never a credential, a
paging token, or anything that a page holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brightline.errors import ListError

if TYPE_CHECKING:
    from brightline.lists.feeds.interface import Page


class FeedError(ListError):
    """A feed cannot be read, or not as asked."""


class RefusedError(FeedError):
    """The server does not accept the credentials."""


class CursorExpiredError(FeedError):
    """The server does not know this page any more; its range has to be started again."""


class TransientError(FeedError):
    """Another try may succeed. `retry_after` is what the server asks for, in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BadPageError(TransientError):
    """An answer that is not what the protocol says.

    `page` holds what could be read of it, with the cursor of the page that follows, or is
    None if nothing could be.
    """

    def __init__(self, message: str, page: Page | None = None) -> None:
        super().__init__(message)
        self.page = page
