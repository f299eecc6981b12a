"""The indices of newspapers: geopolitical risk, a legacy Excel file, and policy uncertainty, a CSV of three columns."""

from __future__ import annotations

import io
import random
from datetime import date, timedelta

import httpx
import polars as pl
import pytest
import xlwt

from sources.errors import Malformed
from sources.providers import gpr
from sources.providers.epu import POLICY_UNCERTAINTY
from sources.providers.gpr import GEOPOLITICAL_RISK
from tests.unit.sources import wire
from tests.unit.sources.wire import fetched, workbook


def risk(content: str | bytes) -> pl.DataFrame:
    raw = workbook(content) if isinstance(content, str) else content
    return GEOPOLITICAL_RISK.conform(GEOPOLITICAL_RISK.parse(wire.body(GEOPOLITICAL_RISK.table, content=raw)))


def uncertainty(*rows: str) -> list[tuple[object, ...]]:
    text = "\n".join(["day,month,year,daily_policy_index", *rows, ""])
    body = wire.body(POLICY_UNCERTAINTY.table, content=text)
    return POLICY_UNCERTAINTY.conform(POLICY_UNCERTAINTY.parse(body)).rows()


@pytest.mark.parametrize("dataset", [GEOPOLITICAL_RISK, POLICY_UNCERTAINTY], ids=lambda dataset: dataset.name)
def test_the_whole_history_is_one_request(dataset: gpr.Dataset) -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, content=wire.body(dataset.table).content)

    bodies, error = fetched(dataset, provider)
    assert error is None
    assert len(asked) == len(bodies) == 1
    assert dataset.parse(bodies[0]).height == 3


def test_figures_keep_their_digits_and_the_day_under_way_is_left_out() -> None:
    frame = risk(wire.body(GEOPOLITICAL_RISK.table).content)
    assert frame["observed_on"].to_list() == [date(2024, 7, 7), date(2024, 7, 8), date(2024, 7, 9)]
    assert frame.row(0) == (date(2024, 7, 7), 131.25, 118.5, 140.125, 130.0625, 128.5)
    exact = risk("DAY,GPRD\n20240708,176.278549123456\n")
    assert exact["geopolitical_risk_index"].to_list() == [176.278549123456]


def test_an_excel_date_stands_in_for_the_number() -> None:
    assert risk("date,GPRD\n2024-07-08,127\n")["observed_on"].to_list() == [date(2024, 7, 8)]
    # The system of 1904, in which days have other numbers.
    book = xlwt.Workbook()
    book.dates_1904 = True
    sheet = book.add_sheet("Sheet1")
    for column, heading in enumerate(("date", "GPRD")):
        sheet.write(0, column, heading)
    sheet.write(1, 0, (date(2024, 7, 8) - date(1904, 1, 1)).days, xlwt.easyxf(num_format_str="YYYY-MM-DD"))
    sheet.write(1, 1, 127)
    content = io.BytesIO()
    book.save(content)
    assert risk(content.getvalue())["observed_on"].to_list() == [date(2024, 7, 8)]


def test_parts_that_are_not_there_are_null() -> None:
    row = risk("DAY,GPRD,GPRD_ACT\n20240708,127,\n").row(0, named=True)
    assert row["geopolitical_risk_index"] == 127.0
    assert [name for name, value in row.items() if value is None] == [
        "geopolitical_acts_index",
        "geopolitical_threats_index",
        "geopolitical_risk_7d_mean_index",
        "geopolitical_risk_30d_mean_index",
    ]


def test_the_list_of_variables_at_the_side_is_no_data() -> None:
    text = "DAY,GPRD,,event,var_name,var_label\n20240708,127,stray,,DAY,The day\n,,,,GPRD,The index\n"
    frame = GEOPOLITICAL_RISK.parse(wire.body(GEOPOLITICAL_RISK.table, content=workbook(text)))
    assert frame.height == 1
    assert GEOPOLITICAL_RISK.novelties(frame) == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("DAY,GPR\n20240708,127\n", "no column GPRD"),
        ("day,GPR\n20240708,127\n", "no column DAY and none GPRD"),
        ("DAY,GPRD,GPRD\n20240708,127,128\n", "over two columns"),
        ("DAY,GPRD\n20240708,\n", "blank"),
        ("DAY,GPRD\n,127\n", "blank"),
        ("DAY,GPRD\n202407,127\n", "conversion"),
        ("DAY,GPRD\n20240708,n/a\n", "conversion"),
    ],
)
def test_another_sheet_is_malformed(text: str, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        risk(text)


def test_a_sheet_without_anything_is_malformed() -> None:
    book = xlwt.Workbook()
    book.add_sheet("Sheet1")
    content = io.BytesIO()
    book.save(content)
    with pytest.raises(Malformed, match="no column"):
        risk(content.getvalue())


def test_an_error_of_excel_is_malformed() -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for column, heading in enumerate(("DAY", "GPRD")):
        sheet.write(0, column, heading)
    sheet.write(1, 0, 20240708)
    sheet.row(1).set_cell_error(1, "#DIV/0!")
    content = io.BytesIO()
    book.save(content)
    with pytest.raises(Malformed, match="#DIV/0!"):
        risk(content.getvalue())


def test_a_file_that_is_no_workbook_or_too_large_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    # The newer format is a zip; xlrd would raise BadZipFile on half of one.
    with pytest.raises(Malformed, match=r"no \.xls file"):
        risk(b"PK\x03\x04 half an .xlsx")
    whole = wire.body(GEOPOLITICAL_RISK.table).content
    monkeypatch.setattr(gpr, "MAX_FILE_BYTES", len(whole) - 1)
    with pytest.raises(Malformed, match="larger than"):
        risk(whole)


def test_a_damaged_workbook_is_malformed_or_reads_and_nothing_else() -> None:
    first = date(2021, 1, 1)
    rows = [f"{first + timedelta(days=i):%Y%m%d},{100 + i / 7:.6f}" for i in range(1_200)]
    whole = workbook("\n".join(["DAY,GPRD", *rows]) + "\n")
    expected = risk(whole)
    assert expected.height == 1_200
    dice = random.Random(20251010)
    malformed = 0
    for attempt in range(600):
        damaged = bytearray(whole)
        if attempt % 3 == 0:
            damaged = damaged[: dice.randrange(len(damaged))]
        elif attempt % 3 == 1:
            # The directory and the first records, which say where everything else is.
            for _ in range(dice.randrange(1, 20)):
                damaged[dice.choice((0, len(damaged) - 2048)) + dice.randrange(2048)] = dice.randrange(256)
        else:
            start = dice.randrange(len(damaged))
            damaged[start : start + dice.randrange(1, 400)] = dice.randbytes(200)
        try:
            found = risk(bytes(damaged))
        except Malformed:
            malformed += 1
        else:
            assert attempt % 3 or found.equals(expected), "what is cut off is not a shorter series"
    assert malformed > 300


def test_days_of_epu_have_no_leading_zeros_and_weekends_count() -> None:
    assert uncertainty("6,7,2024,91.37", "7,7,2024,88", "10,12,2023,140.5") == [
        (date(2024, 7, 6), 91.37),
        (date(2024, 7, 7), 88.0),
        (date(2023, 12, 10), 140.5),
    ]


def test_the_day_under_way_is_half_a_newspaper() -> None:
    assert uncertainty("9,7,2024,118.44", "10,7,2024,20.11") == [(date(2024, 7, 9), 118.44)]


def test_notes_and_rows_before_2000_are_left_out() -> None:
    assert uncertainty("31,12,1999,99.5", "1,1,2000,101.5", ",,,", "Source: somebody") == [(date(2000, 1, 1), 101.5)]


@pytest.mark.parametrize(
    "row", ["31,2,2024,91.37", "7,13,2024,91.37", "7,7,24,91.37", ",7,2024,91.37", "7,7,2024,", "7,7,,91.37"]
)
def test_a_day_or_value_that_is_none_is_malformed(row: str) -> None:
    with pytest.raises(Malformed):
        uncertainty("6,7,2024,90.00", row)
