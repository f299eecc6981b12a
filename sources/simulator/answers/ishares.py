"""The simulated iShares: the holdings file of the newest session, out at noon UTC of the day after."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, not_found
from sources.simulator.calendars import UTC
from sources.simulator.state import day_index

HOSTS = ("www.ishares.com",)

_TRUSTS = {
    "/us/products/333011/ishares-bitcoin-trust-etf/latest-holdings.csv": (
        "IBIT", "btc", "iShares Bitcoin Trust ETF", "BITCOIN", date(2024, 1, 5), 0.00057,
    ),
    "/us/products/337614/ishares-ethereum-trust-etf/latest-holdings.csv": (
        "ETHA", "eth", "iShares Ethereum Trust ETF", "ETHER", date(2024, 6, 24), 0.0076,
    ),
}  # fmt: skip
_HEADING = "Ticker,Name,Sector,Asset Class,Market Value,Weight (%),Notional Value,Quantity,Market Currency,Accrual Date"
_BASKET = 40_000
"""Shares are made and taken back in whole baskets."""


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path not in _TRUSTS:
        return not_found(ask)
    ticker, asset, name, coin_name, inception, coins_per_share = _TRUSTS[ask.path]
    funds = scene.state.funds[asset]
    column = funds.tickers.index(ticker)
    told = [
        row
        for row, session in enumerate(funds.sessions)
        if _published_at(session) <= scene.now and not scene.is_missing(session)
    ]
    if not told:
        return not_found(ask)
    last, session = told[-1], funds.sessions[told[-1]]
    prices = scene.state.on_chain[asset].price_usd
    bought = sum(
        float(funds.net_flow_usd_m[row, column]) * 1e6 / float(prices[day_index(funds.sessions[row])])
        for row in range(last + 1)
        if not np.isnan(funds.net_flow_usd_m[row, column])
    )
    coins = max(bought, 0.0) * scene.factor(session)
    value = coins * float(prices[day_index(session)])
    shares = round(coins / coins_per_share / _BASKET) * _BASKET
    coin, extra = asset.upper(), scene.has_new_column
    rows = [
        _line(
            coin, coin_name, "-", "Alternative", f"{value:,.2f}", "100.00", f"{value:,.2f}", f"{coins:,.5f}", coin, "-"
        ),
        _line("USD", "USD CASH", "-", "Cash", "21,827.32", "0.00", "21,827.32", "21,827.32000", "USD", "-"),
    ]
    text = "\n".join(
        [
            name,
            f'Fund Holdings as of,"{session:%b %d, %Y}"',
            f'Inception Date,"{inception:%b %d, %Y}"',
            f'Shares Outstanding,"{shares:,}.00"',
            *(f'{kind},"-"' for kind in ("Stock", "Bond", "Cash", "Other")),
            "\u00a0",
            _HEADING + (",new_field" if extra else ""),
            *(row + (',"1"' if extra else "") for row in rows),
            "\u00a0",
            '"The content contained herein is made up."',
            "",
        ]
    )
    return Answer(200, "text/csv;charset=UTF-8", text.encode())


def _published_at(session: date) -> datetime:
    return datetime.combine(session + timedelta(days=1), time(12), UTC)


def _line(*cells: str) -> str:
    return ",".join(f'"{cell}"' for cell in cells)
