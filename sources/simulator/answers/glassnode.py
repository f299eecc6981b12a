"""The simulated Glassnode: one metric an answer, rows of a stamp and a value, two hours after midnight."""

from __future__ import annotations

from datetime import timedelta

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json
from sources.simulator.state import ORIGIN, Floats, State

HOSTS = ("api.glassnode.com",)
_PREFIX = "/v1/metrics/"
_PUBLISHED_AFTER = timedelta(hours=2)
_DAY_S = 86_400


def _series(state: State, metric: str) -> Floats | None:
    chain = state.on_chain["btc"]
    lth_btc = state.lth_supply_btc
    return {
        "supply/lth_sum": lth_btc,
        "supply/sth_sum": chain.supply[: len(lth_btc)] - lth_btc,
        "indicators/sopr": state.sopr_ratio,
        "indicators/sopr_less_155": state.sth_sopr_ratio,
        "market/mvrv": chain.mvrv_ratio,
    }.get(metric)


def answer(ask: Ask, scene: Scene) -> Answer:
    values = _series(scene.state, ask.path.removeprefix(_PREFIX)) if ask.path.startswith(_PREFIX) else None
    if values is None:
        return Answer(404, "text/plain", b"metric not found\n")
    if ask.params.get("a") != "BTC" or ask.params.get("i") != "24h":
        return Answer(400, "text/plain", b"invalid parameters\n")
    since, until = ask.params.get("s", "0"), ask.params.get("u", "99999999999")
    if not since.isdigit() or not until.isdigit():
        return Answer(400, "text/plain", b"invalid parameters\n")
    published = max((scene.now - _PUBLISHED_AFTER - ORIGIN) // timedelta(days=1), 0)
    origin_s = int(ORIGIN.timestamp())
    rows = []
    for index, day in scene.shown(min(published, len(values))):
        stamp = origin_s + index * _DAY_S
        if int(since) <= stamp < int(until):
            row = {"t": stamp, "v": float(values[index]) * scene.factor(day)}
            rows.append(row | ({"new_field": 1} if scene.has_new_column else {}))
    return as_json(rows)
