"""What can go wrong with a referral.

    ReferralError            the referral cannot go on as asked; a `UsageError`
    ├── InvalidReportError   a document is not what the schema says; names elements
    ├── UnresolvedError      what the server did is not known; a person has to say
    └── ServerError          the service refused, or could not be reached

Messages hold a referral's name, item numbers, element names and codes; never a locator, a
hash, or text of the service's answer.
"""

from __future__ import annotations

from brightline.errors import UsageError


class ReferralError(UsageError):
    """The referral cannot go on as asked."""


class InvalidReportError(ReferralError):
    """A document is not what the schema says. The message names the element."""


class UnresolvedError(ReferralError):
    """A request left and what became of it is not known; `brightline referral resolve`."""


class ServerError(ReferralError):
    """The service refused a request, or could not be reached."""
