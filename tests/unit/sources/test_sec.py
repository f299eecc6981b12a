"""SEC EDGAR: a contact that is sent and not kept, columns for rows, and zips of which little is wanted."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from datetime import date, datetime
from typing import Any

import httpx
import polars as pl
import pytest

from sources.dataset import Body, Request, Window
from sources.errors import Blocked, Incomplete, Malformed, Rejected
from sources.http import Transport
from sources.providers import sec
from sources.providers.sec import CONTACT, ETF_CUSIPS, FILERS, FILINGS, HOLDINGS_13F
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

STORED = json.loads(wire.stored(FILINGS.table))
ZIP = "https://www.sec.gov/files/structureddata/data/form-13f-data-sets/"
LINK = '<td><a href="/files/structureddata/data/form-13f-data-sets/{}" download>x</a></td>'


def filings(document: object, path: str = "CIK0001050446.json") -> pl.DataFrame:
    request = Request(f"https://data.sec.gov/submissions/{path}")
    return FILINGS.parse(wire.body(FILINGS.table, content=json.dumps(document), request=request))


def changed(**columns: object) -> dict[str, Any]:
    document = json.loads(wire.stored(FILINGS.table))
    document["filings"]["recent"] |= columns
    return document


class TestFilings:
    def test_columns_become_rows_of_the_forms_that_matter(self) -> None:
        rows = filings(STORED)
        assert rows.select("form", "items", "report_on", "document_url").rows() == [
            (
                "8-K",
                "7.01,8.01",
                date(2024, 7, 8),
                "https://www.sec.gov/Archives/edgar/data/1050446/000105044624000003/exa-20240708.htm",
            ),
            (
                "10-Q/A",
                None,
                date(2024, 3, 31),
                "https://www.sec.gov/Archives/edgar/data/1050446/000105044624000001/exa-20240331.htm",
            ),
        ]
        assert set(rows["filer_name"]) == {"Strategy"}

    def test_a_filing_counts_as_known_at_the_later_reading_of_its_clock(self) -> None:
        stamps = ["2024-07-08T16:05:17.000Z", "2024-07-08T22:31:00.000Z", "2024-07-08T10:00:00.000Z"]
        rows = filings(
            changed(acceptanceDateTime=stamps, form=["8-K"] * 3, filingDate=["2024-07-08"] * 2 + ["2024-07-09"])
        )
        assert rows.select(FILINGS.knowable_at()).to_series().to_list() == [
            at("2024-07-08 20:05:17"),  # the clock of New York or UTC: New York's is later
            at("2024-07-08 22:31"),  # half past ten in New York is after closing time, so it is UTC
            at("2024-07-09 10:00"),  # filed as of the next day, at six in its morning
        ]

    def test_older_files_hold_bare_columns(self) -> None:
        rows = filings(STORED["filings"]["recent"], "CIK0001050446-submissions-001.json")
        assert rows.equals(filings(STORED))

    def test_older_files_are_asked_for_as_far_as_the_window_reaches(self) -> None:
        asked: list[str] = []
        files = [
            {"name": "CIK{}-submissions-001.json", "filingFrom": "2021-01-01", "filingTo": "2023-02-01"},
            {"name": "CIK{}-submissions-002.json", "filingFrom": "2010-01-01", "filingTo": "2020-12-31"},
        ]

        def provider(request: httpx.Request) -> httpx.Response:
            asked.append(request.url.path.rpartition("/")[2])
            cik = asked[-1][3:13]
            if "submissions-" in asked[-1]:
                return httpx.Response(200, json=STORED["filings"]["recent"])
            named = [{**file, "name": file["name"].format(cik)} for file in files]
            return httpx.Response(200, json={"cik": cik, "filings": {**STORED["filings"], "files": named}})

        bodies, error = fetched(FILINGS, provider, window=Window(at("2022-01-01"), wire.NOW))
        assert error is None
        assert asked == [name for cik in FILERS for name in (f"CIK{cik}.json", f"CIK{cik}-submissions-001.json")]
        assert all(FILINGS.parse(body).height == 2 for body in bodies)

    @pytest.mark.parametrize("name", ["../../evil.json", "CIK0000000001-submissions-001.json", "CIK1.json", None])
    def test_an_answer_does_not_say_where_to_go(self, name: object) -> None:
        files = [{"name": name, "filingTo": "2024-07-01"}]
        document = {**STORED, "filings": {**STORED["filings"], "files": files}}
        bodies, error = fetched(FILINGS, lambda _: httpx.Response(200, json=document))
        assert isinstance(error, Malformed)
        assert "is not the name of a file of older filings" in str(error)
        assert len(bodies) == len(FILERS)

    @pytest.mark.parametrize(
        ("document", "said"),
        [
            (changed(form=["8-K"]), "arrays differ in length"),
            ({**STORED, "cik": "320193"}, "is that of 320193"),
            ({"cik": "1050446", "filings": {}}, "expected an object"),
            ({"cik": "1050446", "filings": {"recent": {}}}, "no accession numbers"),
            ([], "expected an object"),
            (changed(filingDate=["2024-07-08", "2024-07-05", ""]), "cut off"),
            (changed(acceptanceDateTime=["2024-07-08 16:05:17"] * 3), "not written as an instant"),
        ],
    )
    def test_a_list_that_is_not_as_expected_is_malformed(self, document: object, said: str) -> None:
        with pytest.raises(Malformed, match=said):
            filings(document)


class TestContact:
    def provider(self, request: httpx.Request) -> httpx.Response:
        if "somebody@example.org" in request.headers["User-Agent"]:
            return httpx.Response(200, json=STORED)
        return httpx.Response(403, html="<html>Undeclared Automated Tool</html>")

    def take(self) -> tuple[list[Body], Exception | None]:
        transport = Transport(now=lambda: wire.NOW, transport=httpx.MockTransport(self.provider), paced=False)
        bodies: list[Body] = []
        with transport:
            try:
                bodies.extend(FILINGS.fetch(wire.WINDOW, transport.client(FILINGS, wire.WINDOW)))
            except (Blocked, Rejected) as error:
                return bodies, error
        return bodies, None

    def test_it_is_sent_and_not_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(CONTACT, "somebody@example.org")
        bodies, error = self.take()
        assert error is None
        assert len(bodies) == len(FILERS)
        assert all("somebody" not in repr(body.request) for body in bodies)

    def test_without_one_nothing_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(CONTACT, raising=False)
        bodies, error = self.take()
        assert bodies == []
        assert isinstance(error, Rejected)
        assert CONTACT in str(error)

    def test_one_that_is_not_liked_is_blocked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(CONTACT, "x")
        _, error = self.take()
        assert isinstance(error, Blocked)


def data_set(**tables: str | None) -> bytes:
    """The stored data set with tables replaced, or left out if None."""
    with zipfile.ZipFile(io.BytesIO(wire.body(HOLDINGS_13F.table).content)) as archive:
        stored = {name: archive.read(name).decode() for name in archive.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in stored.items():
            text = tables.get(name.removesuffix(".tsv"), text)  # type: ignore[assignment]
            if text is not None:
                archive.writestr(f"folder/{name.title()}", text)
    return buffer.getvalue()


def stored_table(name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(wire.body(HOLDINGS_13F.table).content)) as archive:
        return archive.read(f"{name}.tsv").decode()


def holdings(content: bytes) -> pl.DataFrame:
    return HOLDINGS_13F.parse(wire.body(HOLDINGS_13F.table, content=content))


class TestHoldings:
    def test_positions_of_one_filer_add_up_by_security_and_type(self) -> None:
        rows = holdings(data_set())
        assert rows.select("filer_cik", "ticker", "position_type", "value_usd", "share_count").rows() == [
            ("0000000011", "IBIT", "shares", 48_600_000.0, 1_200_000.0),
            ("0000000011", "IBIT", "call", 4_050_000.0, 100_000.0),
            ("0000000012", "GBTC", "shares", 12_600_000.0, 200_000.0),
            ("0000000012", "IBIT", "shares", 500.0, None),
        ]
        assert rows["amendment_type"].to_list() == [None, None, "RESTATEMENT", "RESTATEMENT"]
        assert set(rows["quarter_end_date"]) == {date(2024, 3, 31)}

    def test_a_position_is_known_when_it_was_filed_and_not_at_the_quarters_end(self) -> None:
        known = holdings(data_set()).select(HOLDINGS_13F.knowable_at()).to_series().unique().sort().to_list()
        assert known == [at("2024-05-15 02:00"), at("2024-05-16 02:00")], "ten in the evening of the 14th and 15th"

    def test_a_cover_with_remarks_of_several_lines_is_read(self) -> None:
        heading, first, *rest = stored_table("COVERPAGE").splitlines()
        broken = "\n".join([heading, first, "a remark\tthat goes on", *rest]) + "\n"
        assert holdings(data_set(COVERPAGE=broken)).height == 4

    @pytest.mark.parametrize("name", ["SUBMISSION", "COVERPAGE", "INFOTABLE"])
    def test_a_missing_table_is_malformed(self, name: str) -> None:
        with pytest.raises(Malformed, match=f"holds no {name}.TSV"):
            holdings(data_set(**{name: None}))

    def test_holdings_without_their_filing_are_malformed(self) -> None:
        lines = stored_table("SUBMISSION").splitlines()
        with pytest.raises(Malformed, match="has holdings and no cover"):
            holdings(data_set(SUBMISSION="\n".join(lines[:-1]) + "\n"))

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("\tPRN\t", "\tOZ\t", "neither shares nor principal"),
            ("40500000\t", "\t", "VALUE|value_usd"),
            ("40500000\t", "", "cells under"),
            ("VALUE\t", "WORTH\t", "field VALUE is missing"),
        ],
    )
    def test_a_table_that_is_not_as_expected_is_malformed(self, old: str, new: str, said: str) -> None:
        text = stored_table("INFOTABLE")
        assert old in text
        with pytest.raises(Malformed, match=said):
            holdings(data_set(INFOTABLE=text.replace(old, new)))

    def test_a_further_column_is_a_novelty(self) -> None:
        heading, *rows = stored_table("INFOTABLE").splitlines()
        text = "\n".join([f"{heading}\tSTAKED", *(f"{row}\t7" for row in rows)]) + "\n"
        frame = holdings(data_set(INFOTABLE=text))
        assert HOLDINGS_13F.novelties(frame) == ("STAKED",)
        assert HOLDINGS_13F.conform(frame).equals(holdings(data_set()))

    def test_a_table_beyond_all_reason_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sec, "_MAX_TABLE_BYTES", 500)
        with pytest.raises(Malformed, match="unpacks to more than"):
            holdings(data_set())


def index(*names: str) -> str:
    return "<html><body>" + "".join(LINK.format(name) for name in names) + "</body></html>"


class TestDataSets:
    PUBLISHED = (
        "01jan2024-29feb2024_form13f.zip",
        "01mar2024-31may2024_form13f.zip",
        "01mar2024-31may2024_form13f_1.zip",
        "2023q4_form13f.zip",
    )

    def take(self, start: datetime, end: datetime, *names: str) -> tuple[list[str], Exception | None]:
        def provider(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith(".zip"):
                return httpx.Response(200, content=data_set())
            return httpx.Response(200, html=index(*(names or self.PUBLISHED)))

        bodies, error = fetched(HOLDINGS_13F, provider, window=Window(start, end))
        for body in bodies:
            HOLDINGS_13F.conform(HOLDINGS_13F.parse(body))
        return [body.request.url.rpartition("/")[2] for body in bodies], error

    def test_each_is_asked_for_once_by_the_window_in_which_it_is_due(self) -> None:
        days = [
            at("2024-01-01"),
            at("2024-03-01"),
            at("2024-03-02"),
            at("2024-06-01"),
            at("2024-06-02"),
            at("2024-07-10"),
        ]
        asked = [self.take(start, end) for start, end in itertools.pairwise(days)]
        assert all(error is None for _, error in asked)
        page = "form-13f-data-sets"
        assert [names for names, _ in asked] == [
            [],
            [],
            [page, "01jan2024-29feb2024_form13f.zip"],
            [],
            [page, "01mar2024-31may2024_form13f_1.zip"],
        ]

    def test_one_that_is_not_listed_yet_leaves_the_window_open(self) -> None:
        names, error = self.take(at("2024-01-01"), wire.NOW, "01jan2024-29feb2024_form13f.zip")
        assert names == ["form-13f-data-sets", "01jan2024-29feb2024_form13f.zip"]
        assert isinstance(error, Incomplete)
        assert "01mar2024-31may2024: " in str(error)

    def test_spans_follow_each_other_and_know_leap_years(self) -> None:
        spans = list(sec._spans(Window(at("2024-01-01"), at("2028-06-15"))))
        assert [sec._span_name(span) for span in spans[:2] + spans[-2:]] == [
            "01jan2024-29feb2024",
            "01mar2024-31may2024",
            "01dec2027-29feb2028",
            "01mar2028-31may2028",
        ]
        assert all(b[0].toordinal() - a[1].toordinal() == 1 for a, b in itertools.pairwise(spans))

    def test_a_page_without_data_sets_is_malformed(self) -> None:
        _, error = fetched(HOLDINGS_13F, lambda _: httpx.Response(200, html="<html>redesigned</html>"),
                           window=Window(at("2024-01-01"), wire.NOW))  # fmt: skip
        assert isinstance(error, Malformed)


@pytest.mark.parametrize("cusip", ETF_CUSIPS)
def test_the_last_digit_of_a_cusip_is_its_check(cusip: str) -> None:
    total = 0
    for position, character in enumerate(cusip[:8]):
        value = int(character, 36) * (1 + position % 2)
        total += value // 10 + value % 10
    assert (10 - total % 10) % 10 == int(cusip[8])
