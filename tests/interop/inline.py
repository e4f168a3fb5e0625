"""The worker pool without processes: the same tasks, one after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from brightline.screen import nursery, perform
from brightline.screen.pool import Finished
from brightline.screen.reuse import Sheaf, match_sheaf
from brightline.screen.task import Job, Setting, direct, run_task


class _Silent:
    def item(self) -> None: ...

    def read(self, count: int) -> None: ...

    def done(self, items: int) -> None: ...


class InlinePool:
    """What `screen.run` needs of a pool."""

    def __init__(self, setting: Setting, size: int) -> None:
        self._setting = setting

    def __enter__(self) -> InlinePool:
        return self

    def __exit__(self, *_: object) -> None: ...

    def run(self, jobs: Iterable[Job]) -> Iterator[Finished]:
        beat = _Silent()

        def read(job: Job) -> dict[str, Any]:
            return run_task(self._setting, job, beat, direct(self._setting, beat))

        for job in jobs:
            if isinstance(job, Sheaf):
                yield Finished(job, match_sheaf(self._setting, job, beat, read))
            else:
                yield Finished(job, [read(job)])


def inline() -> None:
    """From now on audits of this process start no other, nor do those of processes forked off."""
    setattr(perform, "Pool", InlinePool)  # noqa: B010 - it is not this module's to export
    setattr(nursery, "prepare", lambda: None)  # noqa: B010
