"""What each venue's messages mean, in the shapes its documents show; all values are invented."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from sources.dataset import UTC, Body, Request, Window
from sources.errors import Malformed
from sources.providers.recorder import LIQUIDATION_EVENTS, parse_depth, parse_liquidations
from sources.recorder.segments import line
from sources.recorder.stream import DEPTH, LIQUIDATIONS, CoverageClass, Kind
from sources.recorder.venues import STREAMS
from tests.unit.recorder.venue_server import ACKNOWLEDGE, ASKED, BOOKS, liquidations

AT = datetime(2024, 7, 10, 11, 0, 5, 250_000, tzinfo=UTC)
MS = 1_720_609_201_000


def segment(label: str, *frames: object) -> Body:
    """A closed segment of a stream that holds these messages."""
    venue, stream = label.split("/")
    texts = [frame if isinstance(frame, str) else json.dumps(frame) for frame in frames]
    whose = {"version": 1, "venue": venue, "stream": stream, "state": "connected", "since": AT.isoformat()}
    content = [line(AT, event="opened", **whose)]
    content += [line(AT + timedelta(seconds=place), frame=text) for place, text in enumerate(texts)]
    content.append(line(AT, event="closed", until=AT.isoformat(), reason="time"))
    request = Request(f"https://recorder.invalid/{label}/20240710T110000000000Z")
    return Body(request, 200, "application/x-ndjson", b"".join(content), AT, Window(AT - timedelta(hours=1), AT))


def rows(label: str, *frames: object) -> list[dict[str, Any]]:
    return parse_liquidations(segment(label, *frames)).to_dicts()


def one(label: str, frame: object) -> dict[str, Any]:
    (row,) = rows(label, frame)
    return row


def changed(label: str, old: str, new: str) -> str:
    text = liquidations(1)[label]
    assert old in text
    return text.replace(old, new)


LISTENED = sorted(label for label, stream in STREAMS.items() if stream.kind == LIQUIDATIONS)
BOOKED = sorted(label for label, stream in STREAMS.items() if stream.kind == DEPTH)


def test_every_venue_is_played() -> None:
    assert LISTENED == sorted(ACKNOWLEDGE) == sorted(liquidations(1))


@pytest.mark.parametrize("label", LISTENED)
def test_what_a_venue_says_before_data_is_acknowledged_and_no_data(label: str) -> None:
    stream = STREAMS[label]
    kinds = [stream.react(said).kind for said in ACKNOWLEDGE[label] if said is not ASKED]  # type: ignore[arg-type]
    assert kinds.count(Kind.ACKNOWLEDGED) == stream.acknowledgements
    assert not {Kind.REFUSED, Kind.UNREADABLE} & set(kinds)
    assert stream.react(liquidations(1)[label]).kind is Kind.DATA


@pytest.mark.parametrize("label", LISTENED)
@pytest.mark.parametrize("garbage", ["<html>busy</html>", "", "{", "12", "null", '"text"'])
def test_what_is_none_of_the_venues_is_unreadable(label: str, garbage: str) -> None:
    assert STREAMS[label].react(garbage).kind is Kind.UNREADABLE


@pytest.mark.parametrize(
    ("label", "said", "reason"),
    [
        ("binance/liquidations", '{"error":{"code":2,"msg":"unknown stream"},"id":1}', "unknown stream"),
        ("bybit/liquidations", '{"success":false,"ret_msg":"error:handler not found","op":"subscribe"}', "not found"),
        ("okx/liquidations", '{"event":"error","code":"60018","msg":"Wrong URL or channel","connId":"a4"}', "60018"),
        ("okx/liquidations", '{"event":"notice","code":"64008","msg":"closed for a service upgrade"}', "upgrade"),
        ("bitmex/liquidations", '{"status":400,"error":"Unknown or expired symbol.","meta":{}}', "expired symbol"),
        ("deribit/liquidations", '{"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"no"}}', "-32602"),
        ("bitfinex/liquidations", '{"event":"error","msg":"key: invalid","code":10300}', "10300"),
        ("bitfinex/liquidations", '{"event":"info","code":20051,"msg":"Stopping. Please try to reconnect"}', "20051"),
        ("gate/liquidations", '{"time":1,"channel":"futures.public_liquidates","event":"subscribe",'
         '"error":{"code":2,"message":"unknown contract"}}', "unknown contract"),
    ],
)  # fmt: skip
def test_a_venue_that_says_no_is_refused_with_its_reason(label: str, said: str, reason: str) -> None:
    reaction = STREAMS[label].react(said)
    assert reaction.kind is Kind.REFUSED
    assert reason in reaction.reason


@pytest.mark.parametrize(
    ("label", "pong"),
    [
        ("bybit/liquidations", '{"success":true,"ret_msg":"pong","conn_id":"c","req_id":"","op":"ping"}'),
        ("okx/liquidations", "pong"),
        ("bitmex/liquidations", "pong"),
        ("bitfinex/liquidations", '[91684,"hb"]'),
        ("gate/liquidations", '{"time":1,"channel":"futures.pong","event":"","result":null}'),
        ("deribit/liquidations", '{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}'),
    ],
)
def test_a_sign_of_life_is_no_data(label: str, pong: str) -> None:
    assert STREAMS[label].react(pong).kind is Kind.ALIVE


def test_deribit_is_answered_when_it_asks_whether_we_are_there() -> None:
    asked = '{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}'
    (reply,) = STREAMS["deribit/liquidations"].react(asked).replies
    assert json.loads(reply)["method"] == "public/test"


def test_deribit_trades_without_a_liquidation_are_not_kept() -> None:
    text = changed("deribit/liquidations", '"liquidation":"MT",', "")
    assert STREAMS["deribit/liquidations"].react(text).kind is Kind.ALIVE


class TestSides:
    def test_binance_order_that_sells_closes_a_long(self) -> None:
        assert one("binance/liquidations", liquidations(1)["binance/liquidations"])["side"] == "long"
        assert one("binance/liquidations", changed("binance/liquidations", "SELL", "BUY"))["side"] == "short"

    def test_bybit_names_the_side_of_the_position(self) -> None:
        found = rows("bybit/liquidations", liquidations(1)["bybit/liquidations"])
        assert [(row["venue_side"], row["side"]) for row in found] == [("Buy", "long"), ("Sell", "short")]

    @pytest.mark.parametrize(
        ("position", "order", "side"),
        [("long", "sell", "long"), ("short", "buy", "short"), ("net", "buy", "short"), ("net", "sell", "long")],
    )
    def test_okx_names_the_position_unless_it_is_net(self, position: str, order: str, side: str) -> None:
        text = changed("okx/liquidations", '"posSide":"net","side":"buy"', f'"posSide":"{position}","side":"{order}"')
        assert one("okx/liquidations", text)["side"] == side

    def test_bitmex_order_that_sells_closes_a_long(self) -> None:
        assert one("bitmex/liquidations", liquidations(1)["bitmex/liquidations"])["side"] == "long"
        assert one("bitmex/liquidations", changed("bitmex/liquidations", "Sell", "Buy"))["side"] == "short"

    @pytest.mark.parametrize(
        ("who", "direction", "sides"),
        [
            ("T", "sell", ["long"]),
            ("T", "buy", ["short"]),
            ("M", "sell", ["short"]),
            ("M", "buy", ["long"]),
            ("MT", "sell", ["long", "short"]),
        ],
    )
    def test_deribit_direction_is_the_takers(self, who: str, direction: str, sides: list[str]) -> None:
        text = changed("deribit/liquidations", '"MT"', f'"{who}"').replace('"sell"', f'"{direction}"')
        found = rows("deribit/liquidations", text)
        assert [row["side"] for row in found] == sides
        assert len({row["event_id"] for row in found}) == len(sides)

    def test_bitfinex_negative_amount_is_a_short(self) -> None:
        row = one("bitfinex/liquidations", liquidations(1)["bitfinex/liquidations"])
        assert (row["side"], row["size_coin"], row["price"]) == ("short", 0.62, 57900.0)
        assert one("bitfinex/liquidations", changed("bitfinex/liquidations", "-0.62", "0.62"))["side"] == "long"

    def test_gate_sign_is_kept_and_not_interpreted(self) -> None:
        row = one("gate/liquidations", liquidations(1)["gate/liquidations"])
        assert (row["side"], row["venue_side"], row["size_contracts"]) == (None, "-", 124.5)
        assert one("gate/liquidations", changed("gate/liquidations", "-124.5", "124.5"))["venue_side"] == "+"

    @pytest.mark.parametrize(
        ("label", "old"),
        [
            ("binance/liquidations", '"SELL"'),
            ("bybit/liquidations", '"Buy"'),
            ("okx/liquidations", '"buy"'),
            ("bitmex/liquidations", '"Sell"'),
            ("deribit/liquidations", '"MT"'),
        ],
    )
    def test_a_side_nobody_knows_is_malformed(self, label: str, old: str) -> None:
        with pytest.raises(Malformed, match="never sent"):
            rows(label, changed(label, old, '"sideways"'))


class TestFigures:
    @pytest.mark.parametrize(
        ("label", "size"),
        [
            ("binance/liquidations", ("size_coin", 0.514)),
            ("bybit/liquidations", ("size_coin", 2.1)),
            ("okx/liquidations", ("size_contracts", 13.0)),
            ("bitmex/liquidations", ("size_contracts", 1700.0)),
            ("bitfinex/liquidations", ("size_coin", 0.62)),
            ("gate/liquidations", ("size_contracts", 124.5)),
        ],
    )
    def test_a_size_stands_in_the_venues_unit_only(self, label: str, size: tuple[str, float]) -> None:
        row = rows(label, liquidations(1)[label])[0]
        found = [(name, row[name]) for name in ("size_coin", "size_contracts", "size_usd") if row[name] is not None]
        assert found == [size]

    def test_deribit_amount_is_dollars_of_inverse_and_coins_of_linear_contracts(self) -> None:
        text = changed("deribit/liquidations", '"MT"', '"T"')
        row = one("deribit/liquidations", text)
        assert (row["size_usd"], row["size_coin"], row["size_contracts"]) == (4300.0, None, 430.0)
        row = one("deribit/liquidations", text.replace("BTC-PERPETUAL", "BTC_USDC-PERPETUAL"))
        assert (row["size_usd"], row["size_coin"]) == (None, 4300.0)

    @pytest.mark.parametrize("label", sorted(set(LISTENED) - {"bitmex/liquidations"}))
    def test_it_happened_when_the_venue_says(self, label: str) -> None:
        row = rows(label, liquidations(1)[label])[0]
        assert row["occurred_at"] == datetime.fromtimestamp(MS / 1000, UTC)
        assert (row["received_at"], row["is_time_of_receipt"]) == (AT, False)

    def test_bitmex_gives_no_time(self) -> None:
        row = one("bitmex/liquidations", liquidations(1)["bitmex/liquidations"])
        assert (row["occurred_at"], row["is_time_of_receipt"]) == (AT, True)

    def test_binance_price_and_size_are_what_was_filled(self) -> None:
        row = one("binance/liquidations", changed("binance/liquidations", '"q":"0.514"', '"q":"9.9"'))
        assert (row["price"], row["price_kind"], row["size_coin"]) == (57010.5, "fill", 0.514)

    def test_gate_time_was_seconds_once(self) -> None:
        text = changed("gate/liquidations", f'"time":{MS},', f'"time":{MS // 1000},')
        assert one("gate/liquidations", text)["occurred_at"] == datetime.fromtimestamp(MS / 1000, UTC)
        both = changed("gate/liquidations", f'"time":{MS},', f'"time":{MS // 1000},"time_ms":{MS + 7},')
        assert one("gate/liquidations", both)["occurred_at"].microsecond == 7000

    def test_gate_sends_a_single_one_as_an_object(self) -> None:
        text = liquidations(1)["gate/liquidations"].replace("[{", "{").replace("}]", "}")
        assert one("gate/liquidations", text)["symbol"] == "BTC_USDT"

    def test_what_bitfinex_only_triggered_is_not_counted(self) -> None:
        assert rows("bitfinex/liquidations", changed("bitfinex/liquidations", "null,1,1", "null,0,1")) == []

    def test_bitfinex_sends_a_single_position_without_a_list(self) -> None:
        text = liquidations(1)["bitfinex/liquidations"].replace("[[", "[").replace("]]]", "]]")
        assert one("bitfinex/liquidations", text)["symbol"] == "tBTCF0:USTF0"

    def test_a_price_bitfinex_does_not_give_is_null(self) -> None:
        assert one("bitfinex/liquidations", changed("bitfinex/liquidations", "57900.0", "null"))["price"] is None

    def test_bitmex_orders_that_are_worked_off_are_not_counted_again(self) -> None:
        partial = ACKNOWLEDGE["bitmex/liquidations"][-1]
        later = '{"table":"liquidation","action":"%s","data":[{"orderID":"x","symbol":"XBTUSD","leavesQty":5}]}'
        assert rows("bitmex/liquidations", partial, later % "update", later % "delete") == []

    def test_two_equal_liquidations_in_a_message_are_two_and_a_repeated_message_is_none(self) -> None:
        entry = {"T": MS, "s": "BTCUSDT", "S": "Buy", "v": "0.1", "p": "57000"}
        message = {"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": MS, "data": [entry, entry]}
        frame = LIQUIDATION_EVENTS.conform(parse_liquidations(segment("bybit/liquidations", message, message)))
        assert frame.height == 4
        assert frame.unique(LIQUIDATION_EVENTS.key).height == 2


class TestFaults:
    @pytest.mark.parametrize("label", LISTENED)
    def test_a_figure_that_is_none_is_malformed(self, label: str) -> None:
        row = rows(label, liquidations(1)[label])[0]
        size = next(row[name] for name in ("size_usd", "size_coin", "size_contracts") if row[name] is not None)
        text = liquidations(1)[label]
        written = next(one for one in (f"{size:.2f}", f"{size:g}", str(size)) if one in text)
        with pytest.raises(Malformed):
            rows(
                label,
                text.replace(
                    written, '"calm"' if f'"{written}"' not in text and f'"-{written}"' not in text else "calm"
                ),
            )

    @pytest.mark.parametrize("label", LISTENED)
    def test_another_shape_is_malformed(self, label: str) -> None:
        with pytest.raises(Malformed):
            rows(label, '{"hello":"world"}')

    @pytest.mark.parametrize(
        ("label", "known"),
        [
            ("binance/liquidations", '"s":"BTCUSDT"'),
            ("bybit/liquidations", '"s":"ETHUSDT"'),
            ("okx/liquidations", '"sz":"13"'),
            ("bitmex/liquidations", '"leavesQty":1700'),
            ("deribit/liquidations", '"price":57001.5'),
            ("gate/liquidations", '"price":"57215.1"'),
        ],
    )
    def test_a_new_field_is_a_novelty_and_costs_nothing(self, label: str, known: str) -> None:
        frame = parse_liquidations(segment(label, changed(label, known, f'{known},"brand_new":{{"a":1}}')))
        assert LIQUIDATION_EVENTS.novelties(frame) == ("brand_new",)
        assert LIQUIDATION_EVENTS.conform(frame).equals(
            LIQUIDATION_EVENTS.conform(parse_liquidations(segment(label, liquidations(1)[label])))
        )

    def test_a_stream_nobody_knows_is_malformed(self) -> None:
        body = segment("bybit/liquidations")
        with pytest.raises(Malformed, match="no stream bybit/other"):
            parse_liquidations(Body(**{**vars(body), "content": body.content.replace(b"liquidations", b"other")}))

    def test_a_segment_of_another_version_is_malformed(self) -> None:
        body = segment("bybit/liquidations")
        with pytest.raises(Malformed, match="version 2"):
            parse_liquidations(Body(**{**vars(body), "content": body.content.replace(b'"version":1', b'"version":2')}))


class TestBooks:
    @pytest.mark.parametrize("label", BOOKED)
    def test_every_book_gives_ten_bands(self, label: str) -> None:
        stream = STREAMS[label]
        text = json.dumps(BOOKS[stream.url.split("/")[2]])
        assert stream.react(text).kind is Kind.DATA
        frame = parse_depth(segment(label, text))
        assert frame.height == 10
        assert frame["symbol"].unique().to_list() == list(stream.symbols)
        assert frame["mid_price"].unique().to_list() == [57005.0]
        assert frame["observed_at"].unique().to_list() == [AT]

    def test_depth_is_cumulative_to_the_edge_and_whole_only_where_the_book_reaches_it(self) -> None:
        book = {
            "lastUpdateId": 1, "E": 1, "T": 1,
            "bids": [["99.9", "1"], ["99.0", "2"], ["97.9", "4"]], "asks": [["100.1", "1"], ["101.0", "3"]],
        }  # fmt: skip
        frame = parse_depth(segment("binance/book_btcusdt", book)).sort("band_pct")
        found = {row["band_pct"]: (row["depth_coin"], row["is_whole_band"]) for row in frame.to_dicts()}
        assert found == {
            -5.0: (7.0, False), -4.0: (7.0, False), -2.0: (3.0, True), -1.0: (3.0, True), -0.2: (1.0, True),
            0.2: (1.0, True), 1.0: (4.0, True), 2.0: (4.0, False), 4.0: (4.0, False), 5.0: (4.0, False),
        }  # fmt: skip
        one_pct = frame.filter(pl.col("band_pct") == -1.0).to_dicts()[0]
        assert one_pct["depth_usd"] == pytest.approx(99.9 + 2 * 99.0)
        assert one_pct["average_price"] == pytest.approx((99.9 + 2 * 99.0) / 3)
        assert one_pct["reach_pct"] == pytest.approx(2.1)

    def test_an_empty_band_has_no_average(self) -> None:
        book = {"lastUpdateId": 1, "E": 1, "T": 1, "bids": [["99", "1"]], "asks": [["101", "1"]]}
        row = parse_depth(segment("binance/book_btcusdt", book)).filter(pl.col("band_pct") == 0.2).to_dicts()[0]
        assert (row["depth_coin"], row["depth_usd"], row["average_price"]) == (0.0, 0.0, None)
        assert row["is_whole_band"], "nothing stands there, and the book shows further"

    def test_inverse_contracts_are_dollars_and_their_coins_follow(self) -> None:
        frame = parse_depth(segment("deribit/book_btc_perpetual", BOOKS["www.deribit.com"]))
        row = frame.filter(pl.col("band_pct") == -1.0).to_dicts()[0]
        assert row["depth_usd"] == 250000.0
        assert row["depth_coin"] == pytest.approx(250000.0 / 57000.0)
        assert row["average_price"] == pytest.approx(57000.0)

    def test_contracts_stay_contracts(self) -> None:
        frame = parse_depth(segment("okx/book_btc_usdt_swap", BOOKS["www.okx.com"]))
        row = frame.filter(pl.col("band_pct") == 1.0).to_dicts()[0]
        assert (row["depth_contracts"], row["depth_coin"], row["depth_usd"]) == (100.0, None, None)

    def test_a_side_without_levels_gives_no_rows(self) -> None:
        book = {"lastUpdateId": 1, "E": 1, "T": 1, "bids": [], "asks": [["101", "1"]]}
        assert parse_depth(segment("binance/book_btcusdt", book)).is_empty()

    @pytest.mark.parametrize(
        "bids", [[["101.5", "1"]], [["99", "-1"]], [["nan", "1"]], [["calm", "1"]], [["99"]], [["0", "1"]], "none"]
    )
    def test_a_book_that_is_none_is_malformed(self, bids: object) -> None:
        book = {"lastUpdateId": 1, "E": 1, "T": 1, "bids": bids, "asks": [["101", "1"]]}
        with pytest.raises(Malformed):
            parse_depth(segment("binance/book_btcusdt", book))

    def test_a_new_field_of_a_book_is_a_novelty(self) -> None:
        book = {**BOOKS["fapi.binance.com"], "brand_new": 1}  # type: ignore[dict-item]
        frame = parse_depth(segment("binance/book_btcusdt", book))
        assert frame.columns[-1] == "brand_new"
        assert frame["brand_new"].unique().to_list() == ["1"]

    @pytest.mark.parametrize(
        ("label", "answer"),
        [
            ("bybit/book_btcusdt", '{"retCode":10006,"retMsg":"Too many visits!","result":{},"time":1}'),
            ("okx/book_btc_usdt_swap", '{"code":"50011","msg":"Too Many Requests","data":[]}'),
            ("deribit/book_btc_perpetual", '{"jsonrpc":"2.0","error":{"code":10028,"message":"too_many_requests"}}'),
            ("bitfinex/book_tbtcusd", '["error",11010,"ratelimit: error"]'),
        ],
    )
    def test_an_error_under_http_200_is_refused(self, label: str, answer: str) -> None:
        assert STREAMS[label].react(answer).kind is Kind.REFUSED


def test_coverage_has_a_day_on_which_it_changed() -> None:
    gate = STREAMS["gate/liquidations"]
    assert gate.covers(date(2026, 8, 19)).name is CoverageClass.THROTTLED
    assert gate.covers(date(2026, 8, 20)).name is CoverageClass.ALL
    assert STREAMS["bybit/liquidations"].covers(date(2025, 2, 19)).name is CoverageClass.UNKNOWN
    assert STREAMS["binance/liquidations"].covers(date(2020, 1, 1)).name is CoverageClass.THROTTLED
