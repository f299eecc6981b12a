"""The simulated Fear & Greed API: text everywhere, newest first, no date range."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.calendars import UTC
from sources.simulator.state import DAYS, day_at

HOSTS = ("api.alternative.me",)
NEVER_PUBLISHED = date(2024, 10, 26)
"""A day the real history lacks too."""


def classify(value: int) -> str:
    for bound, name in ((25, "Extreme Fear"), (46, "Fear"), (54, "Neutral"), (75, "Greed")):
        if value <= bound:
            return name
    return "Extreme Greed"


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path.rstrip("/") != "/fng":
        return not_found(ask)
    limit = ask.params.get("limit", "1")
    if not limit.isdigit():
        return as_json({"name": "Fear and Greed Index", "data": [], "metadata": {"error": "limit must be a number"}})
    # The value of a day is published at its first instant.
    newest = min(scene.whole_days, DAYS - 1)
    rows: list[dict[str, str]] = []
    for index in range(newest, -1, -1):
        day = day_at(index)
        if day == NEVER_PUBLISHED or scene.is_missing(day):
            continue
        value = round(int(scene.state.fear_greed[index]) * scene.factor(day) + (scene.factor(day) > 1))
        midnight = datetime.combine(day, time(0), UTC)
        stamp = f"{midnight:%d-%m-%Y}" if ask.params.get("date_format") else str(int(midnight.timestamp()))
        row = {"value": str(value), "value_classification": classify(value), "timestamp": stamp}
        if not rows:
            row["time_until_update"] = str(int((midnight + timedelta(days=1) - scene.now).total_seconds()))
        if scene.has_new_column:
            row["new_field"] = "1"
        rows.append(row)
        if len(rows) == int(limit):
            break
    return as_json({"name": "Fear and Greed Index", "data": rows, "metadata": {"error": None}}, indent="\t")
