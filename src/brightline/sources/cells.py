"""Where the pictures are in a column's type: bytes, Hugging Face structs, lists of these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

import pyarrow as pa

from brightline.sources.columns import is_digest_name
from brightline.sources.paths import printable_text
from brightline.types import Reason

#: fixed-size binary up to this is an identifier or a digest: no picture fits
IDENTIFIER = 32
#: types nested deeper than this are not looked into
DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Bytes:
    """A cell that is the bytes."""

    is_plain: bool = True


@dataclass(frozen=True, slots=True)
class BytesAndPath:
    """A struct with the bytes in `bytes` and perhaps a name in `path`."""

    is_plain: bool = True


@dataclass(frozen=True, slots=True)
class Many:
    """A list of cells."""

    each: Plan
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """A struct with cells under other names."""

    fields: tuple[tuple[str, Plan], ...]
    is_plain: bool = False


Plan: TypeAlias = "Bytes | BytesAndPath | Many | Fields"


def plan_of(kind: pa.DataType, depth: int = 0) -> Plan | None:
    """How to find bytes in values of a type, or None where it has none."""
    if depth > DEEPEST:
        return None
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_fixed_size_binary(kind):
        return Bytes() if kind.byte_width > IDENTIFIER else None
    if _is_binary(kind):
        return Bytes()
    if (
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    ):
        each = plan_of(kind.value_type, depth + 1)
        return None if each is None else Many(each)
    if pa.types.is_struct(kind):
        return _plan_of_struct(kind, depth)
    return None


def _is_binary(kind: pa.DataType) -> bool:
    return bool(kind in (pa.binary(), pa.large_binary(), pa.binary_view()))


def _plan_of_struct(kind: pa.StructType, depth: int) -> Plan | None:
    fields = [kind.field(k) for k in range(kind.num_fields)]
    if any(f.name == "bytes" and _is_binary(f.type) for f in fields):
        return BytesAndPath()
    inner = []
    for field in fields:
        plan = None if is_digest_name(field.name) else plan_of(field.type, depth + 1)
        if plan is not None:
            inner.append((field.name, plan))
    return Fields(tuple(inner)) if inner else None


def cells(plan: Plan, value: Any, where: str) -> Iterator[tuple[str, bytes | Reason]]:
    """Each cell in a value, with its locator: its bytes, or why it has none."""
    if value is None:
        yield where, Reason.NULL_BYTES
        return
    match plan:
        case Bytes():
            yield where, value if value else Reason.EMPTY
        case BytesAndPath():
            data = value.get("bytes")
            if data is None:
                elsewhere = bool(value.get("path"))
                yield where, Reason.BYTES_ELSEWHERE if elsewhere else Reason.NULL_BYTES
            else:
                yield where, data if data else Reason.EMPTY
        case Many():
            if not value:
                yield where, Reason.NULL_BYTES
            for k, each in enumerate(value):
                yield from cells(plan.each, each, f"{where}[{k}]")
        case Fields():
            for name, inner in plan.fields:
                yield from cells(inner, value.get(name), f"{where}.{printable_text(name)}")
        case _:
            assert_never(plan)
