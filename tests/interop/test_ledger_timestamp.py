"""`ledger checkpoint --timestamp`: a local authority made with OpenSSL answers over HTTP, and its
token verifies with our verifier and with `openssl ts`."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from brightline.workspace import Workspace
from tests.harness import Place

pytestmark = pytest.mark.interop

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[stamper]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """A time stamping authority and what it does: answer, or spoil its answers."""

    folder: Path
    url: str = ""
    mode: str = "good"
    asked: list[bytes] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def reply(self, query: bytes) -> bytes:
        self.asked.append(query)
        (self.folder / "query").write_bytes(query)
        openssl("ts", "-reply", "-config", self.folder / "tsa.conf", "-section", "one",
                "-queryfile", self.folder / "query", "-out", self.folder / "reply")  # fmt: skip
        return (self.folder / "reply").read_bytes()


def openssl(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["openssl", *map(str, arguments)], check=True, capture_output=True, text=True
    )


def make_authority(folder: Path) -> Authority:
    folder.mkdir()
    for name in ("root", "tsa"):
        (folder / f"{name}.conf").write_text(CONFIG.format(name=f"test {name}", folder=folder))
    (folder / "serial").write_text("01\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", folder / "root.key", "-out", folder / "root.pem",
            "-config", folder / "root.conf", "-extensions", "root", "-days", "30")  # fmt: skip
    openssl("req", *key, "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr",
            "-config", folder / "tsa.conf")  # fmt: skip
    openssl("x509", "-req", "-in", folder / "tsa.csr", "-CA", folder / "root.pem",
            "-CAkey", folder / "root.key", "-CAcreateserial", "-days", "30",
            "-extfile", folder / "tsa.conf", "-extensions", "stamper",
            "-out", folder / "tsa.pem")  # fmt: skip
    return Authority(folder)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    made = make_authority(tmp_path_factory.mktemp("tsa") / "authority")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            match made.mode:
                case "good":
                    data = made.reply(query)
                case "another":
                    data = made.reply(made.asked[0])
                case "long":
                    data = bytes(2 << 20)
                case _:
                    data = b"<html>moved</html>"
            self.send_response(500 if made.mode == "refused" else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Workspace.create(tmp_path / "w").root, tmp_path / "none")


def test_a_timestamp_is_fetched_and_verified(
    authority: Authority, place: Place, tmp_path: Path
) -> None:
    authority.mode = "good"
    kept, token = tmp_path / "kept", tmp_path / "kept.tsr"
    place.run("ledger", "checkpoint", "-o", kept, "--timestamp", authority.url, status=0)
    # only the digest went out
    assert all(kept.read_bytes()[:20] not in query for query in authority.asked)
    openssl("ts", "-verify", "-data", kept, "-in", token, "-CAfile", authority.root)
    verify = ["ledger", "verify", "--against", kept, "--token", token, "--tsa-root"]
    document = place.json(*verify, authority.root, status=0)
    assert document["timestamp"].startswith("20")
    other = make_authority(tmp_path / "other")
    said = place.run(*verify, other.root, status=1)
    assert "not by this authority" in said.stderr
    changed = bytearray(token.read_bytes())
    changed[-40] ^= 1
    token.write_bytes(changed)
    place.run(*verify, authority.root, status=1)


def test_a_token_of_another_checkpoint_is_refused(
    authority: Authority, place: Place, tmp_path: Path
) -> None:
    authority.mode = "good"
    one, two = tmp_path / "one", tmp_path / "two"
    place.run("ledger", "checkpoint", "-o", one, "--timestamp", authority.url, status=0)
    place.run("ledger", "rotate-key", status=0)
    place.run("ledger", "checkpoint", "-o", two, status=0)
    said = place.run(
        "ledger", "verify", "--against", two, "--token", tmp_path / "one.tsr",
        "--tsa-root", authority.root, status=1,
    )  # fmt: skip
    assert "not of this checkpoint" in said.stderr


@pytest.mark.parametrize("mode", ["another", "junk", "long", "refused"])
def test_a_bad_answer_leaves_nothing(
    authority: Authority, place: Place, tmp_path: Path, mode: str
) -> None:
    authority.mode = "good"
    place.run("ledger", "checkpoint", "-o", tmp_path / "x", "--timestamp", authority.url, status=0)
    place.run("ledger", "rotate-key", status=0)
    authority.mode = mode
    kept = tmp_path / "kept"
    said = place.run(
        "ledger", "checkpoint", "-o", kept, "--timestamp", authority.url, status=2
    ).stderr
    assert "time stamping service" in said and said.count("\n") == 1
    assert not kept.exists() and not (tmp_path / "kept.tsr").exists()


def test_an_authority_that_is_not_there_is_said_to_be(place: Place, tmp_path: Path) -> None:
    said = place.run(
        "ledger", "checkpoint", "-o", tmp_path / "k", "--timestamp", "http://127.0.0.1:1/", status=2
    )
    assert "cannot be reached" in said.stderr
