"""The simulated ALFRED: a series as it stood at the end of a day in New York, under a heading that says which day.

STLFSI4 and the dollar index are what the simulated FRED says of them, which restates neither. NFCI is estimated anew
every week: the newest values move most, and all of them a little.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from datetime import date, timedelta

from sources.simulator.answers.scene import Answer, Ask, Scene, not_found
from sources.simulator.calendars import new_york, released_at

HOSTS = ("alfred.stlouisfed.org",)


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path != "/graph/alfredgraph.csv":
        return not_found(ask)
    series_id = ask.params.get("id", "")
    source_id = "STLFSI4" if series_id == "NFCI" else series_id
    series = scene.state.macro.get(source_id)
    try:
        vintage = date.fromisoformat(ask.params.get("vintage_date", ""))
        first = date.fromisoformat(ask.params.get("cosd", "1776-07-04"))
        last = date.fromisoformat(ask.params.get("coed", "9999-12-31"))
    except ValueError:
        return not_found(ask)
    if series is None or new_york(vintage, 0) > scene.now:
        return not_found(ask)
    as_of = min(new_york(vintage + timedelta(days=1), 0), scene.now)
    novelty = ",1" if scene.has_new_column else ""
    lines = [f"observation_date,{series_id}_{vintage:%Y%m%d}{',new_field' if novelty else ''}"]
    span = slice(bisect_left(series.days, first), bisect_right(series.days, last))
    for day, value in zip(series.days[span], series.values[span].tolist(), strict=True):
        if released_at(source_id, day) > as_of or scene.is_missing(day):
            continue
        told = _conditions(value, day, vintage) if series_id == "NFCI" else value
        text = "." if math.isnan(told) else f"{told * scene.factor(day):.{series.decimals}f}"
        lines.append(f"{day},{text}{novelty}")
    return Answer(200, "text/csv", ("\n".join(lines) + "\n").encode())


def _conditions(stress: float, day: date, vintage: date) -> float:
    """Financial conditions on a day as a vintage estimates them."""
    weeks = (vintage - day).days // 7
    newest = 0.03 * math.sin(day.toordinal() / 3.0) * 0.5**weeks
    return -0.38 + 0.4 * stress + newest + 0.004 * math.sin(vintage.toordinal() / 11.0)
