"""The shared reading of untrusted bodies."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import Any

import polars as pl
import pytest

from sources import parsing
from sources.dataset import Body
from sources.errors import Malformed
from tests.unit.sources import wire
from tests.unit.sources.wire import at, zipped

ZIP_TABLE = "binance_vision__um_metrics"


def body(content: bytes | str = b"") -> Body:
    return wire.body("fred__daily_series", content=content)


def archive(content: bytes) -> Body:
    return wire.body(ZIP_TABLE, content=content)


@pytest.mark.parametrize(
    "content",
    ["", "{", '{"a": NaN}', '{"a": -Infinity}', "<html></html>", "[" * 100_000, b"\xff\xfe{}", "error code: 1015"],
)
def test_what_is_not_json_is_malformed(content: bytes | str) -> None:
    with pytest.raises(Malformed) as caught:
        parsing.decode_json(body(content))
    assert caught.value.body is not None
    assert len(str(caught.value)) < 400


def test_an_html_page_is_called_one() -> None:
    with pytest.raises(Malformed, match="an HTML page"):
        parsing.decode_json(body("\n <!DOCTYPE html><html>502 Bad Gateway</html>"))


def test_numbers_keep_every_digit_until_they_are_cast() -> None:
    assert parsing.decode_json(body('{"a": 12345678901234567890.10, "b": 1e3, "c": "7"}')) == {
        "a": "12345678901234567890.10",
        "b": "1e3",
        "c": "7",
    }


def test_a_field_that_only_some_rows_have_is_missing_unless_it_is_optional() -> None:
    rows = [{"a": "1", "b": "2"}, {"a": "3"}]
    with pytest.raises(Malformed, match="field b is missing"):
        parsing.table(rows, body(), fields=("a", "b"))
    assert parsing.table(rows, body(), fields=("a", "b"), optional=("b",))["b"].to_list() == ["2", None]


def test_fields_of_another_kind_are_malformed() -> None:
    others: tuple[Any, ...] = (True, ["1"], {"v": "1"})
    for value in others:
        with pytest.raises(Malformed, match="field a holds something else than text or a number"):
            parsing.table([{"a": "1"}, {"a": value}], body(), fields=("a",))
    with pytest.raises(Malformed, match="field f holds something else than true or false"):
        parsing.table([{"f": True}, {"f": "true"}], body(), fields=(), flags=("f",))


def test_unnamed_fields_follow_as_text() -> None:
    rows: list[dict[str, Any]] = [{"a": "1", "x": {"deep": [None]}}, {"a": "2", "y": True, "skip": "s"}]
    frame = parsing.table(rows, body(), fields=("a",), unused=("skip",))
    assert frame.to_dict(as_series=False) == {"a": ["1", "2"], "x": ['{"deep": [null]}', None], "y": [None, "true"]}


def test_a_novelty_under_a_declared_name_does_not_take_its_place() -> None:
    frame = pl.DataFrame({"v": ["1"], "value": ["other"]})
    shaped = parsing.shape(frame, body(), {"value": parsing.number("v")})
    assert shaped.to_dicts() == [{"value": 1.0, "upstream_value": "other"}]


@pytest.mark.parametrize("text", ["", "x", "1,000", "1_000", "0x10", "nan", "inf", "-inf", "1e999", "1.5.2", "--1"])
def test_what_is_not_a_finite_number_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parsing.shape(pl.DataFrame({"v": ["1", text]}), body(), {"value": parsing.number("v")}, nullable=("value",))


def test_numbers_in_every_notation() -> None:
    texts = ["1", "-1.5", "+2", "1e3", "0E-16", ".5", "121737.53736410"]
    shaped = parsing.shape(pl.DataFrame({"v": texts}), body(), {"value": parsing.number("v")})
    assert shaped["value"].to_list() == [1.0, -1.5, 2.0, 1000.0, 0.0, 0.5, 121737.5373641]


def test_a_blank_is_refused_where_none_may_be() -> None:
    frame = pl.DataFrame({"v": ["1", None, None]})
    with pytest.raises(Malformed, match="column value is blank in 2 of 3 rows"):
        parsing.shape(frame, body(), {"value": parsing.number("v")})
    assert parsing.shape(frame, body(), {"value": parsing.number("v")}, nullable=("value",)).height == 3


@pytest.mark.parametrize(
    ("stamp", "unit"),
    [("1720396800000", "s"), ("1720396800000000", "ms"), ("1720396800", "ms"), ("1720396800000", "us")],
)
def test_a_unit_of_time_that_changed_is_malformed(stamp: str, unit: str) -> None:
    with pytest.raises(Malformed, match="has the unit of time changed"):
        parsing.shape(pl.DataFrame({"t": [stamp]}), body(), {"seen_at": parsing.instant("t", unit)})


def test_a_stamp_that_would_overflow_is_malformed() -> None:
    for stamp in ("9223372036854775807", "-9223372036854775807", "18446744073709"):
        with pytest.raises(Malformed):
            parsing.shape(pl.DataFrame({"t": [stamp]}), body(), {"seen_at": parsing.instant("t", "s")})


def test_milliseconds_and_microseconds_are_told_apart_row_by_row() -> None:
    frame = pl.DataFrame({"t": ["1735689599999", "1735689600000000"]})
    seen = parsing.shape(frame, body(), {"seen_at": parsing.instant_of_either_unit("t")})["seen_at"]
    assert seen.dt.epoch("ms").to_list() == [1735689599999, 1735689600000]


@pytest.mark.parametrize("text", ["2024-7-8", "2024-07-8", "2024-13-01", "08/07/2024", "2024-07-08T00:00", "20240708"])
def test_a_day_in_another_notation_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parsing.shape(pl.DataFrame({"d": [text]}), body(), {"day": parsing.day("d")})


def test_days_and_instants_as_text() -> None:
    frame = pl.DataFrame({"d": ["2024-07-08"], "t": ["2024-07-08 01:02:03"]})
    shaped = parsing.shape(frame, body(), {"day": parsing.day("d"), "at": parsing.instant_of_text("t")})
    assert shaped.row(0) == (date(2024, 7, 8), at("2024-07-08 01:02:03"))


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\n1,2\n", [("1", "2")]),
        (b"1,2\n3,4\n", [("1", "2"), ("3", "4")]),
        (b"-1,2\n", [("-1", "2")]),
        (b" a, b\n 1, 2\n3,\n", [("1", "2"), ("3", None)]),
        (b"a,b\r\n1,2\r\n", [("1", "2")]),
        (b'a,b\n"1,5",2\n', [("1,5", "2")]),
        (b"a,b\n", []),
    ],
)
def test_csv_with_and_without_a_heading(content: bytes, rows: list[tuple[str | None, ...]]) -> None:
    frame = parsing.read_csv(content, body(), columns=("a", "b"))
    assert frame.columns == ["a", "b"]
    assert frame.rows() == rows


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"1\n", b"1,2\n1,2,3\n", b"a,b\n1,2,3\n", b"a,b\n\xff\xfe,2\n", b" <html></html>"]
)
def test_what_is_not_such_csv_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        parsing.read_csv(content, body(), columns=("a", "b"))


def test_columns_appended_to_a_file_without_heading_are_called_by_their_position() -> None:
    frame = parsing.read_csv(b"1,2,3,4\n", body(), columns=("a", "b"))
    assert frame.columns == ["a", "b", "column_3", "column_4"]


@pytest.mark.parametrize("text", ["d,x\n1,2.50\n", "d,x\r\n1,2.50\r\n", "d,x\n1,2.50\n2,3.75", "d,x\n1,2\n2,13"])
def test_a_last_line_that_is_whole_is_taken(text: str) -> None:
    assert parsing.complete_lines(body(text)) == text


@pytest.mark.parametrize(
    "text", ["", "d,x\n1,2.50\n2,3.7", "d,x\n1,2.50\n2", "d,x\n1,2.50\n2,", "d,x,y\n1,2.50,1\n2,3.7"]
)
def test_a_last_line_that_is_cut_off_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="cut off"):
        parsing.complete_lines(body(text))


def test_candles_that_do_not_hold_together_are_malformed() -> None:
    def candle(opened: float, highest: float, lowest: float, closed: float) -> None:
        frame = pl.DataFrame({"o": [1.5, opened], "h": [2.0, highest], "l": [1.0, lowest], "c": [1.5, closed]})
        parsing.check_candles(frame, body(), "o", "h", "l", "c")

    candle(1.0, 2.0, 1.0, 2.0)
    for broken in ((2.5, 2.0, 1.0, 1.5), (1.5, 2.0, 1.0, 0.5), (1.5, 1.0, 2.0, 1.5)):
        with pytest.raises(Malformed, match="outside its own range"):
            candle(*broken)


def test_a_zip_of_one_file_unpacks() -> None:
    assert parsing.unzip(archive(zipped(b"1,2\n"))) == b"1,2\n"


def several(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archived:
        for name in names:
            archived.writestr(name, b"" if name.endswith("/") else b"1\n")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (several("a.csv", "b.csv"), "holds 2 entries"),
        (several(), "holds 0 entries"),
        (several("a/"), "holds 1 entries"),
        (zipped(b"1,2\n" * 1000)[:-30], "cannot be read"),
        (b"PK not really", "cannot be read"),
    ],
)
def test_a_zip_of_another_kind_is_malformed(content: bytes, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        parsing.unzip(archive(content))


def test_damage_inside_a_zip_is_malformed() -> None:
    content = bytearray(zipped(b"1,2\n" * 1000))
    content[45] ^= 0xFF
    with pytest.raises(Malformed, match="cannot be read"):
        parsing.unzip(archive(bytes(content)))


def test_a_zip_that_says_it_is_too_large_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(Malformed, match="unpacks to more than"):
        parsing.unzip(archive(zipped(b"0" * 1001)))
    assert len(parsing.unzip(archive(zipped(b"0" * 1000)))) == 1000


def test_a_zip_that_lies_about_its_size_does_not_get_past_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "MAX_UNPACKED_BYTES", 1000)
    content = zipped(b"0" * 100_000)
    declared = (100_000).to_bytes(4, "little")
    assert content.count(declared) == 2
    with pytest.raises(Malformed):
        parsing.unzip(archive(content.replace(declared, (10).to_bytes(4, "little"))))
