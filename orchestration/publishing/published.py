"""The published folder as readers see it.

    <published>/undertow.duckdb -> current/undertow.duckdb      what people open
    <published>/parquet         -> current/parquet
    <published>/current         -> versions/<version>           the only link that ever moves
    <published>/versions/<version>/undertow.duckdb, parquet/<schema>/<table>.parquet, version.json

A DuckDB library hands out the file it already has open when the same path is opened again, even after another file
took its place. From 1.5 on it resolves links first, so behind a link the same path leads a long-lived process to the
new file as soon as it connects anew, while its older connections go on with the old one. (Older libraries see the new
file once their last connection to the old one is closed.) The database's name comes from the resolved file too, hence
`undertow.duckdb` in every version folder.

Nothing here writes, and nothing here is slow to import: every command that only reads goes through this module.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

DATABASE_NAME = "undertow.duckdb"
PARQUET_NAME = "parquet"
CURRENT_NAME = "current"
VERSIONS_NAME = "versions"
MANIFEST_NAME = "version.json"
PART_SUFFIX = ".part"


class NotPublished(Exception):
    """There is no published database to read yet."""


@dataclass(frozen=True)
class Version:
    """One published version, as its manifest describes it.

    Args:
        folder: where it lives.
        manifest: the content of its `version.json`.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def database(self) -> Path:
        return self.folder / DATABASE_NAME

    @property
    def parquet(self) -> Path:
        return self.folder / PARQUET_NAME

    @property
    def sequence(self) -> int:
        """Position among all versions ever published here. The clock of a market may stand still, this does not."""
        return int(self.manifest["sequence"])

    @property
    def table_count(self) -> int:
        return len(self.manifest["tables"])

    @property
    def row_count(self) -> int:
        return sum(table["rows"] for table in self.manifest["tables"].values())

    @cached_property
    def byte_count(self) -> int:
        return self.database.stat().st_size

    def fingerprint(self, schema: str) -> str:
        """What the tables of one schema held; equal for equal content."""
        return str(self.manifest["fingerprints"][schema])


@dataclass(frozen=True)
class Published:
    """The published folder of a market.

    Args:
        root: the folder; it need not exist.
    """

    root: Path

    @property
    def database(self) -> Path:
        """What people and BI tools open."""
        return self.root / DATABASE_NAME

    @property
    def parquet(self) -> Path:
        return self.root / PARQUET_NAME

    @property
    def versions_folder(self) -> Path:
        return self.root / VERSIONS_NAME

    def versions(self) -> list[Version]:
        """Complete versions, oldest first."""
        found = []
        for manifest in self.versions_folder.glob(f"*/{MANIFEST_NAME}"):
            version = read_version(manifest.parent)
            if version is not None and not version.name.endswith(PART_SUFFIX):
                found.append(version)
        return sorted(found, key=lambda version: version.sequence)

    def current(self) -> Version | None:
        """The version that `database` leads to, or None if nothing is published."""
        link = self.root / CURRENT_NAME
        if link.is_symlink():
            return read_version(link.resolve())
        # Where the file system has no links, the marker file names the version.
        try:
            name = link.read_text("utf-8").strip()
        except OSError:
            return None
        return read_version(self.versions_folder / name)

    def connect(self, *, allow_files: bool = False) -> duckdb.DuckDBPyConnection:
        """Open the published database to read.

        Args:
            allow_files: whether queries may touch other files and the network. Off, a pasted query can only read
                what was published.

        Raises:
            NotPublished: if there is none yet.
            duckdb.Error: if the file cannot be opened.
        """
        import duckdb

        if not self.database.exists():
            raise NotPublished(f"nothing is published in {self.root} yet")
        connection = duckdb.connect(
            self.database,
            read_only=True,
            config={
                "enable_external_access": allow_files,
                # A misspelt table must be an error, not a Python variable of the same name.
                "python_enable_replacements": False,
                "autoinstall_known_extensions": False,
            },
        )
        connection.execute("set TimeZone = 'UTC'")
        if not allow_files:
            connection.execute("set lock_configuration = true")
        return connection


def read_version(folder: Path) -> Version | None:
    """The version in a folder, or None if the folder holds no complete one."""
    try:
        return Version(folder, json.loads((folder / MANIFEST_NAME).read_text("utf-8")))
    except (OSError, json.JSONDecodeError):
        return None
