"""Learn from feedback: read, learn, judge, and store what came of it in one transaction at the end.

One training at a time. Its row says how far it is and how it ended; one that a killed worker leaves at work is marked
by the next training, or when somebody looks (`settle_stale_trainings`).
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from calibration import registry
from calibration.curves.features import NAMES, Ints
from calibration.curves.labels import NO_LABEL, Target
from calibration.dataset import Dataset, read_dataset
from calibration.json_values import json_ready
from calibration.judging import Judged, Learnt, learn_target, too_little
from calibration.live import check_live
from calibration.models import CalibrationModel, TrainedOn, TrainingRun
from calibration.reports import build_report
from profiles.models import Profile
from recommendations.services import MODELS, RefusedCurveError, UnknownModelError, store_curve
from skillsprout.locks import LockHeldError, only_one

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps are done, and of how many."""

ONLY_SIMULATED = (
    "This database holds lists of simulated people only; train_calibration --traffic simulated learns from them."
)
ENDED_EARLY = "The training ended before it was whole."
PEOPLE_AT_ONCE = 500
STEPS = 8


class TrainingRunningError(Exception):
    """Another training is at work."""

    def __init__(self, since: datetime | None) -> None:
        begun = f"since {since:%Y-%m-%d %H:%M} UTC" if since else "and has just begun"
        super().__init__(f"A training is at work {begun}; start this one when it is over.")


class SimulatedOnRealError(Exception):
    """Simulated people's answers are no ground for what real people are shown."""

    def __init__(self) -> None:
        super().__init__(
            "This database holds lists of real people, so nothing is learnt from simulated ones here. Use a scratch "
            "database."
        )


def silent(what: str, done: int, of: int) -> None:
    """Report progress to nobody."""


def train(
    *,
    traffic: str = Profile.Traffic.PERSON,
    model_version: str | None = None,
    since: datetime | None = None,
    seed: int = 0,
    dry_run: bool = False,
    now: datetime | None = None,
    progress: Progress = silent,
) -> TrainingRun:
    """Learn curves for both targets, judge them, and let the better ones serve where the settings say so.

    Call it outside any transaction: its row is visible while it runs, and stays when it fails. The same content of the
    database and the same seed give the same curves, byte for byte. Where there is too little to learn from, or nothing
    new since the last training of this kind, the run is done and its outcome says so.

    First the champion is held against newer answers. Of other scoring models, whose lists are not read, champions are
    only taken back where people whom they learnt from have gone, or where they learnt from simulated people beside real
    ones.

    Args:
        traffic: Whose lists: those of people; "simulated" only in a database without any list of a real person.
        model_version: The scoring model whose lists to learn from; the setting when not given.
        since: Leave out lists that were shown before.
        seed: Of folds, bins and intervals, 0 or more.
        dry_run: Store nothing; the answer is a row that is not stored.
        now: The moment of reading; now when not given.
        progress: Told of each step.

    Raises:
        TrainingRunningError: Another one is at work.
        SimulatedOnRealError: Simulated lists beside those of real people.
        UnknownModelError: There is no such model.
        ValueError: Nothing is ever learnt from this traffic.
    """
    model_version = model_version or settings.MODEL_VERSION
    if model_version not in MODELS:
        raise UnknownModelError(model_version)
    if traffic not in (Profile.Traffic.PERSON, Profile.Traffic.SIMULATED):
        raise ValueError(f"Nothing is learnt from {traffic} traffic.")
    if traffic == Profile.Traffic.SIMULATED and registry.any_lists_of(Profile.Traffic.PERSON):
        raise SimulatedOnRealError
    run = TrainingRun(
        model_version=model_version, traffic=traffic, since=since, seed=seed, started=now or timezone.now()
    )
    with only_training():
        if dry_run:
            _learn(run, _Steps(progress, run), dry_run=True)
            run.state, run.finished = TrainingRun.State.DONE, timezone.now()
            return run
        _fail_dead_trainings()
        with _running(run):
            _learn(run, _Steps(progress, run), dry_run=False)
    return run


def settle_stale_trainings() -> None:
    """Where no process is at a training, say so on rows that look as if one were."""
    if not TrainingRun.objects.filter(state=TrainingRun.State.RUNNING).exists():
        return
    with suppress(TrainingRunningError), only_training():
        _fail_dead_trainings()


@contextmanager
def only_training() -> Iterator[None]:
    """Hold this database's training lock; it falls when the process dies.

    Raises:
        TrainingRunningError: Another process holds it.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(only_one("training"))
        except LockHeldError as error:
            at_work = TrainingRun.objects.filter(state=TrainingRun.State.RUNNING).first()
            raise TrainingRunningError(at_work.started if at_work else None) from error
        yield


def _fail_dead_trainings() -> None:
    """Say on each row that is still at work that it is not: whoever holds the lock is the only one."""
    TrainingRun.objects.filter(state=TrainingRun.State.RUNNING).update(
        state=TrainingRun.State.FAILED, error=ENDED_EARLY, finished=timezone.now()
    )


@contextmanager
def _running(run: TrainingRun) -> Iterator[None]:
    """Keep the row that people see while it runs; how it fails is written there. Only under the lock."""
    run.save(force_insert=True)
    try:
        yield
    except BaseException as error:
        if isinstance(error, Exception):
            logger.exception("%s failed", run)
        # A database that is gone or full may not take this either; then the next training marks the row.
        with suppress(Error):
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            # One that was stopped when all was stored is done.
            TrainingRun.objects.filter(pk=run.pk, state=TrainingRun.State.RUNNING).update(
                state=TrainingRun.State.FAILED, error=_sentence(error), finished=timezone.now()
            )
        raise


def _sentence(error: BaseException) -> str:
    if isinstance(error, Error):
        return f"The database failed ({(str(error).strip() or type(error).__name__).splitlines()[0]})."
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "The training was stopped."
    if isinstance(error, MemoryError):
        return "There is not enough memory. Train on newer lists only (--since)."
    return f"The training failed: {type(error).__name__}: {error}"


class _Steps:
    """Says what is being done: on the row, outside any transaction, and to whoever asked."""

    def __init__(self, progress: Progress, run: TrainingRun) -> None:
        self.progress, self.run, self.done = progress, run, 0

    def __call__(self, what: str) -> None:
        self.run.progress = {"what": what, "step": self.done, "steps": STEPS}
        if self.run.pk:
            TrainingRun.objects.filter(pk=self.run.pk).update(progress=self.run.progress, outcome=self.run.outcome)
        self.progress(what, self.done, STEPS)
        self.done += 1


def _learn(run: TrainingRun, step: _Steps, *, dry_run: bool) -> None:
    step("Reading what was shown")
    dataset = read_dataset(model_version=run.model_version, traffic=run.traffic, since=run.since, now=run.started)
    step("Judging what serves by newer answers")
    if not dry_run:
        run.outcome = _settle(run, dataset)
    labels = {target: dataset.labels(target) for target in Target}
    run.digest = _digest(run, dataset, labels)
    learnt = [
        Learnt(target, registry.champion_of(run.model_version, target), sentences=too_little(labels[target]))
        for target in Target
    ]
    before = None if dry_run else _same_before(run, learnt)
    if before:
        step.done += 2 * len(learnt)
    else:
        for one in learnt:
            learn_target(one, dataset, labels[one.target], run.seed, step)
    if (
        run.traffic == Profile.Traffic.PERSON
        and registry.any_lists_of(Profile.Traffic.SIMULATED)
        and not registry.any_lists_of(Profile.Traffic.PERSON)
    ):
        run.outcome.append(ONLY_SIMULATED)
    run.outcome += [f"{one.target.name.capitalize()}: {sentence}" for one in learnt for sentence in one.sentences]
    if before and not all(one.sentences for one in learnt):
        run.outcome.append(
            f"Nothing new since {before} of {before.started:%Y-%m-%d %H:%M} UTC: it would learn the same again."
        )
    step("Writing the report")
    run.report = _report(run, dataset, learnt)
    step("Storing")
    run.state = TrainingRun.State.DONE
    if dry_run:
        for one in learnt:
            waits = _why_it_waits(run, one)
            run.outcome += _verdicts(
                one, run, f"would wait for promotion: {waits}" if waits else "would be the champion."
            )
    else:
        _store(run, [] if before else learnt, _profiles(dataset, labels, learnt))


def _settle(run: TrainingRun, dataset: Dataset) -> list[str]:
    """Take back what is to serve no more, whatever is learnt now, and return a sentence on each."""
    by_newer_answers = [check_live(dataset, target, model_version=run.model_version) for target in Target]
    outcome = [sentence for sentence in by_newer_answers if sentence]
    if run.traffic == Profile.Traffic.PERSON:
        if registry.any_lists_of(Profile.Traffic.PERSON):
            outcome += registry.take_back_simulated()
        outcome += registry.take_back_gone_of_others(run.model_version)
    return outcome


def _same_before(run: TrainingRun, learnt: list[Learnt]) -> TrainingRun | None:
    """Return the first training that learnt from the same, where the last one of this kind did.

    None where a champion has to be replaced nevertheless, and nothing waits to replace it.
    """
    alike = TrainingRun.objects.filter(
        state=TrainingRun.State.DONE,
        model_version=run.model_version,
        traffic=run.traffic,
        seed=run.seed,
        since=run.since,
    )
    last = alike.order_by("-pk").only("digest").first()
    if last is None or last.digest != run.digest:
        return None
    if any((one.gone or one.refusal) and not _waits_already(run, one) for one in learnt):
        return None
    return alike.filter(digest=run.digest).order_by("pk").first()


def _waits_already(run: TrainingRun, one: Learnt) -> bool:
    """Return whether a curve that was learnt from the same waits for an operator's click."""
    if not _why_it_waits(run, one):
        return False
    candidates = CalibrationModel.objects.filter(
        state=CalibrationModel.State.CANDIDATE, target=one.target.name.lower(), run__digest=run.digest
    )
    return any(not registry.refusal(model) for model in candidates.select_related("curve"))


def _why_it_waits(run: TrainingRun, one: Learnt) -> str:
    """Return a sentence on why the one that passed waits for an operator's click; empty where it need not."""
    if run.traffic == Profile.Traffic.SIMULATED and registry.any_lists_of(Profile.Traffic.PERSON):
        return "it learnt from simulated people, and there are lists of real ones here now."
    if not settings.CALIBRATION_AUTO_PROMOTE:
        return "the settings leave that to an operator."
    if not _same_champion(run, one):
        return "somebody changed what serves while this training was at work."
    if taken := registry.operator_took_back(run.model_version, one.target):
        return f"an operator took {taken.version} back, and has promoted or returned to none since."
    return ""


def _same_champion(run: TrainingRun, one: Learnt) -> bool:
    return registry.champion_of(run.model_version, one.target) == one.champion


def _digest(run: TrainingRun, dataset: Dataset, labels: dict[Target, Ints]) -> str:
    """Return a digest of all that the curves and verdicts hang on, but the champion."""
    options = (run.model_version, run.traffic, run.since, run.seed, settings.MODEL_TRAINING_MIN_SAMPLES, NAMES)
    digest = hashlib.sha256(repr(options).encode())
    for of_target in labels.values():
        rows = np.flatnonzero(of_target != NO_LABEL)
        for array in (of_target, dataset.item, dataset.position, dataset.person, dataset.shown_days):
            digest.update(array[rows].tobytes())
        for column in dataset.features.T:
            digest.update(column[rows].tobytes())
    return digest.hexdigest()


def _profiles(dataset: Dataset, labels: dict[Target, Ints], learnt: list[Learnt]) -> list[UUID]:
    """Return the profiles of all labelled items of the targets of which something was learnt."""
    inside = np.zeros(len(dataset), bool)
    for one in learnt:
        if one.judged:
            inside |= labels[one.target] != NO_LABEL
    return [dataset.profiles[number] for number in np.unique(dataset.profile[inside])]


def _report(run: TrainingRun, dataset: Dataset, learnt: list[Learnt]) -> dict[str, Any]:
    target = Target[settings.CALIBRATION_TARGET.upper()]
    one = next(one for one in learnt if one.target == target)
    curve = one.winner.curve if one.winner else None
    if curve is None and one.champion is not None and not one.refusal:
        curve = registry.load(one.champion)
    return {
        **build_report(dataset, target=target, curve=curve, seed=run.seed),
        "models": [
            {
                "version": _version(run, one, judged),
                "target": one.target.name.lower(),
                "rung": judged.rung,
                "passed": judged.verdict.promote,
                "reasons": judged.reasons,
                "inputs": list(judged.curve.inputs.names),
                "figures": json_ready(judged.verdict.figures),
                "details": judged.details,
            }
            for one in learnt
            for judged in one.judged
        ],
    }


def _version(run: TrainingRun, one: Learnt, judged: Judged) -> str:
    parts = [one.target.name.lower(), *([str(run.pk)] if run.pk else []), judged.rung]
    return "-".join(parts)


def _verdicts(one: Learnt, run: TrainingRun, fate: str) -> list[str]:
    """Return what came of each curve of a target; `fate` says what becomes of the one that passed last."""
    name = one.target.name.capitalize()
    sentences = []
    for judged in one.judged:
        version = _version(run, one, judged)
        if judged is one.winner:
            end = f"passed the gate and {fate}"
        elif judged.verdict.promote:
            end = "passed the gate, and a better one of this training did too."
        else:
            end = "was rejected."
        sentences.append(f"{name}: {version} {end} {' '.join(judged.reasons)}")
    return sentences


@transaction.atomic(durable=True)
def _store(run: TrainingRun, learnt: list[Learnt], profiles: list[UUID]) -> None:
    """Store curves, registry rows, whom they learnt from, who serves, and the row of the training: all or nothing."""
    if any(one.winner for one in learnt):
        _store_people(run, profiles)
    registry.lock(run.model_version)
    for one in learnt:
        models = [_stored(run, one, judged, len(profiles)) for judged in one.judged]
        passed = [model for model in models if model.state == CalibrationModel.State.CANDIDATE]
        waits = _why_it_waits(run, one)
        run.outcome += _verdicts(one, run, f"waits for promotion: {waits}" if waits else "is the champion from now on.")
        if passed and not waits:
            registry.promote(passed[-1], by=f"training {run.pk}")
        if one.champion and one.gone and not passed and _same_champion(run, one):
            why = "training anew gave nothing that could replace it"
            run.outcome.append(registry.take_back_gone(one.champion, why))
    # The settings may name another target than at the last training.
    with suppress(RefusedCurveError):
        registry.serve_champion(run.model_version)
    run.finished = timezone.now()
    run.progress = {"what": "Done", "step": STEPS, "steps": STEPS}
    run.save()


def _store_people(run: TrainingRun, profiles: list[UUID]) -> None:
    """Store whom a training learnt from; who has gone since the reading is missed, and the number does not add up."""
    profiles = sorted(profiles)
    for start in range(0, len(profiles), PEOPLE_AT_ONCE):
        some = Profile.objects.filter(pk__in=profiles[start : start + PEOPLE_AT_ONCE]).order_by("pk")
        # Locked, so that nobody goes before this is stored: their row here could not go with them.
        there = some.select_for_update(no_key=True).values_list("pk", flat=True)
        TrainedOn.objects.bulk_create(TrainedOn(run=run, profile_id=profile) for profile in there)


def _stored(run: TrainingRun, one: Learnt, judged: Judged, n_profiles: int) -> CalibrationModel:
    state = CalibrationModel.State.CANDIDATE if judged.verdict.promote else CalibrationModel.State.REJECTED
    target = one.target.name.lower()
    curve = store_curve(
        version=_version(run, one, judged),
        model_version=run.model_version,
        target=target,
        feature_names=NAMES,
        curve=judged.curve,
    )
    return CalibrationModel.objects.create(
        curve=curve,
        run=run,
        target=target,
        model_version=run.model_version,
        rung=judged.rung,
        state=state,
        reasons=judged.reasons,
        figures=json_ready(judged.verdict.figures),
        details=judged.details,
        inputs=list(judged.curve.inputs.names),
        n_items=judged.curve.n_items,
        n_people=judged.curve.n_people,
        n_profiles=n_profiles,
        base_rate=judged.curve.base_rate,
        created=run.started,
    )
