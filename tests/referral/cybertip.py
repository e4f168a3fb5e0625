"""A reporting service of this project's own: order, codes, schema, expiry, and faults.

It answers as the CyberTipline's public documents say, keeps everything in memory, and takes its
time from the test. `Line` carries requests to it without a network; `serve` over HTTP.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.parser import BytesParser
from urllib.parse import parse_qs

from brightline.lists.feeds.safe_xml import parse_xml
from brightline.referral.validate import own_schema
from brightline.referral.wire import Answer, NoAnswer, NotSent, Outcome, Request

USER, PASSWORD = "esp", "p\u00e4ss"


@dataclass
class Kept:
    """A report as the service keeps it."""

    xml: bytes
    opened: datetime
    changed: datetime
    state: str = "open"
    files: dict[str, str] = field(default_factory=dict)
    details: dict[str, bytes] = field(default_factory=dict)


class Cybertip:
    """The service. `lenient`: it takes details of files that were not uploaded."""

    def __init__(
        self, now: Callable[[], datetime], *, lenient: bool = False, password: str = PASSWORD
    ) -> None:
        self.reports: dict[str, Kept] = {}
        self.now = now
        self.lenient = lenient
        self.token = base64.b64encode(f"{USER}:{password}".encode()).decode()
        self.requests: list[str] = []
        self._next = 4564654
        self._lock = threading.Lock()

    def open_reports(self) -> list[str]:
        self._expire()
        return [n for n, r in self.reports.items() if r.state == "open"]

    def finished(self) -> list[str]:
        return [n for n, r in self.reports.items() if r.state == "finished"]

    def handle(self, request: Request, authorization: str | None) -> tuple[int, bytes]:
        """Status and body."""
        with self._lock:
            self.requests.append(request.path)
            if authorization != f"Basic {self.token}":
                return 401, b""
            self._expire()
            match request.path:
                case "/submit":
                    return self._submit(request)
                case "/upload":
                    return self._upload(request)
                case "/fileinfo":
                    return self._file_info(request)
                case "/finish" | "/retract":
                    return self._end(request)
                case _:
                    return 404, b"<html>no such page</html>"

    def _submit(self, request: Request) -> tuple[int, bytes]:
        refused = self._checked(request, "report")
        if refused is not None:
            return refused
        number = str(self._next)
        self._next += 1
        self.reports[number] = Kept(request.body, self.now(), self.now())
        return _reply(0, report_id=number)

    def _upload(self, request: Request) -> tuple[int, bytes]:
        if not request.content_type.startswith("multipart/form-data; boundary="):
            return _reply(4000)
        head = f"Content-Type: {request.content_type}\r\n\r\n".encode()
        parts = BytesParser().parsebytes(head + request.body)
        found = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in parts.walk()
            if not part.is_multipart()
        }
        if found.keys() != {"id", "file"}:
            return _reply(4000)
        number = bytes(found["id"]).decode()
        refused = self._usable(number)
        if refused is not None:
            return refused
        data = bytes(found["file"])
        report = self.reports[number]
        file_id = f"f{len(report.files)}-{number}"
        report.files[file_id] = hashlib.sha256(data).hexdigest()
        report.changed = self.now()
        return _reply(0, report_id=number, file_id=file_id, md5=hashlib.md5(data).hexdigest())

    def _file_info(self, request: Request) -> tuple[int, bytes]:
        refused = self._checked(request, "fileDetails")
        if refused is not None:
            return refused
        number = _between(request.body, "reportId")
        refused = self._usable(number)
        if refused is not None:
            return refused
        report, file_id = self.reports[number], _between(request.body, "fileId")
        if file_id not in report.files and not self.lenient:
            return _reply(5002)
        report.details[file_id] = request.body
        report.changed = self.now()
        return _reply(0, report_id=number)

    def _end(self, request: Request) -> tuple[int, bytes]:
        if request.content_type != "application/x-www-form-urlencoded":
            return _reply(4000)
        fields = parse_qs(request.body.decode())
        if fields.keys() != {"id"} or len(fields["id"]) != 1:
            return _reply(4000)
        number = fields["id"][0]
        refused = self._usable(number)
        if refused is not None:
            return refused
        report = self.reports[number]
        if request.path == "/retract":
            report.state = "retracted"
            return _reply(0, report_id=number)
        report.state = "finished"
        files = "".join(f"<fileId>{name}</fileId>" for name in report.files)
        return 200, (
            "<?xml version='1.0' encoding='UTF-8' standalone='yes'?><reportDoneResponse>"
            f"<responseCode>0</responseCode><reportId>{number}</reportId>"
            f"<files>{files}</files></reportDoneResponse>"
        ).encode()

    def _checked(self, request: Request, root: str) -> tuple[int, bytes] | None:
        if request.content_type != "text/xml; charset=utf-8":
            return _reply(4000)
        problems = own_schema().problems(request.body, self.now())
        if any(problem.element == "document" for problem in problems):
            return _reply(4110)
        if problems or parse_xml(request.body).tag != root:
            return _reply(4100)
        return None

    def _usable(self, number: str) -> tuple[int, bytes] | None:
        report = self.reports.get(number)
        if report is None or report.state == "deleted":
            return _reply(5001)
        if report.state == "retracted":
            return _reply(5101)
        if report.state == "finished":
            return _reply(5102)
        return None

    def _expire(self) -> None:
        for report in self.reports.values():
            end = max(report.opened + timedelta(hours=24), report.changed + timedelta(hours=1))
            if report.state == "open" and self.now() >= end:
                report.state = "deleted"


def _reply(
    code: int, report_id: str | None = None, file_id: str | None = None, md5: str | None = None
) -> tuple[int, bytes]:
    fields = "".join(
        f"<{name}>{value}</{name}>"
        for name, value in (("reportId", report_id), ("fileId", file_id), ("hash", md5))
        if value is not None
    )
    return 200, (
        "<?xml version='1.0' encoding='UTF-8' standalone='yes'?><reportResponse>"
        f"<responseCode>{code}</responseCode>"
        f"<responseDescription>words</responseDescription>{fields}</reportResponse>"
    ).encode()


def reply(code: int) -> Answer:
    """The service's answer with this code and no more."""
    return Answer(*_reply(code), request_id="r-1")


def _between(body: bytes, name: str) -> str:
    found = re.search(rf"<{name}>(.*?)</{name}>".encode(), body)
    assert found is not None
    return found[1].decode()


class Line:
    """A wire to the service in memory. `faults[k]` happens to request number k, from 0 on:

    `lost before` and `lost after` the service saw it, `not sent`, or an Answer put in its place
    without the service being asked.
    """

    def __init__(self, service: Cybertip, faults: Mapping[int, str | Answer] | None = None) -> None:
        self.service = service
        self.faults = faults or {}
        self.count = 0
        self.authorization = f"Basic {service.token}"

    def post(self, request: Request) -> Outcome:
        fault = self.faults.get(self.count)
        self.count += 1
        if isinstance(fault, Answer):
            return fault
        if fault == "not sent":
            return NotSent("no connection")
        if fault == "lost before":
            return NoAnswer("the connection broke")
        status, body = self.service.handle(request, self.authorization)
        if fault == "lost after":
            return NoAnswer("no answer in time")
        return Answer(status, body, f"r-{self.count}")


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Cybertip
    faults: dict[str, str]

    def do_POST(self) -> None:
        path = self.path.removeprefix("/ispws")
        fault = self.faults.pop(path, None)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if fault == "drop before":
            self._drop()
            return
        request = Request(path, body, self.headers["Content-Type"])
        status, answer = self.service.handle(request, self.headers["Authorization"])
        if fault == "drop after":
            self._drop()
            return
        if fault == "slow":
            time.sleep(1.0)
        self.send_response(status)
        self.send_header("Request-ID", "abc-123")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Nothing on the test's output."""


@contextmanager
def serve(service: Cybertip, faults: dict[str, str] | None = None) -> Iterator[str]:
    """The service over HTTP on this machine; the base address."""
    handler = type("Handler", (_Handler,), {"service": service, "faults": faults or {}})

    class Quiet(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that gave up is what some tests are about."""

    with Quiet(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/ispws"
        finally:
            server.shutdown()
            thread.join()
