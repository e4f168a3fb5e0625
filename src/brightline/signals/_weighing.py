"""Weighted sums of rows, many numbers side by side, in LLVM IR as those of `_lanes`.

The sums stay in registers while their rows are read. Products are rounded before they are added,
and added in the order of the rows, so that every processor gives the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from brightline.signals._lanes import BLOCK, I64, WIDE, data_of, in_all, load_at, store_at

#: numbers of a long row that are summed side by side
WIDTH = 128

_I32 = ir.IntType(32)
_OCTETS = ir.VectorType(ir.IntType(8), BLOCK)


def _block(builder: Any, row: Any, part: int, *, octets: bool) -> Any:
    """A block of a row, as floats."""
    if not octets:
        return load_at(builder, row, I64(part))
    address = builder.bitcast(builder.gep(row, [I64(part)]), _OCTETS.as_pointer())
    wide = builder.zext(builder.load(address, align=1), ir.VectorType(_I32, BLOCK))
    return builder.sitofp(wide, WIDE)


def _weighing(width: int) -> Any:
    """The intrinsic for `width` numbers side by side."""

    def weigh(
        _context: Any,
        source: Any,
        places: Any,
        _stride: Any,
        weights: Any,
        _first: Any,
        _last: Any,
        _at: Any,
        out: Any,
        _to: Any,
    ) -> Any:
        octets = source.dtype == types.uint8

        def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            base, rows, shares, to = (
                data_of(target, builder, signature, args, k) for k in (0, 1, 3, 7)
            )
            base, to = builder.gep(base, [args[6]]), builder.gep(to, [args[8]])
            parts = range(0, width, BLOCK)
            entry = builder.block
            head, body, done = (
                builder.append_basic_block(f"weigh.{name}") for name in ("head", "body", "done")
            )
            builder.branch(head)
            builder.position_at_end(head)
            k = builder.phi(I64)
            k.add_incoming(args[4], entry)
            sums = [builder.phi(WIDE) for _ in parts]
            for value in sums:
                value.add_incoming(ir.Constant(WIDE, [0.0] * BLOCK), entry)
            builder.cbranch(builder.icmp_signed("<", k, args[5]), body, done)
            builder.position_at_end(body)
            share = in_all(builder, builder.load(builder.gep(shares, [k])))
            place = builder.load(builder.gep(rows, [k]))
            row = builder.gep(base, [builder.mul(place, args[2])])
            for value, part in zip(sums, parts, strict=True):
                product = builder.fmul(share, _block(builder, row, part, octets=octets))
                value.add_incoming(builder.fadd(value, product), body)
            k.add_incoming(builder.add(k, I64(1)), body)
            builder.branch(head)
            builder.position_at_end(done)
            for value, part in zip(sums, parts, strict=True):
                store_at(builder, value, to, I64(part))
            return target.get_dummy_value()

        whole = types.int64
        return types.void(source, places, whole, weights, whole, whole, whole, out, whole), emit

    return weigh


#: weigh_wide(source, places, stride, weights, first, last, at, out, to): out[to + c] = the sum over
#: k from first to before last, in this order, of weights[k] · source[places[k] · stride + at + c],
#: for c < WIDTH; source is flat, uint8 or float32
weigh_wide = cast(Callable[..., None], intrinsic(_weighing(WIDTH)))
#: weigh_64: the same for c < 64
weigh_64 = cast(Callable[..., None], intrinsic(_weighing(64)))
