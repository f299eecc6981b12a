"""Aave v3 on Ethereum: liquidations, read from the chain through any JSON-RPC node, without a key.

The node can be one's own: `UNDERTOW_ETHEREUM_RPC_URL` names another than the public one. What is archived of that
address is its host, because paths and queries of hosted nodes hold keys.

Traps:
* A node answers errors under HTTP 200 and 400 alike, and codes mean different things: -32005 is too many logs, too many
  blocks or too many requests. The words decide; a range that is too wide is halved until it is not.
* Public nodes may refuse history and serve only the newest blocks ("archive requests need a token").
* Blocks can be taken back until they are finalized, about a quarter of an hour later. Only finalized ones are asked
  for, and a log marked `removed` is none.
* Version 2 of the protocol has the same event: the pool's address tells them apart.
* Amounts are 256-bit whole numbers in a token's smallest unit. They are kept as text, exactly; a token whose decimals
  are not known here has no amount in tokens.
* Older nodes do not write the time of the block into a log; then the block is asked for.
* Time between blocks is 12 seconds or a multiple of it, so the block at an instant is found by a search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from sources.dataset import UTC, UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected, SourceError
from sources.http import Client
from sources.parsing import decode_json, instant, number, rows_of, shape, table, whole

PROVIDER = Provider(
    name="aave",
    title="Aave v3 on Ethereum",
    homepage="https://aave.com/docs",
    licence=Licence.PUBLIC_DOMAIN,
    probe_url="https://eth.drpc.org",
    probe_content='{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}',
    rates=(Rate(10, 1.0),),
    parallel=4,
)

NODE = "UNDERTOW_ETHEREUM_RPC_URL"
"""Environment variable with the address of another node; it may hold a key."""

POOL = "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"
LIQUIDATION_CALL = "0xe413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286"

TOKENS: Mapping[str, tuple[str, int]] = {
    "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2": ("WETH", 18),
    "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599": ("WBTC", 8),
    "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": ("USDC", 6),
    "0xdac17f958d2ee523a2206206994597c13d831ec7": ("USDT", 6),
    "0x6b175474e89094c44da98b954eedeac495271d0f": ("DAI", 18),
    "0x7f39c581f595b53c5cb19bd0b3f8da6c935e2ca0": ("wstETH", 18),
    "0xcd5fe23c85820f7b72d0926fc9b05b43e359b7ee": ("weETH", 18),
    "0xbe9895146f7af43049ca1c1ae358b0541ea49704": ("cbETH", 18),
    "0xae78736cd615f374d3085123a210448e74fc6393": ("rETH", 18),
    "0xa1290d69c65a6fe4df752f95823fae25cb99e5a7": ("rsETH", 18),
    "0xbf5495efe5db9ce00f80364c8b423567e58d2110": ("ezETH", 18),
    "0xcbb7c0000ab88b473b1f5afd9ef808440eed33bf": ("cbBTC", 8),
    "0x18084fba666a33d37592fa2633fd49a74dd93a88": ("tBTC", 18),
    "0x8236a87084f8b84306f72007f36f2618a5634494": ("LBTC", 8),
    "0x514910771af9ca656af840dff83e8264ecf986ca": ("LINK", 18),
    "0x7fc66500c84a76ad7e9c93437bfc5ac33e2ddae9": ("AAVE", 18),
    "0x1f9840a85d5af5bf1d1762f925bdaddc4201f984": ("UNI", 18),
    "0xd533a949740bb3306d119cc777fa900ba034cd52": ("CRV", 18),
    "0x5a98fcbea516cf06857215779fd812ca3bef1b32": ("LDO", 18),
    "0x9f8f72aa9304c8b593d555f12ef6589cc3a579a2": ("MKR", 18),
    "0xc011a73ee8576fb46f5e1c5751ca3b9fe0af2a6f": ("SNX", 18),
    "0xba100000625a3754423978a60c9317c58a424e3d": ("BAL", 18),
    "0xc18360217d8f7ab5e7c516566761ea12ce7f9d72": ("ENS", 18),
    "0x111111111117dc0aa78b770fa6a738034120c302": ("1INCH", 18),
    "0xd33526068d116ce69f19a9ee46f0bd304f21a51f": ("RPL", 18),
    "0x4c9edd5852cd905f086c759e8383e09bff1e68b3": ("USDe", 18),
    "0x9d39a5de30e57443bff2a8307a4256c8797a3497": ("sUSDe", 18),
    "0x83f20f44975d03b1b09e64809b757c47f942beea": ("sDAI", 18),
    "0xdc035d45d973e3ec169d2276ddab16f1e407384f": ("USDS", 18),
    "0x40d16fc0246ad3160ccc09b8d0d3a2cd28ae6c2f": ("GHO", 18),
    "0x5f98805a4e8be255a32880fdec7f6728c6568ba0": ("LUSD", 18),
    "0x853d955acef822db058eb8505911ed77f175b99e": ("FRAX", 18),
    "0xf939e0a03fb07f59a73314e73794be0e57ac1b4e": ("crvUSD", 18),
    "0x6c3ea9036406852006290770bedfcaba0e23a0e8": ("PYUSD", 6),
}
"""Symbol and decimals of the tokens that are lent on Aave v3, by address."""

MAX_BLOCKS = 9_500
"""The widest range of blocks to ask for at once: public nodes draw the line at 10,000."""

_PUBLIC_NODE = "https://eth.drpc.org"
_SLOT = timedelta(seconds=12)
_NEAR_ENOUGH = timedelta(minutes=10)

_TOO_FAST = re.compile(
    r"rate.?limit|too many requests|requests? per|request count|quota|compute units|capacity|throttl"
)
_TOO_WIDE = re.compile(
    r"range|more than [\d,]+|too many (logs|results)|max(imum)? results|response size|too large|too wide|narrow"
    r"|timed? ?out|limited to [\d,]+"
)
_NOT_HERE = re.compile(r"archive|token|pruned|not available|upgrade|free ?plan|free ?tier|paid|api key|unauthori[sz]ed")


@dataclass(frozen=True)
class _Block:
    number: int
    at: datetime


class _Node:
    """A JSON-RPC node: the public one, or the one of the environment."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._widest = MAX_BLOCKS
        self._secret_url = client.option(NODE)
        self._url = _PUBLIC_NODE
        if self._secret_url is not None:
            self._url = _without_secrets(self._secret_url, client)

    def ask(self, method: str, *params: object) -> Body:
        """Ask the node; an answer that is an error is an answer."""
        document = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return self._client.post(self._url, document, accept=(200, 400, 413), secret_url=self._secret_url)

    def block(self, which: int | str) -> tuple[_Block, Body]:
        """A block by number or by a name such as `finalized`.

        Raises:
            SourceError: the node does not give it.
        """
        body = self.ask("eth_getBlockByNumber", which if isinstance(which, str) else hex(which), False)
        return _read_block(body), body

    def logs(self, first: int, last: int) -> list[Body]:
        """The pool's liquidations in a range of blocks, in as many answers as the node makes of it.

        Raises:
            SourceError: the node does not give them.
        """
        if last - first >= self._widest:
            middle = (first + last) // 2
            return [*self.logs(first, middle), *self.logs(middle + 1, last)]
        query = {"address": POOL, "topics": [LIQUIDATION_CALL], "fromBlock": hex(first), "toBlock": hex(last)}
        body = self.ask("eth_getLogs", query)
        error = _error(body)
        if error is None:
            return [self._with_times(body)]
        if not isinstance(error, _TooWide):
            raise error
        if first == last:
            raise Rejected(f"{PROVIDER.title}: the node refuses a single block: {error.problem}", body=body)
        # What a node has refused once it need not be asked again.
        self._widest = min(self._widest, (last - first + 2) // 2)
        return [body, *self.logs(first, last)]

    def _with_times(self, body: Body) -> Body:
        """The answer with the blocks of those of its logs that do not say when they were."""
        timeless = {_whole(log.get("blockNumber"), body) for log in _logs(body) if not _has_time(log)}
        return replace(body, companions=tuple(self.block(number)[1] for number in sorted(timeless)))


def _without_secrets(address: str, client: Client) -> str:
    """Scheme and host of an address: a key can be anywhere else in it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        remedy = "write it as https://host/path"
        raise Rejected(f"{NODE} holds no address of a node", remedy=remedy, where=client.where)
    return f"{parts.scheme}://{parts.hostname}"


class _TooWide(SourceError):
    """The node wants to be asked for less at once; no failure, as long as there is less to ask for."""


def _error(body: Body) -> SourceError | None:
    """The error that an answer holds, if it holds one.

    Raises:
        Malformed: it is no answer of a JSON-RPC node.
    """
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with a result", body=body)
    error = answer.get("error")
    if error is None:
        if "result" not in answer:
            raise Malformed("the answer holds neither a result nor an error", body=body)
        return None
    code, message = (error.get("code"), str(error.get("message"))) if isinstance(error, dict) else (None, str(error))
    problem = f"the Ethereum node answers with error {code}: {message}"
    words = message.lower()
    if _TOO_FAST.search(words) or code == "429":
        return RateLimited(problem, remedy="run again later, or name another node in " + NODE, body=body)
    if _TOO_WIDE.search(words):
        return _TooWide(problem, body=body)
    if _NOT_HERE.search(words):
        return Blocked(problem, remedy=f"name a node that serves history in {NODE}", body=body)
    return Rejected(problem, remedy=f"try another node: name it in {NODE}", body=body)


def _result(body: Body) -> Any:
    if error := _error(body):
        if isinstance(error, _TooWide):
            raise Rejected(error.problem, body=body)
        raise error
    return decode_json(body)["result"]


def _whole(text: object, body: Body) -> int:
    """A quantity as JSON-RPC writes it, such as `0x1b4`."""
    try:
        return int(str(text), 16 if str(text).startswith("0x") else 10)
    except ValueError:
        raise Malformed(f"{text!r} is not a whole number", body=body) from None


def _read_block(body: Body) -> _Block:
    block = _result(body)
    if not isinstance(block, dict):
        raise Malformed("the node does not know the block it was asked for", body=body)
    seconds = _whole(block.get("timestamp"), body)
    return _Block(_whole(block.get("number"), body), datetime.fromtimestamp(seconds, UTC))


def _logs(body: Body) -> list[dict[str, Any]]:
    return rows_of(_result(body), body)


def _has_time(log: Mapping[str, Any]) -> bool:
    # Some nodes write zero where they do not know.
    return log.get("blockTimestamp") not in (None, "0x0", "0")


def fetch_liquidation_calls(window: Window, client: Client) -> Iterator[Body]:
    node = _Node(client)
    newest, _ = node.block("finalized")
    if window.start > newest.at:
        return
    start = _block_before(node, window.start, newest)
    last = newest.number
    if window.end < newest.at:
        end = _block_before(node, window.end, newest)
        # Blocks are 12 seconds apart or more, so this reaches to the end of the window or beyond it.
        last = min(last, end.number + -((end.at - window.end) // _SLOT))
    calls: list[tuple[str, Callable[[], list[Body]]]] = [
        (f"blocks {first} to {min(first + MAX_BLOCKS - 1, last)}",
         partial(node.logs, first, min(first + MAX_BLOCKS - 1, last)))
        for first in range(start.number, last + 1, MAX_BLOCKS)
    ]  # fmt: skip
    for bodies in client.gather(calls):
        yield from bodies


def _block_before(node: _Node, moment: datetime, newest: _Block) -> _Block:
    """A block at or shortly before an instant, found from the newest one by narrowing."""
    low, high = newest, newest
    step = max((newest.at - moment) // _SLOT, 0) + 1
    while low.at > moment and low.number > 0:
        # With one block every 12 seconds or less often, one step reaches far enough.
        low, _ = node.block(max(low.number - step, 0))
        step *= 2
    while moment - low.at > _NEAR_ENOUGH and high.number - low.number > 1:
        # Aimed a little early, so that what is found is on the right side.
        share = (moment - _NEAR_ENOUGH / 2 - low.at) / (high.at - low.at)
        guess = low.number + round(share * (high.number - low.number))
        found, _ = node.block(min(max(guess, low.number + 1), high.number - 1))
        low, high = (found, high) if found.at <= moment else (low, found)
    return low


def parse_liquidation_calls(body: Body) -> pl.DataFrame:
    if isinstance(_error(body), _TooWide):
        # The same blocks were asked for again in two halves.
        return LIQUIDATION_CALLS.empty()
    blocks = [_read_block(companion) for companion in body.companions]
    times = {block.number: int(block.at.timestamp()) for block in blocks}
    rows = [_row(log, times, body) for log in _logs(body) if log.get("removed") is not True]
    fields = ("block_number", "block_time", "log_index", "transactionHash", *_TEXTS, *_FIGURES)
    frame = table(
        rows,
        body,
        fields=fields,
        flags=("is_paid_in_atokens",),
        unused=(
            *("address", "topics", "data", "removed", "blockHash", "blockNumber", "blockTimestamp", "logIndex"),
            "transactionIndex",
        ),
    )
    return shape(
        frame,
        body,
        {
            "liquidated_at": instant("block_time", "s"),
            "log_index": whole("log_index"),
            "block_number": whole("block_number"),
            "transaction_hash": pl.col("transactionHash"),
            **{name: pl.col(name) for name in _TEXTS},
            "collateral_decimals": whole("collateral_decimals"),
            "collateral_native": number("collateral_native"),
            "debt_decimals": whole("debt_decimals"),
            "debt_native": number("debt_native"),
            "is_paid_in_atokens": pl.col("is_paid_in_atokens"),
        },
        nullable=("collateral_symbol", "debt_symbol", *_FIGURES),
    )


_TEXTS = (
    "collateral_token",
    "collateral_symbol",
    "collateral_base_units",
    "debt_token",
    "debt_symbol",
    "debt_base_units",
    "borrower_address",
    "liquidator_address",
)
_FIGURES = ("collateral_decimals", "collateral_native", "debt_decimals", "debt_native")


def _row(log: Mapping[str, Any], times: Mapping[int, int], body: Body) -> dict[str, Any]:
    """A log with what its topics and data say, in the order of the event's declaration."""
    topics, data = log.get("topics"), log.get("data")
    if not isinstance(topics, list) or len(topics) != 4 or not isinstance(data, str):
        raise Malformed("a log is not an event with three indexed values", body=body)
    if str(log.get("address")).lower() != POOL or str(topics[0]).lower() != LIQUIDATION_CALL:
        raise Malformed("a log is of another contract or another event than was asked for", body=body)
    words = re.findall(r"[0-9a-f]{64}", data.lower().removeprefix("0x"))
    if len(words) * 64 + 2 != len(data) or len(words) < 4:
        raise Malformed(f"the data of a log are not four words of 32 bytes: {data[:80]!r}", body=body)
    block_number = _whole(log.get("blockNumber"), body)
    block_time = _whole(log["blockTimestamp"], body) if _has_time(log) else times.get(block_number)
    if block_time is None:
        raise Malformed(f"nothing says when block {block_number} was", body=body)
    debt, collateral = int(words[0], 16), int(words[1], 16)
    if words[3] not in ("0" * 64, "0" * 63 + "1"):
        raise Malformed("the last word of a log is neither true nor false", body=body)
    return {
        **log,
        "block_number": str(block_number),
        "block_time": str(block_time),
        "log_index": str(_whole(log.get("logIndex"), body)),
        **_amount("collateral", _address(topics[1], body), collateral),
        **_amount("debt", _address(topics[2], body), debt),
        "borrower_address": _address(topics[3], body),
        "liquidator_address": _address(words[2], body),
        "is_paid_in_atokens": words[3].endswith("1"),
    }


def _address(word: object, body: Body) -> str:
    found = re.fullmatch(r"(?:0x)?0{24}([0-9a-f]{40})", str(word).lower())
    if found is None:
        raise Malformed(f"{word!r} is not an address", body=body)
    return f"0x{found[1]}"


def _amount(side: str, token: str, base_units: int) -> dict[str, str | None]:
    symbol, decimals = TOKENS.get(token, (None, None))
    return {
        f"{side}_token": token,
        f"{side}_symbol": symbol,
        f"{side}_base_units": str(base_units),
        f"{side}_decimals": None if decimals is None else str(decimals),
        f"{side}_native": None if decimals is None else repr(base_units / 10**decimals),
    }


LIQUIDATION_CALLS = Dataset(
    provider=PROVIDER,
    name="liquidation_calls",
    subject="defi",
    description="Liquidations of undercollateralised loans on Aave v3, Ethereum, one by one as the chain has them.",
    grain="one row per liquidation",
    columns=(
        Column("liquidated_at", UTC_DATETIME, "Time of the block."),
        Column("log_index", pl.Int64, "Position of the event in its block."),
        Column("block_number", pl.Int64, "Block, finalized when it was asked for."),
        Column("transaction_hash", pl.String, "Transaction."),
        Column("collateral_token", pl.String, "Address of the token that was seized."),
        Column("collateral_symbol", pl.String, "Its symbol; null if the token is not known here."),
        Column("collateral_base_units", pl.String, "Seized amount in the token's smallest unit, exactly."),
        Column("collateral_decimals", pl.Int64, "Decimals of the token; null if it is not known here."),
        Column("collateral_native", pl.Float64, "Seized amount in tokens; null if the decimals are not known."),
        Column("debt_token", pl.String, "Address of the token that was repaid."),
        Column("debt_symbol", pl.String, "Its symbol; null if the token is not known here."),
        Column("debt_base_units", pl.String, "Repaid amount in the token's smallest unit, exactly."),
        Column("debt_decimals", pl.Int64, "Decimals of the token; null if it is not known here."),
        Column("debt_native", pl.Float64, "Repaid amount in tokens; null if the decimals are not known."),
        Column("borrower_address", pl.String, "Whose loan it was."),
        Column("liquidator_address", pl.String, "Who repaid it."),
        Column("is_paid_in_atokens", pl.Boolean, "Whether the liquidator took the collateral as a deposit in Aave."),
    ),
    key=("liquidated_at", "log_index"),
    time_column="liquidated_at",
    period=timedelta(0),
    cadence=Cadence(
        # Finality comes a quarter of an hour after the block; asked again for longer, in case it was late.
        cron="50 * * * *",
        lag=timedelta(minutes=20),
        revised_for=timedelta(days=1),
        stale_after=timedelta(days=7),
    ),
    starts_on=date(2023, 1, 27),
    chunk=timedelta(days=92),
    fetch=fetch_liquidation_calls,
    parse=parse_liquidation_calls,
    docs_url="https://aave.com/docs/aave-v3/smart-contracts/pool",
    can_be_empty=True,
)

DATASETS = (LIQUIDATION_CALLS,)
