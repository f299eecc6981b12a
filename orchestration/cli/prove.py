"""`undertow prove`: whether what is printed about a day follows from what was known at its cut-off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from orchestration.cli import console
from orchestration.cli.mistakes import FAILED, say

if TYPE_CHECKING:
    from orchestration.proof import DayProof, Difference
    from orchestration.settings import Settings

_SHOWN_DAYS = 10
_SHOWN_DIFFERENCES = 3


def prove(
    settings: Settings,
    *,
    count: int,
    seed: int,
    first: date | None,
    last: date | None,
    only: Sequence[str],
    is_everything: bool,
    from_scratch: bool,
    as_json: bool,
) -> int:
    """Prove days at random and say what came of it; return the exit code.

    Args:
        settings: which market, where.
        count: how many days.
        seed: the same seed chooses the same days.
        first: no day before this one.
        last: no day after this one.
        only: marts to compare; the index and its parts if empty.
        is_everything: compare every mart that says by when its rows are known.
        from_scratch: compute the large hourly models anew for every day.
        as_json: for programs instead of people.

    Raises:
        CannotProve: there is nothing to prove.
        NotBuilt: the marts are not of this project.
        UnknownModel: `only` names something unknown.
        WarehouseBusy: another process keeps the warehouse locked.
    """
    # Everything below needs dbt's libraries; the command's help does not.
    from orchestration import proof
    from orchestration.as_of import compiled_project
    from sources.registry import DATASETS

    project = compiled_project(settings)
    models = proof.proving_models(project, is_everything=is_everything, only=only)
    with proof.standing_copy(settings) as warehouse:
        possible = proof.printed_days(warehouse, first, last)
        days = proof.choose(possible, count, seed)
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console.stderr(),
            transient=True,
        ) as bar:
            task = bar.add_task("days", total=len(days))
            failed = 0

            def on_day(found: DayProof) -> None:
                nonlocal failed
                failed += bool(found.looked_ahead)
                bar.update(task, advance=1, description=f"days ({failed} looked ahead)" if failed else "days")

            proofs = proof.prove(
                settings,
                warehouse,
                DATASETS,
                days,
                models,
                on_day,
                sharing="none" if from_scratch else "computed",
                jobs=settings.threads,
            )
    if as_json:
        console.print_json([_as_dict(one) for one in proofs])
    else:
        _summarise(proofs, [model.name for model in models], {**_hindsight(models)}, len(possible), seed)
    wrong = [one for one in proofs if one.looked_ahead]
    if wrong:
        say(f"{len(wrong)} of {len(proofs)} days looked ahead; the first is {wrong[0].day}: {wrong[0].looked_ahead[0]}")
    return FAILED if wrong else 0


def _hindsight(models: Sequence[object]) -> dict[str, str]:
    return {
        f"{model.name}.{column}": reason  # type: ignore[attr-defined]
        for model in models
        for column, reason in model.hindsight.items()  # type: ignore[attr-defined]
    }


def _summarise(
    proofs: Sequence[DayProof], names: Sequence[str], hindsight: dict[str, str], possible: int, seed: int
) -> None:
    out = console.stdout()
    wrong = [one for one in proofs if one.looked_ahead]
    restated = [one for one in proofs if one.restated]
    out.print(
        f"{len(proofs)} of {possible} days from {proofs[0].day} to {proofs[-1].day} (seed {seed}), "
        f"{sum(one.row_count for one in proofs)} rows of {len(names)} marts: {', '.join(names)}"
    )
    out.print(
        f"{len(proofs) - len(wrong) - len(restated)} days are what was known at their cut-off; the largest difference "
        f"of two doubles is {max(one.largest for one in proofs):.1e}"
    )
    if restated:
        out.print(f"{len(restated)} days differ because figures were restated after their cut-off, and only by that:")
        for one in restated[:_SHOWN_DAYS]:
            told = ", ".join(
                f"{table} {count} row{'s' if count > 1 else ''} (first {first})"
                for table, (count, first) in (one.sources or {}).items()
            )
            out.print(console.text(f"  {one.day}: {told}"))
            _show(one.restated)
    for column, reason in hindsight.items():
        count = sum(one.hindsight for one in proofs)
        if count:
            out.print(console.text(f"{column} is told in hindsight ({reason}): it differs on {count} days"))
    if wrong:
        out.print(console.text(f"{len(wrong)} days looked ahead", "bold red"))
        for one in wrong[:_SHOWN_DAYS]:
            out.print(console.text(f"  {one.day}: {len(one.looked_ahead)} rows"))
            _show(one.looked_ahead)
    else:
        out.print(console.text("nothing looked ahead", "bold green"))


def _show(differences: Sequence[Difference]) -> None:
    out = console.stdout()
    for one in differences[:_SHOWN_DIFFERENCES]:
        out.print(console.text(f"    {one}"))
    if len(differences) > _SHOWN_DIFFERENCES:
        out.print(f"    and {len(differences) - _SHOWN_DIFFERENCES} more rows")


def _as_dict(one: DayProof) -> dict[str, object]:
    return {
        "date": one.day,
        "is_proved": not one.looked_ahead,
        "row_count": one.row_count,
        "largest_difference": one.largest,
        "looked_ahead": [str(difference) for difference in one.looked_ahead],
        "restated": [str(difference) for difference in one.restated],
        "restated_sources": {
            table: {"row_count": count, "first": first} for table, (count, first) in (one.sources or {}).items()
        },
        "hindsight_count": one.hindsight,
    }
