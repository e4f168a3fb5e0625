"""Which service a report goes to: the test one, unless production is asked for by name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from brightline.referral.errors import ReferralError
from brightline.referral.wire import checked_endpoint

TEST_ENDPOINT = "https://exttest.cybertip.org/ispws"
PRODUCTION_ENDPOINT = "https://report.cybertip.org/ispws"

TEST = "test"
PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Service:
    """A base address, and the name under which its steps are kept.

    The name is `test`, `production`, or `other-` and digits of the address' digest, so that a
    report opened at one service is never mistaken for one at another.
    """

    name: str
    endpoint: str


def choose_service(referral: str, endpoint: str | None, production: str | None) -> Service:
    """The service for a referral.

    `production` must be the referral's name, typed exactly: what is finished there cannot be
    undone. Raises ReferralError if it is another text, if the production service is named as
    an endpoint without it, or the test service with it: a report there would stand as sent.
    """
    if production is not None and production != referral:
        raise ReferralError(
            "--production takes the referral's own name, typed exactly; nothing was sent"
        )
    if production is not None:
        address = checked_endpoint(endpoint or PRODUCTION_ENDPOINT)
        if _host(address) == _host(TEST_ENDPOINT):
            raise ReferralError(
                "--production was given with the test service's address, where nobody is told of "
                "anything; leave out one of the two; nothing was sent"
            )
        return Service(PRODUCTION, address)
    address = checked_endpoint(endpoint or TEST_ENDPOINT)
    if _host(address) == _host(PRODUCTION_ENDPOINT):
        raise ReferralError(
            "this is the production service, where a finished report cannot be undone; "
            f"say so with --production {referral}"
        )
    if address == TEST_ENDPOINT:
        return Service(TEST, address)
    return Service(f"other-{hashlib.sha256(address.encode()).hexdigest()[:12]}", address)


def _host(address: str) -> str:
    return (urlsplit(address).hostname or "").rstrip(".").lower()
