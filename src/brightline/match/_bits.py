"""Machine instructions that numba has no name for: count bits, find a bit, swap, load, store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

#: an LLVM function by its name, declared on first use
_declared: Callable[..., Any] = cgutils.get_or_insert_function


def _popcount(_context: Any, _word: Any) -> Any:
    def emit(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), emit


def _lowest_bit(_context: Any, _word: Any) -> Any:
    def emit(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), emit


def _swapped(_context: Any, _word: Any) -> Any:
    def emit(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.bswap(args[0])

    return types.uint64(types.uint64), emit


def _prefetch(_context: Any, array: Any, _index: Any) -> Any:
    def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        fields = target.make_array(signature.args[0])(target, builder, args[0])
        item = builder.gep(fields.data, [args[1]])
        address = builder.bitcast(item, ir.IntType(8).as_pointer())
        i32 = ir.IntType(32)
        # llvm.prefetch(address, 0 = read, 3 = keep in every cache level, 1 = data)
        signature_type = ir.FunctionType(ir.VoidType(), [address.type, i32, i32, i32])
        function = _declared(builder.module, signature_type, "llvm.prefetch.p0")
        builder.call(function, [address, i32(0), i32(3), i32(1)])
        return target.get_dummy_value()

    return types.void(array, types.int64), emit


def _load64(_context: Any, array: Any, _at: Any) -> Any:
    def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        fields = target.make_array(signature.args[0])(target, builder, args[0])
        byte = builder.gep(fields.data, [args[1]])
        word = builder.bitcast(byte, ir.IntType(64).as_pointer())
        return builder.load(word, align=1)

    return types.uint64(array, types.int64), emit


def _store64(_context: Any, array: Any, _at: Any, _word: Any) -> Any:
    def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        fields = target.make_array(signature.args[0])(target, builder, args[0])
        byte = builder.gep(fields.data, [args[1]])
        builder.store(args[2], builder.bitcast(byte, ir.IntType(64).as_pointer()), align=1)
        return target.get_dummy_value()

    return types.void(array, types.int64, types.uint64), emit


def _passing(
    _context: Any, array: Any, _at: Any, _shift: Any, _fragment: Any, _mask: Any, _limit: Any
) -> Any:
    lane = ir.IntType(32)
    row = ir.VectorType(lane, 8)

    def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        def all_lanes(value: Any) -> Any:
            """Eight times the same number."""
            narrow = builder.trunc(value, lane)
            first = builder.insert_element(ir.Constant(row, ir.Undefined), narrow, lane(0))
            none = ir.Constant(ir.VectorType(lane, 8), [0] * 8)
            return builder.shuffle_vector(first, first, none)

        fields = target.make_array(signature.args[0])(target, builder, args[0])
        item = builder.gep(fields.data, [args[1]])
        words = builder.load(builder.bitcast(item, row.as_pointer()), align=4)
        shift, fragment, mask, limit = (all_lanes(value) for value in args[2:])
        rest = builder.lshr(words, shift)
        flips = builder.and_(rest, ir.Constant(row, [7] * 8))
        apart = builder.xor(builder.lshr(rest, ir.Constant(row, [3] * 8)), fragment)
        count_type = ir.FunctionType(row, [row])
        count = _declared(builder.module, count_type, "llvm.ctpop.v8i32")
        sums = builder.add(builder.call(count, [builder.and_(apart, mask)]), flips)
        near = builder.icmp_unsigned("<=", sums, limit)
        bits = builder.bitcast(near, ir.IntType(8))
        return builder.zext(bits, ir.IntType(64))

    number = types.int64
    return types.uint64(array, number, number, number, number, number), emit


#: number of set bits of a uint64
popcount = cast(Callable[[Any], int], intrinsic(_popcount))
#: index of the lowest set bit of a uint64; 64 for zero
lowest_bit = cast(Callable[[Any], int], intrinsic(_lowest_bit))
#: a uint64 with its bytes in the opposite order
swapped = cast(Callable[[Any], Any], intrinsic(_swapped))
#: ask for the cache line of item `index` of a flat array; never faults, changes nothing
prefetch = cast(Callable[[Any, Any], None], intrinsic(_prefetch))
#: the eight bytes of a flat uint8 array from `at` on, at any alignment, as the host reads them
load64 = cast(Callable[[Any, Any], Any], intrinsic(_load64))
#: write eight bytes to a flat uint8 array from `at` on, at any alignment, in the host's order
store64 = cast(Callable[[Any, Any, Any], None], intrinsic(_store64))
#: a bit for each of the eight uint32 from `at` on, set where popcount((word >> shift + 3 ^
#: fragment) & mask) + (word >> shift & 7) is at most `limit`
passing = cast(Callable[[Any, Any, Any, Any, Any, Any], Any], intrinsic(_passing))
