"""The simulated dashboard of Strategy: coins as text with commas, shares of their value in per cent, as of now."""

from __future__ import annotations

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import DAYS

HOSTS = ("api.strategy.com",)
_SHARE_OF_SUPPLY = 0.0325
_DEBT_USD, _PREFERRED_USD, _YEARLY_USD, _DOLLARS = 8.2e9, 6.7e9, 8.1e8, 1.4e9
_SHARES = 3.1e8


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path != "/btc/bitcoinKpis":
        return not_found(ask)
    index = max(scene.whole_days - 1, 0)
    chain = scene.state.on_chain["btc"]
    price_usd = round(float(chain.price_usd[index]))
    grown = (index + 1) / DAYS
    coins = round(_SHARE_OF_SUPPLY * float(chain.supply[index]) * grown * scene.factor(scene.now.date()))
    value_usd = coins * price_usd
    results: dict[str, object] = {
        "ufPrice": float(chain.price_usd[index]),
        "latestPrice": price_usd,
        "prevDayPrice": round(float(chain.price_usd[max(index - 1, 0)])),
        "btcHoldings": f"{coins:,}",
        "btcNav": f"{round(value_usd / 1e6):,}",
        "btcNavNumber": round(value_usd / 1e6),
        "satsPerShare": round(coins * 1e8 / (_SHARES * (0.4 + 0.6 * grown)), 4),
        "mNav": round(0.9 + float(scene.state.fear_greed[index]) / 100, 4),
        "debtByBN": round(100 * _DEBT_USD * grown / value_usd),
        "prefByBN": round(100 * _PREFERRED_USD * grown / value_usd),
        "debtPrefByBN": round(100 * (_DEBT_USD + _PREFERRED_USD) * grown / value_usd),
        "totalAnnualDividends": round(_YEARLY_USD * grown, 1),
        "btcYearsOfDividends": value_usd / (_YEARLY_USD * grown),
        "usdMonthsOfDividends": 12 * _DOLLARS / _YEARLY_USD,
        "msTimestamp": int(scene.now.timestamp() * 1000) - 19_000,
    }
    if scene.has_new_column:
        results["new_field"] = 1
    return as_json({"timestamp": f"{scene.now:%Y-%m-%dT%H:%M:00}", "results": results})
