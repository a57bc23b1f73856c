"""Learn from feedback: read, learn, judge, and store what came of it in one transaction at the end.

One training at a time. Its row says how far it is and how it ended; one that a killed worker leaves at work is marked
by the next training, or when somebody looks (`settle_stale_trainings`).
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from calibration import registry
from calibration.curves import gate, ladder
from calibration.curves.features import NAMES, Bools, Floats, Ints, TrainingError
from calibration.curves.labels import NO_LABEL, Target
from calibration.curves.offpolicy import Value, snips_difference
from calibration.curves.samples import Samples, people_of_rarer_class
from calibration.dataset import Dataset, Slots, read_dataset
from calibration.models import CalibrationModel, TrainedOn, TrainingRun
from calibration.reports import build_report, json_ready, model_details
from calibration.slots import best_by_score, best_of, choices, pool_probability
from profiles.models import Profile
from recommendations.models import RecommendationEvent
from recommendations.services import MODELS, RefusedCurveError, UnknownModelError, store_curve
from skillsprout.locks import LockHeldError, only_one

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps are done, and of how many."""

ENDED_EARLY = "The training ended before it was whole."
JOBS_TRIED = 300
PEOPLE_AT_ONCE = 2000
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


@dataclass
class Judged:
    """One curve of one target, as the gate judged it."""

    curve: ladder.Curve
    verdict: gate.Verdict
    details: dict[str, Any]
    reasons: list[str]

    @property
    def rung(self) -> str:
        return self.curve.rung.name.lower()


@dataclass
class Learnt:
    """What came of one target.

    Args:
        target: The target.
        champion: Who serves before; None where none does.
        judged: Its curves, the plainest first.
        sentences: Why nothing could be learnt.
    """

    target: Target
    champion: CalibrationModel | None
    judged: list[Judged] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)

    @cached_property
    def gone(self) -> int:
        """How many of the people whom the champion learnt from have gone: then it need not be beaten."""
        return registry.people_gone(self.champion) if self.champion else 0

    @property
    def winner(self) -> Judged | None:
        """The last that passed: each one had to beat those before it."""
        return next((judged for judged in reversed(self.judged) if judged.verdict.promote), None)


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
    real = RecommendationEvent.objects.filter(profile__traffic=Profile.Traffic.PERSON)
    if traffic == Profile.Traffic.SIMULATED and real.exists():
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
            TrainingRun.objects.filter(pk=run.pk).update(
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
            TrainingRun.objects.filter(pk=self.run.pk).update(progress=self.run.progress)
        self.progress(what, self.done, STEPS)
        self.done += 1


def _learn(run: TrainingRun, step: _Steps, *, dry_run: bool) -> None:
    step("Reading what was shown")
    dataset = read_dataset(model_version=run.model_version, traffic=run.traffic, since=run.since, now=run.started)
    step("Judging what serves by newer answers")
    if not dry_run:
        live = [registry.check_live(dataset, target, model_version=run.model_version) for target in Target]
        run.outcome = [sentence for sentence in live if sentence]
        if run.traffic == Profile.Traffic.PERSON and len(dataset):
            run.outcome += registry.take_back_simulated(run.model_version)
    labels = {target: dataset.labels(target) for target in Target}
    run.digest = _digest(run, dataset, labels)
    learnt = [Learnt(target, registry.champion_of(run.model_version, target)) for target in Target]
    before = None if dry_run or any(one.gone for one in learnt) else _same_before(run)
    if before:
        step.done += 2 * len(learnt)
        run.outcome.append(
            f"Nothing new since {before} of {before.started:%Y-%m-%d %H:%M} UTC: it would learn the same again."
        )
    else:
        for one in learnt:
            _learn_target(one, dataset, labels[one.target], run.seed, step)
    step("Writing the report")
    run.report = _report(run, dataset, learnt)
    step("Storing")
    run.state = TrainingRun.State.DONE
    if dry_run:
        for one in learnt:
            run.outcome += _sentences(one, run, "would be the champion.")
    else:
        _store(run, learnt, _profiles(dataset, labels, learnt))


def _learn_target(one: Learnt, dataset: Dataset, labels: Ints, seed: int, step: _Steps) -> None:
    """Train the curves that the people who answered can carry, and judge them on people and a time held out."""
    step(f"Learning from answers: {one.target.name.lower()}")
    rows = np.flatnonzero(labels != NO_LABEL)
    early, late = gate.split(dataset.person[rows], dataset.shown_days[rows])
    curves: tuple[ladder.Curve, ...] = ()
    if sentence := _too_little(labels[rows]):
        one.sentences.append(sentence)
    else:
        samples = dataset.samples_at(rows[early], labels)
        try:
            # The least number of labels counts those held out too, and was looked at above.
            curves = ladder.climb(samples, seed=seed, steps=ladder.Steps(samples=1))
        except ladder.TooFewError:
            one.sentences.append(
                f"{people_of_rarer_class(samples):,} people gave the rarer kind of answer before the time that is held "
                f"out to judge by; {ladder.DEFAULT_STEPS.platt} are needed."
            )
        except TrainingError as error:
            one.sentences.append(str(error))
        base_rate = float(samples.label.mean()) if len(samples) else 0.0
        # What was learnt from makes room before what is judged by is copied.
        del samples
    step(f"Judging: {one.target.name.lower()}")
    if curves:
        _judge(one, curves, dataset, labels, rows[late], base_rate, seed)


def _too_little(labels: Ints) -> str:
    """Return a sentence on why labels of 0 and 1 are nothing to learn from; empty if they are."""
    n, positives = len(labels), int(labels.sum())
    least = settings.MODEL_TRAINING_MIN_SAMPLES
    if n < least:
        return f"of {n:,} jobs it is known what came of them; {least:,} are needed."
    if positives in (0, n):
        kind = "positive" if positives else "negative"
        return f"All {n:,} final answers are {kind}; both kinds are needed."
    return ""


def _judge(
    one: Learnt,
    curves: tuple[ladder.Curve, ...],
    dataset: Dataset,
    labels: Ints,
    rows: npt.NDArray[np.intp],
    base_rate: float,
    seed: int,
) -> None:
    """Put curves before the gate, each against the best of those before it and the champion.

    Args:
        one: What is known of the target; it takes the verdicts up.
        curves: The plainest first.
        dataset: What was shown.
        labels: Shape (n,), of all items.
        rows: Shape (k,), the items held out.
        base_rate: The share of positives in training, 0-1.
        seed: Of the intervals.
    """
    samples = dataset.samples_at(rows, labels)
    held_out = _with_slots_of(dataset, rows)
    champion, notes = _champion_to_beat(one)
    best: Floats | None = None
    policy = best_by_score(held_out)
    if champion is not None:
        best = champion.probability(samples.features, samples.position)
        policy = best_of(pool_probability(held_out, champion))
    tried = samples.features[:: max(1, len(samples) // JOBS_TRIED)]
    for curve in curves:
        p = curve.probability(samples.features, samples.position)
        own_policy = best_of(pool_probability(held_out, curve))
        verdict = gate.judge(
            label=samples.label,
            person=samples.person,
            challenger=p,
            champion=best,
            base_rate=base_rate,
            violations=ladder.monotonicity_violations(curve, tried),
            snips_difference=_difference(held_out, labels, own_policy, policy, seed),
            seed=seed,
        )
        details = model_details(curve, samples, p, seed=seed)
        one.judged.append(Judged(curve, verdict, details, [*verdict.reasons, *notes]))
        if best is None or _error(p, samples, base_rate) < _error(best, samples, base_rate):
            best = p
            notes = [
                f"The champion that it was judged against is the {curve.rung.name.lower()} curve of this training."
            ]
        if verdict.promote:
            policy = own_policy


def _champion_to_beat(one: Learnt) -> tuple[ladder.Curve | None, list[str]]:
    """Return the champion's curve, or why there is none to beat."""
    if one.champion is None:
        return None, []
    if one.gone:
        return None, [f"{_gone(one)}, so it need not be beaten."]
    try:
        return registry.load(one.champion), []
    except RefusedCurveError as error:
        return None, [f"{error} So it was not there to be beaten."]


def _gone(one: Learnt) -> str:
    version = one.champion.version if one.champion else ""
    return f"{one.gone:,} of the people whom {version} learnt from have gone"


def _with_slots_of(dataset: Dataset, rows: npt.NDArray[np.intp]) -> Dataset:
    """Return the dataset with the slots that show one of these items."""
    inside = np.zeros(len(dataset), bool)
    inside[rows] = True
    slots = dataset.slots
    kept: Bools = inside[slots.item]
    return replace(
        dataset,
        slots=Slots(slots.item[kept], slots.chosen[kept], slots.pool[kept], slots.size[kept], slots.epsilon[kept]),
    )


def _difference(dataset: Dataset, labels: Ints, policy: Floats, other: Floats, seed: int) -> Value | None:
    logged = choices(dataset, label=labels, policy=policy)
    if len(logged.reward) == 0:
        return None
    return snips_difference(logged, choices(dataset, label=labels, policy=other), seed=seed)


def _error(p: Floats, samples: Samples, base_rate: float) -> float:
    return float(np.mean((np.where(np.isnan(p), base_rate, p) - samples.label) ** 2))


def _same_before(run: TrainingRun) -> TrainingRun | None:
    """Return the first training that learnt from the same, where the last one of this kind did."""
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
    return alike.filter(digest=run.digest).order_by("pk").first()


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
    if curve is None and one.champion is not None:
        with suppress(RefusedCurveError):
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


def _sentences(one: Learnt, run: TrainingRun, fate: str) -> list[str]:
    """Return what came of a target; `fate` says what becomes of the one that passed last."""
    name = one.target.name.capitalize()
    sentences = [f"{name}: {sentence}" for sentence in one.sentences]
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
    if profiles:
        # Who has gone since the reading is missed at once: the number no longer adds up.
        there = set(Profile.objects.values_list("pk", flat=True))
        TrainedOn.objects.bulk_create(
            (TrainedOn(run=run, profile_id=profile) for profile in profiles if profile in there), PEOPLE_AT_ONCE
        )
    for one in learnt:
        models = [_stored(run, one, judged, len(profiles)) for judged in one.judged]
        passed = [model for model in models if model.state == CalibrationModel.State.CANDIDATE]
        fate = "waits for promotion."
        if passed and settings.CALIBRATION_AUTO_PROMOTE:
            if one.champion is not None and one.gone:
                # Retired alone, it would still step in where the new one's bytes are refused.
                registry.take_back(one.champion, f"{_gone(one)}.", may_follow=())
            registry.promote(passed[-1])
            fate = "is the champion from now on."
        run.outcome += _sentences(one, run, fate)
        if not passed and one.gone:
            run.outcome.append(_without_the_gone(one))
    # The settings may name another target than at the last training.
    with suppress(RefusedCurveError):
        registry.serve_champion(run.model_version)
    run.finished = timezone.now()
    run.progress = {"what": "Done", "step": STEPS, "steps": STEPS}
    run.save()


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


def _without_the_gone(one: Learnt) -> str:
    """Take a champion back that learnt from people who have gone and that nothing could replace."""
    assert one.champion is not None
    reason = f"{_gone(one)}, and training anew gave nothing that could replace it."
    whole = [before.pk for before in registry.predecessors(one.champion) if not registry.people_gone(before)]
    instead = registry.take_back(one.champion, reason, may_follow=whole)
    serves = f"{instead.version} serves again." if instead else "No calibration serves in its place."
    return f"{one.target.name.capitalize()}: {reason} {one.champion.version} was taken back. {serves}"
