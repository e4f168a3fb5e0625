"""Kernels that make no array: compiled without the counting of references.

numba counts the references to an array with atomic instructions at every call that passes one
on, and takes them out again only where it can prove that they cancel. In the inner loops here it
cannot, and they cost more than the work: partitioning ten million codes took 0.44 s with them
and 0.18 s without. A function that neither makes an array nor returns one needs none.

`_nrt` is numba's own option, used for its own helpers; a kernel that breaks the rule is refused
when it is compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

# imported for what it does: it names the folder that machine code is cached in
import brightline.kernels  # noqa: F401

F = TypeVar("F", bound=Callable[..., Any])


def leaf(function: F) -> F:
    """Compile as `kernels.kernel` does, for a function that neither makes nor returns arrays."""
    # not among the options that numba declares
    options: dict[str, Any] = {"_nrt": False}
    compiled = numba.njit(
        cache=True, nogil=True, error_model="numpy", boundscheck=False, **options
    )(function)
    return cast(F, compiled)
