"""The simulated market as an HTTP server on this machine, for programs that are not this process.

    python -m sources.simulator.server --port 8130 [--now 2025-11-21T01:00] [--fault dead:deribit ...]

The first segment of the path is the provider's host, as `sources.http.Transport` writes it when it is given a
`base_url`: `http://127.0.0.1:8130/api.llama.fi/hacks`. It listens on the loopback address and nowhere else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from sources.simulator import market
from sources.simulator.answers import Ask
from sources.simulator.transport import NobodyAnswers, SimulatedProviders

LOOPBACK = "127.0.0.1"
_MAX_POST_BYTES = 1 << 20


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SimulatedServer

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _MAX_POST_BYTES)))

    def _answer(self, content: bytes) -> None:
        parts = urlsplit(self.path)
        host, _, path = unquote(parts.path).lstrip("/").partition("/")
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        try:
            answer, breaks_off = self.server.providers.respond(Ask(host, f"/{path}", params, content))
        except NobodyAnswers:
            # A dead provider is a connection that ends without a word.
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.content)))
        for name, value in (answer.headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if breaks_off:
            self.wfile.write(answer.content[: len(answer.content) // 2])
            self.close_connection = True
        else:
            self.wfile.write(answer.content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a first load makes thousands of requests."""


class SimulatedServer(ThreadingHTTPServer):
    """Serves the simulated providers on the loopback address.

    Args:
        port: 0 for any free one; `origin` says which it became.
        now: the market's present instant.
        faults: strings as listed in `sources.simulator.faults`.

    Raises:
        OutsideMarket, UnknownFault: as `SimulatedProviders`.
    """

    daemon_threads = True

    def __init__(self, port: int = 0, *, now: datetime | None = None, faults: Sequence[str] = ()) -> None:
        self.providers = SimulatedProviders(now or market.END_OF_MARKET, faults)
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def origin(self) -> str:
        """What to give `sources.http.Transport` as `base_url`."""
        return f"http://{LOOPBACK}:{self.server_port}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sources.simulator.server", description="Serve the SIMULATED market."
    )
    parser.add_argument("--port", type=int, default=8130, help="port on the loopback address (default 8130)")
    parser.add_argument("--now", help="the market's present, UTC, such as 2025-11-21T01:00 (default: the market's end)")
    parser.add_argument("--fault", action="append", default=[], help="a fault to switch on, such as dead:deribit")
    options = parser.parse_args(arguments)
    try:
        moment = datetime.fromisoformat(options.now) if options.now else market.END_OF_MARKET
        moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
        server = SimulatedServer(options.port, now=moment, faults=options.fault)
    except (ValueError, OSError) as error:
        print(f"cannot serve the simulated market: {error}", file=sys.stderr)
        return 2
    with server:
        print(
            f"SIMULATED market at {server.origin}, its clock shows {moment:%Y-%m-%d %H:%M} UTC; stop with Ctrl-C",
            flush=True,
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
