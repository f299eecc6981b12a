"""A published small market that the commands are pointed at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestration.cli import main
from orchestration.publishing.published import Published
from orchestration.publishing.snapshot import publish_file
from tests import small_warehouse
from tests.small_warehouse import NOW


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        """The one line of a failed command; an assertion if there is more or less."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("undertow: ")
        assert "Traceback" not in self.err
        return lines[0].removeprefix("undertow: ")


Undertow = Callable[..., Answer]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home that the environment points at, with the simulated market chosen."""
    for name in ("UNDERTOW_NOW", "UNDERTOW_FAULTS", "UNDERTOW_THREADS", "UNDERTOW_MEMORY_LIMIT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UNDERTOW_HOME", str(tmp_path))
    monkeypatch.setenv("UNDERTOW_MARKET", "simulated")
    return tmp_path


@pytest.fixture
def published(home: Path) -> Published:
    """The small market, published as the simulated one."""
    folder = Published(home / "simulated" / "published")
    small_warehouse.build(home / "warehouse.duckdb")
    publish_file(home / "warehouse.duckdb", folder, now=NOW, is_simulated=True, keep=5)
    return folder


@pytest.fixture
def undertow(home: Path, capsys: pytest.CaptureFixture[str]) -> Undertow:
    """Runs a command line in this process."""

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return run
