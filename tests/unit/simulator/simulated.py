"""What the simulator's tests share: a client on the simulated market at an instant."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

import httpx

from sources.simulator.market import END_OF_MARKET
from sources.simulator.transport import SimulatedTransport

COIN_METRICS = "https://community-api.coinmetrics.io/v4/timeseries/asset-metrics"
FARSIDE = "https://farside.co.uk"
FRED = "https://fred.stlouisfed.org/graph/fredgraph.csv"
DERIBIT = "https://www.deribit.com/api/v2/public/get_volatility_index_data"
FUNDING = "https://fapi.binance.com/fapi/v1/fundingRate"
ARCHIVE = "https://data.binance.vision/data"

EVERY_PROVIDER = {
    "alternative_me": "https://api.alternative.me/fng/?limit=5&format=json",
    "bgeometrics": "https://bitcoin-data.com/api/v1/lth-supply?startday=2025-11-01&endday=2025-11-10",
    "binance_futures": f"{FUNDING}?symbol=BTCUSDT&limit=5",
    "binance_vision": f"{ARCHIVE}/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2025-11-05.zip",
    "coinmetrics": f"{COIN_METRICS}?assets=btc&metrics=PriceUSD&page_size=5",
    "defillama": "https://api.llama.fi/v2/historicalChainTvl",
    "deribit": f"{DERIBIT}?currency=BTC&start_timestamp=1762300800000&end_timestamp=1764979200000&resolution=1D",
    "farside": f"{FARSIDE}/btc/",
    "fred": f"{FRED}?id=VIXCLS&cosd=2025-11-01&coed=2025-11-20",
}
"""One plain request per provider."""


def client(now: datetime = END_OF_MARKET, *faults: str) -> httpx.Client:
    return httpx.Client(transport=SimulatedTransport(now, faults))


def unzip(content: bytes) -> tuple[str, str]:
    """Name and text of the only member of a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = archive.namelist()
        return name, archive.read(name).decode()
