"""Every recorded response of SoSoValue through its own fetch and parse; skipped where the folder is absent."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from sources.dataset import Request, Window
from sources.errors import NotRecorded, Rejected, SourceError
from sources.http import Transport
from sources.market import Market, open_market
from sources.registry import DATASETS
from tests.unit.sources import wire

FOLDER = Path(os.environ.get("UNDERTOW_RECORDED", Path(__file__).parents[4] / "shared" / "recorded"))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "index.jsonl").is_file(),
    reason=f"no recorded responses in {FOLDER}; set UNDERTOW_RECORDED to a folder that holds some",
)

RECORDED = {
    "etf_totals": ("etfs-summary-history", 20),
    "etf_flows": ("etfs-history", 21),
    "treasury_purchases": ("btc-treasuries-purchase-history", 12),
}
"""The folder's name for a dataset and how many rows its index of contents counts."""


@dataclass(frozen=True)
class Taken:
    """What a fetch of the whole history gave: hashes of the answers in order, rows, and the error at the end."""

    answers: tuple[str, ...]
    rows: pl.DataFrame
    error: SourceError | None


@pytest.fixture(scope="module")
def market() -> Market:
    return open_market(f"recorded:{FOLDER}")


@pytest.fixture(scope="module")
def line(market: Market) -> Iterator[Transport]:
    with market.connect() as connected:
        yield connected


def take(market: Market, line: Transport, name: str) -> Taken:
    dataset = DATASETS[f"sosovalue__{name}"]
    window = Window(dataset.history, market.now())
    answers, frames, failure = [], [dataset.empty()], None
    try:
        for body in dataset.fetch(window, line.client(dataset, window)):
            frame = dataset.parse(body)
            assert dataset.novelties(frame) == ()
            answers.append(body.sha256)
            frames.append(dataset.conform(frame))
    except SourceError as error:
        failure = error
    return Taken(tuple(answers), pl.concat(frames), failure)


def index() -> list[dict[str, object]]:
    lines = (FOLDER / "index.jsonl").read_text().splitlines()
    return [one for text in lines if (one := json.loads(text))["provider"] == "sosovalue"]


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_one_fetch_of_the_history_is_given_every_answer_once(market: Market, line: Transport, name: str) -> None:
    folder, row_count = RECORDED[name]
    taken = take(market, line, name)
    assert sorted(taken.answers) == sorted(str(one["sha256"]) for one in index() if one["dataset"] == folder)
    assert taken.rows.height == row_count
    assert taken.rows.select(DATASETS[f"sosovalue__{name}"].key).is_unique().all()
    assert list(line.further_windows()) == [], "nothing is left that nobody was given"


def test_nothing_recorded_is_left_out() -> None:
    assert {one["dataset"] for one in index()} == {*(folder for folder, _ in RECORDED.values()), "errors"}


def test_a_bad_key_for_ether_does_not_cost_bitcoin(market: Market, line: Transport) -> None:
    taken = take(market, line, "etf_totals")
    assert set(taken.rows["asset"]) == {"btc"}
    assert isinstance(taken.error, Rejected)
    assert not isinstance(taken.error, NotRecorded)
    assert "ETH: " in str(taken.error)
    assert "400101" in str(taken.error)


def test_funds_that_were_not_recorded_do_not_cost_the_one_that_was(market: Market, line: Transport) -> None:
    taken = take(market, line, "etf_flows")
    assert isinstance(taken.error, NotRecorded)
    assert set(taken.rows["ticker"]) == {"IBIT"}
    newest = taken.rows.sort("session_date").row(-1, named=True)
    assert newest["session_date"] == date(2026, 8, 3)
    assert newest["net_flow_usd"] is None
    assert newest["value_traded_usd"] > 0
    assert taken.rows["net_flow_usd"].null_count() == 1


def test_purchases_with_their_sales(market: Market, line: Transport) -> None:
    taken = take(market, line, "treasury_purchases")
    assert taken.error is None
    assert taken.rows.sort("reported_on").row(-1, named=True) == {
        "ticker": "MSTR",
        "reported_on": date(2026, 8, 10),
        "net_purchase_btc": -1690.0,
        "net_cost_usd": -108_600_000.0,
        "holdings_btc": 840_447.0,
    }


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("error_bad_key", 400101),
        ("error_bad_ticker", 400001),
        ("error_over_window", 400301),
        ("error_missing_param", 1),
    ],
)
def test_every_recorded_error_is_an_error_with_what_it_says(name: str, code: int) -> None:
    content = gzip.decompress((FOLDER / "sosovalue" / "errors" / f"{name}.json.gz").read_bytes())
    for dataset in (DATASETS[f"sosovalue__{one}"] for one in RECORDED):
        body = replace(wire.body(dataset.table), content=content, request=Request("https://openapi.sosovalue.com"))
        with pytest.raises(Rejected, match=f"error {code}: "):
            dataset.parse(body)
