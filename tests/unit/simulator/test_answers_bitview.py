"""The simulated Bitview answers as the real one does, and tells the market's own state."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from sources.simulator import market
from sources.simulator.state import day_index
from tests.unit.simulator.simulated import client

pytestmark = pytest.mark.unit

ROOT = "https://bitview.space/api/series"


def test_a_series_is_described_found_and_not_found() -> None:
    with client() as http:
        assert http.get(f"{ROOT}/lth_supply").json()["indexes"] == ["day1", "height"]
        assert "lth_supply" in http.get(f"{ROOT}/search", params={"q": "lth_supply"}).json()
        missing = http.get(f"{ROOT}/no_such_series")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "series_not_found"


def test_values_are_placed_by_their_first_day_and_end_before_the_last() -> None:
    query = {"series": "lth_supply,sth_supply", "index": "day1", "start": "2025-11-01", "end": "2025-11-04"}
    long_term, short_term = client().get(f"{ROOT}/bulk", params=query).json()
    assert long_term["start"] == short_term["start"] == (date(2025, 11, 1) - date(2009, 1, 1)).days
    assert long_term["end"] - long_term["start"] == len(long_term["data"]) == 3
    state, first = market.load(), day_index(date(2025, 11, 1))
    assert long_term["data"] == state.lth_supply_btc[first : first + 3].tolist()
    sums = [a + b for a, b in zip(long_term["data"], short_term["data"], strict=True)]
    assert sums == pytest.approx(state.on_chain["btc"].supply[first : first + 3].tolist())


def test_the_day_under_way_tells_nothing_of_its_end() -> None:
    noon = datetime(2025, 11, 20, 12, 0, tzinfo=timezone.utc)
    newest = client(noon).get(f"{ROOT}/lth_supply/day1", params={"start": "-1"}).json()
    assert newest["data"] == [market.load().lth_supply_btc[day_index(date(2025, 11, 19))]]
    assert newest["stamp"] == "2025-11-20T12:00:00Z"
    later = client(noon + timedelta(days=1)).get(f"{ROOT}/lth_supply/day1", params={"start": "-2"}).json()
    assert later["data"][0] == market.load().lth_supply_btc[day_index(date(2025, 11, 20))]


@pytest.mark.parametrize("query", [{"index": "fortnight"}, {"index": "day1", "start": "yesterday"}])
def test_a_request_that_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    answer = client().get(f"{ROOT}/bulk", params={"series": "lth_supply", **query})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request"
