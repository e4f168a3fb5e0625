"""A run's report as a file: whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from brightline import storage
from brightline.ledger import Event
from brightline.report.html import render_html
from brightline.report.json import build_report
from brightline.screen.runs import summary_of
from brightline.workspace import Workspace


def write_report(workspace: Workspace, run: str, form: str, output: Path | None) -> str:
    """Render the report of a run as `html` or `json`; write it to `output` if one is given.

    The ledger records that it was made. Returns the text.
    """
    report = build_report(summary_of(workspace, run).document)
    text = render_html(report) if form == "html" else json.dumps(report, indent=2) + "\n"
    if output is not None:
        storage.write_atomic(output.absolute(), text.encode("utf-8", "backslashreplace"), 0o644)
    workspace.ledger.append(Event.REPORT_MADE, {"run": run, "format": str(form)})
    return text
