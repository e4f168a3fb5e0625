"""`brightline referral submit`, `retract`, `resolve`, and what must be kept: `clocks`, `hold`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brightline.cli.common import (
    IdentityOption,
    JsonOption,
    WorkspaceOption,
    duration_text,
    load_key,
    open_workspace,
    plural,
    print_json,
    talk,
)
from brightline.cli.referral_common import AgainOption, DraftArgument, state_words

if TYPE_CHECKING:
    from brightline.referral.service import Service
    from brightline.referral.states import State
    from brightline.referral.submit import Progress
    from brightline.referral.validate import Schema
    from brightline.referral.wire import HttpWire

EndpointOption = Annotated[
    str | None, typer.Option(metavar="URL", help="Another service; else the test one.")
]
ProductionOption = Annotated[
    str | None,
    typer.Option(metavar="DRAFT", help="Type the referral's name again, to send in earnest."),
]
CredentialsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="TOML of mode 0600 with user and password; else BRIGHTLINE_CYBERTIP_USER, …_PASSWORD.",
    ),
]
CaOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Certificates to trust instead, PEM.")
]
XsdOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Validate with the service's own schema.")
]

_TEST_NOTE = "this was a test service: nobody has been told of anything yet"


def submit(
    name: DraftArgument,
    identity: IdentityOption,
    endpoint: EndpointOption = None,
    production: ProductionOption = None,
    upload: Annotated[
        bool, typer.Option("--upload", help="Send the files too, read again from their source.")
    ] = False,
    again: AgainOption = None,
    credentials: CredentialsOption = None,
    xsd: XsdOption = None,
    ca_file: CaOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a referral to the hotline's test service, or in earnest with --production.

    Stopped at any moment, the same command goes on. If nobody can know whether the service
    opened a report, it says so and waits for `referral resolve`.

    Example: brightline referral submit DRAFT --identity anna.key
    """
    from brightline.referral.reread import Fetcher
    from brightline.referral.store import open_referral
    from brightline.referral.submit import Submission

    opened = open_workspace(workspace)
    referral = open_referral(opened, name)
    key = load_key(identity)
    fetch = Fetcher(opened, referral.draft.run, referral.case(key).items) if upload else None
    with (
        _wired(name, endpoint, production, credentials, ca_file) as (service, wire),
        referral.locked(),
    ):
        sending = Submission(referral, key, service, wire, _schema(xsd))
        done = sending.submit(fetch=fetch, progress=_Meter(), again=again)
    report = done.report
    if done.short:
        talk(
            "warning: the service has a finished report with fewer files than the referral; what "
            "is finished cannot be changed here: write to the hotline"
        )
    if as_json:
        print_json(
            {
                "referral": name,
                "service": service.name,
                "state": "finished",
                "report_id": report.report_id,
                "files": report.files,
                "filed": len(report.filed),
                "uploaded": len(report.uploaded),
                "service_files": done.files,
                "details_taken": report.details,
                "short": done.short,
                "finished": done.at.isoformat(),
            }
        )
        return
    typer.echo(report.report_id)
    talk(f"finished: {state_words(done)}")
    if not report.details:
        talk("the service takes no details of files it does not have; the report tells of each")
    if production is None:
        talk(_TEST_NOTE)
    else:
        talk("clocks run from now; see `brightline referral clocks`")


def retract(
    name: DraftArgument,
    identity: IdentityOption,
    endpoint: EndpointOption = None,
    production: ProductionOption = None,
    credentials: CredentialsOption = None,
    ca_file: CaOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an unfinished report back. A finished one cannot be taken back.

    Example: brightline referral retract DRAFT --identity anna.key
    """
    from brightline.referral.store import open_referral
    from brightline.referral.submit import Submission

    referral = open_referral(open_workspace(workspace), name)
    key = load_key(identity)
    with (
        _wired(name, endpoint, production, credentials, ca_file) as (service, wire),
        referral.locked(),
    ):
        state = Submission(referral, key, service, wire, _schema(None)).retract()
    _tell(name, service.name, state, as_json)


def resolve(
    name: DraftArgument,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who states it; it is kept.")],
    report_id: Annotated[
        str | None, typer.Option(metavar="N", help="The service opened this report.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="The service has no such report.")] = False,
    finished: Annotated[
        bool, typer.Option("--finished", help="The service has the finished report.")
    ] = False,
    endpoint: EndpointOption = None,
    production: ProductionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the service did, where only the hotline can know it. Ask there first.

    Example: brightline referral resolve DRAFT --report-id 4564654 --by Anna
    """
    from brightline.errors import UsageError
    from brightline.referral.resolve import resolve as settle
    from brightline.referral.service import choose_service
    from brightline.referral.store import open_referral

    if [report_id is not None, none, finished].count(True) != 1:
        raise UsageError("say one of --report-id N, --none and --finished")
    referral = open_referral(open_workspace(workspace), name)
    service = choose_service(name, endpoint, production)
    with referral.locked():
        state = settle(referral, service.name, by=by, report_id=report_id, finished=finished)
    _tell(name, service.name, state, as_json)


def _tell(name: str, service: str, state: State, as_json: bool) -> None:
    from brightline.referral.states import report_of

    report = report_of(state)
    if as_json:
        print_json(
            {
                "referral": name,
                "service": service,
                "state": type(state).__name__.lower(),
                "report_id": None if report is None else report.report_id,
            }
        )
    else:
        talk(f"{name} at {service}: {state_words(state)}")


@contextlib.contextmanager
def _wired(
    name: str,
    endpoint: str | None,
    production: str | None,
    credentials: Path | None,
    ca_file: Path | None,
) -> Iterator[tuple[Service, HttpWire]]:
    """The service that was chosen, and a wire to it while the block lasts."""
    from brightline.lists.feeds.credentials import find_credentials
    from brightline.referral.service import choose_service
    from brightline.referral.wire import HttpWire

    service = choose_service(name, endpoint, production)
    secrets = find_credentials("CYBERTIP", ("user", "password"), credentials)
    login = (secrets["user"], secrets["password"])
    with HttpWire(service.endpoint, login, ca_file=ca_file) as wire:
        yield service, wire


def _schema(xsd: Path | None) -> Schema:
    from brightline.referral.validate import own_schema, read_schema

    return own_schema() if xsd is None else read_schema(xsd)


class _Meter:
    """A line now and then: files done, rate, remaining time."""

    _SECONDS = 5.0

    def __init__(self) -> None:
        self._began = self._said = time.monotonic()
        self._first: int | None = None

    def __call__(self, progress: Progress) -> None:
        """Say how far it is, unless it was just said."""
        done = progress.uploaded + progress.filed
        if self._first is None:
            self._first = done
        now = time.monotonic()
        if now - self._said < self._SECONDS:
            return
        self._said = now
        rate = (done - self._first) / (now - self._began)
        left = progress.files * (2 if progress.uploaded else 1) - done
        rest = f", {duration_text(left / rate)} left" if rate else ""
        talk(
            f"{progress.filed} of {plural(progress.files, 'file')} filed, {rate:.1f} a second{rest}"
        )
