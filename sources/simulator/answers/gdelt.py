"""The simulated GDELT timelines: more news when the price moves, worse in tone when people are afraid.

Errors are sentences of plain text with status 200, and the step of a timeline follows from its span.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import DAYS, ORIGIN, Floats, State

HOSTS = ("api.gdeltproject.org",)
_PATH = "/api/v2/doc/doc"
_USUAL_ARTICLES = {"bitcoin": 2_400, "crypto_crash": 260}
_SERIES = {"timelinevolraw": "Article Count", "timelinetone": "Average Tone"}
_DAYS_BEYOND = timedelta(days=7)


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path != _PATH:
        return not_found(ask)
    query, mode = ask.params.get("query", ""), ask.params.get("mode", "").lower()
    if len(query) < 3:
        return _sentence("The specified phrase is too short.")
    if " OR " in query and "(" not in query:
        return _sentence("Queries containing OR'd terms must be surrounded by ().")
    if mode not in _SERIES or ask.params.get("format") != "json":
        return _sentence("Invalid mode.")
    try:
        first, last = (
            datetime.strptime(ask.params.get(name, ""), "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
            for name in ("startdatetime", "enddatetime")
        )
    except ValueError:
        return _sentence("Invalid query start date.")
    topic = "crypto_crash" if "crash" in query else "bitcoin" if "bitcoin" in query else None
    if topic is None:
        return as_json({})
    step = timedelta(days=1) if last - first > _DAYS_BEYOND else timedelta(hours=1)
    points = _points(topic, mode, step, scene)
    shown = [point for stamp, point in points if first <= stamp <= last]
    details = {"title": query, "date_resolution": "day" if step == timedelta(days=1) else "hour"}
    return as_json({"query_details": details, "timeline": [{"series": _SERIES[mode], "data": shown}]}, indent=1)


def _points(topic: str, mode: str, step: timedelta, scene: Scene) -> list[tuple[datetime, dict[str, object]]]:
    per_day = timedelta(days=1) // step
    attention, tone = _attention(scene.state, topic), _tone(scene.state, topic)
    points: list[tuple[datetime, dict[str, object]]] = []
    for index, day in scene.shown(min(scene.whole_days + 1, DAYS)):
        for part in range(per_day):
            stamp = ORIGIN + timedelta(days=index) + part * step
            elapsed = min((scene.now - stamp) / step, 1.0)
            if elapsed <= 0:
                break
            seen = (160_000 if day.weekday() < 5 else 75_000) / per_day * elapsed
            point: dict[str, object] = {"date": f"{stamp:%Y%m%dT%H%M%SZ}"}
            if mode == "timelinetone":
                point["value"] = round(float(tone[index]) * scene.factor(day), 4)
            else:
                share = _USUAL_ARTICLES[topic] * float(attention[index]) / 160_000
                point |= {"value": round(share * seen * scene.factor(day)), "norm": round(seen)}
            points.append((stamp, point | ({"new_field": 1} if scene.has_new_column else {})))
    return points


def _attention(state: State, topic: str) -> Floats:
    """Share of the news as a multiple of the usual, by day."""
    price_usd = state.on_chain["btc"].price_usd
    change = np.diff(np.log(price_usd), prepend=np.log(price_usd[0]))
    attention: Floats = 0.8 + (40.0 * np.clip(-change, 0.0, None) if topic == "crypto_crash" else 9.0 * np.abs(change))
    return attention


def _tone(state: State, topic: str) -> Floats:
    worse = 2.0 if topic == "crypto_crash" else 0.0
    tone: Floats = (state.fear_greed[:DAYS] - 50) / 25.0 - worse
    return tone


def _sentence(text: str) -> Answer:
    return Answer(200, "text/html; charset=utf-8", f"{text}\n".encode())
