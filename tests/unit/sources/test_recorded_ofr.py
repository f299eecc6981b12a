"""The recorded stress index of the OFR through the very client, fetch and parse of the live market.

The folder is not part of the project. Where it is absent this test is skipped: set UNDERTOW_RECORDED to use another.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from sources.dataset import Window
from sources.market import open_market
from sources.providers.ofr import FINANCIAL_STRESS

FOLDER = Path(os.environ.get("UNDERTOW_RECORDED", Path(__file__).parents[4] / "shared" / "recorded"))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "index.jsonl").is_file(),
    reason=f"no recorded responses in {FOLDER}; set UNDERTOW_RECORDED to a folder that holds some",
)


def test_the_headline_of_400_days() -> None:
    market = open_market(f"recorded:{FOLDER}")
    with market.connect() as line:
        window = Window(FINANCIAL_STRESS.history, market.now())
        (body,) = FINANCIAL_STRESS.fetch(window, line.client(FINANCIAL_STRESS, window))
    frame = FINANCIAL_STRESS.parse(body)
    assert FINANCIAL_STRESS.novelties(frame) == ()
    rows = FINANCIAL_STRESS.conform(frame)
    assert rows.height == 400
    assert rows["observed_on"].is_unique().all()
    assert (rows["observed_on"].min(), rows["observed_on"].max()) == (date(2024, 8, 29), date(2026, 3, 11))
    assert rows["financial_stress_index"].null_count() == 0
    for name in rows.columns[2:]:
        assert rows[name].null_count() == rows.height, "only the headline was recorded"
    # Labor Day has a row: the index is of the world's markets.
    assert date(2024, 9, 2) in set(rows["observed_on"])
    known = rows.select(FINANCIAL_STRESS.knowable_at()).to_series()
    assert known.max() <= body.retrieved_at, "what was recorded could be known by then"
