"""The simulated macro providers tell one story: what two of them say of the same thing is the same."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from sources.dataset import Window, at_midnight
from sources.market import open_market
from sources.registry import DATASETS
from sources.simulator import market
from sources.simulator.macro import carried, trailing_mean
from tests.unit.simulator.simulated import FRED, client
from tests.unit.sources.wire import at

pytestmark = pytest.mark.unit

ALFRED = "https://alfred.stlouisfed.org/graph/alfredgraph.csv"
ECB = "https://data-api.ecb.europa.eu/service/data/CISS"


def parsed(table: str, first: date = date(2025, 6, 1)) -> pl.DataFrame:
    dataset = DATASETS[table]
    window = Window(at_midnight(first), market.END_OF_MARKET)
    with open_market("simulated").connect() as transport:
        bodies = list(dataset.fetch(window, transport.client(dataset, window)))
    return pl.concat([dataset.conform(dataset.parse(body)) for body in bodies])


@pytest.mark.parametrize("series_id", ["STLFSI4", "DTWEXBGS"])
def test_a_vintage_is_what_fred_said_at_the_end_of_that_day(series_id: str) -> None:
    span = "cosd=2025-09-01&coed=2025-10-09"
    then = client(at("2025-10-10 04:00")).get(f"{FRED}?id={series_id}&{span}").text.splitlines()
    vintage = client().get(f"{ALFRED}?id={series_id}&vintage_date=2025-10-09&{span}").text.splitlines()
    assert vintage[0] == f"observation_date,{series_id}_20251009"
    assert vintage[1:] == then[1:]
    later = f"{ALFRED}?id={series_id}&vintage_date=2025-10-09&{span.replace('10-09', '11-30')}"
    assert client().get(later).text.splitlines() == vintage, "what came later is not in it"
    assert len(vintage) > 5


def test_a_vintage_is_the_same_whenever_it_is_asked_for() -> None:
    url = f"{ALFRED}?id=NFCI&vintage_date=2025-10-09&cosd=2025-08-10&coed=2025-10-09"
    assert client(at("2025-10-10 04:00")).get(url).text == client().get(url).text


def test_financial_conditions_are_estimated_anew_every_week() -> None:
    rows = parsed("alfred__vintages")
    spread = (
        rows.group_by("series_id", "observed_on")
        .agg(pl.col("value").max() - pl.col("value").min(), vintage_count=pl.len())
        .group_by("series_id")
        .agg(pl.col("value").max(), pl.col("vintage_count").max())
    )
    by_series = {series_id: (value, count) for series_id, value, count in spread.rows()}
    assert by_series["NFCI"][0] > 0.005
    assert by_series["STLFSI4"][0] == by_series["DTWEXBGS"][0] == 0.0
    assert min(count for _, count in by_series.values()) > 5


@pytest.mark.parametrize(
    "query",
    ["id=STLFSI4", "id=STLFSI4&vintage_date=tomorrow", "id=NONE&vintage_date=2025-10-09", "vintage_date=2025-10-09"],
)
def test_alfred_knows_no_other_requests(query: str) -> None:
    assert client().get(f"{ALFRED}?{query}").status_code == 404


def test_a_vintage_of_a_day_to_come_is_not_told() -> None:
    url = f"{ALFRED}?id=STLFSI4&vintage_date=2025-12-05&cosd=2025-10-01&coed=2025-12-05"
    assert client(at("2025-12-04 12:00")).get(url).status_code == 404
    assert client(at("2025-12-05 12:00")).get(url).status_code == 200


def test_the_vix_is_that_of_fred() -> None:
    ours = parsed("cboe__vix").select("session_date", value="vix_close_pct")
    fred = parsed("fred__daily_series").filter(pl.col("series_id") == "VIXCLS")
    both = ours.join(fred, left_on="session_date", right_on="observed_on", suffix="_fred")
    assert both.height > 100
    assert (both["value"] - both["value_fred"]).abs().max() < 0.006


def test_the_term_structure_turns_over_when_the_vix_jumps() -> None:
    closes = parsed("cboe__volatility_indices").pivot("symbol", index="session_date", values="close_pct")
    ratios = (
        parsed("cboe__vix")
        .join(closes, on="session_date")
        .select("session_date", ratio=pl.col("vix_close_pct") / pl.col("VIX3M"), vix="vix_close_pct")
    )
    calm, jumping = ratios.filter(pl.col("vix") < 17)["ratio"], ratios.filter(pl.col("vix") > 25)["ratio"]
    assert calm.mean() < 1.0 < jumping.max()


def test_candles_of_the_vix_hold_together() -> None:
    rows = parsed("cboe__vix")
    for name in ("vix_open_pct", "vix_close_pct"):
        assert rows.select(pl.col(name).is_between("vix_low_pct", "vix_high_pct").all()).item()


def test_the_parts_of_financial_stress_add_up() -> None:
    rows = parsed("ofr__financial_stress")
    for parts in (rows.columns[2:7], rows.columns[7:10]):
        assert (rows.select(pl.sum_horizontal(parts)).to_series() - rows["financial_stress_index"]).abs().max() < 2e-3


def test_ecb_leaves_out_areas_it_does_not_have_and_says_when_it_has_none() -> None:
    query = "format=csvdata&lastNObservations=2"
    lines = client().get(f"{ECB}/D.US+XX.Z0Z.4F.EC.SS_CIN.IDX?{query}").text.splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == ["US", "US"]
    answer = client().get(f"{ECB}/D.XX.Z0Z.4F.EC.SS_CIN.IDX?{query}")
    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")
    assert client().get(f"{ECB}/D.US.Z0Z.4F.EC.SS_CIN.IDX?{query}&startPeriod=soon").status_code == 400
    assert client().get(f"{ECB}/D.US.Z0Z.4F.EC.SS_CIN.IDX").status_code == 406


def test_ciss_lies_between_0_and_1_and_rises_with_the_vix() -> None:
    us = parsed("ecb__ciss").filter(pl.col("area") == "US")
    assert us["ciss_index"].is_between(0.0, 1.0).all()
    both = us.join(parsed("cboe__vix"), left_on="observed_on", right_on="session_date")
    assert both.select(pl.corr("ciss_index", "vix_close_pct")).item() > 0.6


def test_a_series_is_carried_over_holidays_and_looks_back_only() -> None:
    values = np.array([np.nan, 2.0, np.nan, np.nan, 5.0])
    assert carried(values).tolist() == [2.0, 2.0, 2.0, 2.0, 5.0]
    assert trailing_mean(np.array([2.0, 4.0, 6.0, 8.0]), 2).tolist() == [2.0, 3.0, 5.0, 7.0]
