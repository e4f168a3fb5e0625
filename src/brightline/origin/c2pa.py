"""C2PA manifests: who signed what about a picture's making, with the validator's own codes.

Read with the Content Authenticity Initiative's SDK (extra `c2pa`; C2PA specification 2.x).
Three things the SDK does not settle by itself are settled here. It accepts any text as a
source type, so only whole URIs of the two vocabularies count. A claim may stand in a parent's
manifest alone, so the whole ingredient tree is walked. And it would fetch remote manifests:
every way to the network is closed, and a picture that only points to one is noted as such.

`Invalid` does not mean that somebody tampered: a re-compressed copy is invalid as well. The
codes stay with the evidence, whose strength is then that of a plain declaration.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from brightline.origin import c2pa_trust
from brightline.origin.evidence import (
    CheckResult,
    Claim,
    Evidence,
    NotRun,
    Strength,
    value_digest,
)
from brightline.origin.source_types import claim_of, term_of

CHECK: Final = "c2pa"

_STRENGTH: Final = {
    "Trusted": Strength.CRYPTO_TRUSTED,
    "Valid": Strength.CRYPTO_VALID_UNLISTED,
    "Invalid": Strength.DECLARED_STANDARD,
}
#: software that generates pictures and has written manifests without a source type
_AGENT: Final = re.compile(
    r"(?:DALL[·\-. ]?E|GPT-4o|gpt-image|Adobe[_ ]Firefly|Microsoft_Responsible_AI)"
)
_SHORT: Final = re.compile(r"[^\w .:,;/()+\-·]")
_TRUSTED: Final = "signingCredential.trusted"
_UNTRUSTED: Final = "signingCredential.untrusted"
_DELTAS: Final = "ingredientDeltas"
_MAX_MANIFESTS: Final = 64
_MAX_NODES: Final = 4096
_MAX_BYTES: Final = 256 << 20
_MAX_CODES: Final = 16


def read_manifests(data: bytes, media_type: str, trust: bytes | None = None) -> CheckResult:
    """Evidence of every manifest in a picture, without a look at the network.

    `trust` is a PEM list in place of the pinned one. Notes: `c2pa_none`,
    `c2pa_state:<state>`, `c2pa_trust:<digest>`, `c2pa_remote_ref` for a picture whose manifest
    lies elsewhere, `c2pa_unreadable:<kind>`. Never raises on what the bytes hold.
    """
    try:
        import c2pa
    except ImportError:
        return CheckResult(
            not_run=NotRun(CHECK, "not installed; pip install 'brightline[c2pa]' adds it")
        )
    if len(data) > _MAX_BYTES:
        return CheckResult(not_run=NotRun(CHECK, "the file is larger than this check reads"))
    anchors = c2pa_trust.pinned() if trust is None else trust
    stamp = f"c2pa_trust:{c2pa_trust.digest(anchors)}"
    try:
        reader = c2pa.Reader.try_create(media_type, io.BytesIO(data), context=_context(anchors))
        if reader is None:
            return CheckResult(notes=("c2pa_none",))
        with reader:
            store = json.loads(reader.json())
            state = reader.get_validation_state() or "Invalid"
    except c2pa.C2paError as error:
        kind = str(error).partition(":")[0].strip()
        if kind == "Remote":
            return CheckResult(notes=("c2pa_remote_ref", stamp))
        return CheckResult(notes=(f"c2pa_unreadable:{_short(kind)}", stamp))
    except (ValueError, RecursionError):
        return CheckResult(notes=("c2pa_unreadable:Json", stamp))
    pieces = tuple(_evidence(store, state))
    return CheckResult(pieces, notes=(f"c2pa_state:{state.lower()}", stamp))


@lru_cache(maxsize=2)
def _context(anchors: bytes) -> Any:
    """A validator's settings; making them means parsing the trust list, so they are kept."""
    import c2pa

    return c2pa.Context.from_dict(
        {
            "trust": {"trust_anchors": anchors.decode("utf-8", "replace")},
            "verify": {
                "remote_manifest_fetch": False,
                "ocsp_fetch": False,
                "verify_trust": True,
            },
            "core": {"allowed_network_hosts": []},
        }
    )


def _evidence(store: Any, state: str) -> Iterator[Evidence]:
    manifests = store.get("manifests")
    active = store.get("active_manifest")
    if not isinstance(manifests, dict) or not isinstance(active, str):
        return
    top = _Standing(
        _STRENGTH.get(state, Strength.DECLARED_STANDARD),
        _failures(store.get("validation_results")),
    )
    deltas = _by_manifest(store.get("validation_results"))
    for label, depth, (strength, codes) in _tree(manifests, active, top, deltas):
        manifest = manifests[label]
        where = "c2pa active manifest" if depth == 0 else f"c2pa ingredient manifest, depth {depth}"
        signer = manifest.get("signature_info")
        issuer = signer.get("issuer") if isinstance(signer, dict) else None
        names = [name for name in _agents(manifest) if name]
        generated = False
        for uri in dict.fromkeys(_source_types(manifest.get("assertions"))):
            claim = claim_of(uri)
            if claim is None:
                continue
            generated |= claim in (Claim.AI_GENERATED, Claim.AI_EDITED)
            extracted = {"source_type": term_of(uri) or ""}
            if issuer:
                extracted["issuer"] = _short(str(issuer))
            if names:
                extracted["generator"] = _short(names[0])
            sha256, length = value_digest(uri)
            yield Evidence(
                rule_id=f"c2pa.{claim.value}",
                claim=claim,
                strength=strength,
                field=where,
                value_sha256=sha256,
                value_length=length,
                extracted=extracted,
                validation_codes=codes,
                forgeable=strength is not Strength.CRYPTO_TRUSTED,
            )
        agent = next((name for name in names if _AGENT.match(name)), None)
        if agent is not None and not generated:
            sha256, length = value_digest(agent)
            yield Evidence(
                rule_id="heuristic.c2pa_agent",
                claim=Claim.AI_GENERATED,
                strength=Strength.HEURISTIC,
                field=where,
                value_sha256=sha256,
                value_length=length,
                extracted={"generator": _short(agent)},
                validation_codes=codes,
            )


class _Standing(NamedTuple):
    """How far one manifest's signature bears, and the failure codes that say why no further."""

    strength: Strength
    codes: tuple[str, ...]


def _tree(
    manifests: Mapping[str, Any], active: str, top: _Standing, deltas: Mapping[str, _Codes]
) -> Iterator[tuple[str, int, _Standing]]:
    """The active manifest and every ingredient's, each once, with depth and standing."""
    seen: set[str] = set()
    waiting = [(active, 0, top)]
    while waiting and len(seen) < _MAX_MANIFESTS:
        label, depth, standing = waiting.pop(0)
        if label in seen or not isinstance(manifests.get(label), dict):
            continue
        seen.add(label)
        yield label, depth, standing
        for ingredient in _dicts(manifests[label].get("ingredients")):
            below = ingredient.get("active_manifest")
            if isinstance(below, str):
                own = _of_ingredient(ingredient, deltas.get(below, _Codes()), standing)
                waiting.append((below, depth + 1, own))


def _of_ingredient(ingredient: Mapping[str, Any], delta: _Codes, above: _Standing) -> _Standing:
    """An ingredient's standing: what its editor recorded and what differs now, taken together.

    The state that the validator gives is the active manifest's. Who signs that vouches for
    having opened the ingredient, not for its truth: an ingredient is trusted only if its own
    signer is, and stands no higher than the manifest that refers to it.
    """
    results = ingredient.get("validation_results")
    recorded = _codes(results.get("activeManifest") if isinstance(results, dict) else None)
    failed = {*recorded.failure, *delta.failure}
    older = ingredient.get("validation_status")  # what came before `validation_results`
    failed.update(_code(one) for one in _dicts(older) if not one.get("success"))
    trusted = _TRUSTED in delta.success or (
        _TRUSTED in recorded.success and _UNTRUSTED not in failed
    )
    if trusted:
        failed.discard(_UNTRUSTED)
    if failed - {_UNTRUSTED, ""}:
        own = Strength.DECLARED_STANDARD
    else:
        own = Strength.CRYPTO_TRUSTED if trusted else Strength.CRYPTO_VALID_UNLISTED
    weaker = max(own, above.strength, key=lambda strength: strength.rank)
    codes = dict.fromkeys((*above.codes, *sorted(failed - {""})))
    return _Standing(weaker, tuple(codes)[:_MAX_CODES])


def _source_types(assertions: Any) -> Iterator[str]:
    """Every digitalSourceType in the assertions, whichever of them it stands in."""
    waiting: list[Any] = [assertion.get("data") for assertion in _dicts(assertions)]
    looked = 0
    while waiting and looked < _MAX_NODES:
        node = waiting.pop()
        looked += 1
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            for key, value in node.items():
                last = key.rpartition(":")[2]
                if last.lower() == "digitalsourcetype" and isinstance(value, str):
                    yield value
                else:
                    waiting.append(value)


def _agents(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Names of the software that the manifest says made or changed the picture."""
    for assertion in _dicts(manifest.get("assertions")):
        data = assertion.get("data")
        for action in _dicts(data.get("actions") if isinstance(data, dict) else None):
            yield _name(action.get("softwareAgent"))
    for info in _dicts(manifest.get("claim_generator_info")):
        yield _name(info)
    yield _name(manifest.get("claim_generator"))


def _name(agent: Any) -> str:
    if isinstance(agent, dict):
        agent = agent.get("name")
    return agent if isinstance(agent, str) else ""


def _dicts(values: Any) -> Iterator[dict[str, Any]]:
    if isinstance(values, list):
        yield from (value for value in values if isinstance(value, dict))


class _Codes(NamedTuple):
    """Codes of one manifest's validation."""

    success: tuple[str, ...] = ()
    failure: tuple[str, ...] = ()


def _code(status: Mapping[str, Any]) -> str:
    code = status.get("code")
    return _short(code) if isinstance(code, str) else ""


def _codes(group: Any) -> _Codes:
    if not isinstance(group, dict):
        return _Codes()
    return _Codes(
        tuple(filter(None, map(_code, _dicts(group.get("success"))))),
        tuple(filter(None, map(_code, _dicts(group.get("failure"))))),
    )


def _deltas(results: Any) -> Iterator[dict[str, Any]]:
    """What the validator finds of ingredients that is not as their editors recorded it."""
    if isinstance(results, dict):
        yield from _dicts([one.get("validationDeltas") for one in _dicts(results.get(_DELTAS))])


def _failures(results: Any) -> tuple[str, ...]:
    """The validator's failure codes, of the active manifest and of the ingredients."""
    active = _codes(results.get("activeManifest") if isinstance(results, dict) else None).failure
    below = (code for group in _deltas(results) for code in _codes(group).failure)
    return tuple(dict.fromkeys((*active, *below)))[:_MAX_CODES]


def _by_manifest(results: Any) -> dict[str, _Codes]:
    """Codes of the deltas by the label of the manifest that they are about."""
    found: dict[str, _Codes] = {}
    for group in _deltas(results):
        for kind in _Codes._fields:
            for status in _dicts(group.get(kind)):
                url = status.get("url")
                label = (
                    url.rpartition("/c2pa/")[2].partition("/")[0] if isinstance(url, str) else ""
                )
                held = found.get(label, _Codes())
                found[label] = held._replace(**{kind: (*getattr(held, kind), _code(status))})
    return found


def _short(text: str) -> str:
    """A name from a file as it may be shown: one line of plain characters, at most 80."""
    return _SHORT.sub("", text)[:80]
