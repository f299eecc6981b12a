"""The simulated Wikimedia pageviews: people look in when the price moves, and more so when it falls."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json
from sources.simulator.state import ORIGIN, Floats, State

HOSTS = ("wikimedia.org",)
_PATH = re.compile(
    r"/api/rest_v1/metrics/pageviews/per-article/en\.wikipedia/all-access/user/([^/]+)/daily/(\d+)/(\d+)"
)
_PUBLISHED_AFTER = timedelta(hours=20)
_USUAL_VIEWS = {"Bitcoin": 9_000, "Ethereum": 3_500, "Cryptocurrency": 6_000, "Stablecoin": 700}
_NO_DATA = (
    "The date(s) you used are valid, but we either do not have data for those date(s), or the project you asked for is "
    "not loaded yet. Please check documentation for more information"
)


def _interest(state: State, asset: str) -> Floats:
    """Views as a multiple of the usual, by day."""
    change = np.diff(np.log(state.on_chain[asset].price_usd), prepend=np.log(state.on_chain[asset].price_usd[0]))
    move = 14.0 * np.abs(change) + 10.0 * np.clip(-change, 0.0, None)
    # Interest fades over days.
    faded = move + 0.5 * np.roll(move, 1) + 0.25 * np.roll(move, 2)
    interest: Floats = 0.7 + faded
    return interest


def answer(ask: Ask, scene: Scene) -> Answer:
    match = _PATH.fullmatch(ask.path)
    if match is None:
        return _problem(ask, 404, "Not Found", "The requested route does not exist.")
    article = match[1].replace(" ", "_")
    try:
        first, last = (datetime.strptime(text[:8], "%Y%m%d").date() for text in match.groups()[1:])
    except ValueError:
        return _problem(ask, 400, "Bad Request", "Given year/month/day is invalid date")
    if first > last:
        return _problem(ask, 400, "Bad Request", "Start timestamp should be before the end timestamp.")
    items = []
    if article in _USUAL_VIEWS:
        interest = _interest(scene.state, "eth" if article == "Ethereum" else "btc")
        published = max((scene.now - _PUBLISHED_AFTER - ORIGIN) // timedelta(days=1), 0)
        for index, day in scene.shown(min(published, len(interest))):
            if first <= day <= last:
                item: dict[str, object] = {
                    "project": "en.wikipedia",
                    "article": article,
                    "granularity": "daily",
                    "timestamp": f"{day:%Y%m%d}00",
                    "access": "all-access",
                    "agent": "user",
                    "views": round(_USUAL_VIEWS[article] * float(interest[index]) * scene.factor(day)),
                }
                items.append(item | ({"new_field": 1} if scene.has_new_column else {}))
    if not items:
        return _problem(ask, 404, "Not Found", _NO_DATA)
    return as_json({"items": items})


def _problem(ask: Ask, status: int, title: str, detail: str) -> Answer:
    problem = {
        "detail": detail,
        "method": "get",
        "status": status,
        "title": title,
        "type": "about:blank",
        "uri": ask.path,
    }
    found = as_json(problem, status)
    return Answer(status, "application/problem+json", found.content)
