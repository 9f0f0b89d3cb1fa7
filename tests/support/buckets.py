"""A service of buckets, in little, that keeps objects as files: it can be killed at any moment, and started again.

It speaks as much of S3 as a store needs: get, put (on conditions), head, list, delete.
``python buckets.py FOLDER PORT`` serves the buckets that are folders of FOLDER.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

ONE_AT_A_TIME = threading.Lock()  # a put looks at what is there and replaces it in one step


class Handler(BaseHTTPRequestHandler):
    """Answers one client; an object is the file with its quoted key as a name."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is sent in one piece
    folder: Path

    def log_message(self, *words: object) -> None:
        """Say nothing."""

    def _place(self) -> tuple[Path, str, dict[str, list[str]]]:
        """Return the folder of the bucket, the name of the object's file, and what is asked."""
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        return self.folder / bucket, quote(key, safe=""), parse_qs(parts.query, keep_blank_values=True)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self) -> None:
        bucket, name, query = self._place()
        if "list-type" in query:
            return self._answer(200, _listing(bucket, query.get("prefix", [""])[0]))
        try:
            raw, written = (bucket / name).read_bytes(), (bucket / name).stat().st_mtime
        except FileNotFoundError:
            return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        facts = {"ETag": _tag(raw), "Last_Modified": formatdate(written, usegmt=True)}
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not wanted:
            return self._answer(200, raw, **facts)
        first, last = wanted.groups()
        begin = int(first) if first else len(raw) - int(last)
        end = min(int(last), len(raw) - 1) if first and last else len(raw) - 1
        return self._answer(206, raw[begin : end + 1], Content_Range=f"bytes {begin}-{end}/{len(raw)}", **facts)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        bucket, name, _ = self._place()
        raw, file = self._body(), bucket / name
        with ONE_AT_A_TIME:
            there = _tag(file.read_bytes()) if file.exists() else None
            wanted, unwanted = self.headers.get("If-Match"), self.headers.get("If-None-Match")
            if (unwanted and there) or (wanted and wanted != there):
                return self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            draft = self.folder / uuid.uuid4().hex
            draft.write_bytes(raw)
            os.replace(draft, file)
        return self._answer(200, ETag=_tag(raw))

    def do_DELETE(self) -> None:
        bucket, name, _ = self._place()
        (bucket / name).unlink(missing_ok=True)
        self._answer(204)

    def do_POST(self) -> None:
        """Delete several keys."""
        bucket, _, _ = self._place()
        keys = [item.text or "" for item in ElementTree.fromstring(self._body()).iter() if item.tag.endswith("Key")]
        for key in keys:
            (bucket / quote(key, safe="")).unlink(missing_ok=True)
        gone = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())


def _tag(raw: bytes) -> str:
    return f'"{hashlib.md5(raw).hexdigest()}"'


def _listing(bucket: Path, prefix: str) -> bytes:
    found = []
    for file in sorted(bucket.iterdir()):
        if (key := unquote(file.name)).startswith(prefix):
            facts = file.stat()
            when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(facts.st_mtime))
            words = {"Key": escape(key), "Size": facts.st_size, "LastModified": when}
            found.append("".join(f"<{name}>{value}</{name}>" for name, value in words.items()))
    contents = "".join(f"<Contents>{item}</Contents>" for item in found)
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode()


class Service:
    """The service as a process."""

    def __init__(self, folder: Path) -> None:
        (folder / "sweeps").mkdir(parents=True)
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }
        self.start()

    def start(self) -> None:
        """Return when it answers."""
        self.process = subprocess.Popen([sys.executable, __file__, str(self.folder), str(self.port)])
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < deadline, "the service does not answer"
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


if __name__ == "__main__":
    Handler.folder = Path(sys.argv[1])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
