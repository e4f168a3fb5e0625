"""Machine instructions that numba has no name for: count bits, find a bit, load, prefetch."""

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


#: number of set bits of a uint64
popcount = cast(Callable[[Any], int], intrinsic(_popcount))
#: index of the lowest set bit of a uint64; 64 for zero
lowest_bit = cast(Callable[[Any], int], intrinsic(_lowest_bit))
#: ask for the cache line of item `index` of a flat array; never faults, changes nothing
prefetch = cast(Callable[[Any, Any], None], intrinsic(_prefetch))
#: the eight bytes of a flat uint8 array from `at` on, at any alignment, as the host reads them
load64 = cast(Callable[[Any, Any], Any], intrinsic(_load64))
