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


#: rows that run side by side through the reference's sums (one vector register of float32)
LANES = 16


@kernel
def luma_lanes(X: U8, top: int, rows: int, out: F32) -> None:
    """Luma of rows top … top + rows - 1 as `pdqhash` makes it; out (width, LANES).

    It sums in float64 and stores float32, which for a grey picture shown as three equal
    channels gives the grey value itself. X (h, w, c); c = 1 is grey.
    """
    grey = X.shape[2] == 1
    for lane in range(rows):
        for c in range(X.shape[1]):
            if grey:
                out[c, lane] = np.float32(X[top + lane, c, 0])
            else:
                out[c, lane] = np.float32(
                    X[top + lane, c, 0] * 0.299
                    + X[top + lane, c, 1] * 0.587
                    + X[top + lane, c, 2] * 0.114
                )


@kernel
def running_mean(X: F32, out: F32, w: int, total: F32) -> None:
    """The reference's running mean along axis 0, operation by operation, in each column.

    X, out (n, m) float32; total (m,) scratch. The four stretches are the growing window
    without output, the growing window, the full window, and the shrinking one.
    """
    n = X.shape[0]
    m = X.shape[1]
    half = (w + 2) // 2
    total[:] = np.float32(0.0)
    right = 0
    left = 0
    at = 0
    for _ in range(half - 1):
        entering = X[right]
        for c in range(m):
            total[c] += entering[c]
        right += 1
    size = half - 1
    for _ in range(w - half + 1):
        entering = X[right]
        target = out[at]
        size += 1
        divisor = np.float32(size)
        for c in range(m):
            s = total[c] + entering[c]
            total[c] = s
            target[c] = s / divisor
        right += 1
        at += 1
    divisor = np.float32(size)
    for _ in range(n - w):
        entering = X[right]
        leaving = X[left]
        target = out[at]
        for c in range(m):
            s = total[c] + entering[c]
            s = s - leaving[c]
            total[c] = s
            target[c] = s / divisor
        right += 1
        left += 1
        at += 1
    for _ in range(half - 1):
        leaving = X[left]
        target = out[at]
        size -= 1
        divisor = np.float32(size)
        for c in range(m):
            s = total[c] - leaving[c]
            total[c] = s
            target[c] = s / divisor
        left += 1
        at += 1


@kernel
def reference_picture(X: U8, A: F32) -> None:
    """The 64x64 picture with every sum in the reference's order; X (h, w, c), A (64, 64).

    Rows, columns, rows, columns, then every 64th: of the second pair only what the decimation
    keeps is stored.
    """
    h = X.shape[0]
    w = X.shape[1]
    along = (w + 127) // 128
    down = (h + 127) // 128
    lanes = np.zeros((w, LANES), np.float32)
    means = np.zeros((w, LANES), np.float32)
    lane_total = np.zeros(LANES, np.float32)
    total = np.zeros(w, np.float32)
    first = np.empty((h, w), np.float32)
    second = np.empty((h, w), np.float32)
    kept = np.empty((h, 64), np.float32)
    for top in range(0, h, LANES):
        rows = min(LANES, h - top)
        luma_lanes(X, top, rows, lanes)
        running_mean(lanes, means, along, lane_total)
        for lane in range(rows):
            for c in range(w):
                first[top + lane, c] = means[c, lane]
    running_mean(first, second, down, total)
    for top in range(0, h, LANES):
        rows = min(LANES, h - top)
        for lane in range(rows):
            for c in range(w):
                lanes[c, lane] = second[top + lane, c]
        running_mean(lanes, means, along, lane_total)
        for lane in range(rows):
            for j in range(64):
                kept[top + lane, j] = means[int((j + 0.5) * w / 64), lane]
    columns = np.empty((h, 64), np.float32)
    running_mean(kept, columns, down, np.zeros(64, np.float32))
    for i in range(64):
        A[i] = columns[int((i + 0.5) * h / 64)]


@kernel
def copy_picture(X: U8, A: F32) -> None:
    """A picture that is 64x64 already is taken as it is; X (64, 64, c), A (64, 64)."""
    lanes = np.zeros((64, LANES), np.float32)
    for top in range(0, 64, LANES):
        luma_lanes(X, top, LANES, lanes)
        for lane in range(LANES):
            for c in range(64):
                A[top + lane, c] = lanes[c, lane]
