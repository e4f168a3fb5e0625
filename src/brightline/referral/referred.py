"""Which files are in a referral already: nobody is helped by a file that is reported twice.

A file is the same if it lies in the same place with the same bytes. The same bytes elsewhere, or
uploaded again, are another find.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from brightline.errors import SealError
from brightline.findings import Identity
from brightline.ledger import Event
from brightline.referral.announced import read_all, read_told
from brightline.referral.casefile import CaseItem
from brightline.referral.errors import ReferralError
from brightline.referral.states import may_open
from brightline.referral.store import CASE, Referral, open_referral, referral_names
from brightline.workspace import Workspace

#: source, shard without its range, item, SHA-256 of its bytes
Key: TypeAlias = tuple[str, str, str, str | None]

_RANGE = re.compile(r"\[[^\[\]]*\]$")

_WAYS = (
    "make a package of that referral with `brightline referral package`, leave its files out with "
    "--select unreferred, or say why they are reported again with --again TEXT"
)


@dataclass(frozen=True, slots=True)
class Before:
    """The workspace's referrals: which have a file, and which could not be looked into, because
    they are sealed to others or gone, with their runs."""

    files: Mapping[Key, tuple[str, ...]]
    closed: Mapping[str, str]

    def has(self, item: CaseItem) -> bool:
        """Whether a file is in one of them."""
        return key_of(item) in self.files

    def with_any(self, items: Iterable[CaseItem]) -> tuple[str, ...]:
        """Those that have one of the files, oldest first."""
        names = {name for item in items for name in self.files.get(key_of(item), ())}
        return tuple(sorted(names))


def key_of(item: CaseItem) -> Key:
    """What makes a file the same as one in another referral."""
    return item.source, _RANGE.sub("", item.shard), item.item, item.sha256


def referred(workspace: Workspace, identity: Identity) -> Before:
    """Look into every referral that is on the ledger. Raises DamagedError if one is damaged."""
    told = read_told(workspace.ledger)
    closed = {
        str(record.fields.get("referral")): str(record.fields.get("run"))
        for record in workspace.ledger.records()
        if record.kind == Event.REFERRAL_DRAFTED
    }
    files: dict[Key, tuple[str, ...]] = {}
    for name in referral_names(workspace):
        # one that is not on the ledger was never sent: its drafting was cut short
        if f"{name}/{CASE}" in told:
            try:
                case = open_referral(workspace, name).case(identity, told)
            except SealError:
                continue
            del closed[name]
            for item in case.items:
                files[key_of(item)] = (*files.get(key_of(item), ()), name)
    return Before(files, closed)


def check_again(before: Before, run: str, items: Iterable[CaseItem]) -> None:
    """Raise ReferralError if a file is in another referral, or if nobody can know it."""
    chosen = list(items)
    repeated = sum(before.has(item) for item in chosen)
    if repeated:
        names = ", ".join(before.with_any(chosen)[-3:])
        raise ReferralError(
            f"{repeated} of {len(chosen)} files are in {names} already, and a file is reported "
            f"once: {_WAYS}"
        )
    unseen = sorted(name for name, other in before.closed.items() if other == run)
    if unseen:
        raise ReferralError(
            f"{unseen[-1]} of the same run is gone or not sealed to this key, so its files cannot "
            "be compared: seal it anew with `brightline findings reseal`, or say why files may be "
            "reported again with --again TEXT"
        )


def check_sent(referral: Referral, identity: Identity, items: Iterable[CaseItem], at: str) -> None:
    """Raise ReferralError if a report that has one of these files was, or may have been, opened
    for another referral at the service of that name, or for one of the run that is destroyed."""
    for gone in read_all(referral.workspace.ledger)[1].values():
        if gone.run == referral.draft.run and at in gone.finished:
            raise ReferralError(
                f"{gone.referral} of the same run was reported at this service and is destroyed, "
                "so its files cannot be compared; if they may be reported again, say why with "
                "--again TEXT; nothing was sent"
            )
    before = referred(referral.workspace, identity)
    with_files = before.with_any(items)
    unseen = [name for name, run in before.closed.items() if run == referral.draft.run]
    for name in referral_names(referral.workspace):
        if name == referral.name or name not in (*with_files, *unseen):
            continue
        if not may_open(open_referral(referral.workspace, name).journal(at).state()):
            raise ReferralError(
                f"{name} has some of the same files, and a report of it was or may have been "
                "opened at this service; if they are to be reported again, say why with --again "
                "TEXT; nothing was sent"
            )
