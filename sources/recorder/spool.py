"""The spool as landing sees it: a host that answers with recorded segments.

    GET https://recorder.invalid/status                                      whether there is a spool
    GET https://recorder.invalid/segments?kind=depth&until=<instant>         what there is, oldest first
    GET https://recorder.invalid/<venue>/<stream>/<start>                    the lines of a segment
    GET https://recorder.invalid/<venue>/<stream>/<start>?part=events        those that say what happened to the stream

So segments go the way of every answer, archive before parser, and the simulated market answers the same requests. The
name can never belong to anybody: RFC 2606 keeps `.invalid` for that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import zstandard

from sources.errors import Malformed
from sources.http import NotHeld
from sources.recorder.segments import Segment, closed_segments, find_segment
from sources.recorder.venues import STREAMS

SPOOL_HOST = "recorder.invalid"
SPOOL_URL = f"https://{SPOOL_HOST}"
SPOOL_ORIGIN = f"all://{SPOOL_HOST}"
CONTENT_TYPE = "application/x-ndjson"

_EVENT = b'"event":'


class SpoolTransport(httpx.BaseTransport):
    """Answers from the folder of recorded segments.

    Args:
        root: the folder; None where nothing is ever recorded.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            NotHeld: whether there is a spool is asked, and there never will be.
            Malformed: a segment on the disk is damaged.
        """
        parts = request.url.path.strip("/").split("/")
        if parts == ["status"]:
            if self._root is None:
                raise NotHeld("nothing is listened to in this market", request=request)
            return httpx.Response(200, json={"has_spool": self._root.is_dir()})
        if parts == ["segments"]:
            return httpx.Response(200, content=listing(self._listed(request.url.params)), headers=_JSON)
        segment = self._find(*parts) if len(parts) == 3 else None
        if segment is None:
            return httpx.Response(404, text="no such segment")
        try:
            content = segment.read()
            closed_at = datetime.fromisoformat(json.loads(content.rstrip(b"\n").rpartition(b"\n")[2])["at"])
        except (zstandard.ZstdError, ValueError, KeyError, OSError) as error:
            remedy = "restore it from a backup or remove it; the others go on"
            raise Malformed(f"segment {segment.path} is damaged: {error}", remedy=remedy) from None
        if request.url.params.get("part") == "events":
            content = events_of(content)
        # It came when the recorder had it, not when landing got round to it.
        return httpx.Response(
            200, content=content, headers={"content-type": CONTENT_TYPE}, extensions={"retrieved_at": closed_at}
        )

    def _listed(self, params: httpx.QueryParams) -> Iterable[tuple[str, str, str]]:
        until = datetime.fromisoformat(params["until"]) if "until" in params else datetime.max.replace(tzinfo=UTC)
        for segment in closed_segments(self._root) if self._root is not None else ():
            stream = STREAMS.get(f"{segment.venue}/{segment.stream}")
            is_wanted = stream is not None and params.get("kind", stream.kind) == stream.kind
            if is_wanted and segment.started_at < until:
                yield segment.venue, segment.stream, segment.name

    def _find(self, venue: str, stream: str, name: str) -> Segment | None:
        if self._root is None or f"{venue}/{stream}" not in STREAMS:
            return None
        return find_segment(self._root, venue, stream, name)


_JSON = {"content-type": "application/json"}


def listing(segments: Iterable[tuple[str, str, str]]) -> bytes:
    """The list of segments as it is answered."""
    return json.dumps(
        [{"venue": venue, "stream": stream, "start": start} for venue, stream, start in segments]
    ).encode()


def events_of(content: bytes) -> bytes:
    """The lines of a segment that say what happened to the stream, without the messages."""
    # `at` comes first and a message would be quoted, so nothing a venue sends can look like this.
    return b"".join(one + b"\n" for one in content.split(b"\n") if one[one.find(b",") + 1 :].startswith(_EVENT))
