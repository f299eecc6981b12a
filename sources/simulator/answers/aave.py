"""The simulated Ethereum node, as far as Aave v3 needs one: blocks 12 seconds apart, and the pool's liquidations.

Loans are liquidated when leveraged longs are: a fixed part of an hour's liquidations on the futures market, in as many
events as make them of a usual size. The node knows blocks of the simulated time only and forgets none of them.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import HOURS, ORIGIN, day_at

HOSTS = ("eth.drpc.org",)

FIRST_BLOCK = 11_565_019
"""The block at `ORIGIN`; one follows every 12 seconds, none is left out."""

_SECONDS_PER_BLOCK = 12
_BLOCKS_PER_HOUR = 3600 // _SECONDS_PER_BLOCK
_FINALIZED_AFTER_BLOCKS = 72
_MAX_RANGE = 10_000
_POOL = "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"
_TOPIC = "0xe413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286"
_COLLATERAL = {
    "BTCUSDT": ("0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", 8),
    "ETHUSDT": ("0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 18),
}
_DEBTS = ("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "0xdac17f958d2ee523a2206206994597c13d831ec7")
_DEBT_DECIMALS = 6

SHARE_OF_LONGS = 0.006
"""Loans liquidated for each dollar of leveraged longs."""

_USUAL_SIZE_USD = 150_000.0
_MOST_PER_HOUR = 8
_BONUS = 1.05


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path not in ("", "/"):
        return not_found(ask)
    document = ask.document()
    method, params = document.get("method"), document.get("params")
    if not isinstance(method, str) or not isinstance(params, list):
        return _error(document, -32600, "Invalid Request")
    newest = FIRST_BLOCK + int((scene.now - ORIGIN).total_seconds()) // _SECONDS_PER_BLOCK
    finalized = max(newest - _FINALIZED_AFTER_BLOCKS, FIRST_BLOCK)
    try:
        if method == "eth_blockNumber":
            return _result(document, hex(newest))
        if method == "eth_getBlockByNumber":
            number = _number(params[0], newest, finalized)
            known = FIRST_BLOCK <= number <= newest
            return _result(document, _block(number) if known else None)
        if method == "eth_getLogs":
            query = params[0]
            first, last = (_number(query[name], newest, finalized) for name in ("fromBlock", "toBlock"))
            if last - first >= _MAX_RANGE:
                return _error(document, 35, "ranges over 10000 blocks are not supported on free plan", 400)
            is_asked = str(query.get("address")).lower() == _POOL and _TOPIC in query.get("topics", [])
            return _result(document, _logs(first, min(last, newest), scene) if is_asked else [])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return _error(document, -32602, "Invalid params")
    return _error(document, -32601, f"the method {method} does not exist/is not available")


def _number(text: str, newest: int, finalized: int) -> int:
    named = {"latest": newest, "finalized": finalized, "earliest": 0}
    return named[text] if text in named else int(text, 16)


def _block(number: int) -> dict[str, Any]:
    return {
        "number": hex(number),
        "hash": _hash("block", number),
        "timestamp": hex(_seconds(number)),
        "transactions": [],
    }


def _seconds(number: int) -> int:
    return int(ORIGIN.timestamp()) + (number - FIRST_BLOCK) * _SECONDS_PER_BLOCK


def _logs(first: int, last: int, scene: Scene) -> list[dict[str, Any]]:
    hours = range(max(first - FIRST_BLOCK, 0) // _BLOCKS_PER_HOUR, (last - FIRST_BLOCK) // _BLOCKS_PER_HOUR + 1)
    logs = []
    for hour in hours:
        # What an hour liquidates is known when it is over.
        if hour >= HOURS or ORIGIN + timedelta(hours=hour + 1) > scene.now or scene.is_missing(day_at(hour // 24)):
            continue
        for symbol in _COLLATERAL:
            logs += [log for log in _of_hour(symbol, hour, scene) if first <= int(log["blockNumber"], 16) <= last]
    return sorted(logs, key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))


def _of_hour(symbol: str, hour: int, scene: Scene) -> list[dict[str, Any]]:
    perpetual = scene.state.perpetuals[symbol]
    total_usd = SHARE_OF_LONGS * float(perpetual.long_liquidations_usd[hour])
    count = min(int(total_usd / _USUAL_SIZE_USD), _MOST_PER_HOUR)
    token, decimals = _COLLATERAL[symbol]
    price, factor = float(perpetual.close[hour]), scene.factor(day_at(hour // 24))
    logs = []
    for position in range(count):
        # Spread over the hour, but not over its last blocks: its close is what they are priced at.
        number = FIRST_BLOCK + hour * _BLOCKS_PER_HOUR + (position + 1) * _BLOCKS_PER_HOUR // (count + 1)
        usd = total_usd / count * factor
        debt = round(usd * 10**_DEBT_DECIMALS)
        collateral = round(usd * _BONUS / price * 10**decimals)
        mark = f"{symbol} {hour} {position}"
        logs.append(
            {
                "address": _POOL,
                "topics": [
                    _TOPIC,
                    _word(token),
                    _word(_DEBTS[(hour + position) % 2]),
                    _word(_hash("borrower", mark)[:42]),
                ],
                "data": "0x"
                + "".join(
                    (
                        f"{debt:064x}",
                        f"{collateral:064x}",
                        _word(_hash("liquidator", position)[:42])[2:],
                        f"{int(position % 5 == 0):064x}",
                    )
                ),
                "blockNumber": hex(number),
                "blockHash": _hash("block", number),
                "blockTimestamp": hex(_seconds(number)),
                "transactionHash": _hash("transaction", mark),
                "transactionIndex": "0x1",
                "logIndex": hex(100 + 2 * position + (symbol == "ETHUSDT")),
                "removed": False,
                **({"new_field": 1} if scene.has_new_column else {}),
            }
        )
    return logs


def _word(address: str) -> str:
    return "0x" + address.removeprefix("0x").rjust(64, "0")


def _hash(what: str, mark: object) -> str:
    return "0x" + hashlib.sha256(f"{what} {mark}".encode()).hexdigest()


def _result(document: dict[str, Any], result: object) -> Answer:
    return as_json({"jsonrpc": "2.0", "id": document.get("id"), "result": result})


def _error(document: dict[str, Any], code: int, message: str, status: int = 200) -> Answer:
    return as_json({"jsonrpc": "2.0", "id": document.get("id"), "error": {"code": code, "message": message}}, status)
