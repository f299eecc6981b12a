"""`docs/sources.md` keeps up with the registry and the seeds: what exists is on the page, and what is on it exists."""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sources import providers
from sources.registry import DATASETS, PROVIDERS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/sources.md").read_text("utf-8")
SEEDS = ROOT / "dbt_project/seeds"
_TABLE = re.compile(r"`([a-z0-9_]+__[a-z0-9_]+)`")
_KEYED = {dataset.needs_key for dataset in DATASETS.values() if dataset.needs_key}


def _section(title: str) -> str:
    """The text below a heading of the second level, up to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, f"docs/sources.md has no section {title!r}"
    return found[1]


def _first_cells(text: str) -> list[str]:
    """What stands in code in the first column of the tables of a text."""
    return re.findall(r"^\| `([^`]+)` \|", text, re.M)


def _optional_variables() -> Iterator[str]:
    """The variables that providers ask `client.option` for, by name or by a constant of the module."""
    for path in sorted(Path(providers.__path__[0]).glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "option":
                named = call.args[0]
                value = constants[named.id] if isinstance(named, ast.Name) else named
                yield ast.literal_eval(value)


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_has_its_place(name: str) -> None:
    assert re.search(rf"^(### |\* \*\*).*\(`{name}`\)", PAGE, re.M), f"docs/sources.md says nothing of {name}"


def test_every_dataset_has_one_row_in_the_tables_of_sources() -> None:
    described = PAGE[: PAGE.index("\n## Not taken, and why\n")]
    rows = [name for name in _first_cells(described) if "__" in name]
    assert sorted(rows) == sorted(DATASETS)


def test_no_dataset_is_named_that_does_not_exist() -> None:
    assert set(_TABLE.findall(PAGE)) <= set(DATASETS)


@pytest.mark.parametrize("variable", sorted(_KEYED))
def test_every_key_stands_with_its_datasets(variable: str) -> None:
    rows = re.findall(rf"^\| `{variable}` \|.*$", _section("Keys"), re.M)
    assert len(rows) == 1, f"docs/sources.md, Keys: one row for {variable}"
    needing = {table for table, dataset in DATASETS.items() if dataset.needs_key == variable}
    assert set(_TABLE.findall(rows[0])) == needing


def test_keys_names_every_variable_and_no_other() -> None:
    optional = set(_optional_variables())
    assert optional, "the way to find them has to find some"
    assert sorted(_first_cells(_section("Keys"))) == sorted(_KEYED | optional)


def test_every_reconciled_quantity_is_told_with_its_sources_in_their_order() -> None:
    text = _section("Which source speaks when several do")
    rules = _seed("reconciliation_rules")
    for quantity in {rule["quantity"] for rule in rules}:
        row = re.search(rf"^\| `{quantity}` \| ([^|]*) \| ([^|]*) \|", text, re.M)
        assert row, f"docs/sources.md does not say which source speaks for {quantity}"
        ordered = sorted(
            (rule for rule in rules if rule["quantity"] == quantity), key=lambda rule: int(rule["priority"])
        )
        named = [rule["source"] for rule in ordered if rule["source"] in DATASETS]
        assert _TABLE.findall(row[1]) == named
        assert row[1].count(", ") == len(ordered) - 1
        assert {f"{float(rule['tolerance_ratio']):.0%}" for rule in ordered} == {row[2].split(",")[0].replace(" ", "")}


def test_every_source_of_liquidations_is_told_with_its_class() -> None:
    text = _section("Which source speaks when several do")
    for source in _seed("liquidation_coverage"):
        assert f"| `{source['source']}` | {source['coverage_class']} |" in text


def test_links_of_the_documentation_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            path, _, anchor = target.partition("#")
            if path.startswith(("http:", "https:")):
                continue
            found = (page.parent / path) if path else page
            assert found.exists(), f"{page.name} links to {target}"
            if anchor and found.suffix == ".md":
                assert anchor in _anchors(found), f"{page.name} links to {target}"


def _anchors(page: Path) -> set[str]:
    """The anchors that headings get: lower case, without punctuation, blanks as hyphens."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
