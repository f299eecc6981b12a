"""The wheel holds all that a run needs, and runs where the checkout is not."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_holds_the_dbt_project(wheel: Path) -> None:
    project = ROOT / "dbt_project"
    wanted = {
        path.relative_to(ROOT).as_posix() for path in project.rglob("*") if path.suffix in (".sql", ".yml", ".csv")
    }
    wanted |= {path.relative_to(ROOT).as_posix() for path in (project / "models").rglob("*.py")}
    wanted = {name for name in wanted if not name.startswith(("dbt_project/target/", "dbt_project/logs/"))}
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {f"orchestration/bundled/{name}" for name in wanted} <= held and len(wanted) > 100
    assert {f"undertow_statistics/{path.name}" for path in (project / "python").rglob("*.py")} <= held
    assert "orchestration/bundled/dagster.yaml" in held
    assert not any(name.startswith(("tests/", "docs/")) for name in held)


def test_installed_wheel_finds_what_it_brought(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(installed)]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    code = (
        "import orchestration, json; from orchestration.settings import Settings; s = Settings.load();"
        "print(orchestration.__file__); print(s.dbt_project_path); print(s.dagster_yaml_path.is_file()); print(s.home)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UNDERTOW_")}
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment
        | {"PYTHONPATH": str(installed), "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=True,
    )
    package, project, has_yaml, home = run.stdout.splitlines()
    assert package.startswith(str(installed)) and project.startswith(str(installed)) and has_yaml == "True"
    assert (Path(project) / "dbt_project.yml").is_file()
    assert home.startswith(str(tmp_path)), "an installed package keeps its data in the user's folder"
