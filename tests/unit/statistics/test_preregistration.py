"""Definitions that results were seen with do not change by accident."""

from __future__ import annotations

import hashlib
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[3] / "dbt_project" / "seeds" / "scorecards"
FROZEN = ("rules", "rule_variants", "rule_outcomes", "scorecard_label_sets", "scorecard_eras")


def test_definitions_are_those_that_were_registered() -> None:
    """Whoever changes one on purpose says so in decision 17, and evaluates everything again."""
    content = b"".join((SEEDS / f"{name}.csv").read_bytes() for name in FROZEN)
    assert hashlib.sha256(content).hexdigest()[:16] == "b38fa812f81750f5"
