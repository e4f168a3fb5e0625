"""IPTC digital source types: which of them is a claim about how a picture was made.

The controlled vocabulary is IPTC NewsCodes `digitalsourcetype`; the C2PA specification adds
`trainedAlgorithmicData` under a name space of its own. Other values are accepted by writers
and mean nothing here: a term that is not in the table is no claim.
"""

from __future__ import annotations

import re
from typing import Final

from brightline.origin.evidence import Claim

#: term → what it says; terms that leave it open (composite, digitalArt, …) are left out
TERMS: Final = {
    "trainedAlgorithmicMedia": Claim.AI_GENERATED,
    "trainedAlgorithmicData": Claim.AI_GENERATED,
    "compositeWithTrainedAlgorithmicMedia": Claim.AI_EDITED,
    "compositeSynthetic": Claim.AI_EDITED,
    "digitalCapture": Claim.CAMERA_CAPTURE,
    "computationalCapture": Claim.CAMERA_CAPTURE,
    "negativeFilm": Claim.CAMERA_CAPTURE,
    "positiveFilm": Claim.CAMERA_CAPTURE,
    "print": Claim.CAMERA_CAPTURE,
    "screenCapture": Claim.RESCREENED,
    "virtualRecording": Claim.RESCREENED,
}

_URI = re.compile(
    r"https?://(?:cv\.iptc\.org/newscodes|(?P<c2pa>c2pa\.org))/digitalsourcetype/([A-Za-z]{1,64})"
)
_C2PA_ONLY = frozenset(("trainedAlgorithmicData",))


def term_of(uri: str) -> str | None:
    """The term of a whole URI of the two vocabularies; None for any other text."""
    match = _URI.fullmatch(uri)
    if match is None:
        return None
    term = match[2]
    return None if (term in _C2PA_ONLY) != (match["c2pa"] is not None) else term


def claim_of(uri: str) -> Claim | None:
    """What a whole URI claims; None where it is of no vocabulary, or claims nothing."""
    term = term_of(uri)
    return None if term is None else TERMS.get(term)
