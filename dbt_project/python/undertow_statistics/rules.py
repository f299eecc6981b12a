"""Rules held against matched days: what came after a signal, and what came after days like it without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from undertow_statistics.resampling import holm, interval

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Days = NDArray[np.int64]
Row = dict[str, object]

LEAST_EPISODES = 10
"""With fewer signals a rule stays unproven whatever came after them."""

_LEAST_MATCHES = 5
_APART_DAYS = 14
_REDRAWS = 20
_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Signals:
    """The days of one rule and variant.

    Args:
        rule, variant: which.
        days: the days the rule can speak about, in order.
        is_signal, is_in_population: per day; a day in the population may stand in for one without the signal.
        cool_down: days after a signal in which another one does not count.
    """

    rule: str
    variant: str
    days: Days
    is_signal: Flags
    is_in_population: Flags
    cool_down: int = 0

    def episodes(self) -> Days:
        """The days that count as signals."""
        kept: list[int] = []
        for day in self.days[self.is_signal]:
            if not kept or day > kept[-1] + self.cool_down:
                kept.append(int(day))
        return np.array(kept, dtype=np.int64)


@dataclass(frozen=True)
class Outcome:
    """What is looked at after a signal.

    Args:
        name, horizon: which.
        values: day number -> value.
        expected: 1 if the rule expects more than on matched days, -1 if less.
        is_primary: whether the rule's verdict rests on it.
    """

    name: str
    horizon: int
    values: Mapping[int, float]
    expected: int
    is_primary: bool


Strata = Mapping[int, tuple[int, int, int]]
"""Day number -> drawdown decile, volatility tercile, calendar year."""


def candidates(day: int, population: Days, signals: Days, strata: Strata) -> tuple[Days, str]:
    """The days like a signal's that are none, and how alike they are.

    Where fewer than five share all three strata, the year is given up, then the volatility tercile.

    Args:
        day: of the signal.
        population: days that may stand in; those without strata do not.
        signals: all signals; a day near any of them shares its future and does not stand in.
        strata: of all days.
    """
    held = np.array([other for other in population if int(other) in strata], dtype=np.int64)
    if day not in strata or not len(held):
        return np.empty(0, dtype=np.int64), "none"
    held = held[np.abs(held[:, None] - signals[None, :]).min(axis=1) > _APART_DAYS]
    is_alike = np.array([strata[int(other)] for other in held]).reshape(-1, 3) == np.array(strata[day])
    for quality, parts in (("all three", 3), ("without year", 2), ("drawdown only", 1)):
        alike = held[is_alike[:, :parts].all(axis=1)]
        if len(alike) >= _LEAST_MATCHES:
            return alike, quality
    return np.empty(0, dtype=np.int64), "none"


def draw(pools: Sequence[Days], draws: int, seed: int) -> Days:
    """Random stand-ins: one row per draw, one column per signal, days of a draw kept apart where that is possible.

    Neighbouring days tell the same story, so a draw that took three of one week would vary less than three signals do.
    """
    random = np.random.default_rng(seed)
    picked = np.stack([pool[random.integers(0, len(pool), size=draws)] for pool in pools], axis=1)
    for _ in range(_REDRAWS):
        is_close = np.zeros(picked.shape, dtype=bool)
        for column in range(1, picked.shape[1]):
            gaps = np.abs(picked[:, :column] - picked[:, column : column + 1])
            is_close[:, column] = (gaps <= _APART_DAYS).any(axis=1)
        if not is_close.any():
            break
        for column, pool in enumerate(pools):
            again = np.flatnonzero(is_close[:, column])
            picked[again, column] = pool[random.integers(0, len(pool), size=len(again))]
    return picked


def evaluate(
    signals: Sequence[Signals], outcomes: Mapping[str, Sequence[Outcome]], strata: Strata, draws: int, seed: int
) -> list[Row]:
    """One row per rule, variant, outcome and horizon, Holm-adjusted within a rule.

    The outcomes a verdict rests on and the others are two families, each with all variants of the rule.
    """
    rows: list[Row] = []
    for one in signals:
        found = one.episodes()
        population = one.days[one.is_in_population & ~one.is_signal]
        matched = [candidates(int(day), population, found, strata) for day in found]
        for outcome in outcomes.get(one.rule, ()):
            rows.append(_row(one, found, matched, outcome, draws, seed))
    for rule in {row["rule"] for row in rows}:
        for is_primary in (True, False):
            family = [row for row in rows if row["rule"] == rule and row["is_primary_outcome"] == is_primary]
            for row, adjusted in zip(family, holm([_number(row["p_value"]) for row in family]), strict=True):
                row["p_value_holm"] = adjusted
                row["verdict"] = verdict(row)
    return rows


def _number(value: object) -> float:
    return value if isinstance(value, float) else float("nan")


def _row(
    one: Signals, found: Days, matched: Sequence[tuple[Days, str]], outcome: Outcome, draws: int, seed: int
) -> Row:
    row: Row = {
        "rule": one.rule,
        "variant": one.variant,
        "outcome": outcome.name,
        "horizon_days": outcome.horizon,
        "is_primary_outcome": outcome.is_primary,
        "expected_sign": outcome.expected,
        "signal_count": len(found),
        "episode_count": 0,
        "widened_count": 0,
        "signal_mean": None,
        "matched_mean": None,
        "effect": None,
        "effect_low": None,
        "effect_high": None,
        "p_value": None,
    }
    held: list[int] = []
    pools: list[Days] = []
    for day, (pool, quality) in zip(found, matched, strict=True):
        usable = np.array([other for other in pool if int(other) in outcome.values], dtype=np.int64)
        if int(day) in outcome.values and len(usable) >= _LEAST_MATCHES:
            held.append(int(day))
            pools.append(usable)
            row["widened_count"] = int(str(row["widened_count"])) + (quality != "all three")
    row["episode_count"] = len(held)
    if not held:
        return row
    after = np.array([outcome.values[day] for day in held])
    alike = np.array([np.mean([outcome.values[int(day)] for day in pool]) for pool in pools])
    effect = float((after - alike).mean())
    picked = draw(pools, draws, seed)
    lookup = {day: outcome.values[day] for day in {int(day) for pool in pools for day in pool}}
    days = np.array(sorted(lookup))
    known = np.array([lookup[int(day)] for day in days])
    null = known[np.searchsorted(days, picked)].mean(axis=1) - float(alike.mean())
    low, high = _interval(np.array(held), after - alike, outcome.horizon, draws, seed)
    row |= {
        "signal_mean": float(after.mean()),
        "matched_mean": float(alike.mean()),
        "effect": effect,
        "effect_low": low,
        "effect_high": high,
        "p_value": float((1 + (np.abs(null) >= abs(effect) - 1e-12).sum()) / (1 + draws)),
    }
    return row


def _interval(days: Days, effects: Floats, horizon: int, draws: int, seed: int) -> tuple[float, float]:
    """Percentile interval of the mean, signals whose horizons overlap resampled together."""
    clusters = np.cumsum(np.diff(days, prepend=days[0]) > horizon)
    count = int(clusters[-1]) + 1
    if count < 3:
        return float("nan"), float("nan")
    sums, sizes = np.bincount(clusters, weights=effects), np.bincount(clusters)
    random = np.random.default_rng(seed)
    chosen = random.integers(0, count, size=(draws, count))
    return interval(sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1))


def verdict(row: Row) -> str:
    """unproven, unless enough signals, the interval and the adjusted chance all say otherwise."""
    effect, adjusted = row["effect"], row["p_value_holm"]
    low, high = row["effect_low"], row["effect_high"]
    if not isinstance(effect, float) or int(str(row["episode_count"])) < LEAST_EPISODES:
        return "unproven"
    if not (isinstance(low, float) and isinstance(high, float) and isinstance(adjusted, float)):
        return "unproven"
    if not adjusted < _SIGNIFICANT or not (low > 0 or high < 0):
        return "unproven"
    return "supported" if effect * int(str(row["expected_sign"])) > 0 else "contradicted"
