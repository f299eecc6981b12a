"""The simulated CFTC: Socrata tables of weekly reports, all text, without the reports that have not been released.

CME holds a fixed share of the market's open interest. Leveraged funds are short against what the funds have taken in,
asset managers are long with the mood; what one side lacks is held by dealers and small traders.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

import numpy as np

from sources.providers.cftc import released_on
from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.calendars import is_session, new_york
from sources.simulator.state import DAYS, ORIGIN, day_index

HOSTS = ("publicreporting.cftc.gov",)
_TFF, _LEGACY = "/resource/gpe5-46if.json", "/resource/6dca-aqww.json"
_WHERE = re.compile(r"cftc_contract_market_code='(\w+)'")
_REPORT_DATE = "report_date_as_yyyy_mm_dd"

_CONTRACTS = {
    "133741": ("BTCUSDT", "BITCOIN", "(5 Bitcoins)", 5.0, 0.14),
    "133742": ("BTCUSDT", "MICRO BITCOIN", "(0.1 Bitcoin)", 0.1, 0.004),
    "146021": ("ETHUSDT", "ETHER CASH SETTLED", "(50 Ether)", 50.0, 0.09),
    "146022": ("ETHUSDT", "MICRO ETHER", "(0.1 Ether)", 0.1, 0.004),
}
"""Perpetual, name, unit, coins of a contract, and share of the perpetual's open interest."""


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path not in (_TFF, _LEGACY):
        return not_found(ask)
    limit, offset = ask.params.get("$limit", "1000"), ask.params.get("$offset", "0")
    if not (limit.isdigit() and offset.isdigit()):
        return _refused("query.soql.type-mismatch", "$limit and $offset are whole numbers")
    codes = list(_CONTRACTS)
    if where := ask.params.get("$where"):
        found = _WHERE.fullmatch(where)
        if found is None:
            return _refused("query.soql.no-such-column", f"Could not parse SoQL query at {where!r}")
        codes = [code for code in codes if code == found[1]]
    reports = [(day, code) for code in codes for day in _released(scene)]
    order = ask.params.get("$order", "")
    if order.removesuffix(" DESC") not in ("", _REPORT_DATE):
        return _refused("query.soql.no-such-column", f"No such column: {order}")
    reports.sort(reverse=order.endswith(" DESC"))
    page = reports[int(offset) : int(offset) + int(limit)]
    return as_json([_row(day, code, scene, is_tff=ask.path == _TFF) for day, code in page])


def _refused(code: str, message: str) -> Answer:
    return as_json({"message": message, "errorCode": code, "data": {}}, 400)


def _released(scene: Scene) -> list[date]:
    """Report days whose report is out, oldest first."""
    days = []
    tuesday = ORIGIN.date() + timedelta(days=(1 - ORIGIN.date().weekday()) % 7)
    while day_index(tuesday) < min(scene.whole_days, DAYS):
        day = tuesday if is_session(tuesday) else tuesday - timedelta(days=1)
        if new_york(released_on(day), 15, 30) <= scene.now and not scene.is_missing(day):
            days.append(day)
        tuesday += timedelta(days=7)
    return days


def _row(day: date, code: str, scene: Scene, *, is_tff: bool) -> dict[str, str]:
    symbol, name, units, coins, share = _CONTRACTS[code]
    perpetual = scene.state.perpetuals[symbol]
    close = (day_index(day) + 1) * 24 - 1
    open_interest = round(float(perpetual.open_interest_coin[close]) * share / coins * scene.factor(day))
    mood = float(np.clip(np.log(perpetual.account_ratio[close]), -0.5, 0.5))
    taken_in = _taken_in(symbol, day, scene)
    row = {
        "id": f"{day:%y%m%d}{code}F",
        "market_and_exchange_names": f"{name} - CHICAGO MERCANTILE EXCHANGE",
        _REPORT_DATE: f"{day}T00:00:00.000",
        "yyyy_report_week_ww": f"{day:%G} Report Week {day:%V}",
        "contract_market_name": name,
        "cftc_contract_market_code": code,
        "cftc_market_code": "CME ",
        "contract_units": units,
        "futonly_or_combined": "FutOnly",
        "open_interest_all": str(open_interest),
        "traders_tot_all": str(60 + day_index(day) // 40),
    }

    def contracts(part: float) -> int:
        return round(open_interest * part)

    if is_tff:
        spread = contracts(0.11)
        shorts = {"lev": contracts(0.38 + 0.20 * taken_in), "asset": contracts(0.06), "other": contracts(0.02)}
        longs = {"lev": contracts(0.24), "asset": contracts(0.34 + 0.10 * mood), "other": contracts(0.05)}
        small = contracts(0.05), contracts(0.06)
        row |= {
            "dealer_positions_long_all": str(open_interest - spread - sum(longs.values()) - small[0]),
            "dealer_positions_short_all": str(open_interest - spread - sum(shorts.values()) - small[1]),
            "dealer_positions_spread_all": "0",
            "asset_mgr_positions_long": str(longs["asset"]),
            "asset_mgr_positions_short": str(shorts["asset"]),
            "asset_mgr_positions_spread": "0",
            "lev_money_positions_long": str(longs["lev"]),
            "lev_money_positions_short": str(shorts["lev"]),
            "lev_money_positions_spread": str(spread),
            "other_rept_positions_long": str(longs["other"]),
            "other_rept_positions_short": str(shorts["other"]),
            "other_rept_positions_spread": "0",
        }
    else:
        spread, small = contracts(0.11), (contracts(0.05), contracts(0.06))
        commercial = contracts(0.02), contracts(0.04 + 0.08 * taken_in)
        row |= {
            "noncomm_positions_long_all": str(open_interest - spread - commercial[0] - small[0]),
            "noncomm_positions_short_all": str(open_interest - spread - commercial[1] - small[1]),
            "noncomm_postions_spread_all": str(spread),
            "comm_positions_long_all": str(commercial[0]),
            "comm_positions_short_all": str(commercial[1]),
        }
    row |= {"nonrept_positions_long_all": str(small[0]), "nonrept_positions_short_all": str(small[1])}
    return row | ({"new_field": "1"} if scene.has_new_column else {})


def _taken_in(symbol: str, day: date, scene: Scene) -> float:
    """Cumulative ETF flows by a day, from 0 for none to 1 for as much as there will ever be."""
    funds = scene.state.funds["btc" if symbol == "BTCUSDT" else "eth"]
    totals = np.cumsum(funds.session_total_usd_m)
    count = int(np.searchsorted(np.array(funds.sessions, dtype="datetime64[D]"), np.datetime64(day), side="right"))
    return float(np.clip(totals[count - 1] / np.max(np.abs(totals)), 0.0, 1.0)) if count else 0.0
