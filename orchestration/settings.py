"""One typed Settings, read from the environment, and every path that follows from it.

Nothing here touches the disk or the network: settings load with an empty environment, so that definitions do too.
Provider keys are not settings; `provider_key` reads them from the environment at the moment they are needed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import platformdirs
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

if TYPE_CHECKING:
    from sources.dataset import Dataset
    from sources.market import Market

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent
_MEMORY = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?B)", re.IGNORECASE)
_LOOPBACK = re.compile(r"ws://(127\.0\.0\.1|localhost):\d{1,5}")


class BadSettings(ValueError):
    """A setting in the environment cannot be used. The message is one line and names the variable."""


def _default_home() -> Path:
    """`.undertow` in a source checkout, the user's data folder for an installed package."""
    if (_CHECKOUT / "pyproject.toml").is_file():
        return _CHECKOUT / ".undertow"
    return platformdirs.user_data_path("undertow", appauthor=False)


def _bundled(name: str) -> Path:
    """Something that lies at the top of a checkout and inside an installed package."""
    installed = _PACKAGE / "bundled" / name
    return installed if installed.exists() else _CHECKOUT / name


def _default_memory_limit() -> str:
    """Half of the machine: the other half belongs to the parser, dbt and whatever else runs here."""
    try:
        physical_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return "2GB"
    return f"{max(physical_bytes // 2_000_000, 1_000)}MB"


class Settings(BaseSettings):
    """Where things are and which market they come from.

    Environment variables carry the prefix `UNDERTOW_`. Use `Settings.load`, which turns a bad value into one line.

    Args:
        home: folder that holds one home per market.
        market: `live`, `simulated` or `recorded:DIR`.
        now: the present instant of a simulated or recorded market.
        faults: switched-on faults of the simulated market, comma-separated in the environment.
        memory_limit: what DuckDB may use, such as `4GB`.
        threads: how many threads DuckDB and dbt may use.
        lock_timeout_seconds: how long a writer waits for another one before it gives up.
        published_versions: how many published databases are kept.
        recorder_segment_minutes: how long a segment of a recorded stream is; so late can landing be.
        recorder_book_seconds: how often order books are asked for.
        recorder_url: a server on this machine that plays the venues, such as `ws://127.0.0.1:8140`, for rehearsals.
        recorder_keep_days: how long a recorded segment stays in the spool after the archive has it.
    """

    model_config = SettingsConfigDict(env_prefix="UNDERTOW_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(default_factory=_default_home)
    market: str = "live"
    now: datetime | None = None
    faults: Annotated[tuple[str, ...], NoDecode] = ()
    memory_limit: str = Field(default_factory=_default_memory_limit)
    threads: int = Field(default_factory=lambda: min(os.cpu_count() or 1, 8), ge=1, le=256)
    lock_timeout_seconds: float = Field(default=900.0, ge=0)
    published_versions: int = Field(default=5, ge=1)
    recorder_segment_minutes: float = Field(default=30.0, ge=0.05, le=1440)
    recorder_book_seconds: float = Field(default=60.0, ge=10)
    recorder_url: str | None = None
    recorder_keep_days: float = Field(default=7.0, ge=0)

    @classmethod
    def load(cls, **overrides: object) -> Settings:
        """Settings from the environment, with `overrides` on top.

        Raises:
            BadSettings: a value cannot be used; the message names the variable, the value and the way out.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        try:
            return cls(**given)  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            name = "UNDERTOW_" + "_".join(str(part) for part in first["loc"][:1]).upper() if first["loc"] else ""
            problem = first["msg"].removeprefix("Value error, ")
            said = f"{name}={first['input']!s:.80}: " if name else ""
            raise BadSettings(f"{said}{problem}") from None

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("now")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        # A bare date or time means UTC: the house has no other clock.
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)

    @field_validator("faults", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("memory_limit")
    @classmethod
    def _is_size(cls, value: str) -> str:
        if not _MEMORY.fullmatch(value.strip()):
            raise ValueError("write a size such as 4GB or 512MB")
        return value.strip()

    @field_validator("recorder_url")
    @classmethod
    def _is_here(cls, value: str | None) -> str | None:
        if value is not None and not _LOOPBACK.fullmatch(value):
            raise ValueError("a rehearsal goes to this machine only: write ws://127.0.0.1:PORT")
        return value

    @field_validator("market")
    @classmethod
    def _is_market(cls, value: str) -> str:
        kind, _, argument = value.partition(":")
        if (kind in ("live", "simulated") and not argument) or (kind == "recorded" and argument):
            return value
        raise ValueError("use live, simulated or recorded:DIR")

    @model_validator(mode="after")
    def _fits_market(self) -> Settings:
        if self.market == "live" and self.now is not None:
            raise ValueError("UNDERTOW_NOW sets the clock of a simulated or recorded market; the live one has its own")
        if self.market != "simulated" and self.faults:
            raise ValueError(
                "UNDERTOW_FAULTS only exist in the simulated market: unset it, or UNDERTOW_MARKET=simulated"
            )
        return self

    @property
    def market_name(self) -> str:
        """`live`, `simulated` or `recorded`."""
        return self.market.partition(":")[0]

    @property
    def market_home(self) -> Path:
        """Folder of everything that belongs to this market; markets never share one."""
        return self.home / self.market_name

    @property
    def archive_path(self) -> Path:
        return self.market_home / "archive"

    @property
    def warehouse_path(self) -> Path:
        return self.market_home / "warehouse.duckdb"

    @property
    def published_path(self) -> Path:
        """Folder of the published databases."""
        return self.market_home / "published"

    @property
    def as_of_path(self) -> Path:
        """Folder of databases that look back, each as of one instant."""
        return self.market_home / "as_of"

    @property
    def dagster_home(self) -> Path:
        return self.market_home / "dagster"

    @property
    def target_path(self) -> Path:
        """Where dbt writes: its project may lie in a read-only installation."""
        return self.market_home / "target"

    @property
    def recorder_path(self) -> Path:
        """Spool of recorded segments, from which landing takes them."""
        return self.market_home / "recorder"

    @property
    def locks_path(self) -> Path:
        return self.market_home / "locks"

    @property
    def dbt_project_path(self) -> Path:
        return _bundled("dbt_project")

    @property
    def dagster_yaml_path(self) -> Path:
        return _bundled("dagster.yaml")

    def open_market(self) -> Market:
        """The market these settings name.

        Raises:
            sources.market.UnknownMarket: the recording does not exist.
        """
        from sources.market import open_market

        return open_market(self.market, now=self.now, faults=self.faults, spool=self.recorder_path)

    def environment(self) -> Mapping[str, str]:
        """The variables from which another process would load the same settings."""
        values = {
            "UNDERTOW_HOME": str(self.home),
            "UNDERTOW_MARKET": self.market,
            "UNDERTOW_MEMORY_LIMIT": self.memory_limit,
            "UNDERTOW_THREADS": str(self.threads),
            "UNDERTOW_LOCK_TIMEOUT_SECONDS": str(self.lock_timeout_seconds),
            "UNDERTOW_PUBLISHED_VERSIONS": str(self.published_versions),
            "UNDERTOW_RECORDER_SEGMENT_MINUTES": str(self.recorder_segment_minutes),
            "UNDERTOW_RECORDER_BOOK_SECONDS": str(self.recorder_book_seconds),
            "UNDERTOW_RECORDER_KEEP_DAYS": str(self.recorder_keep_days),
        }
        if self.now is not None:
            values["UNDERTOW_NOW"] = self.now.isoformat()
        if self.recorder_url:
            values["UNDERTOW_RECORDER_URL"] = self.recorder_url
        if self.faults:
            values["UNDERTOW_FAULTS"] = ",".join(self.faults)
        return values


def provider_key(variable: str) -> str | None:
    """The provider key in an environment variable; None if it is unset or blank."""
    return os.environ.get(variable, "").strip() or None


def unavailable(dataset: Dataset, market: Market) -> str | None:
    """Why a dataset is off in a market; None if it is on."""
    if dataset.retired is not None:
        return dataset.retired
    if not market.has(dataset.provider.name):
        return f"{dataset.provider.title} does not answer in this market"
    if market.needs_keys and dataset.needs_key is not None and provider_key(dataset.needs_key) is None:
        return f"off: {dataset.needs_key} is not set"
    return None
