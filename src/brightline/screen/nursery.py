"""Where workers come from: one process that has imported what all of them need, and forks.

It has no threads of ours, no list open, no half-done work and no data: a worker inherits modules
and nothing else, and two workers share their memory (`multiprocessing`'s start method
*forkserver*). It ends with the process that began it, and the workers end with it.

This module is light, so that a command can begin the nursery before its own imports: it then gets
ready on another core meanwhile.
"""

from __future__ import annotations

import multiprocessing as mp
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext


def nursery() -> ForkServerContext:
    """The context in which workers are made."""
    context = mp.get_context("forkserver")
    context.set_forkserver_preload([f"{__package__}.ready"])
    return context


def prepare() -> None:
    """Begin now what the first worker would wait for."""
    nursery()
    forkserver.ensure_running()
