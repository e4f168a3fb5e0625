"""The ledger: an append-only record of what was imported, screened, opened and reported."""

from __future__ import annotations

from brightline.ledger.keys import Signer, load_signer, new_signer, read_public
from brightline.ledger.log import Log
from brightline.ledger.records import JSON, Event, Ledger, Record

__all__ = [
    "JSON",
    "Event",
    "Ledger",
    "Log",
    "Record",
    "Signer",
    "load_signer",
    "new_signer",
    "read_public",
]
