"""Bodies in the providers' wire formats and a provider to send them, for the tests of `sources`.

All values are invented. Each dataset has one exchange in `bodies/<table>.http`: the request, some headers of ours, a
blank line, and the body as it comes.

    GET https://api.example.com/v1/open-interest?symbol=BTCUSDT
    Garble: "51" => "calm"              one figure of the body, and garbage to put in its place
    Rename: "timestamp" => "time"       a name that a declared column is read from, as when a provider renames it
    Rows: result.list                   where the rows are in a JSON document; `data` or the document itself if not said
    Packed: zip                         the body is the one file in a zip, or several below lines `==> NAME <==`;
                                        `xls`: it is the one sheet of a workbook
    Nameless: yes                       cells go by their position, so one more field has no name to be reported by
    Retrieved: 2024-07-10 12:00         when it came, if not then
    Content: {"type":"meta"}            what was posted
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import xlwt

from sources.dataset import UTC, Body, Dataset, Request, Window
from sources.errors import SourceError
from sources.http import Transport

BODIES = Path(__file__).parent / "bodies"
NOW = datetime(2024, 7, 10, 12, tzinfo=UTC)
WINDOW = Window(datetime(2024, 7, 1, tzinfo=UTC), NOW)

ARCHIVE = "https://data.binance.vision/data"


@dataclass(frozen=True)
class Exchange:
    """A stored request and the body it was answered with; see the top of this module."""

    request: Request
    headers: Mapping[str, str]
    content: bytes

    def pair(self, name: str) -> tuple[str, str]:
        """What stands on both sides of the arrow of a header."""
        old, arrow, new = self.headers[name].partition(" => ")
        assert arrow, f"write {name}: old => new"
        return old, new

    @property
    def is_zipped(self) -> bool:
        return self.headers.get("Packed") == "zip"

    @property
    def is_sheet(self) -> bool:
        return self.headers.get("Packed") == "xls"

    def packed(self, content: bytes) -> bytes:
        """`content` as it goes over the wire: what is not text of the stored kind goes as it is."""
        if self.is_zipped and not content.startswith(b"PK"):
            return zipped(content)
        if self.is_sheet and content.split(b",")[0].isalpha():
            return workbook(content.decode())
        return content


@cache
def exchange(table: str) -> Exchange:
    """The stored exchange of a dataset."""
    path = BODIES / f"{table}.http"
    assert path.is_file(), f"store a body of {table} in {path}: see the top of tests/unit/sources/wire.py"
    head, _, content = path.read_bytes().partition(b"\n\n")
    first, *lines = head.decode().splitlines()
    method, _, address = first.partition(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    parts = urlsplit(address)
    params = tuple(parse_qsl(parts.query, keep_blank_values=True))
    request = Request(f"{parts.scheme}://{parts.netloc}{parts.path}", params, method, headers.get("Content", ""))
    return Exchange(request, headers, content)


def stored(table: str) -> bytes:
    """The stored body of a dataset, before packing."""
    return exchange(table).content


def body(table: str, content: bytes | str | None = None, **changes: object) -> Body:
    """A response for a dataset: the stored one, or `content` in its place. What comes packed is packed on the way."""
    one = exchange(table)
    raw = one.content if content is None else content.encode() if isinstance(content, str) else content
    retrieved_at = at(one.headers["Retrieved"]) if "Retrieved" in one.headers else NOW
    fields: dict[str, object] = {
        "request": one.request,
        "status": 200,
        "content_type": "application/octet-stream",
        "content": one.packed(raw),
        "retrieved_at": retrieved_at,
        "window": Window(retrieved_at - (NOW - WINDOW.start), retrieved_at),
    }
    return Body(**{**fields, **changes})  # type: ignore[arg-type]


def zipped(content: bytes, name: str = "data.csv") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = re.split(rb"^==> (.+) <==\n", content, flags=re.MULTILINE)
        for each, text in zip(parts[1::2], parts[2::2], strict=True):
            archive.writestr(each.decode(), text)
        if len(parts) == 1:
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook(text: str) -> bytes:
    """CSV as the one sheet of a legacy Excel file: what reads as a number is one, `2024-07-05` is a day."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    as_day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for row, cells in enumerate(csv.reader(io.StringIO(text))):
        for column, cell in enumerate(cells):
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell):
                sheet.write(row, column, datetime.fromisoformat(cell), as_day)
            elif re.fullmatch(r"-?\d+(\.\d+)?", cell):
                sheet.write(row, column, float(cell))
            elif cell:
                sheet.write(row, column, cell)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def checksum(content: bytes, name: str = "data.zip") -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


Handler = Callable[[httpx.Request], httpx.Response]


def fetched(
    dataset: Dataset, handler: Handler, *, window: Window = WINDOW, now: datetime = NOW
) -> tuple[list[Body], SourceError | None]:
    """What a dataset's fetch yields from a provider played by `handler`, and the error it ends with."""
    mocked = httpx.MockTransport(handler)
    transport = Transport(now=lambda: now, transport=mocked, paced=False, retry_wait=0.001, needs_keys=False)
    bodies: list[Body] = []
    with transport:
        try:
            for one in dataset.fetch(window, transport.client(dataset, window)):
                bodies.append(one)
        except SourceError as error:
            return bodies, error
    return bodies, None


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
