"""A study: where Optuna keeps the trials, who proposes them, and who cuts them short."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlgen import files
from rlgen.config import differences
from rlgen.errors import RlgenError, UserError, nearest
from rlgen.sweeps.search import Choices, Range, Space, size

FILE, JOURNAL = "study.json", "study.log"
# Under which the study keeps what it was asked for.
ASKED = "asked"
SAMPLERS = ("tpe", "random", "grid", "cmaes", "qmc")
PRUNERS = ("median", "none", "percentile", "successive-halving", "hyperband")
OBJECTIVES = ("final", "best")


class StorageTrouble(RlgenError):
    """The storage of a study does not answer; trials that are running stay so, and are taken up again."""


@dataclass(frozen=True)
class Asked:
    """What decides every trial of a study, as JSON has it.

    Attributes:
        algorithm: its name.
        request: what else `rlgen.train` is told, beside the values that are searched; `seed` is the first seed.
        search: field to the text of its range or its choices.
        seeds: runs of a trial.
        objective: what of a run's evaluations counts: "final" or "best".
        score: the scalar.
        higher_is_better: its direction.
        steps: of a run.
        evaluate_every_steps: of a run.
    """

    algorithm: str
    request: Mapping[str, Any]
    search: Mapping[str, str]
    seeds: int
    objective: str
    score: str
    higher_is_better: bool
    steps: int
    evaluate_every_steps: int

    @property
    def evaluations(self) -> int:
        """Of a run."""
        return max(1, self.steps // self.evaluate_every_steps)

    def flat(self) -> dict[str, Any]:
        """One value a name, to be compared."""
        row = dataclasses.asdict(self)
        request = dict(row.pop("request"))
        config, search = request.pop("config", None) or {}, row.pop("search")
        sets = {f"--set {name}": value for name, value in config.items()}
        return row | request | sets | {f"--search {name}": text for name, text in search.items()}


def import_optuna() -> Any:
    """Optuna, quiet.

    Raises:
        UserError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise UserError(
            f"Sweeps are made with Optuna, which is not here ({error}): pip install 'rlgen[sweep]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # Of samplers and arguments that may still change; and of a report that a run gone on repeats.
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    warnings.filterwarnings("ignore", message="The reported value is ignored")
    return optuna


def check_names(*, sampler: str, pruner: str, objective: str) -> None:
    """Check that these are known.

    Raises:
        UserError: one is not.
    """
    for what, name, known in (
        ("sampler", sampler, SAMPLERS),
        ("pruner", pruner, PRUNERS),
        ("objective", objective, OBJECTIVES),
    ):
        if name not in known:
            raise UserError(f"There is no {what} '{name}'.{nearest(str(name), known)} There are {', '.join(known)}.")


def make_storage(place: Path, url: str | None) -> Any:
    """Where trials are kept: a journal in the study's directory, or a database.

    Raises:
        UserError: it cannot be reached.
    """
    optuna = import_optuna()
    if url is None:
        from optuna.storages.journal import JournalFileBackend

        # Whole: the lock of a journal is a link, which is followed from where it lies.
        file = place.resolve() / JOURNAL
        return _reached(lambda: optuna.storages.JournalStorage(JournalFileBackend(str(file))), str(file))
    shown = without_password(url)
    if "://" not in url:
        raise UserError(
            f"--storage {shown} is no URL of a database, such as sqlite:///study.db or postgresql://user@host/name. "
            "Without it the study is kept in its directory."
        )
    return _reached(lambda: optuna.storages.RDBStorage(url), shown, url=url)


def open_study(place: Path, url: str | None, asked: Asked | None = None) -> tuple[Any, Asked]:
    """The study of a directory, made if it is asked for and not there; and what decides its trials.

    Args:
        place: its directory, whose name is the study's.
        url: of a database; None: in the directory.
        asked: what is asked for; None: whatever the study has.

    Raises:
        UserError: the storage cannot be reached, there is no such study in it, or it was asked for something else.
    """
    optuna, storage = import_optuna(), make_storage(place, url)
    name = place.resolve().name
    where = without_password(url) if url else str(place)

    def get() -> Any:
        if asked is None:
            return optuna.load_study(study_name=name, storage=storage)
        direction = "maximize" if asked.higher_is_better else "minimize"
        made = optuna.create_study(study_name=name, storage=storage, direction=direction, load_if_exists=True)
        if ASKED not in made.user_attrs and not made.get_trials(deepcopy=False):
            made.set_user_attr(ASKED, dataclasses.asdict(asked))
        return made

    try:
        study = get()
    except KeyError:
        raise UserError(f"There is no study '{name}' in {where}.") from None
    except Exception as error:
        raise _unreachable(where, error) from error
    if ASKED not in study.user_attrs:
        raise UserError(f"The study '{name}' in {where} is none of rlgen's: choose another --study.")
    has = Asked(**study.user_attrs[ASKED])
    if asked is not None and (found := _differing(has, asked)):
        raise UserError(
            f"The study {place} was asked for something else:\n  "
            + "\n  ".join(line.replace("the run has", "the study has") for line in found)
            + "\nAsk for the same to go on with it, or choose another --study."
        )
    return study, has


def write_file(place: Path, url: str | None, asked: Asked) -> None:
    """Note in its directory what a study is and where it is kept, but for a password."""
    row = {"storage": without_password(url) if url else None, ASKED: dataclasses.asdict(asked)}
    files.make_directory(place / "trials")
    files.write(place / FILE, (json.dumps(row, indent=2) + "\n").encode())


def read_file(place: Path, url: str | None) -> str | None:
    """The storage of a study that is there: that of its file, unless another is named.

    Raises:
        UserError: there is no study.
    """
    try:
        row = json.loads(files.read(place / FILE))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{place} is no study: it has no {FILE}. `rlgen sweep` prints the directory it makes."
        ) from error
    kept = row.get("storage") if isinstance(row, dict) else None
    return url or kept


def without_password(url: str) -> str:
    """A URL as it may be shown and written down."""
    head, mark, rest = url.partition("://")
    login, at, host = rest.rpartition("@")
    return f"{head}{mark}{login.partition(':')[0]}{at}{host}"


def make_sampler(name: str, space: Space, *, seed: int | None) -> Any:
    """Who proposes; `seed` None: from anywhere.

    Raises:
        UserError: a grid over what has no end, or a package that is missing.
    """
    samplers = import_optuna().samplers
    if name == "random":
        return samplers.RandomSampler(seed=seed)
    if name == "grid":
        if size(space) is None:
            raise UserError("--sampler grid needs an end: give ranges a step (0..1:0.25), or list values (a|b|c).")
        return _grid({name: points(part) for name, part in space.items()}, seed)
    if name == "qmc":
        return samplers.QMCSampler(seed=seed, warn_independent_sampling=False, warn_asynchronous_seeding=False)
    if name == "cmaes":
        try:
            import cmaes  # noqa: F401
        except ImportError as error:
            raise UserError("--sampler cmaes needs a package: pip install 'rlgen[sweep]'") from error
        return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    # Where others run at the same time it keeps away from what they try.
    return samplers.TPESampler(seed=seed, constant_liar=True)


def make_pruner(name: str, asked: Asked) -> Any:
    """Who cuts short. Time is counted in evaluations, over all runs of a trial one after another."""
    pruners, most = import_optuna().pruners, asked.evaluations * asked.seeds
    warm = max(1, asked.evaluations // 5)
    if name == "none":
        return pruners.NopPruner()
    if name == "successive-halving":
        return pruners.SuccessiveHalvingPruner(min_resource=warm, reduction_factor=3)
    if name == "hyperband":
        return pruners.HyperbandPruner(min_resource=warm, max_resource=max(most, warm), reduction_factor=3)
    if name == "percentile":
        return pruners.PercentilePruner(25.0, n_startup_trials=5, n_warmup_steps=warm)
    return pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=warm)


def distributions(space: Space) -> dict[str, Any]:
    """The space as Optuna has it."""
    of = import_optuna().distributions

    def one(part: Range | Choices) -> Any:
        if isinstance(part, Choices):
            return of.CategoricalDistribution(part.values)
        if part.whole:
            return of.IntDistribution(int(part.low), int(part.high), log=part.log, step=int(part.step or 1))
        return of.FloatDistribution(part.low, part.high, log=part.log, step=part.step)

    return {name: one(part) for name, part in space.items()}


def points(part: Range | Choices) -> list[Any]:
    """All values of a part that has an end."""
    if isinstance(part, Choices):
        return list(part.values)
    assert part.step is not None
    return [part.low + place * part.step for place in range(int((part.high - part.low) / part.step + 1e-9) + 1)]


def _grid(values: Mapping[str, list[Any]], seed: int | None) -> Any:
    """A sampler that at its end does not stop Optuna's own loop, which does not run here."""

    class Grid(import_optuna().samplers.GridSampler):  # type: ignore[misc]
        def after_trial(self, *_: Any) -> None:
            pass

    return Grid(values, seed=seed)


def _differing(has: Asked, asked: Asked) -> list[str]:
    one, two = has.flat(), asked.flat()
    return differences(one, {name: two.get(name) for name in (*one, *(name for name in two if name not in one))})


def _reached(make: Callable[[], Any], where: str, *, url: str | None = None) -> Any:
    try:
        return make()
    except Exception as error:
        raise _unreachable(where, error, url=url) from error


def _unreachable(where: str, error: Exception, *, url: str | None = None) -> UserError:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if url is not None:
        said = said.replace(url, where)
    return UserError(f"The storage {where} cannot be used: {said} Start the database, or mend --storage.")
