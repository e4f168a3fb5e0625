"""The ledger's verifier. It shares nothing with the writer but `ledger.hashing`."""

from __future__ import annotations

from brightline.ledger.verify.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from brightline.ledger.verify.ledger import Beat, Older, Pace, Verified, verify_workspace
from brightline.ledger.verify.note import Witnessed
from brightline.ledger.verify.proof import (
    CheckedProof,
    check_consistency,
    check_proof,
    parse_growth,
)
from brightline.ledger.verify.token import check_token

__all__ = [
    "Beat",
    "CheckedProof",
    "Checkpoint",
    "Older",
    "Pace",
    "Verified",
    "Witnessed",
    "check_consistency",
    "check_proof",
    "check_token",
    "open_checkpoint",
    "parse_checkpoint",
    "parse_growth",
    "verify_workspace",
]
