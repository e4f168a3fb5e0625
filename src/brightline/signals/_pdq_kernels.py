"""The arithmetic of PDQ, twice: a banded fast path and the reference's order of operations.

Steps, numbers and names follow the PDQ hashing paper and ThreatExchange's
`pdq/cpp/{hashing,downscaling}`. Blur, blur again and decimate are linear and separable, so the
64x64 picture is A = L_h · X · L_wᵀ with banded L that depend on the side alone. The fast path
sums in another order than the reference does and therefore differs by rounding; `margins` says
whether rounding could have changed a bit, and only then `reference` repeats the sums exactly
as the reference makes them (docs/adr/0001).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brightline.kernels import kernel

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]


@kernel
def band(n: int, starts: I32, counts: I32, weights: npt.NDArray[np.float64]) -> None:
    """Fill the rows of L for a side of `n` pixels.

    starts, counts: (64,) int32; weights: (64, k) float64, zero-filled, k >= 2w + 1.
    """
    w = (n + 127) // 128
    half = (w + 2) // 2
    before = w - half
    for row in range(64):
        centre = int((row + 0.5) * n / 64)
        outer_low = max(0, centre - before)
        outer_high = min(n - 1, centre + half - 1)
        low = max(0, outer_low - before)
        high = min(n - 1, outer_high + half - 1)
        starts[row] = low
        counts[row] = high - low + 1
        outer = 1.0 / (outer_high - outer_low + 1)
        for middle in range(outer_low, outer_high + 1):
            inner_low = max(0, middle - before)
            inner_high = min(n - 1, middle + half - 1)
            share = outer / (inner_high - inner_low + 1)
            for k in range(inner_low, inner_high + 1):
                weights[row, k - low] += share


@kernel
def shrink_grey(X: U8, starts: I32, counts: I32, weights: F32, out: F32) -> None:
    """out[j, :] = Σ_k weights[j, k] · X[starts[j] + k, :]; X (h, w) uint8, out (64, w)."""
    width = X.shape[1]
    for j in range(64):
        first = starts[j]
        target = out[j]
        for c in range(width):
            target[c] = np.float32(0.0)
        k = 0
        count = counts[j]
        while k + 4 <= count:
            a, b, c4, d = X[first + k], X[first + k + 1], X[first + k + 2], X[first + k + 3]
            wa, wb = weights[j, k], weights[j, k + 1]
            wc, wd = weights[j, k + 2], weights[j, k + 3]
            for c in range(width):
                target[c] += (
                    wa * np.float32(a[c])
                    + wb * np.float32(b[c])
                    + (wc * np.float32(c4[c]) + wd * np.float32(d[c]))
                )
            k += 4
        while k < count:
            a = X[first + k]
            wa = weights[j, k]
            for c in range(width):
                target[c] += wa * np.float32(a[c])
            k += 1


@kernel
def shrink_rgb(X: U8, starts: I32, counts: I32, weights: F32, line: F32, out: F32) -> None:
    """Like `shrink_grey` for X (h, w, 3 or more): luma is taken on the way; line (3 w,)."""
    width = X.shape[1]
    channels = X.shape[2]
    flat = X.reshape(X.shape[0], width * channels)
    for j in range(64):
        first = starts[j]
        for c in range(width * channels):
            line[c] = np.float32(0.0)
        for k in range(counts[j]):
            source = flat[first + k]
            weight = weights[j, k]
            for c in range(width * channels):
                line[c] += weight * np.float32(source[c])
        target = out[j]
        for c in range(width):
            target[c] = (
                np.float32(0.299) * line[c * channels]
                + np.float32(0.587) * line[c * channels + 1]
                + np.float32(0.114) * line[c * channels + 2]
            )


@kernel
def shrink_columns(T: F32, starts: I32, counts: I32, weights: F32, A: F32) -> None:
    """A[j, i] = Σ_k weights[i, k] · T[j, starts[i] + k]; T (64, w), A (64, 64)."""
    zero = np.float32(0.0)
    for j in range(0, 64, 8):
        for i in range(64):
            s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = zero
            first = starts[i]
            for k in range(counts[i]):
                weight = weights[i, k]
                c = first + k
                s0 += weight * T[j, c]
                s1 += weight * T[j + 1, c]
                s2 += weight * T[j + 2, c]
                s3 += weight * T[j + 3, c]
                s4 += weight * T[j + 4, c]
                s5 += weight * T[j + 5, c]
                s6 += weight * T[j + 6, c]
                s7 += weight * T[j + 7, c]
            A[j, i] = s0
            A[j + 1, i] = s1
            A[j + 2, i] = s2
            A[j + 3, i] = s3
            A[j + 4, i] = s4
            A[j + 5, i] = s5
            A[j + 6, i] = s6
            A[j + 7, i] = s7


@kernel
def dct(A: F32, D: F32, DT: F32, T: F32, B: F32) -> None:
    """B = D · A · Dᵀ, each sum in the reference's order; A (64, 64), D (16, 64), B (16, 16)."""
    for i in range(16):
        row = T[i]
        for j in range(64):
            row[j] = np.float32(0.0)
        for k in range(64):
            factor = D[i, k]
            source = A[k]
            for j in range(64):
                row[j] += factor * source[j]
    for i in range(16):
        row = B[i]
        for j in range(16):
            row[j] = np.float32(0.0)
        for k in range(64):
            factor = T[i, k]
            source = DT[k]
            for j in range(16):
                row[j] += factor * source[j]


@kernel
def quality_range(A: F32, slack: float) -> tuple[int, int]:
    """The quality metric's least and greatest value if each pixel is off by `slack` / 2."""
    low = 0
    high = 0
    reach = slack * 100.0 / 255.0
    for i in range(64):
        for j in range(64):
            for down in range(2):
                if down == 1:
                    if i == 63:
                        continue
                    v = A[i + 1, j]
                else:
                    if j == 63:
                        continue
                    v = A[i, j + 1]
                d = abs(((A[i, j] - v) * np.float32(100.0)) / np.float32(255.0))
                low += int(max(0.0, d - reach))
                high += int(d + reach)
    return min(100, low // 90), min(100, high // 90)


@kernel
def bits(B: F32, out: U8) -> float:
    """Bit k = 16 i + j is B[i, j] > lower median; out (32,) uint8, bit 255 first.

    Returns the gap between the lower and the upper median: rounding smaller than half of it
    cannot change a bit, since only which half a coefficient is in matters.
    """
    flat = B.reshape(256)
    order = np.sort(flat)
    median = order[127]
    for k in range(32):
        out[k] = 0
    for k in range(256):
        if flat[k] > median:
            out[31 - (k >> 3)] |= np.uint8(1 << (k & 7))
    return float(order[128] - median)


@kernel
def luma(X: U8, out: F32) -> None:
    """Luma as `pdqhash` makes it; X (h, w, c), out (h, w).

    It sums in float64 and stores float32, which for a grey picture (c = 1) shown as three equal
    channels gives the grey value itself.
    """
    for i in range(X.shape[0]):
        source = X[i]
        target = out[i]
        if X.shape[2] == 1:
            for j in range(X.shape[1]):
                target[j] = np.float32(source[j, 0])
        else:
            for j in range(X.shape[1]):
                target[j] = np.float32(
                    source[j, 0] * 0.299 + source[j, 1] * 0.587 + source[j, 2] * 0.114
                )


@kernel
def window_sizes(n: int, w: int) -> F32:
    """How many pixels the reference's window w holds at each place of a side of n pixels."""
    half = (w + 2) // 2
    sizes = np.empty(n, np.float32)
    for at in range(n):
        sizes[at] = min(n, at + half) - max(0, at - (w - half))
    return sizes


@kernel
def row_sums(X: F32, w: int, out: F32) -> None:
    """The reference's running sums along each row, operation by operation; X, out (h, n).

    A pixel enters the sum before another leaves it. A sum must wait for the one before, so eight
    rows go side by side to use that time.
    """
    h, n = X.shape
    half = (w + 2) // 2
    last = h - 1
    for block in range(0, h, 8):
        top = max(0, min(block, h - 8))
        a0, a1, a2, a3 = X[top], X[min(top + 1, last)], X[min(top + 2, last)], X[min(top + 3, last)]
        a4, a5 = X[min(top + 4, last)], X[min(top + 5, last)]
        a6, a7 = X[min(top + 6, last)], X[min(top + 7, last)]
        o0, o1, o2 = out[top], out[min(top + 1, last)], out[min(top + 2, last)]
        o3, o4, o5 = out[min(top + 3, last)], out[min(top + 4, last)], out[min(top + 5, last)]
        o6, o7 = out[min(top + 6, last)], out[min(top + 7, last)]
        t0 = t1 = t2 = t3 = t4 = t5 = t6 = t7 = np.float32(0.0)
        for step in range(n + half - 1):
            at = step - (half - 1)
            if step < n:
                t0 += a0[step]
                t1 += a1[step]
                t2 += a2[step]
                t3 += a3[step]
                t4 += a4[step]
                t5 += a5[step]
                t6 += a6[step]
                t7 += a7[step]
            if at > w - half:
                gone = at - (w - half + 1)
                t0 -= a0[gone]
                t1 -= a1[gone]
                t2 -= a2[gone]
                t3 -= a3[gone]
                t4 -= a4[gone]
                t5 -= a5[gone]
                t6 -= a6[gone]
                t7 -= a7[gone]
            if at >= 0:
                o0[at] = t0
                o1[at] = t1
                o2[at] = t2
                o3[at] = t3
                o4[at] = t4
                o5[at] = t5
                o6[at] = t6
                o7[at] = t7


@kernel
def column_means(X: F32, w: int, out: F32) -> None:
    """The reference's running means down each column, likewise; X, out (n, m)."""
    n, m = X.shape
    half = (w + 2) // 2
    total = np.zeros(m, np.float32)
    sizes = window_sizes(n, w)
    for step in range(n + half - 1):
        at = step - (half - 1)
        if step < n:
            entering = X[step]
            for c in range(m):
                total[c] += entering[c]
        if at > w - half:
            leaving = X[at - (w - half + 1)]
            for c in range(m):
                total[c] -= leaving[c]
        if at >= 0:
            target = out[at]
            divisor = sizes[at]
            for c in range(m):
                target[c] = total[c] / divisor


@kernel
def reference_picture(X: U8, A: F32) -> None:
    """The 64x64 picture with every sum in the reference's order; X (h, w, c), A (64, 64).

    Means along rows, down columns, and both once more; of the second pair only the columns under
    the 64 centres are carried on.
    """
    h, w = X.shape[0], X.shape[1]
    along = (w + 127) // 128
    down = (h + 127) // 128
    sizes = window_sizes(w, along)
    first = np.empty((h, w), np.float32)
    second = np.empty((h, w), np.float32)
    luma(X, first)
    row_sums(first, along, second)
    for i in range(h):
        line = second[i]
        for c in range(w):
            line[c] /= sizes[c]
    column_means(second, down, first)
    row_sums(first, along, second)
    kept = np.empty((h, 64), np.float32)
    for i in range(h):
        for j in range(64):
            c = int((j + 0.5) * w / 64)
            kept[i, j] = second[i, c] / sizes[c]
    means = np.empty((h, 64), np.float32)
    column_means(kept, down, means)
    for i in range(64):
        A[i] = means[int((i + 0.5) * h / 64)]
