"""Binance archive: which files are asked for, checksums, headings, units of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from threading import Lock

import httpx
import pytest

from sources.dataset import Body, Dataset, Request, Window
from sources.errors import Malformed, Unreachable
from sources.providers.binance_vision import (
    DATASETS,
    SPOT_KLINES,
    SPOT_KLINES_1M,
    SPOT_SYMBOLS,
    UM_BOOK_DEPTH,
    UM_FUNDING_RATES,
    UM_INDEX_KLINES,
    UM_METRICS,
)
from tests.unit.sources import wire
from tests.unit.sources.wire import ARCHIVE, at, checksum, fetched, zipped

METRICS_HEADING = wire.stored(UM_METRICS.table).decode().splitlines()[0]


class Shelf:
    """Plays the archive: files by path, everything else is not published."""

    def __init__(self, dataset: Dataset, *published: str) -> None:
        self.content = zipped(wire.stored(dataset.table))
        self.published = published
        self.asked: list[str] = []
        self._lock = Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url).startswith(ARCHIVE + "/")
        path = request.url.path
        with self._lock:
            self.asked.append(path.rpartition("/")[2])
        name = path.removesuffix(".CHECKSUM")
        if not any(part in name for part in self.published):
            return httpx.Response(404, text="<Error><Code>NoSuchKey</Code></Error>")
        return httpx.Response(200, content=checksum(self.content) if path != name else self.content)

    def zips(self) -> list[str]:
        return sorted(name.removesuffix(".zip") for name in self.asked if name.endswith(".zip"))


def metrics_body(rows: str, day: str = "2024-07-01", **changes: object) -> Body:
    request = Request(f"{ARCHIVE}/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-{day}.zip")
    return wire.body(UM_METRICS.table, content=f"{METRICS_HEADING}\n{rows}", request=request, **changes)


def test_a_day_comes_with_its_checksum() -> None:
    shelf = Shelf(UM_METRICS, "2024-07-08", "2024-07-09")
    bodies, error = fetched(UM_METRICS, shelf, window=Window(at("2024-07-08"), wire.NOW))
    assert error is None
    assert shelf.zips() == [f"{s}-metrics-2024-07-{d}" for s in ("BTCUSDT", "ETHUSDT") for d in ("08", "09")]
    assert [len(body.companions) for body in bodies] == [1, 1, 1, 1]
    assert UM_METRICS.parse(bodies[0]).height == 3


def test_the_day_that_is_not_over_is_not_asked_for() -> None:
    shelf = Shelf(UM_BOOK_DEPTH)
    fetched(UM_BOOK_DEPTH, shelf, window=Window(at("2024-07-10"), wire.NOW))
    assert shelf.asked == []


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_a_file_that_is_not_published_is_an_answer_without_rows(dataset: Dataset) -> None:
    window, now = Window(at("2025-11-01"), at("2025-12-05")), at("2025-12-10")
    bodies, error = fetched(dataset, Shelf(dataset), window=window, now=now)
    assert error is None
    assert bodies
    assert {body.status for body in bodies} == {404}
    assert all(dataset.conform(dataset.parse(body)).is_empty() for body in bodies)
    assert dataset.can_be_empty


def test_whole_months_that_are_over_come_monthly_and_the_rest_daily() -> None:
    shelf = Shelf(SPOT_KLINES, "-1h-")
    window = Window(at("2024-04-29"), wire.NOW)
    bodies, error = fetched(SPOT_KLINES, shelf, window=window)
    assert error is None
    asked = [name.removeprefix("BTCUSDT-1h-") for name in shelf.zips() if name.startswith("BTCUSDT")]
    assert asked == ["2024-04-29", "2024-04-30", "2024-05", "2024-06", *(f"2024-07-0{day}" for day in range(1, 10))]
    assert not any(name.startswith("USDEUSDT") for name in shelf.asked), "not listed before 2025-09-09"
    assert len(bodies) == 3 * len(asked)


def test_a_month_that_ended_just_now_comes_daily() -> None:
    shelf = Shelf(SPOT_KLINES, "-1h-")
    fetched(SPOT_KLINES, shelf, window=Window(at("2024-06-01"), at("2024-07-02")), now=at("2024-07-02 12:00"))
    assert "BTCUSDT-1h-2024-06" not in shelf.zips()
    assert "BTCUSDT-1h-2024-06-30" in shelf.zips()


def test_a_late_monthly_file_is_made_up_for_by_its_days() -> None:
    shelf = Shelf(SPOT_KLINES, "-1h-2024-06-")
    bodies, error = fetched(SPOT_KLINES, shelf, window=Window(at("2024-06-01"), at("2024-07-01")))
    assert error is None
    asked = [name.removeprefix("BTCUSDT-1h-") for name in shelf.zips() if name.startswith("BTCUSDT")]
    assert asked == ["2024-06", *(f"2024-06-{day:02d}" for day in range(1, 31))]
    assert sum(body.status == 404 for body in bodies) == 3


def test_an_old_month_that_is_not_there_does_not_exist() -> None:
    shelf = Shelf(SPOT_KLINES)
    fetched(SPOT_KLINES, shelf, window=Window(at("2023-01-01"), at("2023-02-01")))
    assert shelf.zips() == [f"{symbol}-1h-2023-01" for symbol in ("BTCUSDT", "ETHUSDT", "USDCUSDT")]


def test_files_before_the_listing_are_not_asked_for() -> None:
    shelf = Shelf(SPOT_KLINES, "-1h-")
    fetched(SPOT_KLINES, shelf, window=Window(at("2025-09-01"), at("2025-10-01")), now=at("2025-12-01"))
    assert "USDEUSDT-1h-2025-09" in shelf.zips()
    assert SPOT_SYMBOLS["USDEUSDT"] == date(2025, 9, 9)
    shelf.asked.clear()
    fetched(SPOT_KLINES, shelf, window=Window(at("2025-09-05"), at("2025-09-12")), now=at("2025-12-01"))
    assert [n for n in shelf.zips() if n.startswith("USDE")] == [f"USDEUSDT-1h-2025-09-{d:02d}" for d in (9, 10, 11)]


def test_funding_comes_by_month_once_the_month_is_over() -> None:
    shelf = Shelf(UM_FUNDING_RATES, "2024-05", "2024-06")
    fetched(UM_FUNDING_RATES, shelf, window=Window(at("2024-05-20"), wire.NOW))
    assert shelf.zips() == [f"{s}-fundingRate-2024-{m}" for s in ("BTCUSDT", "ETHUSDT") for m in ("05", "06")]


def test_one_file_failing_does_not_cost_the_others() -> None:
    shelf = Shelf(UM_METRICS, "metrics")

    def provider(request: httpx.Request) -> httpx.Response:
        if "BTCUSDT-metrics-2024-07-05.zip" in request.url.path:
            return httpx.Response(503)
        return shelf(request)

    bodies, error = fetched(UM_METRICS, provider, window=Window(at("2024-07-01"), wire.NOW))
    assert len(bodies) == 17
    assert isinstance(error, Unreachable)
    assert "BTCUSDT-metrics-2024-07-05.zip: " in str(error)


def test_a_dead_archive_is_not_asked_for_every_file() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(503)

    bodies, error = fetched(UM_METRICS, provider, window=Window(at("2024-01-01"), at("2024-07-01")))
    assert bodies == []
    assert isinstance(error, Unreachable)
    assert "the rest was not asked" in str(error)
    assert len(set(asked)) < 40, "of 364"


def test_a_checksum_that_agrees_passes() -> None:
    body = wire.body(UM_METRICS.table)
    companion = Body(Request("x"), 200, "", checksum(body.content).upper(), wire.NOW, wire.WINDOW)
    assert UM_METRICS.parse(wire.body(UM_METRICS.table, companions=(companion,))).height == 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"0" * 64 + b"  BTCUSDT-metrics-2024-07-01.zip\n", "checksum mismatch: published 000000000000, received"),
        (b"<html>maintenance</html>", "holds no SHA-256"),
        (b"", "holds no SHA-256"),
    ],
)
def test_a_checksum_that_does_not_agree_is_malformed(content: bytes, problem: str) -> None:
    companion = Body(Request("x"), 200, "", content, wire.NOW, wire.WINDOW)
    with pytest.raises(Malformed, match=problem):
        UM_METRICS.parse(wire.body(UM_METRICS.table, companions=(companion,)))


def test_a_checksum_that_is_not_published_is_no_fault() -> None:
    companion = Body(Request("x"), 404, "", b"NoSuchKey", wire.NOW, wire.WINDOW)
    assert UM_METRICS.parse(wire.body(UM_METRICS.table, companions=(companion,))).height == 3


def test_klines_with_a_heading_and_in_microseconds_read_the_same() -> None:
    plain = SPOT_KLINES.parse(wire.body(SPOT_KLINES.table))
    rows = wire.stored(SPOT_KLINES.table).decode()
    rows = rows.replace("000000,", "000000000,").replace("9999,", "9999999,")
    heading = (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
        "taker_buy_volume,taker_buy_quote_volume,ignore\n"
    )
    micro = SPOT_KLINES.parse(wire.body(SPOT_KLINES.table, content=heading + rows))
    assert micro["closed_at"][0] == at("2024-07-01 00:59") + timedelta(seconds=59, microseconds=999_999)
    assert micro.drop("closed_at").equals(plain.drop("closed_at"))
    assert plain["opened_at"].to_list() == [at("2024-07-01"), at("2024-07-01 01:00")]


def test_a_column_appended_to_klines_is_a_novelty_and_one_put_in_between_is_malformed() -> None:
    rows = wire.stored(SPOT_KLINES.table).decode().splitlines()
    frame = SPOT_KLINES.parse(wire.body(SPOT_KLINES.table, content="".join(f"{row},9\n" for row in rows)))
    assert SPOT_KLINES.novelties(frame) == ("column_13",)
    assert SPOT_KLINES.conform(frame).equals(SPOT_KLINES.parse(wire.body(SPOT_KLINES.table)))
    shifted = "".join(row.replace(",", ",9,", 1) + "\n" for row in rows)
    with pytest.raises(Malformed):
        SPOT_KLINES.parse(wire.body(SPOT_KLINES.table, content=shifted))


def test_a_candle_that_is_still_open_is_left_out() -> None:
    early = wire.body(SPOT_KLINES.table, retrieved_at=at("2024-07-01 01:30"))
    assert SPOT_KLINES.parse(early)["opened_at"].to_list() == [at("2024-07-01")]


def test_a_line_that_is_cut_off_is_malformed() -> None:
    rows = wire.stored(SPOT_KLINES.table).decode().rstrip()
    with pytest.raises(Malformed, match="taker_buy_volume_quote is blank in 1 of 2 rows"):
        SPOT_KLINES.parse(wire.body(SPOT_KLINES.table, content=rows.rpartition(",1860000")[0]))


def test_stamps_of_a_start_of_period_are_moved_to_its_end() -> None:
    rows = "{day} 00:05:00,BTCUSDT,1,2,3,4,5,6\n"
    last = UM_METRICS.parse(metrics_body(rows.format(day="2026-06-24"), "2026-06-24", retrieved_at=at("2026-07-01")))
    first = UM_METRICS.parse(metrics_body(rows.format(day="2026-06-25"), "2026-06-25", retrieved_at=at("2026-07-01")))
    assert last["period_ended_at"].to_list() == [at("2026-06-24 00:05")]
    assert first["period_ended_at"].to_list() == [at("2026-06-25 00:10")]


def test_rows_that_are_there_twice_are_dropped_and_zero_open_interest_is_null() -> None:
    frame = UM_METRICS.parse(wire.body(UM_METRICS.table))
    assert frame["period_ended_at"].to_list() == [at("2024-07-01 00:05"), at("2024-07-01 00:10"), at("2024-07-02")]
    assert frame["open_interest_coin"].to_list() == [80000.125, None, 80001.0]
    assert frame["open_interest_usd"].null_count() == 1
    assert frame["top_trader_account_long_short_ratio"].to_list() == [1.5, None, 1.51]


def test_rows_of_another_symbol_are_malformed() -> None:
    with pytest.raises(Malformed, match="another symbol"):
        UM_METRICS.parse(metrics_body("2024-07-01 00:05:00,ETHUSDT,1,2,3,4,5,6\n"))


def test_a_file_without_rows_is_no_rows() -> None:
    assert UM_METRICS.conform(UM_METRICS.parse(metrics_body(""))).is_empty()


def test_a_file_without_heading_reads_by_position() -> None:
    body = wire.body(UM_METRICS.table, content="2024-07-01 00:05:00,BTCUSDT,1,2,3,4,5,6\n")
    assert UM_METRICS.parse(body)["open_interest_coin"].to_list() == [1.0]


def test_settlements_are_floored_to_the_minute_and_keep_their_interval() -> None:
    frame = UM_FUNDING_RATES.parse(wire.body(UM_FUNDING_RATES.table))
    assert frame["settled_at"].to_list() == [at("2024-06-01"), at("2024-06-01 08:00"), at("2024-06-01 12:00")]
    assert frame["interval_hours"].to_list() == [8, 8, 4]


@pytest.mark.parametrize("has_price", [True, False])
def test_depth_reads_with_and_without_the_mean_price_and_with_leading_blanks(has_price: bool) -> None:
    rows = wire.stored(UM_BOOK_DEPTH.table).decode().splitlines()
    text = "\n".join(row if has_price else row.rpartition(",")[0] for row in rows)
    frame = UM_BOOK_DEPTH.parse(wire.body(UM_BOOK_DEPTH.table, content=text))
    assert frame["band_pct"].to_list() == [-5.0, -0.2, 0.2, 5.0]
    assert frame["snapshot_at"].unique().to_list() == [at("2024-07-01") + timedelta(seconds=7)]
    assert UM_BOOK_DEPTH.novelties(frame) == ()


def test_a_file_under_another_name_is_malformed() -> None:
    with pytest.raises(Malformed, match="not the name of an archive file"):
        UM_METRICS.parse(wire.body(UM_METRICS.table, request=Request(f"{ARCHIVE}/listing.html")))


def test_minutes_come_in_daily_files_from_the_first_day_of_trading() -> None:
    shelf = Shelf(SPOT_KLINES_1M, "-1m-")
    window = Window(at("2025-09-07"), at("2025-09-12"))
    bodies, error = fetched(SPOT_KLINES_1M, shelf, window=window, now=at("2025-09-11 12:00"))
    assert error is None
    assert shelf.zips() == ["USDEUSDT-1m-2025-09-09", "USDEUSDT-1m-2025-09-10"], "the eleventh goes on"
    assert "/spot/daily/klines/USDEUSDT/1m/" in bodies[0].request.url
    assert [len(body.companions) for body in bodies] == [1, 1]


def test_index_candles_come_from_their_own_folder_under_the_name_of_trade_candles() -> None:
    shelf = Shelf(UM_INDEX_KLINES, "indexPriceKlines")
    bodies, error = fetched(UM_INDEX_KLINES, shelf, window=Window(at("2024-07-08"), wire.NOW))
    assert error is None
    assert shelf.zips() == [f"{s}-5m-2024-07-{d}" for s in ("BTCUSDT", "ETHUSDT") for d in ("08", "09")]
    assert all("/um/daily/indexPriceKlines/" in body.request.url for body in bodies)


def test_index_candles_of_months_that_are_long_past_come_monthly() -> None:
    shelf = Shelf(UM_INDEX_KLINES, "indexPriceKlines")
    bodies, error = fetched(UM_INDEX_KLINES, shelf, window=Window(at("2023-05-30"), at("2023-07-03")))
    assert error is None
    asked = [name.removeprefix("BTCUSDT-5m-") for name in shelf.zips() if name.startswith("BTCUSDT")]
    assert asked == ["2023-05-30", "2023-05-31", "2023-06", "2023-07-01", "2023-07-02"]
    urls = [body.request.url for body in bodies]
    assert sum("/um/monthly/indexPriceKlines/" in url for url in urls) == 2
    assert len(urls) == len(set(urls)) == 2 * len(asked)


def test_index_candles_with_a_volume_are_those_of_trades() -> None:
    traded = wire.stored(UM_INDEX_KLINES.table).decode().replace(",62002,0,", ",62002,12.5,")
    with pytest.raises(Malformed, match="traded volume"):
        UM_INDEX_KLINES.parse(wire.body(UM_INDEX_KLINES.table, content=traded))


def test_index_candles_read_mixed_decimals_and_count_their_seconds() -> None:
    frame = UM_INDEX_KLINES.parse(wire.body(UM_INDEX_KLINES.table))
    assert frame["high_price"].to_list() == [62010.53740001, 62008.0]
    assert frame["index_value_count"].to_list() == [300, 299]
    early = wire.body(UM_INDEX_KLINES.table, retrieved_at=at("2024-07-01 00:07"))
    assert UM_INDEX_KLINES.parse(early)["opened_at"].to_list() == [at("2024-07-01")]


def test_an_index_file_without_heading_reads_by_position() -> None:
    rows = wire.stored(UM_INDEX_KLINES.table).decode().partition("\n")[2]
    frame = UM_INDEX_KLINES.parse(wire.body(UM_INDEX_KLINES.table, content=rows))
    assert frame.equals(UM_INDEX_KLINES.parse(wire.body(UM_INDEX_KLINES.table)))


def test_a_minute_without_trades_is_a_row_with_volume_zero() -> None:
    frame = SPOT_KLINES_1M.parse(wire.body(SPOT_KLINES_1M.table))
    assert frame["opened_at"].to_list() == [at("2025-10-10 00:00"), at("2025-10-10 00:01")]
    assert frame["volume_base"].to_list() == [1200.5, 0.0]


def _days() -> Iterator[datetime]:
    yield from (at(f"2024-07-0{day}") for day in range(1, 4))


def test_bodies_come_in_the_order_of_symbols_and_days_although_several_are_under_way() -> None:
    shelf = Shelf(UM_BOOK_DEPTH, "bookDepth")
    bodies, _ = fetched(UM_BOOK_DEPTH, shelf, window=Window(at("2024-07-01"), at("2024-07-04")))
    names = [body.request.url.rpartition("/")[2] for body in bodies]
    assert names == [f"{s}-bookDepth-{day:%Y-%m-%d}.zip" for s in ("BTCUSDT", "ETHUSDT") for day in _days()]
