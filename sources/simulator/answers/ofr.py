"""The simulated Office of Financial Research: the whole history of the stress index, two business days late."""

from __future__ import annotations

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, not_found
from sources.simulator.calendars import new_york, sessions_after
from sources.simulator.macro import carried, strain, trailing_mean
from sources.simulator.state import Floats, State

HOSTS = ("www.financialresearch.gov",)
_HEADING = (
    "Date,OFR FSI,Credit,Equity valuation,Safe assets,Funding,Volatility,"
    "United States,Other advanced economies,Emerging markets"
)


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path != "/financial-stress-index/data/fsi.csv":
        return not_found(ask)
    novelty = ",1" if scene.has_new_column else ""
    lines = [_HEADING + (",new_field" if novelty else "")]
    days = scene.state.macro["VIXCLS"].days
    for day, values in zip(days, _figures(scene.state), strict=True):
        if not scene.is_missing(day) and new_york(sessions_after(day, 2), 16) <= scene.now:
            factor = scene.factor(day)
            # Written as short as they are: 2.14 and not 2.140.
            lines.append(f"{day},{','.join(str(round(value * factor, 3)) for value in values.tolist())}{novelty}")
    return Answer(200, "text/csv", ("\n".join(lines) + "\n").encode())


def _figures(state: State) -> Floats:
    """Headline, categories and regions by weekday: both sets of parts add up to the headline."""
    vix, spread = carried(state.macro["VIXCLS"].values), carried(state.macro["BAA10Y"].values)
    shares, ten_year = carried(state.macro["SP500"].values), carried(state.macro["DGS10"].values)
    credit = 1.6 * (spread - 2.0)
    valuation = 4.0 * (trailing_mean(shares, 120) / shares - 1.0) - 0.3
    safe = 0.12 * (trailing_mean(ten_year, 20) - ten_year) - 0.1
    funding = 0.3 * (strain(state) - 0.3)
    volatility = (vix - 20.0) / 9.0
    parts = np.round([credit, valuation, safe, funding, volatility], 3)
    headline = np.round(parts.sum(axis=0), 3)
    states, advanced = np.round(0.52 * headline, 3), np.round(0.31 * headline, 3)
    return np.stack([headline, *parts, states, advanced, np.round(headline - states - advanced, 3)], axis=1)
