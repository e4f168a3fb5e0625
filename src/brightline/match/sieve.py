"""The sieve of `_sieve` over the codes of an index: built once, asked for millions of codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brightline.match import _plan, _sieve
from brightline.match._codes import U32, U64, on_a_line, spread
from brightline.match._slots import id_bits
from brightline.types import I64, U8

#: from so many different codes on it is faster than comparing with every one
FEWEST = 64
#: beyond so many, so many bits are set that more is looked at than passed over
MOST = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Sieve:
    """Codes, ready to be searched within one radius; never changed."""

    radius: int
    codes: U64
    bits: U32
    starts: U32
    records: U32
    pair_limits: I64

    @property
    def nbytes(self) -> int:
        """Bytes in memory beside the codes."""
        return self.bits.nbytes + self.starts.nbytes + self.records.nbytes

    def search(self, codes: U8) -> I64:
        """Triples (query, code, distance), flat, sorted: every pair within the radius.

        codes: (q, 32); a code is known by its row in what `build_sieve` was given.
        """
        number_bits = id_bits(len(self.codes) // 4)
        every = [np.empty((0, 3), np.int64)]
        for first in range(0, len(codes), _sieve.BLOCK):
            words = _words(codes[first : first + _sieve.BLOCK])
            found, used = _sieve.sift(
                words,
                _parts(words),
                self.codes,
                self.bits,
                self.starts,
                self.records,
                self.pair_limits,
                self.radius,
                number_bits,
            )
            triples = found[: 3 * used].reshape(-1, 3)
            # a pair that was found through several slots stands there as often
            once = np.unique(triples[:, 0] << number_bits | triples[:, 1], return_index=True)[1]
            every.append(triples[once] + np.array([first, 0, 0]))
        return np.concatenate(every).reshape(-1)


def suits(codes: int, radius: int) -> bool:
    """Whether a sieve is worth its memory for so many different codes and this radius."""
    return FEWEST <= codes <= MOST and _slots_for(radius) <= _sieve.MOST_SLOTS


def build_sieve(distinct: U64, radius: int) -> Sieve:
    """A sieve over spread codes (n · 4,), no two of them equal; `suits` says for how many."""
    codes = _words(_gathered(distinct))
    parts = _parts(codes)
    n = len(codes) // 4
    number_bits = id_bits(n)
    slots = _slots_for(radius)
    limits = np.full(slots, (radius + 1) // slots - 1, np.int64)
    limits[: (radius + 1) % slots] += 1
    bits: U32 = on_a_line(_sieve.bitmap_words(slots), np.uint32)
    bits[:] = 0
    starts = np.zeros((slots << _sieve.KEY) + 1, np.uint32)
    records: list[U32] = []
    for slot, limit in enumerate(limits.tolist()):
        _sieve.mark(parts, slot, _plan.flips(_sieve.WIDTH, limit), bits)
        masks = _plan.flips(_sieve.KEY, limit)
        counts = np.zeros((1 << _sieve.KEY) + 1, np.int64)
        _sieve.count_records(parts, slot, masks, counts)
        ends = np.concatenate([[0], np.cumsum(counts[1:])])
        begin = int(starts[slot << _sieve.KEY])
        starts[(slot << _sieve.KEY) : ((slot + 1) << _sieve.KEY) + 1] = begin + ends
        own: U32 = np.empty(int(ends[-1]), np.uint32)
        after, places = (slot + 1) % slots, ends[:-1].copy()
        _sieve.place_records(parts, slot, after, masks, number_bits, places, own)
        records.append(own)
    records.append(np.full(_sieve.LANES, _sieve.empty_record(number_bits)))
    room: U32 = on_a_line(sum(map(len, records)), np.uint32)
    np.concatenate(records, out=room)
    for array in (bits, starts, room):
        array.setflags(write=False)
    return Sieve(radius, codes, bits, starts, room, limits + np.roll(limits, -1) + 1)


def _slots_for(radius: int) -> int:
    return -(-(radius + 1) // (_sieve.MOST_FLIPS + 1))


def _words(codes: U8) -> U64:
    """Codes (n, 32) as flat words, read-only and aligned."""
    words = np.ascontiguousarray(codes).view("<u8").reshape(-1)
    aligned: U64 = np.require(words, np.uint64, ["ALIGNED"])
    if aligned.flags.writeable:
        aligned = aligned.view()
        aligned.setflags(write=False)
    return aligned


def _parts(words: U64) -> U32:
    """Words as twice as many 32-bit words; in which order is the same for all codes."""
    return words.view(np.uint32)


def _gathered(words: U64) -> U8:
    """What `spread` was given to make these words: its bits put back."""
    units = np.packbits(np.eye(256, dtype=np.uint8), axis=1)
    # row i of the matrix has its only bit where `spread` puts bit i
    places = np.argmax(_as_bits(spread(units)), axis=1)
    return np.packbits(_as_bits(words)[:, places], axis=1)


def _as_bits(words: U64) -> U8:
    """(n, 256) bits of spread codes."""
    whole = words.reshape(-1, 4).astype("<u8").view(np.uint8)
    return np.unpackbits(whole, axis=1)
