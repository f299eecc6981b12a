"""The simulated policy-uncertainty site: every calendar day in three columns, at noon of the day after in UTC.

The day under way is there as well, with the newspapers that have come in: half of what it will be.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, not_found
from sources.simulator.macro import on_every_day
from sources.simulator.state import DAYS, ORIGIN, day_at

HOSTS = ("www.policyuncertainty.com",)


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path != "/media/All_Daily_Policy_Data.csv":
        return not_found(ask)
    days = np.arange(DAYS)
    values = 40.0 + 4.0 * on_every_day(scene.state.macro["VIXCLS"]) + 22.0 * np.sin(2.1 * days) - 12.0 * (days % 7 > 4)
    novelty = ",1" if scene.has_new_column else ""
    lines = [f"day,month,year,daily_policy_index{',new_field' if novelty else ''}"]
    whole = max((scene.now - timedelta(hours=12) - ORIGIN) // timedelta(days=1), 0)
    for index, day in scene.shown(whole):
        lines.append(f"{day.day},{day.month},{day.year},{values[index] * scene.factor(day):.2f}{novelty}")
    if scene.whole_days < DAYS and not scene.is_missing(today := day_at(scene.whole_days)):
        lines.append(f"{today.day},{today.month},{today.year},{values[scene.whole_days] / 2:.2f}{novelty}")
    return Answer(200, "text/csv", ("\n".join(lines) + "\n").encode())
