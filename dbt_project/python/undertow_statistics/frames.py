"""From the models' tables to a study, and from rows back to a table of declared types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from undertow_statistics.composite import composite, first_component
from undertow_statistics.rules import Outcome, Signals, Strata
from undertow_statistics.study import Era, LabelSet, Study, number_of

if TYPE_CHECKING:
    from undertow_statistics.study import Row

Floats = NDArray[np.float64]


def table(rows: Iterable[Row], schema: Mapping[str, Any]) -> pl.DataFrame:
    """Rows as a frame with exactly these columns and types; what is not a number is missing."""
    frame = pl.DataFrame(list(rows), schema=dict(schema), orient="row", infer_schema_length=None)
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


class Relation(Protocol):
    """What `dbt.ref` gives in a Python model: something that can be fetched as a frame."""

    def pl(self) -> pl.DataFrame: ...


def read_study(
    *,
    predictors: Relation,
    register: Relation,
    triggers: Relation,
    events: Relation,
    eras: Relation,
    label_sets: Relation,
    pillar_scores: Relation,
    pillars: Relation,
    replicates: int = 1,
) -> tuple[Study, Pillars]:
    """The study on what the models of the same names hold."""
    readings, met = predictors.pl(), triggers.pl()
    known = register.pl().sort("position")
    spans_of = events.pl().sort("label_set", "event_number")
    composites = Pillars(pillar_scores.pl(), pillars.pl().filter(pl.col("index_name") == "cmsi").sort("position"))

    dated = [day for frame in (readings, met) for day in frame["date"].unique()]
    bounds = [number_of(min(dated)), number_of(max(dated))] if dated else []
    days = np.arange(min(bounds), max(bounds) + 1) if bounds else np.empty(0, dtype=np.int64)
    start = int(days[0]) if len(days) else 0

    series: dict[str, Floats] = {}
    for name in known["predictor"]:
        chosen = readings.filter(pl.col("predictor") == name)
        if chosen.height:
            line = np.full(len(days), np.nan)
            line[np.array([number_of(day) - start for day in chosen["date"]])] = chosen["value"].to_numpy()
            series[name] = line
    if len(days):
        series["first_component"] = composites.first_component(days)

    labelled = []
    for name in label_sets.pl().sort("position")["label_set"]:
        chosen = met.filter(pl.col("label_set") == name)
        is_measured = np.zeros(len(days), dtype=bool)
        is_measured[np.array([number_of(day) - start for day in chosen["date"]], dtype=np.int64)] = True
        onsets = spans_of.filter(pl.col("label_set") == name)
        spans = [
            (number_of(onset), number_of(end))
            for onset, end in onsets.select("onset_date", "last_trigger_date").iter_rows()
        ]
        labelled.append(LabelSet(name, is_measured, spans))
    study = Study(
        days=days,
        predictors=series,
        roles=dict(known.select("predictor", "role").iter_rows()),
        label_sets=labelled,
        eras=[
            Era(row["era"], number_of(row["first_date"]), number_of(row["last_date"]))
            for row in eras.pl().sort("first_date").to_dicts()
        ],
        replicates=replicates,
    )
    return study, composites


class Pillars:
    """The pillar scores of every day, and composites of them that are no index."""

    def __init__(self, scores: pl.DataFrame, register: pl.DataFrame) -> None:
        self._names = register["pillar"].to_list()
        self._weights = register["weight"].to_numpy()
        self._dates = scores["date"].unique().sort()
        self._score = self._matrix(scores, "score").astype(float)
        self._mid = self._matrix(scores, "mid_score").astype(float)
        self._is_valid = self._matrix(scores, "is_valid").astype(float) == 1
        self._is_usable = self._matrix(scores, "is_usable").astype(float) == 1

    def _matrix(self, scores: pl.DataFrame, column: str) -> Floats:
        wide = scores.select("date", "pillar", pl.col(column).cast(pl.Float64)).pivot(
            on="pillar", index="date", values=column, aggregate_function="first"
        )
        wide = wide.sort("date")
        missing = [name for name in self._names if name not in wide.columns]
        wide = wide.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in missing)
        matrix: Floats = wide.select(self._names).to_numpy().astype(float)
        return matrix

    def _on(self, days: NDArray[np.int64], values: Floats) -> Floats:
        line = np.full(len(days), np.nan)
        at = np.array([number_of(day) for day in self._dates], dtype=np.int64) - days[0]
        inside = (at >= 0) & (at < len(days))
        line[at[inside]] = values[inside]
        return line

    def composite(self, decay: float, score: Floats | None = None, mid: Floats | None = None) -> Floats:
        """The composite on the pillars' own days."""
        return composite(
            self._score if score is None else score,
            self._mid if mid is None else mid,
            self._is_valid,
            self._is_usable,
            self._weights,
            decay,
        )

    def first_component(self, days: NDArray[np.int64]) -> Floats:
        """First principal component of the usable pillars, on the given days."""
        usable = np.where(self._is_usable, self._score, np.nan)
        months = np.array([day.year * 12 + day.month for day in self._dates], dtype=np.int64)
        return self._on(days, first_component(usable, months))

    def shuffled(self, days: NDArray[np.int64], decay: float, replicates: int, seed: int) -> Floats:
        """Composites of pillars each of which was moved by a random offset within its valid days: one row each."""
        random = np.random.default_rng(seed)
        score, mid = (np.repeat(values[None], replicates, axis=0) for values in (self._score, self._mid))
        for column in range(score.shape[2]):
            held = np.flatnonzero(self._is_valid[:, column])
            for replicate in range(replicates if len(held) else 0):
                offset = int(random.integers(0, len(held)))
                score[replicate, held, column] = np.roll(score[replicate, held, column], offset)
                mid[replicate, held, column] = np.roll(mid[replicate, held, column], offset)
        composites = self.composite(decay, score, mid)
        return np.stack([self._on(days, line) for line in composites])


def read_rules(
    *,
    rules: Relation,
    variants: Relation,
    rule_outcomes: Relation,
    signals: Relation,
    outcomes: Relation,
    strata: Relation,
) -> tuple[list[Signals], dict[str, list[Outcome]], Strata]:
    """What the rules are evaluated on. A variant without a day it can speak about is there, with no signals."""
    cool_downs = dict(rules.pl().select("rule", "cool_down_days").iter_rows())
    spoken = signals.pl().sort("date")
    found = []
    for rule, variant in variants.pl().select("rule", "variant").iter_rows():
        chosen = spoken.filter((pl.col("rule") == rule) & (pl.col("variant") == variant))
        found.append(
            Signals(
                rule,
                variant,
                np.array([number_of(day) for day in chosen["date"]], dtype=np.int64),
                chosen["is_signal"].fill_null(False).to_numpy(),
                chosen["is_in_population"].fill_null(False).to_numpy(),
                cool_downs[rule],
            )
        )
    values = outcomes.pl()
    expected: dict[str, list[Outcome]] = {}
    for row in rule_outcomes.pl().to_dicts():
        chosen = values.filter((pl.col("outcome") == row["outcome"]) & (pl.col("horizon_days") == row["horizon_days"]))
        after = {number_of(day): float(value) for day, value in chosen.select("date", "value").iter_rows()}
        expected.setdefault(row["rule"], []).append(
            Outcome(row["outcome"], row["horizon_days"], after, row["expected_sign"], row["is_primary"])
        )
    alike = {
        number_of(day): (decile, tercile, year)
        for day, decile, tercile, year in strata.pl()
        .select("date", "drawdown_decile", "volatility_tercile", "calendar_year")
        .iter_rows()
    }
    return found, expected, alike
