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

# One figure of each stored body, and garbage to put in its place.
GARBLED = {
    "alternative_me__fear_greed": ('"51"', '"calm"'),
    "bgeometrics__lth_supply": ("14000001.5", '"n/a"'),
    "bgeometrics__sth_sopr": ("0.985", "[0.985]"),
    "bgeometrics__sopr": ("1.015", "true"),
    "bgeometrics__realized_price": ("30000.5", '"30,000.5"'),
    "binance_futures__funding_rates": ("0.00010000", "0.0001.0"),
    "binance_vision__spot_klines": ("62500.00000000", "62500.00000000x"),
    "binance_vision__um_metrics": ("1.25000000", "one"),
    "binance_vision__um_funding_rates": ("-0.00005000", "--0.00005"),
    "binance_vision__um_book_depth": ("490000000.25", "490,000,000"),
    "coinmetrics__asset_metrics": ('"57000.125"', '{"value": "57000.125"}'),
    "defillama__stablecoin_supply": ("112000000000.5", '"lots"'),
    "defillama__stablecoin_prices": ("0.9995", "NaN"),
    "defillama__hacks": ("12500000", '"12.5M"'),
    "defillama__tvl": ("95000000000.5", "1e999"),
    "deribit__dvol": ("52.25", '"high"'),
    "farside__etf_flows": ("(44.5)", "(44.5"),
    "fred__daily_series": ("12.09", "12.09%"),
    "fred__weekly_series": ("-0.8012", "none"),
}

# A name that a declared column is read from, and another one: as when a provider renames a field.
RENAMED = {
    "alternative_me__fear_greed": ('"timestamp"', '"time"'),
    "bgeometrics__lth_supply": ('"lthSupply"', '"supply"'),
    "bgeometrics__sth_sopr": ('"sthSopr"', '"sopr"'),
    "bgeometrics__sopr": ('"d"', '"day"'),
    "bgeometrics__realized_price": ('"realizedPrice"', '"price"'),
    "binance_futures__funding_rates": ('"fundingRate"', '"rate"'),
    "binance_vision__um_metrics": ("sum_open_interest,", "open_interest,"),
    "binance_vision__um_funding_rates": ("funding_interval_hours", "interval"),
    "binance_vision__um_book_depth": ("notional", "value"),
    "coinmetrics__asset_metrics": ('"PriceUSD"', '"ReferenceRateUSD"'),
    "defillama__stablecoin_supply": ('"totalCirculating"', '"circulating"'),
    "defillama__stablecoin_prices": ('"prices"', '"values"'),
    "defillama__hacks": ('"amount"', '"loss"'),
    "defillama__tvl": ('"tvl"', '"value"'),
    "deribit__dvol": ('"result"', '"results"'),
    "farside__etf_flows": ('class="etf"', 'class="flows"'),
    "fred__daily_series": ("VIXCLS", "VIX"),
    "fred__weekly_series": ("DATE", "date"),
}


# Formats whose cells have no names: one more is a new fund, or goes by its position. Their own tests say so.
NAMELESS = {"farside__etf_flows", "deribit__dvol", "binance_vision__spot_klines"}


def edited(table: str, old: str, new: str) -> str:
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
    for row in document if isinstance(document, list) else document["data"]:
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
    if dataset.provider.name == "binance_vision":
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
        dataset.parse(wire.body(dataset.table, content=edited(dataset.table, *GARBLED[dataset.table])))


@pytest.mark.parametrize("table", RENAMED)
def test_a_renamed_field_is_malformed(table: str) -> None:
    with pytest.raises(Malformed):
        DATASETS[table].parse(wire.body(table, content=edited(table, *RENAMED[table])))


@pytest.mark.parametrize("table", sorted(DATASETS.keys() - NAMELESS))
def test_a_new_field_is_kept_beside_the_declared_ones(table: str) -> None:
    dataset = DATASETS[table]
    frame = dataset.parse(wire.body(dataset.table, content=with_new_field(dataset.table)))
    assert dataset.novelties(frame) == ("brand_new",)
    assert frame.schema["brand_new"] == pl.String
    assert dataset.conform(frame).equals(dataset.conform(dataset.parse(wire.body(dataset.table))))


def test_tables_are_named_after_file_and_dataset() -> None:
    assert set(wire.REQUESTS) == set(DATASETS)
    for table, dataset in DATASETS.items():
        assert table == f"{dataset.provider.name}__{dataset.name}"
        assert PROVIDERS[dataset.provider.name] is dataset.provider


def test_frequencies() -> None:
    frequencies = {table: dataset.cadence.frequency for table, dataset in DATASETS.items()}
    assert frequencies["fred__weekly_series"] == "weekly"
    assert frequencies["farside__etf_flows"] == "daily"
    assert frequencies["binance_vision__um_funding_rates"] == "daily"
    hourly = {table for table, frequency in frequencies.items() if frequency == "hourly"}
    assert hourly == {
        "alternative_me__fear_greed",
        "binance_futures__funding_rates",
        "defillama__hacks",
        "defillama__stablecoin_prices",
        "deribit__dvol",
    }
