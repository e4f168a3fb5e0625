"""What a process that handles untrusted bytes may do to its surroundings."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1


def no_core_dumps() -> None:
    """A core file would hold matches in clear."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def confine(extra_bytes: int) -> None:
    """Prepare a child: silent, mortal with its parent, bounded in memory, deaf to Ctrl-C.

    `extra_bytes` is how much private memory it may use beyond what it uses now. File mappings
    (list indexes) do not count. What decoders print may quote a picture's metadata, so
    standard output and error go nowhere; results and errors travel through the pipe.
    """
    no_core_dumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
    limit = _private_bytes() + extra_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _private_bytes() -> int:
    """VmData: what RLIMIT_DATA counts (setrlimit(2), since Linux 4.7)."""
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
        for line in status:
            if line.startswith("VmData:"):
                return int(line.split()[1]) << 10
    return 0
