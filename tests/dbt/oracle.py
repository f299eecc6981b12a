"""The index computed a second time, in numpy, to hold the SQL against.

Written from the method alone and for reading: one function per step, arrays of shape (moments, pillars). It knows
nothing of the warehouse; it is given the observations and the register, as the published tables hold them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

Array = npt.NDArray[np.float64]

WINDOW_DAYS = 1461
DECAY = 0.97
PRIOR_CORRELATION = 0.5
BURN_IN_DAYS = 180
TINY = 1e-12


@dataclass
class Oracle:
    """Everything the index says, by day; keys are (date, ...) tuples."""

    ranks: dict[tuple[str, date], tuple[float, float]] = field(default_factory=dict)
    index: dict[date, dict[str, float | str]] = field(default_factory=dict)
    contributions: dict[tuple[date, str], float] = field(default_factory=dict)
    indicator_contributions: dict[tuple[date, str], float] = field(default_factory=dict)
    correlations: dict[date, Array] = field(default_factory=dict)
    changes: dict[tuple[date, str, str, str], float] = field(default_factory=dict)


def trailing_ranks(
    days: Array, values: Array, *, zero_inflated: bool, enough: int, window: int = WINDOW_DAYS
) -> tuple[Array, Array]:
    """Level rank and mid-rank of each observation within its trailing window; NaN until there are `enough`."""
    level, mid = np.full(len(days), np.nan), np.full(len(days), np.nan)
    for t, (day, value) in enumerate(zip(days, values, strict=True)):
        peers = values[(days > day - window) & (days <= day)]
        if len(peers) < enough:
            continue
        below, equal = np.sum(peers < value), np.sum(peers == value)
        mid[t] = (below + equal / 2) / len(peers)
        level[t] = below / len(peers) if zero_inflated else mid[t]
    return level, mid


def correlations(mid: Array, valid: npt.NDArray[np.bool_], decay: float = DECAY) -> Array:
    """Correlations per moment, shape (moments, pillars, pillars), by the recursion; the SQL uses the closed form."""
    count = mid.shape[1]
    moment = (np.eye(count) * (1 - PRIOR_CORRELATION) + PRIOR_CORRELATION) / 12
    out = np.empty((len(mid), count, count))
    for t in range(len(mid)):
        shrink = np.where(valid[t], np.sqrt(decay), 1.0)
        deviation = np.where(valid[t], np.nan_to_num(mid[t]) - 0.5, 0.0)
        moment = moment * shrink[:, None] * shrink[None, :] + (1 - decay) * deviation[:, None] * deviation[None, :]
        spread = np.sqrt(np.diag(moment))
        out[t] = moment / spread[:, None] / spread[None, :]
    return out


def prints(x: Array, rho: Array) -> tuple[float, Array]:
    """The index and the points of each pillar, from weighted scores and correlations."""
    q = max(float(x @ rho @ x), 0.0)
    return 100 * np.sqrt(q), 100 * x * (rho @ x) / np.sqrt(q) if q > 0 else np.zeros_like(x)


@dataclass
class Panel:
    """Steps 1 and 2: what variants with the same rank window and pillars share."""

    first: date
    pillars: list[str]
    members: dict[str, list[dict[str, object]]]
    ranks: dict[tuple[str, date], tuple[float, float]]
    level: dict[str, Array]
    score: Array
    mid_score: Array
    valid: npt.NDArray[np.bool_]

    def without(self, pillar: str) -> Panel:
        """The panel with one pillar less."""
        keep = [j for j, name in enumerate(self.pillars) if name != pillar]
        return replace(
            self,
            pillars=[self.pillars[j] for j in keep],
            score=self.score[:, keep],
            mid_score=self.mid_score[:, keep],
            valid=self.valid[:, keep],
        )


def panel_of(
    observations: pl.DataFrame, register: pl.DataFrame, pillars: list[str], window_days: int = WINDOW_DAYS
) -> Panel:
    """Ranks of the inputs and scores of the pillars.

    Args:
        observations: usable_date, observed_date, indicator, value.
        register: indicator, pillar, weight, is_zero_inflated, max_age_days, min_observations.
        pillars: in the order of the index.
        window_days: length of the rank window; longer than the data is an expanding one.
    """
    first, last = observations["usable_date"].min(), observations["usable_date"].max()
    assert isinstance(first, date) and isinstance(last, date)
    length = (last - first).days + 1
    ranks: dict[tuple[str, date], tuple[float, float]] = {}
    level: dict[str, Array] = {}
    mid: dict[str, Array] = {}
    entered: dict[str, npt.NDArray[np.bool_]] = {}
    for row in register.iter_rows(named=True):
        seen = observations.filter(indicator=row["indicator"]).sort("usable_date", "observed_date")
        if seen.is_empty():
            continue
        days = np.array([(day - first).days for day in seen["usable_date"]], dtype=float)
        z, z_mid = trailing_ranks(
            days,
            seen["value"].to_numpy(),
            zero_inflated=row["is_zero_inflated"],
            enough=row["min_observations"],
            window=window_days,
        )
        for observed, one, two in zip(seen["observed_date"], z, z_mid, strict=True):
            ranks[row["indicator"], observed] = (one, two)
        level[row["indicator"]] = carried(days, z, length, row["max_age_days"])
        mid[row["indicator"]] = carried(days, z_mid, length, row["max_age_days"])
        entered[row["indicator"]] = np.maximum.accumulate(~np.isnan(level[row["indicator"]]))

    members: dict[str, list[dict[str, object]]] = {
        p: [r for r in register.filter(pillar=p).iter_rows(named=True) if r["indicator"] in level] for p in pillars
    }
    score, mid_score, valid = scores(pillars, members, level, mid, entered, length)
    return Panel(first, pillars, members, ranks, level, score, mid_score, valid)


def carried(moments: Array, ranks: Array, length: int, max_age: int) -> Array:
    """The newest rank at each moment, NaN once it is too old."""
    newest = np.searchsorted(moments, np.arange(length), side="right") - 1
    young = (newest >= 0) & (np.arange(length) - moments[np.maximum(newest, 0)] <= max_age)
    return np.where(young, ranks[np.maximum(newest, 0)], np.nan)


def scores(
    pillars: list[str],
    members: dict[str, list[dict[str, object]]],
    level: dict[str, Array],
    mid: dict[str, Array],
    entered: dict[str, npt.NDArray[np.bool_]],
    length: int,
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Level score, mid score and validity of each pillar at each moment."""
    score, mid_score = np.full((length, len(pillars)), np.nan), np.full((length, len(pillars)), np.nan)
    valid = np.zeros((length, len(pillars)), dtype=bool)
    for j, pillar in enumerate(pillars):
        if not members[pillar]:
            continue
        names = [str(r["indicator"]) for r in members[pillar]]
        weight = np.array([r["weight"] for r in members[pillar]], dtype=float)
        z = np.array([level[name] for name in names])
        z_mid = np.array([mid[name] for name in names])
        fresh = weight[:, None] * ~np.isnan(z)
        total = (weight[:, None] * np.array([entered[name] for name in names])).sum(0)
        with np.errstate(invalid="ignore"):
            score[:, j] = (fresh * np.nan_to_num(z)).sum(0) / fresh.sum(0)
            mid_score[:, j] = (fresh * np.nan_to_num(z_mid)).sum(0) / fresh.sum(0)
        valid[:, j] = (fresh.sum(0) > 0) & (fresh.sum(0) >= 0.5 * total - TINY)
    return score, mid_score, valid


def compute(
    observations: pl.DataFrame, register: pl.DataFrame, pillars: list[str], window_days: int = WINDOW_DAYS
) -> Oracle:
    """The whole index with its reasons; pillars equally weighted."""
    return of_panel(panel_of(observations, register, pillars, window_days), explain=True)


def hourly(readings: pl.DataFrame, register: pl.DataFrame, pillars: list[str], first: int, last: int) -> list[float]:
    """The nowcast of each hour from the first to the last, NaN where there is none.

    Args:
        readings: indicator, observed_hour, usable_hour, value; hours are numbered.
        register: indicator, pillar, weight, is_zero_inflated, max_age_hours, min_observations.
        pillars: equally weighted.
        first: number of the first hour.
        last: number of the last one.
    """
    length = last - first + 1
    level: dict[str, Array] = {}
    mid: dict[str, Array] = {}
    entered: dict[str, npt.NDArray[np.bool_]] = {}
    for row in register.iter_rows(named=True):
        seen = readings.filter(indicator=row["indicator"]).sort("usable_hour", "observed_hour")
        usable = seen["usable_hour"].to_numpy().astype(float)
        hour_of_week = seen["observed_hour"].to_numpy() % 168
        z, z_mid = np.full(len(seen), np.nan), np.full(len(seen), np.nan)
        for hour in range(168):
            like = hour_of_week == hour
            z[like], z_mid[like] = trailing_ranks(
                usable[like],
                seen["value"].to_numpy()[like],
                zero_inflated=row["is_zero_inflated"],
                enough=row["min_observations"],
                window=24 * 90,
            )
        level[row["indicator"]] = carried(usable - first, z, length, row["max_age_hours"])
        mid[row["indicator"]] = carried(usable - first, z_mid, length, row["max_age_hours"])
        entered[row["indicator"]] = np.maximum.accumulate(~np.isnan(level[row["indicator"]]))
    members: dict[str, list[dict[str, object]]] = {
        p: list(register.filter(pillar=p).iter_rows(named=True)) for p in pillars
    }
    score, mid_score, valid = scores(pillars, members, level, mid, entered, length)
    # An hour is called a day here: the steps count moments, whatever they are.
    panel = Panel(date.min, pillars, members, {}, level, score, mid_score, valid)
    printed = of_panel(panel, decay=0.99, burn_in=552).index
    moments = [date.min + timedelta(days=t) for t in range(length)]
    return [float(printed[moment]["value"]) if moment in printed else np.nan for moment in moments]


def of_panel(
    panel: Panel,
    *,
    decay: float = DECAY,
    weights: list[float] | None = None,
    burn_in: int = BURN_IN_DAYS,
    explain: bool = False,
) -> Oracle:
    """Steps 3 to 5.

    Args:
        panel: ranks and scores.
        decay: of the correlations, per valid day.
        weights: of the pillars, adding up to one; equal if none are given.
        burn_in: valid days of a pillar before it counts.
        explain: also contributions and the terms of each change.
    """
    pillars, level, score = panel.pillars, panel.level, panel.score
    weight = np.full(len(pillars), 1 / len(pillars)) if weights is None else np.array(weights)
    oracle = Oracle(ranks=panel.ranks)
    rho = correlations(panel.mid_score, panel.valid, decay)
    usable = panel.valid & (np.cumsum(panel.valid, axis=0) > burn_in)
    for t in range(len(score)):
        day = panel.first + timedelta(days=t)
        oracle.correlations[day] = rho[t]
        coverage = float(weight[usable[t]].sum())
        if coverage < 4 / 6 - TINY:
            continue
        x = np.where(usable[t], weight * np.nan_to_num(score[t]), 0.0) / coverage
        value, points = prints(x, rho[t])
        oracle.index[day] = {
            "value": value,
            "linear_bound": 100 * x.sum(),
            "coverage": coverage,
            "status": "official" if coverage >= 5 / 6 - TINY else "degraded",
        }
        if not explain:
            continue
        for j, pillar in enumerate(pillars):
            if not usable[t, j]:
                continue
            oracle.contributions[day, pillar] = points[j]
            share = {
                str(r["indicator"]): float(r["weight"]) * level[str(r["indicator"])][t]  # type: ignore[arg-type]
                for r in panel.members[pillar]
            }
            share = {name: part for name, part in share.items() if not np.isnan(part)}
            whole = sum(share.values())
            for name, part in share.items():
                oracle.indicator_contributions[day, name] = points[j] * part / whole if whole > 0 else 0.0
        if day - timedelta(days=1) in oracle.index:
            _changes(oracle, panel, weight, day, t, rho, usable)
    return oracle


def _changes(
    oracle: Oracle, panel: Panel, weight: Array, day: date, t: int, rho: Array, usable: npt.NDArray[np.bool_]
) -> None:
    """Terms of the change from the day before, with the moves of entering and leaving inputs set apart."""
    pillars, members, level, score = panel.pillars, panel.members, panel.level, panel.score
    common = usable[t - 1] & usable[t]
    share = common * weight / (common * weight).sum() if common.any() else np.zeros(len(pillars))
    x0, x1 = share * np.nan_to_num(score[t - 1]), share * np.nan_to_num(score[t])
    (print0, _), (print1, _) = prints(x0, rho[t - 1]), prints(x1, rho[t])
    scale = 1e4 / (print0 + print1) if print0 + print1 > 0 else 0.0
    slope = 2 * scale * ((rho[t - 1] + rho[t]) / 2) @ ((x0 + x1) / 2)
    for j, pillar in enumerate(pillars):
        if not common[j]:
            continue
        both = [
            (float(r["weight"]), level[str(r["indicator"])][t - 1], level[str(r["indicator"])][t])  # type: ignore[arg-type]
            for r in members[pillar]
        ]
        both = [(w, a, b) for w, a, b in both if not np.isnan(a) and not np.isnan(b)]
        moved = sum(w * (b - a) for w, a, b in both) / sum(w for w, _, _ in both) if both else 0.0
        oracle.changes[day, "level", pillar, ""] = slope[j] * share[j] * moved
        entered = slope[j] * (x1[j] - x0[j] - share[j] * moved)
        if abs(entered) > TINY:
            oracle.changes[day, "composition", pillar, ""] = entered
    for i in range(len(pillars)):
        for j in range(i + 1, len(pillars)):
            if common[i] and common[j]:
                drift = rho[t, i, j] - rho[t - 1, i, j]
                oracle.changes[day, "correlation", pillars[i], pillars[j]] = (
                    scale * (x0[i] * x0[j] + x1[i] * x1[j]) * drift
                )
    today, before = oracle.index[day], oracle.index[day - timedelta(days=1)]
    oracle.changes[day, "composition", "", ""] = (float(today["value"]) - print1) - (float(before["value"]) - print0)
