"""MD5, SHA-1 and SHA-256 over sixteen blocks at once, one block a SIMD lane.

Names follow RFC 1321 §3.4 and FIPS 180-4 §6.1.2 and §6.2.2. The rounds are written down once,
over `Lanes`, whose operators emit LLVM vector instructions; numba compiles them into the kernel
that uses them. Written as vectors they need no auto-vectoriser: LLVM maps sixteen lanes to one
512-bit register, two of 256 bits or four of 128, and rotations and boolean functions to single
instructions where the processor has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

#: items that are digested at once; also the 32-bit words of a block, so words form a square
LANES = 16
#: bytes that all three functions take at a time
BLOCK = 64

_cgutils: Any = cgutils  # numba leaves its functions untyped
_WORD = ir.IntType(32)
_INDEX = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, LANES)


def root_bits(n: int, degree: int, bits: int) -> int:
    """A root of `n` as a whole number of 2 to the power -`bits`, rounded down."""
    target = n << (degree * bits)
    low, high = 0, n << bits
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= target else (low, middle - 1)
    return low


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


_MASK = 0xFFFFFFFF
_MD5_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_SHA256_START = [root_bits(prime, 2, 32) & _MASK for prime in _primes(8)]
#: the states before the first block: rows 0-3 of MD5, 4-8 of SHA-1, 9-16 of SHA-256
START = np.array([*_MD5_START, *_MD5_START, 0xC3D2E1F0, *_SHA256_START], np.uint32)


@dataclass(frozen=True, slots=True)
class Lanes:
    """A uint32 in every lane, as a value in LLVM's intermediate code."""

    builder: ir.IRBuilder
    value: ir.Value

    def __add__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.add(self.value, other.value))

    def __xor__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.xor(self.value, other.value))

    def __and__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.and_(self.value, other.value))

    def __or__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.or_(self.value, other.value))

    def __invert__(self) -> Lanes:
        return Lanes(self.builder, self.builder.not_(self.value))

    def __rshift__(self, count: int) -> Lanes:
        return Lanes(self.builder, self.builder.lshr(self.value, self.all(count).value))

    def all(self, number: int) -> Lanes:
        """The same number in every lane."""
        return Lanes(self.builder, ir.Constant(_VECTOR, [number] * LANES))

    def rotate(self, left: int) -> Lanes:
        """Rotate to the left; a negative count to the right."""
        return self._call("fshl", self, self, self.all(left % 32))

    def swap_bytes(self) -> Lanes:
        """Between little-endian and big-endian."""
        return self._call("bswap", self)

    def _call(self, name: str, *arguments: Lanes) -> Lanes:
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(arguments))
        function = _cgutils.get_or_insert_function(
            self.builder.module, kind, f"llvm.{name}.v{LANES}i32"
        )
        return Lanes(self.builder, self.builder.call(function, [a.value for a in arguments]))


State: TypeAlias = tuple[Lanes, ...]


def _choose(x: Lanes, y: Lanes, z: Lanes) -> Lanes:
    return (x & y) | (~x & z)


def _majority(x: Lanes, y: Lanes, z: Lanes) -> Lanes:
    return (x & y) | (z & (x | y))


def _md5(state: State, words: list[Lanes]) -> State:
    """RFC 1321 §3.4; little-endian words."""
    a, b, c, d = state
    shifts = ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))
    for i in range(64):
        if i < 16:
            f, k = _choose(b, c, d), i
        elif i < 32:
            f, k = _choose(d, b, c), 5 * i + 1
        elif i < 48:
            f, k = b ^ c ^ d, 3 * i + 5
        else:
            f, k = c ^ (b | ~d), 7 * i
        constant = a.all(int(abs(math.sin(i + 1)) * 2**32))
        # f waits for the round before: it is added last
        t = (a + (words[k % 16] + constant)) + f
        a, b, c, d = d, b + t.rotate(shifts[i // 16][i % 4]), b, c
    return a, b, c, d


def _sha1(state: State, words: list[Lanes]) -> State:
    """FIPS 180-4 §6.1.2, the schedule in 16 words as in §6.1.3; little-endian words."""
    w = [word.swap_bytes() for word in words]
    a, b, c, d, e = state
    for t in range(80):
        s = t % 16
        if t >= 16:
            w[s] = (w[(t - 3) % 16] ^ w[(t - 8) % 16] ^ w[(t - 14) % 16] ^ w[s]).rotate(1)
        if t < 20:
            f = _choose(b, c, d)
        elif 40 <= t < 60:
            f = _majority(b, c, d)
        else:
            f = b ^ c ^ d
        constant = a.all(root_bits((2, 3, 5, 10)[t // 20], 2, 30))
        new = (e + (w[s] + constant)) + f + a.rotate(5)
        a, b, c, d, e = new, a, b.rotate(30), c, d
    return a, b, c, d, e


def _sha256(state: State, words: list[Lanes]) -> State:
    """FIPS 180-4 §6.2.2, the schedule in 16 words; little-endian words."""
    constants = [root_bits(prime, 3, 32) & _MASK for prime in _primes(64)]
    w = [word.swap_bytes() for word in words]
    a, b, c, d, e, f, g, h = state
    for t in range(64):
        s = t % 16
        if t >= 16:
            x, y = w[(t - 15) % 16], w[(t - 2) % 16]
            w[s] = (
                (w[s] + w[(t - 7) % 16])
                + (x.rotate(-7) ^ x.rotate(-18) ^ (x >> 3))
                + (y.rotate(-17) ^ y.rotate(-19) ^ (y >> 10))
            )
        first = (h + (w[s] + a.all(constants[t]))) + _choose(e, f, g)
        first = first + (e.rotate(-6) ^ e.rotate(-11) ^ e.rotate(-25))
        second = (a.rotate(-2) ^ a.rotate(-13) ^ a.rotate(-22)) + _majority(a, b, c)
        a, b, c, d, e, f, g, h = first + second, a, b, c, d + first, e, f, g
    return a, b, c, d, e, f, g, h


def _rows(context: Any, builder: ir.IRBuilder, array: Any, value: ir.Value) -> Any:
    """Where rows of LANES words lie: a function from a row's number to its pointer."""
    data = _cgutils.create_struct_proxy(array)(context, builder, value=value).data
    start = builder.bitcast(data, _VECTOR.as_pointer())
    return lambda row: builder.gep(start, [_INDEX(row)])


def _compression(function: Callable[[State, list[Lanes]], State], rows: range) -> Any:
    """numba's `op(state, words)`: take one block a lane into `rows` of the state.

    state: (17, LANES) uint32; words: (16, LANES) uint32, little-endian, one column a block.
    """

    def op(_: Any, state: Any, words: Any) -> tuple[Any, Any]:
        def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            state_row, word_row = (
                _rows(context, builder, kind, value)
                for kind, value in zip(signature.args, arguments, strict=True)
            )
            before = [Lanes(builder, builder.load(state_row(i), align=4)) for i in rows]
            block = [Lanes(builder, builder.load(word_row(i), align=4)) for i in range(16)]
            for i, old, new in zip(rows, before, function(tuple(before), block), strict=True):
                builder.store((old + new).value, state_row(i), align=4)
            return context.get_dummy_value()

        return types.void(state, words), emit

    return intrinsic(op)


md5_block: Any = _compression(_md5, range(4))
sha1_block: Any = _compression(_sha1, range(4, 9))
sha256_block: Any = _compression(_sha256, range(9, 17))


def _exchanges() -> Iterator[tuple[int, int, list[int], list[int]]]:
    """The steps of a 16 x 16 transposition: two rows, and what they become of each other.

    Row and column numbers have four bits; each step exchanges one bit of the one for the same
    bit of the other. Columns from 16 on stand for the second row's.
    """
    for bit in (1, 2, 4, 8):
        upper = [j + 16 - bit if j & bit else j for j in range(16)]
        lower = [j + 16 if j & bit else j + bit for j in range(16)]
        for row in range(16):
            if not row & bit:
                yield row, row | bit, upper, lower


def _gather(_: Any, places: Any, offset: Any, words: Any) -> tuple[Any, Any]:
    """numba's `gather(places, offset, words)`: column l becomes the block at places[l] + offset.

    places: (LANES,) int64 addresses, BLOCK bytes to be read at each; offset: int64;
    words: (16, LANES) uint32.
    """

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        kind, _, target = signature.args
        place = _cgutils.create_struct_proxy(kind)(context, builder, value=arguments[0]).data
        block = []
        for lane in range(LANES):
            start = builder.load(builder.gep(place, [_INDEX(lane)]))
            address = builder.add(start, arguments[1])
            pointer = builder.inttoptr(address, _VECTOR.as_pointer())
            block.append(builder.load(pointer, align=1))
        for one, other, upper, lower in _exchanges():
            pair = block[one], block[other]
            block[one] = builder.shuffle_vector(*pair, ir.Constant(_VECTOR, upper))
            block[other] = builder.shuffle_vector(*pair, ir.Constant(_VECTOR, lower))
        row = _rows(context, builder, target, arguments[2])
        for number, value in enumerate(block):
            builder.store(value, row(number), align=4)
        return context.get_dummy_value()

    return types.void(places, offset, words), emit


gather: Any = intrinsic(_gather)
