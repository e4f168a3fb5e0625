"""The command line: arguments in, text out; what it does lies in the other rooms."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from brightline.errors import BrightlineError, TaskError, UsageError, VerificationError

EXIT_UNVERIFIED = 1
EXIT_USAGE = 2
EXIT_INTERNAL = 70


def _complain(message: str) -> None:
    sys.stderr.write(f"brightline: {' '.join(message.split())}\n")


_stopped_by: list[int] = []


def _stop(number: int, _frame: FrameType | None) -> None:
    """Ctrl-C, or TERM as a batch system sends it. The command-line library turns the exception
    into a status of its own, so what it was is kept here."""
    _stopped_by.append(number)
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """Run one command; every error becomes one line on stderr and a status."""
    _stopped_by.clear()
    _open_streams()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        status = _run(arguments)
    except KeyboardInterrupt:
        status = 130
    if _stopped_by:
        _complain("stopped; what was committed is kept, and the same command goes on from there")
        return 128 + _stopped_by[0]
    return status


def _open_streams() -> None:
    """A stream that was closed, or that cannot show a character, is no reason to fail."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run(arguments: Sequence[str]) -> int:
    try:
        from brightline.cli.app import app

        status = app(args=list(arguments), prog_name="brightline", standalone_mode=False)
        sys.stdout.flush()
    except UsageError as error:
        _complain(str(error))
        return EXIT_USAGE
    except VerificationError as error:
        _complain(f"not verified: {error}")
        return EXIT_UNVERIFIED
    except BrightlineError as error:
        _complain(str(error))
        return EXIT_INTERNAL if isinstance(error, TaskError) else EXIT_USAGE
    except (BrokenPipeError, SystemExit):
        # whoever read our output has gone; nothing is left to say to them. The command-line
        # library exits with 1 then, and with nothing else: 1 would say that something matched
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
    if type(error).__name__ == "NoArgsIsHelpError" and callable(text):
        sys.stderr.write(f"{text()}\n")
        return EXIT_USAGE
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
