"""Rules on made-up markets: a planted effect is found, noise is not, and few signals prove nothing."""

from __future__ import annotations

import numpy as np
import pytest

from undertow_statistics.rules import Outcome, Signals, candidates, draw, evaluate

_DAYS = np.arange(20_000, 22_000)
_STRATA = {int(day): (int(day) % 7 % 3, int(day) // 11 % 3, 2020 + int(day - 20_000) // 365) for day in _DAYS}


def _signals(count: int, gap: int = 60) -> Signals:
    is_signal = np.zeros(len(_DAYS), dtype=bool)
    is_signal[20 : 20 + count * gap : gap] = True
    return Signals("R4", "planted", _DAYS, is_signal, np.ones(len(_DAYS), dtype=bool), cool_down=14)


def _outcome(effect: float, signals: Signals, seed: int, expected: int = 1) -> Outcome:
    values = np.random.default_rng(seed).normal(size=len(_DAYS))
    # The outcome rests on the stratum as well, so that an unmatched comparison would be wrong.
    values += np.array([3.0 * _STRATA[int(day)][0] for day in _DAYS])
    values[signals.is_signal] += effect
    return Outcome("return_pct", 14, dict(zip(_DAYS.tolist(), values.tolist(), strict=True)), expected, True)


def _row(signals: Signals, outcome: Outcome) -> dict[str, object]:
    (row,) = evaluate([signals], {"R4": [outcome]}, _STRATA, draws=1000, seed=1)
    return row


def test_a_planted_effect_is_found() -> None:
    signals = _signals(25)
    row = _row(signals, _outcome(1.5, signals, 1))
    assert row["episode_count"] == 25 and row["verdict"] == "supported"
    assert row["effect"] == pytest.approx(1.5, abs=0.6)
    assert row["effect_low"] < 1.5 < row["effect_high"] and row["p_value"] < 0.01


def test_the_opposite_of_what_a_rule_expects_contradicts_it() -> None:
    signals = _signals(25)
    assert _row(signals, _outcome(1.5, signals, 1, expected=-1))["verdict"] == "contradicted"


def test_noise_proves_nothing() -> None:
    signals = _signals(25)
    verdicts = [_row(signals, _outcome(0, signals, seed))["verdict"] for seed in range(20)]
    assert verdicts.count("unproven") >= 18


def test_chance_is_what_it_says() -> None:
    """Of tests of noise a twentieth is below 0.05, give or take."""
    signals = _signals(25)
    low = [_row(signals, _outcome(0, signals, 100 + seed))["p_value"] < 0.05 for seed in range(40)]
    assert sum(low) <= 7


def test_few_signals_prove_nothing_however_large_the_effect() -> None:
    signals = _signals(9)
    row = _row(signals, _outcome(9, signals, 2))
    assert row["p_value"] < 0.01 and row["verdict"] == "unproven"


def test_variants_pay_for_each_other() -> None:
    signals = [
        _signals(25),
        *(Signals("R4", f"v{n}", _DAYS, _signals(25, 61 + n).is_signal, np.ones(2000, bool)) for n in range(8)),
    ]
    rows = evaluate(signals, {"R4": [_outcome(1.5, signals[0], 1)]}, _STRATA, draws=1000, seed=1)
    planted = rows[0]
    assert planted["p_value_holm"] == pytest.approx(9 * planted["p_value"])


def test_no_signal_no_number() -> None:
    none = Signals("R4", "planted", _DAYS, np.zeros(2000, bool), np.ones(2000, bool))
    row = _row(none, _outcome(0, none, 1))
    assert row["signal_count"] == 0 and row["effect"] is None and row["verdict"] == "unproven"


def test_signals_cool_down() -> None:
    is_signal = np.zeros(len(_DAYS), dtype=bool)
    is_signal[[10, 11, 24, 25, 100]] = True
    signals = Signals("R4", "any", _DAYS, is_signal, is_signal, cool_down=14)
    assert signals.episodes().tolist() == [20_010, 20_025, 20_100]


def test_matches_widen_by_declared_steps() -> None:
    strata = dict.fromkeys(range(100), (1, 1, 2020)) | {200: (1, 1, 2021), 300: (1, 2, 2021), 400: (9, 9, 2021)}
    population = np.arange(100)
    for day, quality in ((200, "without year"), (300, "drawdown only"), (400, "none"), (500, "none")):
        assert candidates(day, population, np.array([day]), strata)[1] == quality
    pool, quality = candidates(50, population, np.array([50]), strata)
    # Days within a fortnight of a signal share its future and do not stand in.
    assert quality == "all three" and pool.tolist() == [*range(36), *range(65, 100)]


def test_draws_keep_their_days_apart() -> None:
    pools = [np.arange(0, 200), np.arange(0, 200), np.arange(50, 300)]
    picked = draw(pools, 500, seed=3)
    gaps = np.abs(picked[:, :, None] - picked[:, None, :])[:, *np.triu_indices(3, 1)]
    assert (gaps > 14).mean() > 0.999
    assert np.array_equal(picked, draw(pools, 500, seed=3))
