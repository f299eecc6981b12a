"""The simulated Coin Metrics community API: text values, nanosecond times, pages that by default begin at the end."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from urllib.parse import urlencode

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import OnChain, day_at, day_index

HOSTS = ("community-api.coinmetrics.io",)
_PATH = "/v4/timeseries/asset-metrics"
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
_COUNTS = {"AdrActCnt", "TxCnt", "AssetEODCompletionTime"}


class _BadParameter(ValueError):
    """The request cannot be answered; the text is what the vendor's error says."""


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path != _PATH:
        return not_found(ask)
    try:
        return as_json(_page(ask, scene))
    except _BadParameter as error:
        return as_json({"error": {"type": "bad_parameter", "message": str(error)}}, 400)


def _page(ask: Ask, scene: Scene) -> dict[str, object]:
    params = ask.params
    if params.get("frequency", "1d") != "1d":
        raise _BadParameter(f"Bad parameter 'frequency'. Frequency '{params['frequency']}' is not supported.")
    rows = [
        (asset, index, day)
        for asset in _assets(ask)
        for index, day in scene.shown(scene.whole_days)
        if scene.state.on_chain[asset].completed_at_s[index] <= scene.now.timestamp()
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
    chain = scene.state.on_chain[asset]
    factor = scene.factor(day)
    row: dict[str, str | None] = {"asset": asset, "time": f"{day}T00:00:00.000000000Z"}
    for metric in metrics:
        value = METRICS[metric](chain, index)
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
        if asset not in ("btc", "eth"):
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
