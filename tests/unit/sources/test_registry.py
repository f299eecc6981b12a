"""What holds for every dataset, whoever provides it: found by walking the registry, so a new one is tested at once."""

from __future__ import annotations

import json

import polars as pl
import pytest

from sources.dataset import Dataset
from sources.errors import Malformed
from sources.registry import DATASETS, PROVIDERS
from tests.unit.sources import wire

ALL = pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda dataset: dataset.table)

RENAMED = [table for table in DATASETS if "Rename" in wire.exchange(table).headers]
NAMED = [table for table in DATASETS if "Nameless" not in wire.exchange(table).headers]


def edited(table: str, header: str) -> str:
    """The stored body with one text in it replaced, as its header says."""
    old, new = wire.exchange(table).pair(header)
    text = wire.stored(table).decode()
    assert old in text, "the edit has to change something"
    return text.replace(old, new)


def with_new_field(table: str) -> str:
    """The stored body with one more field per row."""
    text = wire.stored(table).decode()
    if not text.startswith(("{", "[")):
        heading, *rows = text.splitlines()
        return "\n".join([f"{heading},brand_new", *(f"{row},9" for row in rows)]) + "\n"
    document = json.loads(text)
    where = wire.exchange(table).headers.get("Rows", "" if isinstance(document, list) else "data")
    rows = document
    for name in where.split(".") if where else ():
        rows = rows[int(name) if name.isdigit() else name]
    for row in rows if isinstance(rows, list) else [rows]:
        row["brand_new"] = {"nested": [1, 2.5]}
    return json.dumps(document)


@ALL
def test_a_stored_body_parses_to_the_declared_columns(dataset: Dataset) -> None:
    frame = dataset.parse(wire.body(dataset.table))
    rows = dataset.conform(frame)
    assert rows.height > 0
    assert rows.schema == pl.Schema(dict(dataset.schema))
    assert dataset.novelties(frame) == ()
    assert rows.select(dataset.key).is_unique().all()
    for name in rows.columns:
        assert rows[name].null_count() < rows.height, f"{name} has no value: the stored body does not test it"


@ALL
def test_a_row_is_knowable_only_after_its_period(dataset: Dataset) -> None:
    rows = dataset.conform(dataset.parse(wire.body(dataset.table)))
    times = rows.select(known=dataset.knowable_at(), end=dataset.period_end())
    assert times["known"].null_count() == 0
    assert (times["known"] >= times["end"]).all()


@ALL
def test_a_page_for_people_is_malformed(dataset: Dataset) -> None:
    page = "<!DOCTYPE html><html><head><title>Be right back</title></head><body>Maintenance</body></html>\n"
    body = wire.body(dataset.table, content=page.encode())
    if wire.exchange(dataset.table).is_zipped:
        body = wire.body(dataset.table, content=b"PK" + page.encode())
    with pytest.raises(Malformed) as caught:
        dataset.parse(body)
    assert caught.value.body is not None, "the evidence goes with the error"


@ALL
def test_an_empty_body_is_malformed(dataset: Dataset) -> None:
    with pytest.raises(Malformed):
        dataset.parse(wire.body(dataset.table, content=b""))


@ALL
def test_half_a_body_is_malformed(dataset: Dataset) -> None:
    whole = wire.body(dataset.table).content
    with pytest.raises(Malformed):
        dataset.parse(wire.body(dataset.table, content=whole[: len(whole) // 2]))


@ALL
def test_bytes_that_are_not_text_are_malformed(dataset: Dataset) -> None:
    with pytest.raises(Malformed):
        dataset.parse(wire.body(dataset.table, content=b"PK\x03\x04\xff\xfe\x00\x80" * 40))


@ALL
def test_garbage_in_place_of_a_figure_is_malformed_and_never_null(dataset: Dataset) -> None:
    with pytest.raises(Malformed):
        dataset.parse(wire.body(dataset.table, content=edited(dataset.table, "Garble")))


@pytest.mark.parametrize("table", RENAMED)
def test_a_renamed_field_is_malformed(table: str) -> None:
    with pytest.raises(Malformed):
        DATASETS[table].parse(wire.body(table, content=edited(table, "Rename")))


@pytest.mark.parametrize("table", NAMED)
def test_a_new_field_is_kept_beside_the_declared_ones(table: str) -> None:
    dataset = DATASETS[table]
    frame = dataset.parse(wire.body(dataset.table, content=with_new_field(dataset.table)))
    assert dataset.novelties(frame) == ("brand_new",)
    assert frame.schema["brand_new"] == pl.String
    assert dataset.conform(frame).equals(dataset.conform(dataset.parse(wire.body(dataset.table))))


def test_tables_are_named_after_file_and_dataset() -> None:
    assert {path.stem for path in wire.BODIES.iterdir()} == set(DATASETS)
    for table, dataset in DATASETS.items():
        assert table == f"{dataset.provider.name}__{dataset.name}"
        assert PROVIDERS[dataset.provider.name] is dataset.provider


def test_frequencies() -> None:
    frequencies = {table: dataset.cadence.frequency for table, dataset in DATASETS.items()}
    assert frequencies["fred__weekly_series"] == "weekly"
    assert frequencies["farside__etf_flows"] == "daily"
    assert frequencies["binance_vision__um_funding_rates"] == "daily"
    hourly = {table for table, frequency in frequencies.items() if frequency == "hourly"}
    assert hourly >= {
        "alternative_me__fear_greed",
        "binance_futures__funding_rates",
        "defillama__hacks",
        "defillama__stablecoin_prices",
        "deribit__dvol",
    }
