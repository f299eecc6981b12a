"""The simulated Farside pages: HTML tables with three heading rows, sessions, and four summary rows.

A session is listed at 17:00 New York time with every cell pending; funds report one after another in the early hours of
the next UTC day and the largest reports last, so that a page read in between holds a partial sum.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, not_found
from sources.simulator.calendars import UTC, new_york
from sources.simulator.state import Funds

HOSTS = ("farside.co.uk",)
_RECENT_ROWS = 13
_PAGES = {
    "/bitcoin-etf-flow-all-data/": ("btc", "Bitcoin ETF Flow - All Data"),
    "/ethereum-etf-flow-all-data/": ("eth", "Ethereum ETF Flow - All Data"),
    "/btc/": ("btc", "Bitcoin ETF Flow"),
    "/eth/": ("eth", "Ethereum ETF Flow"),
}
_PENDING_STYLE = ' style="background-color: #99ff99 !important;"'
_SUMMARY_STYLE = ' style="background-color: #eaeffa !important;"'


def answer(ask: Ask, scene: Scene) -> Answer:
    page = _PAGES.get(ask.path if ask.path.endswith("/") else ask.path + "/")
    if page is None:
        return not_found(ask)
    funds = scene.state.funds[page[0]]
    listed = [
        i
        for i, session in enumerate(funds.sessions)
        if listed_at(session) <= scene.now and not scene.is_missing(session)
    ]
    if not listed:
        return not_found(ask)
    html = _html(funds, listed, scene, title=page[1], is_whole="all-data" in ask.path)
    return Answer(200, "text/html; charset=UTF-8", html.encode())


def listed_at(session: date) -> datetime:
    """When a session appears on the page, every fund pending."""
    return new_york(session, 17)


def reported_at(session: date, position: int) -> datetime:
    """When the fund in this column has reported the session; the first column is the last to do so."""
    minutes = 230 if position == 0 else 60 + (position * 47) % 150
    return datetime.combine(session + timedelta(days=1), time(0), UTC) + timedelta(minutes=minutes)


def cells(funds: Funds, row: int, scene: Scene) -> list[float | None]:
    """The cells of a session as the page has them now, US$ million; None while pending or before the fund listed."""
    session = funds.sessions[row]
    factor = scene.factor(session)
    return [
        round(float(value) * factor, 1) if value == value and reported_at(session, position) <= scene.now else None
        for position, value in enumerate(funds.net_flow_usd_m[row])
    ]


def _html(funds: Funds, listed: list[int], scene: Scene, *, title: str, is_whole: bool) -> str:
    tables = [cells(funds, row, scene) for row in listed]
    # A fund's column is there once the fund is.
    last = funds.net_flow_usd_m[listed[-1]]
    columns = [position for position in range(len(funds.tickers)) if not np.isnan(last[position])]
    shown = list(zip(listed, tables, strict=True))
    novelty = ["1.0"] if scene.has_new_column else []
    body = []
    for row, amounts in shown if is_whole else shown[-_RECENT_ROWS:]:
        values = [amounts[position] for position in columns]
        is_pending = all(value is None for value in values)
        total = sum(value for value in values if value is not None)
        texts = ["-" if value is None else _amount(value) for value in values]
        body.append(
            _row(
                f"{funds.sessions[row]:%d %b %Y}",
                [*texts, *novelty, _amount(total)],
                _PENDING_STYLE if is_pending else "",
            )
        )
    known = np.array(
        [[np.nan if amounts[p] is None else amounts[p] for p in columns] for _, amounts in shown], dtype=float
    )
    known = np.column_stack([known, np.nansum(known, axis=1)])
    for label, figure, decimals in (
        ("Total", np.nansum, 0),
        ("Average", np.nanmean, 1),
        ("Maximum", np.nanmax, 1),
        ("Minimum", np.nanmin, 1),
    ):
        filled = np.where(np.isnan(known).all(axis=0), 0.0, known)
        texts = [_amount(float(value), decimals) for value in figure(filled, axis=0)]
        body.append(_row(label, [*texts[:-1], *novelty, texts[-1]], _SUMMARY_STYLE))
    names = [funds.tickers[position] for position in columns]
    heading = [
        _heading("", [_logo(funds.issuers[position]) for position in columns] + ["" for _ in novelty] + ["Total"]),
        _heading("", [_span(f"  {name}") for name in names] + [_span("NEW") for _ in novelty] + [_span("")]),
        _heading(
            "Fee",
            [_span(funds.fees[position]) for position in columns] + [_span("0.30%") for _ in novelty] + [_span("")],
        ),
    ]
    return (
        f'<html><head><meta charset="UTF-8"><title>{title} - Farside Investors</title></head><body>\n'
        f'<table class="etf">\n'
        f"<thead>\n{''.join(heading)}</thead>\n<tbody>\n{''.join(body)}</tbody>\n</table>\n\n</body></html>\n"
    )


def _amount(value: float, decimals: int = 1) -> str:
    text = f"{abs(value):,.{decimals}f}"
    return f'<span class="redFont">({text})</span>' if value < 0 and float(text.replace(",", "")) else text


def _row(label: str, texts: list[str], style: str) -> str:
    filled = "".join(_cell(text) for text in texts)
    return f"            <tr{style}> \n                <td>{_span(label)}</td>\n                {filled}</tr>\n"


def _cell(text: str) -> str:
    # A real zero and a pending cell have the same class; only the text tells them apart.
    mark = ' class="zero-flow"' if text in ("0.0", "-") else ""
    return f'<td{mark}><div align="right">{_span(text)}</div></td>'


def _heading(label: str, texts: list[str]) -> str:
    filled = "".join(f'\t<th><div align="right">{text}</div></th>\n' for text in texts)
    return f'<tr bgcolor="#eaeffa">\n    <th>{_span(label)}</th>\n{filled}</tr>\n'


def _logo(issuer: str) -> str:
    image = f'<img src="/images/etf/{issuer}.jpg" alt="{issuer.title()}" width="32" height="15">'
    return f'<a href="" class="grow">{image}</a>'


def _span(text: str) -> str:
    return f'<span class="tabletext">{text}</span>'
