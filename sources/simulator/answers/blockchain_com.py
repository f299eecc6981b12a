"""The simulated Blockchain.com charts: points by day, thinned unless asked not to be, the day so far as the newest."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json
from sources.simulator.state import ORIGIN, Floats, OnChain

HOSTS = ("api.blockchain.info",)
_PREFIX = "/charts/"
_MOST_SAMPLED = 1_500
_SPAN = re.compile(r"(\d+)(day|week|month|year)s?")
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}

_CHARTS: dict[str, tuple[str, str, Callable[[OnChain], Floats]]] = {
    "hash-rate": ("Hash Rate", "Hash Rate TH/s", lambda chain: chain.hash_rate_ths),
    "transaction-fees-usd": ("Transaction Fees (USD)", "USD", lambda chain: chain.fee_native * chain.price_usd),
    "miners-revenue": (
        "Miners Revenue",
        "USD",
        lambda chain: chain.issuance_usd + chain.fee_native * chain.price_usd,
    ),
    "n-unique-addresses": ("Unique Addresses", "Addresses", lambda chain: chain.active_address_count.astype(float)),
    "estimated-transaction-volume-usd": (
        "Estimated Transaction Value (USD)",
        "USD",
        lambda chain: 2.6 * (chain.flow_in_usd + chain.flow_out_usd),
    ),
}


def answer(ask: Ask, scene: Scene) -> Answer:
    chart = ask.path.removeprefix(_PREFIX)
    if not ask.path.startswith(_PREFIX) or chart not in _CHARTS:
        return as_json({"status": "not-found", "error": f"No chart with name {chart}"}, 404)
    span = _span(ask, scene)
    if span is None:
        return as_json({"status": "bad-request", "error": "Invalid timespan or start"}, 400)
    first, last = span
    name, unit, values_of = _CHARTS[chart]
    values = values_of(scene.state.on_chain["btc"])
    novelty = {"new_field": 1} if scene.has_new_column else {}
    points = [
        {"x": int(ORIGIN.timestamp()) + index * 86_400, "y": float(values[index]) * scene.factor(day), **novelty}
        for index, day in scene.shown(scene.whole_days)
        if first <= day <= last
    ]
    today = scene.now.date()
    if first <= today <= last and scene.whole_days and not scene.is_missing(today):
        # The day so far, of which nothing is told but that it is less.
        so_far = 0.5 * float(values[scene.whole_days - 1])
        points.append({"x": int(ORIGIN.timestamp()) + scene.whole_days * 86_400, "y": so_far, **novelty})
    if ask.params.get("sampled", "true") != "false" and len(points) > _MOST_SAMPLED:
        points = points[:: len(points) // _MOST_SAMPLED + 1]
    head = {"status": "ok", "name": name, "unit": unit, "period": "day", "description": f"{name} by day."}
    return as_json({**head, "values": points})


def _span(ask: Ask, scene: Scene) -> tuple[date, date] | None:
    text = ask.params.get("timespan", "1year")
    if text == "all":
        return date.min, date.max
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    length = timedelta(days=int(found[1]) * _DAYS[found[2]])
    if "start" not in ask.params:
        return scene.now.date() - length + timedelta(days=1), date.max
    try:
        first = date.fromisoformat(ask.params["start"][:10])
    except ValueError:
        return None
    return first, first + length - timedelta(days=1)
