"""The simulated providers answer as the real ones do: shapes, orders, units, paging, errors, publication."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from datetime import date, datetime, timedelta, timezone

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser

from sources.simulator import market
from sources.simulator.state import METRICS_PER_DAY, SNAPSHOTS_PER_DAY, day_index
from sources.simulator.story import at
from tests.unit.simulator.simulated import (
    ARCHIVE,
    COIN_METRICS,
    DERIBIT,
    EVERY_PROVIDER,
    FARSIDE,
    FRED,
    FUNDING,
    client,
    unzip,
)

pytestmark = pytest.mark.unit

UTC = timezone.utc


# Coin Metrics ---------------------------------------------------------------------------------------------------------


def coin_metrics(now: datetime = market.END_OF_MARKET, **params: object) -> httpx.Response:
    return client(now).get(COIN_METRICS, params={"assets": "btc", "metrics": "PriceUSD,TxCnt", **params})  # type: ignore[dict-item]


def test_coin_metrics_writes_text_and_nanoseconds() -> None:
    (row,) = coin_metrics(start_time="2025-11-20", end_time="2025-11-20").json()["data"]
    assert row["time"] == "2025-11-20T00:00:00.000000000Z"
    assert float(row["PriceUSD"]) == market.load().on_chain["btc"].price_usd[day_index(date(2025, 11, 20))]
    assert re.fullmatch(r"\d+", row["TxCnt"])


@pytest.mark.parametrize("paging_from", ["start", "end"])
def test_coin_metrics_pages_until_there_is_no_next_page(paging_from: str) -> None:
    query = {"start_time": "2025-01-01", "end_time": "2025-01-25", "page_size": 10, "paging_from": paging_from}
    pages = [coin_metrics(**query).json()]
    with client() as http:
        while url := pages[-1].get("next_page_url"):
            pages.append(http.get(url).json())
    assert [len(page["data"]) for page in pages] == [10, 10, 5]
    assert all(page["data"] == sorted(page["data"], key=lambda row: row["time"]) for page in pages)
    assert "next_page_token" not in pages[-1]
    days = [row["time"][:10] for page in (pages if paging_from == "start" else pages[::-1]) for row in page["data"]]
    assert days == [str(date(2025, 1, 1) + timedelta(days=i)) for i in range(25)]


def test_coin_metrics_first_page_is_the_newest_by_default() -> None:
    page = coin_metrics().json()
    assert len(page["data"]) == 100
    assert page["data"][-1]["time"].startswith("2025-12-04")


def test_coin_metrics_shows_a_day_once_it_is_complete() -> None:
    completed = int(market.load().on_chain["btc"].completed_at_s[day_index(date(2025, 12, 4))])
    moment = datetime.fromtimestamp(completed, UTC)
    assert at("2025-12-05 02:00") <= moment <= at("2025-12-05 07:00")
    before = coin_metrics(moment - timedelta(seconds=1), start_time="2025-12-04").json()["data"]
    after = coin_metrics(moment, start_time="2025-12-04", metrics="PriceUSD,AssetEODCompletionTime").json()["data"]
    assert before == [] and after[0]["AssetEODCompletionTime"] == str(completed)


def test_coin_metrics_leaves_out_what_it_does_not_have_and_nulls_what_ended() -> None:
    rows = client().get(
        COIN_METRICS,
        params={
            "assets": "eth",
            "metrics": "PriceUSD,HashRate,NoSuch",
            "ignore_unsupported_errors": "true",
            "start_time": "2022-09-14",
            "end_time": "2022-09-15",
        },
    )
    first, second = rows.json()["data"]
    assert "NoSuch" not in first and first["HashRate"] is not None
    assert second["HashRate"] is None


def test_coin_metrics_catalogue_lists_what_each_asset_has() -> None:
    url = COIN_METRICS.replace("timeseries", "catalog-v2")
    listed = {row["asset"]: row["metrics"] for row in client().get(url).json()["data"]}
    assert {metric["metric"] for metric in listed["xrp"]} == {"PriceUSD", "CapMrktCurUSD"}
    assert "HashRate" in {metric["metric"] for metric in listed["btc"]}
    assert len(listed) > 40
    narrowed = client().get(url, params={"metrics": "PriceUSD"}).json()["data"]
    assert all([metric["metric"] for metric in row["metrics"]] == ["PriceUSD"] for row in narrowed)


def test_coins_fall_with_the_market_and_the_one_that_fails_stays_down() -> None:
    def price(asset: str, day: str) -> float:
        query = {"assets": asset, "metrics": "PriceUSD,HashRate", "start_time": day, "end_time": day}
        (row,) = coin_metrics(**query, ignore_unsupported_errors="true").json()["data"]
        assert set(row) == {"asset", "time", "PriceUSD"} or asset == "btc", "what a coin does not have is left out"
        return float(row["PriceUSD"])

    assert price("luna", "2022-05-20") < 1e-3 * price("luna", "2022-05-08")
    for asset in ("sol", "xrp", "link"):
        fall = price(asset, "2025-11-21") / price(asset, "2025-10-06") - 1
        assert fall < -0.2
    assert price("btc", "2025-11-21") < price("btc", "2025-10-06")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"metrics": "NoSuch"}, "Metric 'NoSuch' is not supported"),
        ({"assets": "nosuch"}, "Asset 'nosuch' is not supported"),
        ({"page_size": "0"}, "'page_size'"),
        ({"page_size": "10001"}, "'page_size'"),
        ({"start_time": "yesterday"}, "'start_time'"),
        ({"frequency": "1s"}, "'frequency'"),
        ({"next_page_token": "!"}, "'next_page_token'"),
    ],
)
def test_coin_metrics_errors(params: dict[str, str], message: str) -> None:
    response = coin_metrics(**params)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "bad_parameter"
    assert message in response.json()["error"]["message"]


# Farside --------------------------------------------------------------------------------------------------------------


def table(path: str, now: datetime = market.END_OF_MARKET) -> list[list[str]]:
    page = LexborHTMLParser(client(now).get(FARSIDE + path).content)
    (found,) = page.css("table.etf")
    return [[cell.text(strip=True) for cell in row.css("td,th")] for row in found.css("tr")]


def test_farside_has_three_headings_sessions_and_four_summaries() -> None:
    rows = table("/btc/")
    assert rows[0][-1] == "Total" and rows[1][1:12] == list(market.load().funds["btc"].tickers) and rows[2][0] == "Fee"
    assert [row[0] for row in rows[-4:]] == ["Total", "Average", "Maximum", "Minimum"]
    assert len(rows) == 3 + 13 + 4
    assert all(re.fullmatch(r"\d\d [A-Z][a-z]{2} \d{4}", row[0]) for row in rows[3:-4])
    assert rows[0].count("") == 12  # a corner and eleven logos
    assert re.fullmatch(r"\(?\d{1,3}(,\d{3})*\)?", rows[-4][1])


def test_farside_writes_outflows_in_brackets() -> None:
    (row,) = [row for row in table("/btc/") if row[0] == "20 Nov 2025"]
    assert row[-1] == "(903.0)"
    cells = [float(cell.replace("(", "-").replace(")", "").replace(",", "")) for cell in row[1:]]
    assert sum(cells[:-1]) == pytest.approx(cells[-1], abs=0.05)


def test_farside_whole_history_starts_with_the_first_session() -> None:
    rows = table("/bitcoin-etf-flow-all-data/")
    assert rows[3][0] == "11 Jan 2024"
    # The Grayscale Mini Trust came later: its cells before say nothing.
    assert rows[3][rows[1].index("BTC")] == "-"
    assert not [row for row in rows if row[0] in ("25 Dec 2024", "27 Nov 2025", "01 Nov 2025")]


def test_farside_adds_a_column_when_a_fund_lists() -> None:
    assert "BTC" not in table("/btc/", at("2024-07-30 23:00"))[1]
    assert "BTC" in table("/btc/", at("2024-07-31 23:00"))[1]


@pytest.mark.parametrize(
    ("now", "reported"), [("2025-12-05 21:59", None), ("2025-12-05 22:00", 0), ("2025-12-06 04:00", 11)]
)
def test_farside_session_is_listed_then_filled(now: str, reported: int | None) -> None:
    rows = [row for row in table("/btc/", at(now)) if row[0] == "05 Dec 2025"]
    if reported is None:
        assert rows == []
        return
    (row,) = rows
    assert sum(cell != "-" for cell in row[1:-1]) == reported
    if reported == 0:
        assert row[-1] == "0.0"
        assert "#99ff99" in client(at(now)).get(f"{FARSIDE}/btc/").text


def test_farside_page_read_in_the_night_holds_a_partial_sum() -> None:
    (partial,) = [row for row in table("/btc/", at("2025-12-06 03:00")) if row[0] == "05 Dec 2025"]
    assert partial[1] == "-"  # the largest fund reports last
    assert 0 < sum(cell != "-" for cell in partial[1:-1]) < 11
    assert "#99ff99" not in client(at("2025-12-06 03:00")).get(f"{FARSIDE}/btc/").text


def test_farside_has_no_page_before_there_are_funds() -> None:
    assert client(at("2023-06-01")).get(f"{FARSIDE}/btc/").status_code == 404
    assert client().get(f"{FARSIDE}/sol/").status_code == 404


# DefiLlama ------------------------------------------------------------------------------------------------------------


def test_defillama_dates_are_text_in_charts_and_numbers_elsewhere() -> None:
    http = client()
    chart = http.get("https://stablecoins.llama.fi/stablecoincharts/all?stablecoin=146").json()
    assert chart[0]["date"] == str(int(at("2024-02-19").timestamp()))
    assert set(chart[0]["totalCirculating"]) == {"peggedUSD"}
    prices = http.get("https://stablecoins.llama.fi/stablecoinprices").json()
    assert prices[0]["date"] == 0
    assert prices[1]["date"] == int(at("2021-01-01").timestamp()) and "ethena-usde" not in prices[1]["prices"]
    assert isinstance(http.get("https://api.llama.fi/v2/historicalChainTvl").json()[0]["date"], int)


def test_defillama_day_under_way_is_provisional() -> None:
    url = "https://api.llama.fi/v2/historicalChainTvl"
    early, late = (client(at(f"2025-12-05 {hour}:00")).get(url).json()[-1] for hour in ("06", "18"))
    final = client(at("2025-12-06")).get(url).json()[-1]
    assert early["date"] == late["date"] == final["date"]
    assert abs(final["tvl"] - late["tvl"]) < abs(final["tvl"] - early["tvl"])


def test_defillama_hacks_have_their_fields_and_come_with_delay() -> None:
    def names(now: str) -> list[str]:
        return [row["name"] for row in client(at(now)).get("https://api.llama.fi/hacks").json()]

    assert "Balancer" not in names("2025-11-03 23:00") and "Balancer" in names("2025-11-04 00:00")
    (row,) = [r for r in client().get("https://api.llama.fi/hacks").json() if r["name"] == "Balancer"]
    assert row["amount"] == 116_000_000 and row["chain"] == ["Ethereum", "Base"]
    assert {"date", "classification", "technique", "bridgeHack", "targetType", "source", "returnedFunds"} <= set(row)


def test_defillama_unknown_coin() -> None:
    assert client().get("https://stablecoins.llama.fi/stablecoincharts/all?stablecoin=99999").status_code == 400


# Binance archive ------------------------------------------------------------------------------------------------------


def archived(path: str, now: datetime = market.END_OF_MARKET) -> list[str]:
    response = client(now).get(f"{ARCHIVE}/{path}.zip")
    assert response.status_code == 200, path
    name, text = unzip(response.content)
    assert name == path.rpartition("/")[2] + ".csv"
    return text.splitlines()


def daily(kind: str, symbol: str, day: str) -> str:
    return f"futures/um/daily/{kind}/{symbol}/{symbol}-{kind}-{day}"


def test_spot_candles_have_no_heading_and_microseconds_since_2025() -> None:
    old = archived("spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-12-31")
    new = archived("spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01-01")
    assert len(old) == len(new) == 24 and old[0].count(",") == 11
    assert old[0].split(",")[0] == "1735603200000" and new[0].split(",")[0] == "1735689600000000"
    assert new[0].split(",")[6] == "1735693199999999"


def test_monthly_candles_are_the_daily_ones() -> None:
    month = archived("spot/monthly/klines/ETHUSDT/1h/ETHUSDT-1h-2025-09")
    days = [archived(f"spot/daily/klines/ETHUSDT/1h/ETHUSDT-1h-2025-09-{day:02d}") for day in range(1, 31)]
    assert month == [line for day in days for line in day]


def test_a_coin_listed_in_the_middle_of_a_day() -> None:
    assert len(archived("spot/daily/klines/USDEUSDT/1h/USDEUSDT-1h-2025-09-09")) == 12
    assert client().get(f"{ARCHIVE}/spot/daily/klines/USDEUSDT/1h/USDEUSDT-1h-2025-09-08.zip").status_code == 404
    assert len(archived("spot/monthly/klines/USDEUSDT/1h/USDEUSDT-1h-2025-09")) == 12 + 21 * 24


def test_metrics_are_stamped_with_the_end_of_the_period() -> None:
    lines = archived(daily("metrics", "BTCUSDT", "2025-11-05"))
    assert lines[0].startswith("create_time,symbol,sum_open_interest,") and len(lines) == 1 + METRICS_PER_DAY
    assert lines[1].startswith("2025-11-05 00:05:00,BTCUSDT,") and lines[-1].startswith("2025-11-06 00:00:00,")


def test_metrics_have_the_defects_of_the_real_archive() -> None:
    twice = archived(daily("metrics", "BTCUSDT", "2022-02-23"))[1:]
    assert len(twice) == 576 and twice[:288] == twice[288:]
    zeros = [line for line in archived(daily("metrics", "ETHUSDT", "2022-03-07")) if ",0.000,0.0000," in line]
    assert len(zeros) == 12
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(200)]
    counts = {len(archived(daily("metrics", "BTCUSDT", str(day)))) for day in days}
    assert counts == {289, 290}


def test_book_depth_has_ten_bands_every_quarter_of_an_hour() -> None:
    old, new = (archived(daily("bookDepth", "BTCUSDT", day)) for day in ("2024-05-01", "2025-05-01"))
    assert old[0] == "timestamp,percentage,depth,notional"
    assert new[0] == old[0] + ",weighted_avg_price"
    assert len(new) == 1 + 10 * SNAPSHOTS_PER_DAY
    bands = [int(line.split(",")[1]) for line in new[1:11]]
    assert bands == [-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]
    rows = [[float(cell) for cell in line.split(",")[1:]] for line in new[1:]]
    assert all(usd == pytest.approx(coin * price, rel=1e-3) for _, coin, usd, price in rows)
    for start in range(0, len(rows), 10):
        outward = [row[2] for row in rows[start : start + 10]]
        assert outward[:5] == sorted(outward[:5], reverse=True) and outward[5:] == sorted(outward[5:])


def test_book_depth_lines_can_begin_with_a_blank() -> None:
    days = [date(2025, 1, 1) + timedelta(days=i) for i in range(150)]
    blanks = [
        line for day in days for line in archived(daily("bookDepth", "ETHUSDT", str(day))) if line.startswith(" ")
    ]
    assert 0 < len(blanks) < 20


def test_book_depth_begins_in_2023() -> None:
    assert client().get(f"{ARCHIVE}/{daily('bookDepth', 'BTCUSDT', '2022-12-31')}.zip").status_code == 404
    assert archived(daily("bookDepth", "BTCUSDT", "2023-01-01"))


def test_funding_files_got_a_heading_in_2022_and_jitter() -> None:
    def month(stamp: str) -> list[str]:
        return archived(f"futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-{stamp}")

    assert month("2022-04")[0].startswith("164") and len(month("2022-04")) == 90
    assert month("2022-05")[0] == "calc_time,funding_interval_hours,last_funding_rate" and len(month("2022-05")) == 94
    off = [int(line.split(",")[0]) % (8 * 3_600_000) for line in month("2025-11")[1:]]
    assert 0.2 < sum(jitter > 0 for jitter in off) / 90 < 0.6 and max(off) < 48


@pytest.mark.parametrize(
    ("path", "published"),
    [
        (daily("metrics", "BTCUSDT", "2025-12-05"), "2025-12-06 00:40"),
        ("spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-12-05", "2025-12-06 00:40"),
        ("spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-11", "2025-12-02 00:40"),
        ("futures/um/monthly/fundingRate/ETHUSDT/ETHUSDT-fundingRate-2025-11", "2025-12-02 00:40"),
    ],
)
def test_archive_files_appear_when_they_are_due(path: str, published: str) -> None:
    before = client(at(published) - timedelta(seconds=1)).get(f"{ARCHIVE}/{path}.zip")
    assert before.status_code == 404 and "NoSuchKey" in before.text
    assert client(at(published) - timedelta(seconds=1)).get(f"{ARCHIVE}/{path}.zip.CHECKSUM").status_code == 404
    assert client(at(published)).get(f"{ARCHIVE}/{path}.zip").status_code == 200


@pytest.mark.parametrize(
    "path", [daily("metrics", "BTCUSDT", "2025-11-05"), daily("bookDepth", "ETHUSDT", "2025-10-10")]
)
def test_checksum_is_that_of_the_zip_whichever_is_asked_first(path: str) -> None:
    name = path.rpartition("/")[2] + ".zip"
    checksum = client().get(f"{ARCHIVE}/{path}.zip.CHECKSUM").text
    content = client().get(f"{ARCHIVE}/{path}.zip").content
    assert checksum == f"{hashlib.sha256(content).hexdigest()}  {name}\n"


@pytest.mark.parametrize(
    "path",
    [
        daily("metrics", "DOGEUSDT", "2025-11-05"),
        daily("metrics", "BTCUSDT", "2025-13-05"),
        daily("metrics", "BTCUSDT", "2020-12-31"),
        "spot/daily/klines/BTCUSDT/5m/BTCUSDT-5m-2025-11-05",
        "spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-12",
    ],
)
def test_archive_has_no_other_files(path: str) -> None:
    assert client().get(f"{ARCHIVE}/{path}.zip").status_code == 404


# FRED -----------------------------------------------------------------------------------------------------------------


def test_fred_writes_a_dot_on_holidays() -> None:
    text = client().get(FRED, params={"id": "VIXCLS", "cosd": "2025-11-24", "coed": "2025-12-01"}).text
    lines = text.splitlines()
    assert lines[0] == "observation_date,VIXCLS"
    assert [line.split(",")[0] for line in lines[1:]] == [
        "2025-11-24", "2025-11-25", "2025-11-26", "2025-11-27", "2025-11-28", "2025-12-01",
    ]  # fmt: skip
    assert lines[4] == "2025-11-27,." and re.fullmatch(r"2025-11-28,\d+\.\d\d", lines[5])


def test_fred_heading_was_renamed() -> None:
    assert client(at("2024-12-11")).get(FRED, params={"id": "DGS2"}).text.startswith("DATE,DGS2\n")
    assert client(at("2024-12-12")).get(FRED, params={"id": "DGS2"}).text.startswith("observation_date,DGS2\n")


def test_fred_tells_nothing_before_its_release() -> None:
    def last(series_id: str, now: str) -> str:
        return client(at(now)).get(FRED, params={"id": series_id}).text.splitlines()[-1][:10]

    assert last("VIXCLS", "2025-11-05 13:59") == "2025-11-03" and last("VIXCLS", "2025-11-05 14:00") == "2025-11-04"
    assert last("DTWEXBGS", "2025-11-10 21:29") == "2025-10-31" and last("DTWEXBGS", "2025-11-10 21:30") == "2025-11-07"


def test_fred_unknown_series_and_several_at_once() -> None:
    assert client().get(FRED, params={"id": "NOSUCH"}).status_code == 404
    packed = client().get(FRED, params={"id": "VIXCLS,STLFSI4"})
    assert packed.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert len(archive.namelist()) == 2


# The small ones -------------------------------------------------------------------------------------------------------


def test_fear_and_greed_is_text_and_newest_first() -> None:
    payload = client().get("https://api.alternative.me/fng/?limit=3&format=json").json()
    assert payload["metadata"] == {"error": None} and payload["name"] == "Fear and Greed Index"
    stamps = [row["timestamp"] for row in payload["data"]]
    assert stamps == [str(int(at(day).timestamp())) for day in ("2025-12-06", "2025-12-05", "2025-12-04")]
    assert [("time_until_update" in row) for row in payload["data"]] == [True, False, False]
    assert payload["data"][0]["time_until_update"] == str(23 * 3600)
    whole = client().get("https://api.alternative.me/fng/?limit=0").json()["data"]
    assert len(whole) == 1_800 - 1 + 1  # 2021-01-01 to 2025-12-06 without the day the real history lacks
    assert str(int(at("2024-10-26").timestamp())) not in {row["timestamp"] for row in whole}
    assert {row["value_classification"] for row in whole} == {
        "Extreme Fear",
        "Fear",
        "Neutral",
        "Greed",
        "Extreme Greed",
    }


def test_bgeometrics_rows_and_lag() -> None:
    url = "https://bitcoin-data.com/api/v1/sth-sopr?startday=2025-12-03&endday=2025-12-09"
    rows = client(at("2025-12-05 08:59")).get(url).json()
    assert [row["d"] for row in rows] == ["2025-12-03"]
    assert rows[0] == {
        "d": "2025-12-03",
        "unixTs": "1764720000",
        "sthSopr": market.load().sth_sopr_ratio[day_index(date(2025, 12, 3))],
    }
    assert len(client(at("2025-12-05 09:00")).get(url).json()) == 2
    assert client().get("https://bitcoin-data.com/api/v1/no-such").status_code == 404


def test_deribit_gives_the_newest_page_and_a_continuation() -> None:
    def ask(end: int) -> dict[str, object]:
        query = {"currency": "ETH", "start_timestamp": 0, "end_timestamp": end, "resolution": "1D"}
        return client().get(DERIBIT, params=query).json()["result"]  # type: ignore[no-any-return]

    first = ask(int(at("2025-12-06 01:00").timestamp() * 1000))
    assert len(first["data"]) == 1000 and first["data"][-1][0] == at("2025-12-06").timestamp() * 1000
    second = ask(first["continuation"])
    assert second["continuation"] is None
    stamps = [row[0] for row in [*second["data"], *first["data"]]]
    assert stamps == list(range(stamps[0], stamps[-1] + 1, 86_400_000))
    assert stamps[0] == at("2021-03-24").timestamp() * 1000


def test_deribit_last_candle_is_open() -> None:
    query = {"currency": "BTC", "start_timestamp": 1764892800000, "end_timestamp": 1764982800000, "resolution": "1D"}
    closed, still_open = client().get(DERIBIT, params=query).json()["result"]["data"]
    final = market.load().dvol_pct["BTC"]
    assert closed[1:] == pytest.approx(list(final[day_index(date(2025, 12, 5))]))
    assert still_open[4] != pytest.approx(final[day_index(date(2025, 12, 6))][3])


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"currency": "DOGE"}, "currency"),
        ({"resolution": "7"}, "resolution"),
        ({"end_timestamp": "x"}, "end_timestamp"),
    ],
)
def test_deribit_errors(change: dict[str, str], param: str) -> None:
    query = {"currency": "BTC", "start_timestamp": "0", "end_timestamp": "1", "resolution": "1D", **change}
    response = client().get(DERIBIT, params=query)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == -32602 and response.json()["error"]["data"]["param"] == param


def test_binance_futures_funding_is_text_oldest_first_and_limited() -> None:
    start = int(at("2025-11-01").timestamp() * 1000)
    rows = client().get(FUNDING, params={"symbol": "BTCUSDT", "startTime": start, "limit": 5000}).json()
    assert [row["fundingTime"] for row in rows] == sorted(row["fundingTime"] for row in rows)
    assert len(rows) == 35 * 3 + 1
    assert re.fullmatch(r"-?\d\.\d{8}", rows[0]["fundingRate"]) and float(rows[0]["markPrice"]) > 0
    assert len(client().get(FUNDING, params={"symbol": "BTCUSDT"}).json()) == 100
    newest = client().get(FUNDING, params={"symbol": "BTCUSDT", "limit": 1}).json()
    assert newest[0]["fundingTime"] == rows[-1]["fundingTime"]
    old = client().get(FUNDING, params={"symbol": "BTCUSDT", "startTime": 1640995200000, "limit": 1}).json()
    assert old[0]["markPrice"] == ""


@pytest.mark.parametrize(
    ("params", "code"), [({"symbol": "NOSUCH"}, -1121), ({}, -1121), ({"symbol": "BTCUSDT", "limit": "many"}, -1100)]
)
def test_binance_futures_errors(params: dict[str, str], code: int) -> None:
    response = client().get(FUNDING, params=params)
    assert response.status_code == 400 and response.json()["code"] == code


def test_hosts_that_do_not_exist_and_methods_that_are_not_offered() -> None:
    with pytest.raises(httpx.ConnectError, match="no host example"):
        client().get("https://example.com/")
    assert client().put(EVERY_PROVIDER["fred"]).status_code == 405


@pytest.mark.parametrize("provider", sorted(EVERY_PROVIDER))
def test_no_provider_knows_other_paths(provider: str) -> None:
    host = httpx.URL(EVERY_PROVIDER[provider]).host
    assert client().get(f"https://{host}/no/such/path").status_code == 404
