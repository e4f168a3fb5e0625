"""What the nursery imports: a worker's modules, and the kernels that its first shard would load.

Kernels that were never compiled on this machine are left alone: that is for a process that says
so (`warm`).
"""

from __future__ import annotations

import numpy as np

from brightline.kernels import are_warm, without_blas
from brightline.screen import worker
from brightline.signals.digests import digests_many
from brightline.signals.pdq import pdq

__all__ = ["worker"]

without_blas()
if are_warm():
    digests_many([bytes(4096)] * 32)
    for _blank in (np.zeros((96, 96, 3), np.uint8), np.zeros((96, 96), np.uint8)):
        pdq(_blank)
