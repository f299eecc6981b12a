"""Each fault does what it says, to its own provider and to no other."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, time

import httpx
import pytest

from sources.dataset import UTC
from sources.simulator import faults
from sources.simulator.faults import Fault, Faults, UnknownFault
from sources.simulator.market import END_OF_MARKET
from tests.unit.simulator.simulated import ARCHIVE, EVERY_PROVIDER, client, unzip

pytestmark = pytest.mark.unit

SOUND = {provider: client().get(url) for provider, url in EVERY_PROVIDER.items()}


def ask(provider: str, *active: str) -> httpx.Response:
    return client(END_OF_MARKET, *active).get(EVERY_PROVIDER[provider])


def text_of(response: httpx.Response) -> str:
    is_zip = response.headers["content-type"] == "application/zip"
    return unzip(response.content)[1] if is_zip else response.text


def test_everybody_who_answers_is_in_the_registry() -> None:
    from sources.registry import PROVIDERS
    from sources.simulator import answers

    assert set(EVERY_PROVIDER) <= answers.PROVIDERS <= set(PROVIDERS)


def test_every_kind_is_documented() -> None:
    assert faults.__doc__ is not None
    assert all(f"    {kind}:" in faults.__doc__ for kind in faults.KINDS)


@pytest.mark.parametrize("provider", sorted(EVERY_PROVIDER))
def test_rate_limited_twice_then_fine(provider: str) -> None:
    http = client(END_OF_MARKET, f"rate_limited:{provider}")
    answers = [http.get(EVERY_PROVIDER[provider]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "0"
    assert answers[2].content == SOUND[provider].content


def test_rate_limited_always() -> None:
    http = client(END_OF_MARKET, "rate_limited:farside:always")
    answers = [http.get(EVERY_PROVIDER["farside"]) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {429}
    assert answers[0].headers["retry-after"] == "3600"


def test_blocked_says_so_in_binances_own_way() -> None:
    answer = ask("binance_futures", "blocked:binance_futures")
    assert answer.status_code == 451
    assert answer.json()["code"] == 0 and "restricted location" in answer.json()["msg"]
    assert ask("fred", "blocked:fred").status_code == 403


def test_challenge_page() -> None:
    answer = ask("farside", "challenge:farside")
    assert answer.status_code == 403 and "<title>Just a moment...</title>" in answer.text
    assert 'class="etf"' not in answer.text


@pytest.mark.parametrize("provider", sorted(EVERY_PROVIDER))
def test_truncated_is_the_first_half(provider: str) -> None:
    whole = SOUND[provider].content
    answer = ask(provider, f"truncated:{provider}")
    assert answer.status_code == 200 and answer.content == whole[: len(whole) // 2]
    assert answer.headers["content-length"] == str(len(answer.content))


def test_broken_off_ends_in_the_middle() -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        ask("deribit", "broken_off:deribit")
    http = client(END_OF_MARKET, "broken_off:deribit")
    received = b""
    with http.stream("GET", EVERY_PROVIDER["deribit"]) as answer, pytest.raises(httpx.RemoteProtocolError):
        for chunk in answer.iter_bytes():
            received += chunk
    assert received and SOUND["deribit"].content.startswith(received)


def test_dead_answers_nothing() -> None:
    with pytest.raises(httpx.ConnectError, match="deribit is dead"):
        ask("deribit", "dead:deribit")


@pytest.mark.parametrize("provider", sorted(EVERY_PROVIDER))
def test_garbage_and_empty_come_with_status_200(provider: str) -> None:
    garbage = ask(provider, f"garbage:{provider}")
    assert garbage.status_code == 200
    with pytest.raises(UnicodeDecodeError):
        garbage.content.decode()
    empty = ask(provider, f"empty:{provider}")
    assert empty.status_code == 200 and empty.content == b""


# A day that the plain request of each provider covers.
COVERED = {"farside": date(2025, 12, 3), "coinmetrics": date(2025, 12, 3), "alternative_me": date(2025, 12, 5)}
COVERED |= {provider: COVERED.get(provider, date(2025, 11, 5)) for provider in EVERY_PROVIDER}
COVERED["binance_futures"] = date(2025, 12, 5)


def pieces(response: httpx.Response) -> list[str]:
    """The answer cut into rows, or finer."""
    return re.split(r"\n|(?<=[}\]]),", text_of(response))


@pytest.mark.parametrize("provider", sorted(EVERY_PROVIDER))
def test_restated_changes_that_day_only(provider: str) -> None:
    before = pieces(SOUND[provider])
    after = pieces(ask(provider, f"restated:{provider}:{COVERED[provider]}"))
    assert len(before) == len(after)
    changed = [index for index, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    # Farside's four summary rows follow the session; a file of the archive is one day as a whole.
    most = {"farside": 5, "binance_futures": 3, "binance_vision": len(before)}.get(provider, 1)
    assert 1 <= len(changed) <= most
    untouched = ask(provider, f"restated:{provider}:2021-06-02")
    if provider not in ("defillama", "farside"):
        assert pieces(untouched) == before


def test_a_restatement_has_its_size() -> None:
    stamp = 1762300800  # 2025-11-05
    rows = {row["date"]: row["tvl"] for row in SOUND["defillama"].json()}
    restated = {row["date"]: row["tvl"] for row in ask("defillama", "restated:defillama:2025-11-05").json()}
    assert restated.pop(stamp) == pytest.approx(rows.pop(stamp) * faults.RESTATEMENT, rel=1e-9)
    assert restated == rows


@pytest.mark.parametrize("provider", sorted(set(EVERY_PROVIDER) - {"binance_vision"}))
def test_missing_day_is_in_no_answer(provider: str) -> None:
    day = COVERED[provider]
    answer = ask(provider, f"missing_day:{provider}:{day}")
    assert answer.status_code == 200
    stamp = int(datetime.combine(day, time(0), UTC).timestamp())
    marks = (str(day), f"{day:%d %b %Y}", str(stamp))
    assert any(mark in SOUND[provider].text for mark in marks)
    assert not any(mark in answer.text for mark in marks)


def test_missing_day_of_the_archive_is_a_404_and_a_hole_in_the_month() -> None:
    http = client(END_OF_MARKET, "missing_day:binance_vision:2025-11-05")
    for path in (
        "futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2025-11-05",
        "spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-11-05",
    ):
        assert http.get(f"{ARCHIVE}/{path}.zip").status_code == 404
        assert http.get(f"{ARCHIVE}/{path}.zip.CHECKSUM").status_code == 404
    month = f"{ARCHIVE}/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-11.zip"
    assert len(unzip(http.get(month).content)[1].splitlines()) == 29 * 24


@pytest.mark.parametrize("provider", sorted(EVERY_PROVIDER))
def test_new_column_is_in_every_row(provider: str) -> None:
    answer = ask(provider, f"new_column:{provider}")
    assert answer.status_code == 200
    text = text_of(answer)
    if provider == "farside":
        assert "NEW" in text
    elif provider == "deribit":
        assert {len(row) for row in answer.json()["result"]["data"]} == {6}
    elif provider in ("fred", "binance_vision"):
        lines = text.splitlines()
        assert lines[0].endswith(",new_field") and all(line.endswith(",1") for line in lines[1:])
    else:
        payload = json.loads(text)
        rows = payload["data"] if isinstance(payload, dict) else payload
        assert rows and all("new_field" in row for row in rows)


def test_wrong_checksum_of_one_day() -> None:
    http = client(END_OF_MARKET, "checksum:binance_vision:2025-12-03")
    for day, is_wrong in (("2025-12-03", True), ("2025-12-04", False)):
        path = f"{ARCHIVE}/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-{day}.zip"
        assert (http.get(path + ".CHECKSUM").text != client().get(path + ".CHECKSUM").text) is is_wrong
        assert http.get(path).content == client().get(path).content


@pytest.mark.parametrize("kind", ["blocked", "challenge", "garbage", "new_column", "empty", "truncated"])
def test_a_fault_is_its_own_providers_only(kind: str) -> None:
    http = client(END_OF_MARKET, f"{kind}:fred")
    for provider in set(EVERY_PROVIDER) - {"fred"}:
        assert http.get(EVERY_PROVIDER[provider]).content == SOUND[provider].content


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("flood:fred", "the kind is one of"),
        ("dead:nobody", "the provider is one of"),
        ("dead", "the provider is one of"),
        ("restated:fred", "write restated:fred:YYYY-MM-DD"),
        ("missing_day:fred:5 November", "write missing_day:fred:YYYY-MM-DD"),
        ("dead:fred:2025-11-05", "dead takes no '2025-11-05'"),
        ("rate_limited:fred:sometimes", "rate_limited takes no 'sometimes'"),
        ("checksum:fred:2025-11-05", "only binance_vision"),
    ],
)
def test_an_unknown_fault_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UnknownFault, match=problem):
        Faults.parse(["dead:deribit", text])


def test_faults_parse_to_what_they_say() -> None:
    assert Fault.parse("restated:coinmetrics:2025-11-20") == Fault("restated", "coinmetrics", date(2025, 11, 20))
    assert Fault.parse("rate_limited:fred:always").is_permanent
