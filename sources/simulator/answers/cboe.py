"""The simulated Cboe: one CSV of the whole history per index, a session at 18:00 New York time of its day.

The VIX is that of the state; its relatives follow it, the shorter term faster and the longer term slower, so that the
term structure turns over when the VIX jumps.
"""

from __future__ import annotations

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, not_found
from sources.simulator.calendars import new_york
from sources.simulator.macro import carried, trailing_mean
from sources.simulator.state import Floats, State

HOSTS = ("cdn.cboe.com",)
_FOLDER = "/api/global/us_indices/daily_prices/"
_RANGED = ("VIX", "VIX3M", "VIX9D")


def answer(ask: Ask, scene: Scene) -> Answer:
    symbol = ask.path.removeprefix(_FOLDER).removesuffix("_History.csv")
    closes = _closes(scene.state, symbol)
    if closes is None or ask.path != f"{_FOLDER}{symbol}_History.csv":
        return not_found(ask)
    is_ranged = symbol in _RANGED
    opens = np.concatenate([closes[:1], closes[:-1]])
    highs, lows = np.maximum(opens, closes) * 1.03, np.minimum(opens, closes) * 0.97
    figures = np.stack([opens, highs, lows, closes] if is_ranged else [closes])
    novelty = ",1" if scene.has_new_column else ""
    lines = [f"DATE,{'OPEN,HIGH,LOW,CLOSE' if is_ranged else symbol}{',new_field' if novelty else ''}"]
    series = scene.state.macro["VIXCLS"]
    for day, vix, values in zip(series.days, series.values, figures.T, strict=True):
        if np.isnan(vix) or scene.is_missing(day) or new_york(day, 18) > scene.now:
            continue
        factor = scene.factor(day)
        lines.append(f"{day:%m/%d/%Y},{','.join(f'{value * factor:.6f}' for value in values)}{novelty}")
    return Answer(200, "text/csv", ("\n".join(lines) + "\n").encode())


def _closes(state: State, symbol: str) -> Floats | None:
    """Closes by weekday; a holiday has the close before it."""
    vix = carried(state.macro["VIXCLS"].values)
    if symbol == "VIX":
        return vix
    if symbol == "VIX3M":
        return 1.6 + 0.5 * vix + 0.5 * trailing_mean(vix, 40)
    if symbol == "VIX9D":
        return np.maximum(vix + 0.9 * (vix - trailing_mean(vix, 5)) - 0.6, 6.0)
    if symbol == "VVIX":
        return 62.0 + 1.5 * vix
    if symbol == "OVX":
        oil = np.log(carried(state.macro["DCOILWTICO"].values))
        moves = np.diff(oil, prepend=oil[0])
        return 14.0 + 100.0 * np.sqrt(252.0 * trailing_mean(moves**2, 21))
    if symbol == "GVZ":
        return 8.0 + 0.45 * trailing_mean(vix, 5)
    return None
