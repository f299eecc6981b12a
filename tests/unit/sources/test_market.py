"""Markets by name."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sources.dataset import UTC
from sources.market import UnknownMarket, open_market
from tests.unit.sources.wire import at


@pytest.mark.parametrize("spec", ["", "paper", "live:now", "simulated:x", "recorded", "recorded:", "LIVE"])
def test_a_market_nobody_knows_is_refused_in_one_line(spec: str) -> None:
    with pytest.raises(UnknownMarket, match="use live, simulated or recorded:DIR") as caught:
        open_market(spec)
    assert "\n" not in str(caught.value)


def test_the_live_market_has_the_wall_clock_and_keeps_to_rate_limits() -> None:
    market = open_market("live", now=at("2020-01-01"))
    assert abs(market.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert not market.is_simulated
    with market.connect() as line:
        assert line.paced


def test_the_simulated_market_says_so_and_stands_still() -> None:
    market = open_market("simulated", now=at("2025-11-04 12:00"))
    assert (market.name, market.is_simulated) == ("simulated", True)
    assert "SIMULATED" in market.title
    assert market.now() == market.now() == at("2025-11-04 12:00")
    with market.connect() as line:
        assert not line.paced
