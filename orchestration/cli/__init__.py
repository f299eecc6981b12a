"""The `undertow` command.

`app` holds the commands and their help, one module each does the work, `mistakes` turns what can go wrong into one
line. Commands import what they need when they run: `undertow --help` and `undertow sql` never load Dagster or dbt.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 fine, 1 something failed, 2 used wrongly.

    Args:
        arguments: the words after `undertow`; those of the process if not given.
    """
    from orchestration.cli.app import run

    return run(arguments)
