"""Testing sixteen codes' slots at once: vector operations of `_sieve`, written as LLVM IR.

A CPU without such wide registers is given several narrower operations by LLVM, or one a lane; what
comes out is the same on all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

#: codes whose slots are tested at once
LANES = 16

_I32 = ir.IntType(32)
_I64 = ir.IntType(64)
_WIDE = ir.VectorType(_I32, LANES)
_LONG = ir.VectorType(_I64, LANES)
_MASK = ir.VectorType(ir.IntType(1), LANES)
_WHERE = ir.VectorType(_I32.as_pointer(), LANES)
_WORD_BITS = 32

#: an LLVM function by its name, declared on first use
_declared: Callable[..., Any] = cgutils.get_or_insert_function


def _all(builder: Any, value: Any, kind: Any = _WIDE) -> Any:
    """A scalar in every lane."""
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, _I32(0))
    return builder.shuffle_vector(one, one, ir.Constant(_WIDE, [0] * LANES))


def _data(target: Any, builder: Any, signature: Any, args: Any, place: int) -> Any:
    """Address of the first item of an array argument."""
    return target.make_array(signature.args[place])(target, builder, args[place]).data


def _wide(builder: Any, base: Any, at: Any) -> Any:
    return builder.bitcast(builder.gep(base, [at]), _WIDE.as_pointer())


def _marked(
    _context: Any,
    planes: Any,
    _high: Any,
    _low: Any,
    _shift: Any,
    _width: Any,
    bits: Any,
    _base: Any,
    keys: Any,
    _used: Any,
    tags: Any,
    _tag: Any,
) -> Any:
    def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        module = builder.module
        planes_at, bits_at, keys_at, tags_at = (
            _data(target, builder, signature, args, place) for place in (0, 5, 7, 9)
        )
        high = builder.load(_wide(builder, planes_at, args[1]), align=4)
        low = builder.load(_wide(builder, planes_at, args[2]), align=4)
        shift = _all(builder, builder.trunc(args[3], _I32))
        funnel = _declared(module, ir.FunctionType(_WIDE, [_WIDE] * 3), "llvm.fshl.v16i32")
        rest = _all(builder, builder.sub(_I32(_WORD_BITS), builder.trunc(args[4], _I32)))
        key = builder.lshr(builder.call(funnel, [high, low, shift]), rest)
        five = ir.Constant(_WIDE, [5] * LANES)
        word = builder.zext(builder.lshr(key, five), _LONG)
        start = builder.ptrtoint(builder.gep(bits_at, [args[6]]), _I64)
        two = ir.Constant(_LONG, [2] * LANES)
        where = builder.add(_all(builder, start, _LONG), builder.shl(word, two))
        gathered = _declared(
            module,
            ir.FunctionType(_WIDE, [_WHERE, _I32, _MASK, _WIDE]),
            "llvm.masked.gather.v16i32.v16p0",
        )
        found = builder.call(
            gathered,
            [
                builder.inttoptr(where, _WHERE),
                _I32(4),
                ir.Constant(_MASK, [1] * LANES),
                ir.Constant(_WIDE, [0] * LANES),
            ],
        )
        one = ir.Constant(_WIDE, [1] * LANES)
        last = ir.Constant(_WIDE, [_WORD_BITS - 1] * LANES)
        test = builder.and_(found, builder.shl(one, builder.and_(key, last)))
        hit = builder.icmp_unsigned("!=", test, ir.Constant(_WIDE, [0] * LANES))
        store = _declared(
            module,
            ir.FunctionType(ir.VoidType(), [_WIDE, _I32.as_pointer(), _MASK]),
            "llvm.masked.compressstore.v16i32",
        )
        steps = ir.Constant(_WIDE, list(range(LANES)))
        tag = builder.add(_all(builder, builder.trunc(args[10], _I32)), steps)
        builder.call(store, [key, builder.gep(keys_at, [args[8]]), hit])
        builder.call(store, [tag, builder.gep(tags_at, [args[8]]), hit])
        lanes = builder.zext(builder.bitcast(hit, ir.IntType(LANES)), _I64)
        count = _declared(module, ir.FunctionType(_I64, [_I64]), "llvm.ctpop.i64")
        return builder.call(count, [lanes])

    n = types.int64
    return types.int64(planes, n, n, n, n, bits, n, keys, n, tags, n), emit


#: marked(planes, high, low, shift, width, bits, base, keys, used, tags, tag): the keys of sixteen
#: codes are the upper `width` bits of the words from `high` and `low` on, shifted left as one.
#: Those whose bit is set in the words from `base` on are written to `keys`, and `tag` + lane to
#: `tags`, from `used` on; gives how many. All arrays are of uint32, flat.
marked = cast(Callable[..., int], intrinsic(_marked))
