"""Findings: sealed to custodians with age, opened with a custodian's identity."""

from __future__ import annotations

from brightline.findings.custodians import Custodian, canonical_recipient
from brightline.findings.identity import Identity, load_identity, new_identity
from brightline.findings.sealing import open_sealed, seal

__all__ = [
    "Custodian",
    "Identity",
    "canonical_recipient",
    "load_identity",
    "new_identity",
    "open_sealed",
    "seal",
]
