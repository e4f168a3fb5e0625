"""Vector operations that PDQ's exact sums are made of, written as LLVM IR.

numba has no vector type and its loops would be vectorised eight floats wide, with checks for
overlap and a scalar rest each time. These work on whole blocks of `BLOCK` floats: the arrays are
padded, and no two of them overlap. A CPU without such wide registers is given several
narrower operations by LLVM; every result is the same on all of them, since each is one IEEE 754
operation on single floats, correctly rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

#: floats in one operation; lengths given to these functions are multiples of it
BLOCK = 16
#: up to this window `advance_fresh` is there for
WIDEST_FRESH = 12
#: rows that are summed side by side
LANES = 64

_I32 = ir.IntType(32)
I64 = ir.IntType(64)
_FLOAT = ir.FloatType()
WIDE = ir.VectorType(_FLOAT, BLOCK)
_EIGHT = ir.VectorType(_FLOAT, 8)

_declared: Callable[..., Any] = cgutils.get_or_insert_function
_copy_memory: Callable[..., None] = cgutils.raw_memcpy


def _fuses() -> bool:
    """Whether the kernels' CPU multiplies and adds in one rounding."""
    features: str | None = getattr(config, "CPU_FEATURES", None)
    if features is not None:
        return "+fma" in features.split(",")
    ours = getattr(config, "CPU_NAME", None) is None
    return ours and bool(binding.get_host_cpu_features().get("fma"))


def data_of(target: Any, builder: Any, signature: Any, args: Sequence[Any], place: int) -> Any:
    """Address of the first item of an array argument."""
    return target.make_array(signature.args[place])(target, builder, args[place]).data


def _address(builder: Any, base: Any, at: Any, kind: Any) -> Any:
    return builder.bitcast(builder.gep(base, [at]), kind.as_pointer())


def load_at(builder: Any, base: Any, at: Any, kind: Any = WIDE) -> Any:
    return builder.load(_address(builder, base, at, kind), align=4)


def store_at(builder: Any, value: Any, base: Any, at: Any) -> None:
    builder.store(value, _address(builder, base, at, value.type), align=4)


def in_all(builder: Any, value: Any) -> Any:
    """A scalar in every place of a vector."""
    one = builder.insert_element(ir.Constant(WIDE, ir.Undefined), value, _I32(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_I32, BLOCK), [0] * BLOCK))


def _quotient(builder: Any, total: Any, size: Any, inverse: Any) -> Any:
    """total / size, correctly rounded.

    With fused multiply-add by Markstein's theorem ("Computation of elementary functions on the
    IBM RISC System/6000 processor", 1990, theorem 8.1): from the correctly rounded inverse, one
    correction of the product is the correctly rounded quotient. Three operations where a
    division takes ten times as long.
    """
    if not _fuses():
        return builder.fdiv(total, size)
    fma = _declared(
        builder.module,
        ir.FunctionType(WIDE, [WIDE, WIDE, WIDE]),
        f"llvm.fma.v{BLOCK}f32",
    )
    product = builder.fmul(total, inverse)
    rest = builder.call(fma, [builder.fneg(product), size, total])
    return builder.call(fma, [rest, inverse, product])


def _emit_advance(
    builder: Any, entering: Any, at: Any, bases: tuple[Any, Any, Any], size: Any, inverse: Any
) -> None:
    """One block of `advance`; bases of the totals, of what leaves, and of the means."""
    sums, leaving, out = bases
    value = builder.fadd(load_at(builder, sums, at), entering)
    value = builder.fsub(value, load_at(builder, leaving, at))
    store_at(builder, value, sums, at)
    store_at(builder, _quotient(builder, value, size, inverse), out, at)


def _advance(
    _context: Any,
    scratch: Any,
    _totals: Any,
    _entering: Any,
    _leaving: Any,
    _size: Any,
    _inverse: Any,
    _out: Any,
    _length: Any,
) -> Any:
    def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        base = data_of(target, builder, signature, args, 0)
        sums, plus, minus, to = (builder.gep(base, [args[k]]) for k in (1, 2, 3, 6))
        size, inverse = in_all(builder, args[4]), in_all(builder, args[5])
        with cgutils.for_range_slice(builder, I64(0), args[7], I64(BLOCK)) as (at, _):
            entering = load_at(builder, plus, at)
            _emit_advance(builder, entering, at, (sums, minus, to), size, inverse)
        return target.get_dummy_value()

    whole, single = types.int64, types.float32
    return types.void(scratch, whole, whole, whole, single, single, whole, whole), emit


def _emit_sums(builder: Any, source: Any, at: Any, w: int) -> list[Any]:
    """Two blocks of sums of w whole numbers below 256 each, as floats."""
    words = ir.VectorType(ir.IntType(16), 2 * BLOCK)
    octets = ir.VectorType(ir.IntType(8), 2 * BLOCK)
    terms = []
    for k in range(w):
        address = _address(builder, source, builder.add(at, I64(k)), octets)
        terms.append(builder.zext(builder.load(address, align=1), words))
    while len(terms) > 1:
        pairs = [terms[k : k + 2] for k in range(0, len(terms), 2)]
        terms = [builder.add(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    sums = []
    for half in (0, BLOCK):
        chosen = ir.Constant(ir.VectorType(_I32, BLOCK), list(range(half, half + BLOCK)))
        part = builder.shuffle_vector(terms[0], terms[0], chosen)
        sums.append(builder.sitofp(builder.zext(part, ir.VectorType(_I32, BLOCK)), WIDE))
    return sums


def _advance_fresh(
    _context: Any,
    rows: Any,
    _row: Any,
    _window: Any,
    scratch: Any,
    _sizes: Any,
    _inverses: Any,
    _totals: Any,
    _entering: Any,
    _leaving: Any,
    _size: Any,
    _inverse: Any,
    _out: Any,
    _length: Any,
) -> Any:
    def emit_window(target: Any, builder: Any, signature: Any, args: Any, w: int) -> None:
        source = builder.gep(data_of(target, builder, signature, args, 0), [args[1]])
        base = data_of(target, builder, signature, args, 3)
        along_sizes, along_inverses, sums, means, minus, to = (
            builder.gep(base, [args[k]]) for k in (4, 5, 6, 7, 8, 11)
        )
        size, inverse = in_all(builder, args[9]), in_all(builder, args[10])
        with cgutils.for_range_slice(builder, I64(0), args[12], I64(2 * BLOCK)) as (first, _):
            for half, total in enumerate(_emit_sums(builder, source, first, w)):
                at = builder.add(first, I64(half * BLOCK))
                mean = _quotient(
                    builder,
                    total,
                    load_at(builder, along_sizes, at),
                    load_at(builder, along_inverses, at),
                )
                store_at(builder, mean, means, at)
                _emit_advance(builder, mean, at, (sums, minus, to), size, inverse)

    def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        done = builder.append_basic_block("window.done")
        switch = builder.switch(args[2], done)
        for w in range(1, WIDEST_FRESH + 1):
            case = builder.append_basic_block(f"window.{w}")
            switch.add_case(I64(w), case)
            builder.position_at_end(case)
            emit_window(target, builder, signature, args, w)
            builder.branch(done)
        builder.position_at_end(done)
        return target.get_dummy_value()

    whole, single = types.int64, types.float32
    places = whole, whole, whole, whole, whole
    return types.void(rows, whole, whole, scratch, *places, single, single, whole, whole), emit


def _copy(_context: Any, source: Any, _at: Any, out: Any, _to: Any, _count: Any) -> Any:
    def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        base, to = (data_of(target, builder, signature, args, k) for k in (0, 2))
        item = target.get_abi_sizeof(base.type.pointee)
        _copy_memory(
            builder, builder.gep(to, [args[3]]), builder.gep(base, [args[1]]), args[4], item
        )
        return target.get_dummy_value()

    return types.void(source, types.int64, out, types.int64, types.int64), emit


def _transpose(
    _context: Any, source: Any, _at: Any, _stride: Any, out: Any, _to: Any, _step: Any
) -> Any:
    def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        base, to = (data_of(target, builder, signature, args, k) for k in (0, 3))
        rows = [
            load_at(builder, base, builder.add(args[1], builder.mul(args[2], I64(k))), _EIGHT)
            for k in range(8)
        ]
        # swap the off-diagonal squares of side 1, then 2, then 4
        for side in (1, 2, 4):
            upper = [k if not k & side else (k ^ side) + 8 for k in range(8)]
            lower = [k | side if not k & side else k + 8 for k in range(8)]
            for k in range(8):
                if not k & side:
                    pair = rows[k], rows[k | side]
                    for place, mask in ((k, upper), (k | side, lower)):
                        chosen = ir.Constant(ir.VectorType(_I32, 8), mask)
                        rows[place] = builder.shuffle_vector(*pair, chosen)
        for k, row in enumerate(rows):
            store_at(builder, row, to, builder.add(args[4], builder.mul(args[5], I64(k))))
        return target.get_dummy_value()

    void = types.void(source, types.int64, types.int64, out, types.int64, types.int64)
    return void, emit


def _slide(
    _context: Any,
    scratch: Any,
    _totals: Any,
    _ring: Any,
    _first: Any,
    _last: Any,
    _behind: Any,
    _mask: Any,
) -> Any:
    def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = data_of(target, builder, signature, args, 0)
        sums, base = (builder.gep(data, [args[k]]) for k in (1, 2))
        first, last, behind, mask = args[3:]
        parts = range(0, LANES, BLOCK)
        begun = [load_at(builder, sums, I64(part)) for part in parts]
        entry = builder.block
        head, body, done = (
            builder.append_basic_block(f"slide.{name}") for name in ("head", "body", "done")
        )
        builder.branch(head)
        builder.position_at_end(head)
        step = builder.phi(I64)
        step.add_incoming(first, entry)
        running = [builder.phi(WIDE) for _ in parts]
        for value, start in zip(running, begun, strict=True):
            value.add_incoming(start, entry)
        builder.cbranch(builder.icmp_signed("<", step, last), body, done)
        builder.position_at_end(body)
        entering = builder.mul(builder.and_(step, mask), I64(LANES))
        leaving = builder.mul(builder.and_(builder.sub(step, behind), mask), I64(LANES))
        for value, part in zip(running, parts, strict=True):
            more = builder.fadd(value, load_at(builder, base, builder.add(entering, I64(part))))
            less = builder.fsub(more, load_at(builder, base, builder.add(leaving, I64(part))))
            value.add_incoming(less, body)
        step.add_incoming(builder.add(step, I64(1)), body)
        builder.branch(head)
        builder.position_at_end(done)
        for value, part in zip(running, parts, strict=True):
            store_at(builder, value, sums, I64(part))
        return target.get_dummy_value()

    whole = types.int64
    return types.void(scratch, whole, whole, whole, whole, whole, whole), emit


def _divide(_context: Any, scratch: Any, _totals: Any, _size: Any, _inverse: Any, _out: Any) -> Any:
    def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        base = data_of(target, builder, signature, args, 0)
        sums, to = (builder.gep(base, [args[k]]) for k in (1, 4))
        size, inverse = in_all(builder, args[2]), in_all(builder, args[3])
        for part in range(0, LANES, BLOCK):
            mean = _quotient(builder, load_at(builder, sums, I64(part)), size, inverse)
            store_at(builder, mean, to, I64(part))
        return target.get_dummy_value()

    single, whole = types.float32, types.int64
    return types.void(scratch, whole, single, single, whole), emit


def _row_times(width: int) -> Any:
    """The intrinsic for rows of `width` columns, which stay in registers while they are summed."""

    def times(
        _context: Any, left: Any, _at: Any, right: Any, out: Any, _to: Any, _inner: Any
    ) -> Any:
        def emit(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            factors, base, to = (data_of(target, builder, signature, args, k) for k in (0, 2, 3))
            factors, to = builder.gep(factors, [args[1]]), builder.gep(to, [args[4]])
            parts = range(0, width, BLOCK)
            entry = builder.block
            head, body, done = (
                builder.append_basic_block(f"times.{name}") for name in ("head", "body", "done")
            )
            builder.branch(head)
            builder.position_at_end(head)
            k = builder.phi(I64)
            k.add_incoming(I64(0), entry)
            sums = [builder.phi(WIDE) for _ in parts]
            for value in sums:
                value.add_incoming(ir.Constant(WIDE, [0.0] * BLOCK), entry)
            builder.cbranch(builder.icmp_signed("<", k, args[5]), body, done)
            builder.position_at_end(body)
            factor = in_all(builder, builder.load(builder.gep(factors, [k])))
            row = builder.gep(base, [builder.mul(k, I64(width))])
            for value, part in zip(sums, parts, strict=True):
                product = builder.fmul(factor, load_at(builder, row, I64(part)))
                value.add_incoming(builder.fadd(value, product), body)
            k.add_incoming(builder.add(k, I64(1)), body)
            builder.branch(head)
            builder.position_at_end(done)
            for value, part in zip(sums, parts, strict=True):
                store_at(builder, value, to, I64(part))
            return target.get_dummy_value()

        whole = types.int64
        return types.void(left, whole, right, out, whole, whole), emit

    return times


# All take one flat array, the scratch, and places in it: a view for each row would cost more
# than the row's sums.

#: advance(scratch, totals, entering, leaving, size, inverse, out, length): totals += entering,
#: then -= leaving; out = totals / size; for `length` items, a multiple of BLOCK
advance = cast(Callable[..., None], intrinsic(_advance))
#: advance_fresh(rows, row, w, scratch, sizes, inverses, totals, entering, leaving, size, inverse,
#: out, length): first entering[c] = (rows[row + c] + … + rows[row + c + w - 1]) / sizes[c], then
#: `advance`; rows are uint8, and length is a multiple of 2 · BLOCK
advance_fresh = cast(Callable[..., None], intrinsic(_advance_fresh))
#: copy(source, at, out, to, count): out[to + k] = source[at + k]
copy = cast(Callable[..., None], intrinsic(_copy))
#: transpose(source, at, stride, out, to, step): the 8 × 8 square whose rows begin at
#: at + k · stride, turned, with rows at to + k · step
transpose = cast(Callable[..., None], intrinsic(_transpose))
#: slide(scratch, totals, ring, first, last, behind, mask): for each step from first to before
#: last the LANES totals += ring[step & mask], then -= ring[(step - behind) & mask]
slide = cast(Callable[..., None], intrinsic(_slide))
#: divide(scratch, totals, size, inverse, out): out = totals / size for LANES totals
divide = cast(Callable[..., None], intrinsic(_divide))
#: times_64(left, at, right, out, to, inner): out[to + j] = the sum over k, in its order, of
#: left[at + k] · right[k, j], for j < 64 and k < inner; products are rounded before they are added
times_64 = cast(Callable[..., None], intrinsic(_row_times(64)))
#: times_16: the same for j < 16
times_16 = cast(Callable[..., None], intrinsic(_row_times(16)))
