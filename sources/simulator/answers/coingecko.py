"""The simulated CoinGecko treasuries: invented companies, each with a growing share of the coins, as of now."""

from __future__ import annotations

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import DAYS

HOSTS = ("api.coingecko.com",)
_PREFIX = "/api/v3/companies/public_treasury/"
_ASSETS = {"bitcoin": "btc", "ethereum": "eth"}
_MOST = 250

COMPANIES = (
    # Name, ticker, country, share of the coins at the end of the state, whether its cost is known.
    ("Simulated Treasury", "SIMT.US", "US", 0.0310, True),
    ("Simulated Mining", "SIMM.US", "US", 0.0026, False),
    ("Simulated Holdings", "SIMH.JP", "JP", 0.0015, True),
    ("Simulated Payments", "SIMP.US", "US", 0.0004, True),
    ("Simulated Motors", "SIMO.DE", "DE", 0.0003, False),
)


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path == "/api/v3/ping":
        return as_json({"gecko_says": "(V3) To the Moon!"})
    if not ask.path.startswith(_PREFIX):
        return not_found(ask)
    asset = _ASSETS.get(ask.path.removeprefix(_PREFIX))
    if asset is None:
        return as_json({"error": "coin not found"}, 404)
    numbers = [ask.params.get("per_page", str(_MOST)), ask.params.get("page", "1")]
    if not all(text.isdigit() and int(text) for text in numbers):
        return as_json({"error": "invalid page"}, 422)
    size, page = min(int(numbers[0]), _MOST), int(numbers[1])
    index = max(scene.whole_days - 1, 0)
    chain = scene.state.on_chain[asset]
    price_usd, supply = float(chain.price_usd[index]), float(chain.supply[index])
    factor = scene.factor(scene.now.date())
    companies: list[dict[str, object]] = []
    for name, symbol, country, share, has_cost in COMPANIES:
        coins = round(share * supply * (index + 1) / DAYS * factor, 2)
        company: dict[str, object] = {
            "name": name,
            "symbol": symbol,
            "country": country,
            "total_holdings": coins,
            "total_entry_value_usd": round(coins * float(chain.realized_price_usd[index])) if has_cost else 0,
            "total_current_value_usd": round(coins * price_usd, 2),
            "percentage_of_total_supply": round(100 * coins / supply, 3),
        }
        companies.append(company | ({"new_field": 1} if scene.has_new_column else {}))
    shown = companies[(page - 1) * size : page * size]
    total = sum(float(str(company["total_holdings"])) for company in companies)
    return as_json(
        {
            "total_holdings": total,
            "total_value_usd": round(total * price_usd, 2),
            "market_cap_dominance": round(100 * total / supply, 2),
            "companies": shown,
        }
    )
