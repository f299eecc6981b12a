"""The simulated providers: pure functions from a request and the market at an instant to a response."""

from __future__ import annotations

from collections.abc import Callable

from sources.simulator.answers import (
    alternative_me,
    bgeometrics,
    binance_futures,
    binance_vision,
    coinmetrics,
    defillama,
    deribit,
    farside,
    fred,
)
from sources.simulator.answers.scene import Answer, Ask, Scene

HOSTS: dict[str, tuple[str, Callable[[Ask, Scene], Answer]]] = {
    alternative_me.HOST: ("alternative_me", alternative_me.answer),
    bgeometrics.HOST: ("bgeometrics", bgeometrics.answer),
    binance_futures.HOST: ("binance_futures", binance_futures.answer),
    binance_vision.HOST: ("binance_vision", binance_vision.answer),
    coinmetrics.HOST: ("coinmetrics", coinmetrics.answer),
    defillama.STABLECOINS_HOST: ("defillama", defillama.answer),
    defillama.API_HOST: ("defillama", defillama.answer),
    deribit.HOST: ("deribit", deribit.answer),
    farside.HOST: ("farside", farside.answer),
    fred.HOST: ("fred", fred.answer),
}
"""Provider and answering function by host."""

__all__ = ["HOSTS", "Answer", "Ask", "Scene"]
