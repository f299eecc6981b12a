"""Bodies in the providers' wire formats and a provider to send them, for the tests of `sources`.

All values are invented. A stored body lies in `bodies/<table>.<ext>`; zipped formats are stored as the CSV inside.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path

import httpx

from sources.dataset import UTC, Body, Dataset, Request, Window
from sources.errors import SourceError
from sources.http import Transport

BODIES = Path(__file__).parent / "bodies"
NOW = datetime(2024, 7, 10, 12, tzinfo=UTC)
WINDOW = Window(datetime(2024, 7, 1, tzinfo=UTC), NOW)

ARCHIVE = "https://data.binance.vision/data"

# Which request each stored body answers.
REQUESTS: Mapping[str, Request] = {
    "alternative_me__fear_greed": Request("https://api.alternative.me/fng/", (("limit", "11"), ("format", "json"))),
    "bgeometrics__lth_supply": Request("https://bitcoin-data.com/api/v1/lth-supply"),
    "bgeometrics__sth_sopr": Request("https://bitcoin-data.com/api/v1/sth-sopr"),
    "bgeometrics__sopr": Request("https://bitcoin-data.com/api/v1/sopr"),
    "bgeometrics__realized_price": Request("https://bitcoin-data.com/api/v1/realized-price"),
    "binance_futures__funding_rates": Request("https://fapi.binance.com/fapi/v1/fundingRate", (("symbol", "BTCUSDT"),)),
    "binance_vision__spot_klines": Request(f"{ARCHIVE}/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-07-01.zip"),
    "binance_vision__um_metrics": Request(f"{ARCHIVE}/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2024-07-01.zip"),
    "binance_vision__um_funding_rates": Request(
        f"{ARCHIVE}/futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2024-06.zip"
    ),
    "binance_vision__um_book_depth": Request(
        f"{ARCHIVE}/futures/um/daily/bookDepth/BTCUSDT/BTCUSDT-bookDepth-2024-07-01.zip"
    ),
    "coinmetrics__asset_metrics": Request(
        "https://community-api.coinmetrics.io/v4/timeseries/asset-metrics", (("assets", "btc"),)
    ),
    "defillama__stablecoin_supply": Request(
        "https://stablecoins.llama.fi/stablecoincharts/all", (("stablecoin", "1"),)
    ),
    "defillama__stablecoin_prices": Request("https://stablecoins.llama.fi/stablecoinprices"),
    "defillama__hacks": Request("https://api.llama.fi/hacks"),
    "defillama__tvl": Request("https://api.llama.fi/v2/historicalChainTvl"),
    "deribit__dvol": Request(
        "https://www.deribit.com/api/v2/public/get_volatility_index_data", (("currency", "BTC"), ("resolution", "1D"))
    ),
    "farside__etf_flows": Request("https://farside.co.uk/btc/"),
    "fred__daily_series": Request("https://fred.stlouisfed.org/graph/fredgraph.csv", (("id", "VIXCLS"),)),
    "fred__weekly_series": Request("https://fred.stlouisfed.org/graph/fredgraph.csv", (("id", "STLFSI4"),)),
}


def stored(table: str) -> bytes:
    """The stored body of a dataset, before zipping."""
    (path,) = BODIES.glob(f"{table}.*")
    return path.read_bytes()


def body(table: str, content: bytes | str | None = None, **changes: object) -> Body:
    """A response for a dataset: the stored one, or `content` in its place. CSV for the archive is zipped on the way."""
    raw = stored(table) if content is None else content.encode() if isinstance(content, str) else content
    fields: dict[str, object] = {
        "request": REQUESTS[table],
        "status": 200,
        "content_type": "application/octet-stream",
        "content": zipped(raw) if table.startswith("binance_vision") and not raw.startswith(b"PK") else raw,
        "retrieved_at": NOW,
        "window": WINDOW,
    }
    return Body(**{**fields, **changes})  # type: ignore[arg-type]


def zipped(content: bytes, name: str = "data.csv") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def checksum(content: bytes, name: str = "data.zip") -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


Handler = Callable[[httpx.Request], httpx.Response]


def fetched(
    dataset: Dataset, handler: Handler, *, window: Window = WINDOW, now: datetime = NOW
) -> tuple[list[Body], SourceError | None]:
    """What a dataset's fetch yields from a provider played by `handler`, and the error it ends with."""
    transport = Transport(now=lambda: now, transport=httpx.MockTransport(handler), paced=False, retry_wait=0.001)
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
