"""The simulated FRED graph CSV: a row per weekday, `.` on holidays, nothing before its release."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, timezone

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, not_found
from sources.simulator.calendars import released_at
from sources.simulator.macro import published
from sources.simulator.state import MacroSeries

HOSTS = ("fred.stlouisfed.org",)
_WEEKLY = {"STLFSI4"}
_HEADING_RENAMED_AT = datetime(2024, 12, 12, tzinfo=timezone.utc)


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path != "/graph/fredgraph.csv":
        return not_found(ask)
    asked = [series_id for series_id in ask.params.get("id", "").split(",") if series_id]
    known = published(scene.state)
    if not asked or any(series_id not in known for series_id in asked):
        return not_found(ask)
    try:
        first = date.fromisoformat(ask.params.get("cosd", "1776-07-04"))
        last = date.fromisoformat(ask.params.get("coed", "9999-12-31"))
    except ValueError:
        return not_found(ask)
    texts = {series_id: _csv(known[series_id], scene, first, last) for series_id in asked}
    if len(asked) == 1:
        return Answer(200, "text/csv", texts[asked[0]].encode())
    # Several series come packed, one file per frequency; the simulation packs one file per series.
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for series_id, text in texts.items():
            folder = "weekly" if series_id in _WEEKLY else "daily"
            archive.writestr(zipfile.ZipInfo(f"{folder}_{series_id}.csv", (2025, 1, 1, 0, 0, 0)), text)
    return Answer(200, "application/zip", packed.getvalue())


def _csv(series: MacroSeries, scene: Scene, first: date, last: date) -> str:
    heading = "observation_date" if scene.now >= _HEADING_RENAMED_AT else "DATE"
    novelty = ",1" if scene.has_new_column else ""
    lines = [f"{heading},{series.series_id}{',new_field' if novelty else ''}"]
    for day, value in zip(series.days, series.values, strict=True):
        if first <= day <= last and released_at(series.series_id, day) <= scene.now and not scene.is_missing(day):
            text = "." if np.isnan(value) else f"{value * scene.factor(day):.{series.decimals}f}"
            lines.append(f"{day},{text}{novelty}")
    return "\n".join(lines) + "\n"
