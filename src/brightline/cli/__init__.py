"""The command line: arguments in, text out; what it does lies in the other rooms."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from brightline.errors import BrightlineError, UsageError

EXIT_USAGE = 2
EXIT_INTERNAL = 70


def _complain(message: str) -> None:
    sys.stderr.write(f"brightline: {' '.join(message.split())}\n")


class _Terminated(KeyboardInterrupt):
    """SIGTERM, as a batch system sends it: to be treated like Ctrl-C."""


def _terminated(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """Run one command; every error becomes one line on stderr and a status."""
    from brightline.cli.app import app

    signal.signal(signal.SIGTERM, _terminated)
    try:
        status = app(args=list(arguments), prog_name="brightline", standalone_mode=False)
        sys.stdout.flush()
    except UsageError as error:
        _complain(str(error))
        return EXIT_USAGE
    except BrightlineError as error:
        _complain(str(error))
        return EXIT_INTERNAL if type(error).__name__ == "TaskError" else EXIT_USAGE
    except KeyboardInterrupt as stop:
        _complain("stopped; what was committed is kept, and the same command goes on from there")
        return 143 if isinstance(stop, _Terminated) else 130
    except BrokenPipeError:
        # whoever read our output has gone; nothing is left to say to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _complain(f"{error.strerror or type(error).__name__}{where}; mend that and try again")
        return EXIT_USAGE
    except Exception as error:  # noqa: BLE001 - the outermost boundary
        return _other(error)
    return status if isinstance(status, int) else 0


def _other(error: Exception) -> int:
    # the command-line library's own errors, whichever of its versions made them
    text = getattr(error, "format_message", None)
    if callable(text):
        context = getattr(error, "ctx", None)
        command = getattr(context, "command_path", "brightline")
        _complain(f"{str(text()).rstrip('.')}; see `{command} --help`")
        return EXIT_USAGE
    if type(error).__name__ in ("Exit", "Abort"):
        return int(getattr(error, "exit_code", 1))
    from brightline.screen.worker import describe

    _complain(f"internal error, please report it: {describe(error)}")
    return EXIT_INTERNAL
