"""The simulated Coin Metrics community API: text values, nanosecond times, pages that by default begin at the end.

Beside Bitcoin and Ether, whose figures are the state's, there are the prices of some forty further coins: each moves
with the two, more or less, and a little by itself. One of them fails in May 2022. The catalogue also lists what breadth
has no use for: a pegged coin, a wrapped one, and a coin a second time on another chain.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from urllib.parse import urlencode

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import DAYS, Floats, OnChain, State, day_at, day_index

HOSTS = ("community-api.coinmetrics.io",)
_PATH = "/v4/timeseries/asset-metrics"
_CATALOGUE_PATH = "/v4/catalog-v2/asset-metrics"
_PAGE_SIZE, _MAX_PAGE_SIZE = 100, 10_000

METRICS: dict[str, Callable[[OnChain, int], float]] = {
    "PriceUSD": lambda chain, day: chain.price_usd[day],
    "CapMrktCurUSD": lambda chain, day: chain.market_cap_usd[day],
    "CapMVRVCur": lambda chain, day: chain.mvrv_ratio[day],
    "FlowInExUSD": lambda chain, day: chain.flow_in_usd[day],
    "FlowOutExUSD": lambda chain, day: chain.flow_out_usd[day],
    "SplyExNtv": lambda chain, day: chain.exchange_supply[day],
    "SplyCur": lambda chain, day: chain.supply[day],
    "IssTotUSD": lambda chain, day: chain.issuance_usd[day],
    "FeeTotNtv": lambda chain, day: chain.fee_native[day],
    "HashRate": lambda chain, day: chain.hash_rate_ths[day],
    "AdrActCnt": lambda chain, day: chain.active_address_count[day],
    "TxCnt": lambda chain, day: chain.transaction_count[day],
    "AssetEODCompletionTime": lambda chain, day: chain.completed_at_s[day],
}
COINS: dict[str, tuple[float, float, float]] = {
    # Price at the origin in US dollars, coins, and how much of the market's moves it makes.
    "1inch": (1.1, 6.0e8, 1.3), "aave": (88.0, 1.3e7, 1.3), "ada": (0.18, 3.2e10, 1.2), "algo": (0.33, 6.0e9, 1.2),
    "ape": (9.0, 3.0e8, 1.4), "apt": (8.0, 4.0e8, 1.4), "arb": (1.2, 3.0e9, 1.4), "atom": (6.2, 2.9e8, 1.2),
    "avaxc": (3.7, 3.4e8, 1.4), "bch": (340.0, 1.9e7, 1.0), "bnb": (38.0, 1.5e8, 0.9), "bsv": (160.0, 1.9e7, 1.1),
    "comp": (145.0, 7.0e6, 1.2), "cro": (0.06, 2.5e10, 1.1), "crv": (0.7, 9.0e8, 1.5), "dash": (88.0, 1.1e7, 1.1),
    "doge": (0.005, 1.4e11, 1.3), "dot": (9.3, 1.2e9, 1.2), "etc": (5.7, 1.4e8, 1.1), "fil": (22.0, 5.0e8, 1.3),
    "ftm": (0.02, 2.8e9, 1.5), "grt": (0.36, 8.0e9, 1.4), "hbar": (0.03, 3.0e10, 1.2), "icp": (25.0, 4.6e8, 1.4),
    "ldo": (1.6, 8.8e8, 1.5), "link": (11.2, 5.5e8, 1.2), "ltc": (124.0, 7.0e7, 1.0), "luna": (0.65, 3.5e8, 1.4),
    "mana": (0.08, 1.8e9, 1.4), "mkr": (590.0, 9.0e5, 1.1), "near": (1.4, 1.0e9, 1.4), "neo": (14.5, 7.0e7, 1.2),
    "op": (1.4, 1.0e9, 1.4), "pepe": (1e-6, 4.2e14, 1.6), "sand": (0.04, 1.8e9, 1.4), "shib": (7e-7, 5.5e14, 1.5),
    "snx": (7.2, 2.5e8, 1.4), "sol": (1.5, 3.5e8, 1.4), "trx": (0.027, 7.1e10, 0.8), "uni": (5.2, 6.0e8, 1.3),
    "vet": (0.02, 6.5e10, 1.3), "xlm": (0.13, 2.3e10, 1.1), "xmr": (157.0, 1.8e7, 0.9), "xrp": (0.24, 4.6e10, 1.1),
    "xtz": (2.0, 8.0e8, 1.2), "zec": (57.0, 1.1e7, 1.2),
}  # fmt: skip

_COIN_METRICS = ("PriceUSD", "CapMrktCurUSD")
_FOLLOWERS = ("trx_eth", "usdt", "wbtc")
_OWN_MOVE = 0.018
_FAILED, _FAILS_ON, _LOST_PER_DAY = "luna", date(2022, 5, 9), 1.3

_COUNTS = {"AdrActCnt", "TxCnt", "AssetEODCompletionTime"}


class _BadParameter(ValueError):
    """The request cannot be answered; the text is what the vendor's error says."""


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path == _CATALOGUE_PATH:
        return as_json(_catalogue(ask, scene))
    if ask.path != _PATH:
        return not_found(ask)
    try:
        return as_json(_page(ask, scene))
    except _BadParameter as error:
        return as_json({"error": {"type": "bad_parameter", "message": str(error)}}, 400)


_paths: dict[tuple[int, str], Floats] = {}


def _coin_price(state: State, asset: str) -> Floats:
    """US dollars by day: what Bitcoin and Ether do, as much of it as the coin makes, and moves of its own."""
    key = (id(state), asset)
    if key not in _paths:
        first, _, beta = COINS[asset]
        logs = [np.log(state.on_chain[other].price_usd) for other in ("btc", "eth")]
        common = 0.4 * (logs[0] - logs[0][0]) + 0.6 * (logs[1] - logs[1][0])
        own = np.cumsum(np.resize(np.roll(state.jitter, zlib.crc32(asset.encode()) % len(state.jitter)), DAYS))
        path = beta * common + _OWN_MOVE * own
        if asset == _FAILED:
            path -= _LOST_PER_DAY * np.clip(np.arange(DAYS) - day_index(_FAILS_ON) + 1, 0, 9)
        _paths[key] = first * np.exp(path)
    return _paths[key]


def _catalogue(ask: Ask, scene: Scene) -> dict[str, object]:
    asked = [metric for metric in ask.params.get("metrics", "").split(",") if metric]
    rows = []
    for asset in sorted((*scene.state.on_chain, *COINS, *_FOLLOWERS)):
        there = METRICS if asset in scene.state.on_chain else _COIN_METRICS
        metrics = [
            {
                "metric": metric,
                "frequencies": [{"frequency": "1d", "min_time": f"{day_at(0)}T00:00:00.000000000Z", "community": True}],
            }
            for metric in there
            if metric in asked or not asked
        ]
        rows.append({"asset": asset, "metrics": metrics})
    return {"data": rows}


def _page(ask: Ask, scene: Scene) -> dict[str, object]:
    params = ask.params
    if params.get("frequency", "1d") != "1d":
        raise _BadParameter(f"Bad parameter 'frequency'. Frequency '{params['frequency']}' is not supported.")
    rows = [
        (asset, index, day)
        for asset in _assets(ask)
        for index, day in scene.shown(scene.whole_days)
        if scene.state.on_chain[asset if asset in scene.state.on_chain else "btc"].completed_at_s[index]
        <= scene.now.timestamp()
    ]
    first, last = _day(params, "start_time", date.min), _day(params, "end_time", date.max)
    rows = [row for row in rows if first <= row[2] <= last]
    metrics = _metrics(ask)
    size = _page_size(params)
    from_start = params.get("paging_from", "end") == "start"
    if token := params.get("next_page_token"):
        bound = _read_token(token)
        rows = [row for row in rows if (row[2] >= bound if from_start else row[2] <= bound)]
    page = rows[:size] if from_start else rows[-size:]
    payload: dict[str, object] = {"data": [_row(scene, metrics, *row) for row in page]}
    if len(page) < len(rows):
        bound = page[-1][2] + timedelta(days=1) if from_start else page[0][2] - timedelta(days=1)
        query = {name: value for name, value in params.items() if name != "next_page_token"}
        payload["next_page_token"] = _write_token(bound)
        payload["next_page_url"] = f"https://{HOSTS[0]}{_PATH}?" + urlencode(
            {**query, "next_page_token": _write_token(bound)}
        )
    return payload


def _row(scene: Scene, metrics: list[str], asset: str, index: int, day: date) -> dict[str, str | None]:
    factor = scene.factor(day)
    row: dict[str, str | None] = {"asset": asset, "time": f"{day}T00:00:00.000000000Z"}
    for metric in metrics:
        if asset in scene.state.on_chain:
            value = METRICS[metric](scene.state.on_chain[asset], index)
        elif metric in _COIN_METRICS:
            price = _coin_price(scene.state, asset)[index]
            value = price * COINS[asset][1] if metric == "CapMrktCurUSD" else price
        else:
            # What an asset does not have is not in its rows.
            continue
        if value != value:
            row[metric] = None
        elif metric in _COUNTS:
            row[metric] = str(int(value))
        else:
            row[metric] = repr(float(value) * factor)
    if scene.has_new_column:
        row["new_field"] = "1"
    return row


def _assets(ask: Ask) -> list[str]:
    assets = [asset for asset in ask.params.get("assets", "").split(",") if asset]
    if not assets:
        raise _BadParameter("Missing required parameter 'assets'.")
    for asset in assets:
        if asset not in ("btc", "eth", *COINS):
            raise _BadParameter(f"Bad parameter 'assets'. Asset '{asset}' is not supported.")
    if len(assets) > 1:
        raise _BadParameter("Bad parameter 'assets'. The simulated provider answers for one asset at a time.")
    return assets


def _metrics(ask: Ask) -> list[str]:
    asked = [metric for metric in ask.params.get("metrics", "").split(",") if metric]
    if not asked:
        raise _BadParameter("Missing required parameter 'metrics'.")
    unknown = [metric for metric in asked if metric not in METRICS]
    if unknown and ask.params.get("ignore_unsupported_errors") != "true":
        raise _BadParameter(f"Bad parameter 'metrics'. Metric '{unknown[0]}' is not supported.")
    return [metric for metric in asked if metric in METRICS]


def _page_size(params: Mapping[str, str]) -> int:
    text = params.get("page_size", str(_PAGE_SIZE))
    if not text.isdigit() or not 1 <= int(text) <= _MAX_PAGE_SIZE:
        raise _BadParameter(f"Bad parameter 'page_size'. Value '{text}' is not between 1 and {_MAX_PAGE_SIZE}.")
    return int(text)


def _day(params: Mapping[str, str], name: str, otherwise: date) -> date:
    text = params.get(name)
    if text is None:
        return otherwise
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise _BadParameter(f"Bad parameter '{name}'. Value '{text}' is not a date.") from None


def _write_token(day: date) -> str:
    return "0." + base64.urlsafe_b64encode(f"{day}T00:00:00Z".encode()).decode().rstrip("=")


def _read_token(token: str) -> date:
    try:
        text = base64.urlsafe_b64decode(token.removeprefix("0.") + "==").decode()
        return day_at(day_index(date.fromisoformat(text[:10])))
    except (ValueError, binascii.Error):
        raise _BadParameter(f"Bad parameter 'next_page_token'. Value '{token}' is not a token.") from None
