"""The ledger: an append-only record of what was imported, screened, opened and reported."""

from __future__ import annotations

from brightline.ledger.journal import Journal
from brightline.ledger.records import JSON, Event, Ledger, Record

__all__ = ["JSON", "Event", "Journal", "Ledger", "Record"]
