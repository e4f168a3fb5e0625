"""What an audit did, as JSON and as one HTML file.

`build_report` turns a run's summary into a report with a documented, stable schema
(`brightline.report.schema`); `render_html` turns that report into a self-contained page.
Neither knows of items: a report holds counts, and no locator or hash of anything matched.
"""

from __future__ import annotations

from brightline.report.html import render_html
from brightline.report.json import build_report
from brightline.report.schema import SCHEMA, Report

__all__ = ["SCHEMA", "Report", "build_report", "render_html"]
