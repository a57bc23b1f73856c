"""Curves of one target: learnt from the people who came first, judged by those who came last."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings

from calibration import registry
from calibration.curves import gate, ladder
from calibration.curves.features import Bools, Floats, Ints, Rung, TrainingError
from calibration.curves.labels import NO_LABEL, Target
from calibration.curves.linear import place_alone
from calibration.curves.offpolicy import Value, snips_difference
from calibration.curves.samples import Samples, people_of_rarer_class
from calibration.dataset import Dataset, Slots
from calibration.details import model_details
from calibration.models import CalibrationModel
from calibration.slots import best_by_score, best_of, choice_labels, choices, pool_probability

# On how many of the jobs held out a curve's signs are tried.
JOBS_TRIED = 300


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

    @cached_property
    def refusal(self) -> str:
        """Why the champion cannot be loaded, so that it is not there to be beaten; empty where it can."""
        return registry.refusal(self.champion) if self.champion else ""

    @property
    def winner(self) -> Judged | None:
        """The last that passed: each one had to beat those before it."""
        return next((judged for judged in reversed(self.judged) if judged.verdict.promote), None)


def learn_target(one: Learnt, dataset: Dataset, labels: Ints, seed: int, step: Callable[[str], None]) -> None:
    """Train the curves that the people who answered can carry, and judge them on people and a time held out.

    Args:
        one: What is known of the target; it takes up the judged curves, or why there are none. Nothing is learnt where
            it has a sentence on that already.
        dataset: What was shown.
        labels: Shape (n,), of all items: 1, 0 or `NO_LABEL`.
        seed: Of folds, bins and intervals.
        step: Told what is being done.
    """
    step(f"Learning from answers: {one.target.name.lower()}")
    rows = np.flatnonzero(labels != NO_LABEL)
    early, late = gate.split(dataset.person[rows], dataset.shown_days[rows])
    curves: tuple[ladder.Curve, ...] = ()
    if not one.sentences:
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
        if curves:
            base_rate = float(samples.label.mean())
            place = place_alone(samples, dataset.position[rows[late]])
        # What was learnt from makes room before what is judged by is copied.
        del samples
    step(f"Judging: {one.target.name.lower()}")
    if curves:
        _judge(one, curves, dataset, labels, rows[late], base_rate, place, seed)


def too_little(labels: Ints) -> list[str]:
    """Return a sentence on why labels, shape (n,), are nothing to learn from; none where they are something."""
    labels = labels[labels != NO_LABEL]
    n, positives = len(labels), int(labels.sum())
    least = settings.MODEL_TRAINING_MIN_SAMPLES
    if n < least:
        return [f"of {n:,} jobs it is known what came of them; {least:,} are needed."]
    if positives in (0, n):
        kind = "positive" if positives else "negative"
        return [f"All {n:,} final answers are {kind}; both kinds are needed."]
    return []


def _judge(
    one: Learnt,
    curves: tuple[ladder.Curve, ...],
    dataset: Dataset,
    labels: Ints,
    rows: npt.NDArray[np.intp],
    base_rate: float,
    place: Floats,
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
        place: Shape (k,), what the place alone tells of them.
        seed: Of the intervals.
    """
    samples = dataset.samples_at(rows, labels)
    held_out = _with_slots_of(dataset, np.unique(samples.person))
    outcomes = choice_labels(held_out, one.target)
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
            place=None if curve.rung == Rung.PLATT else place,
            violations=ladder.monotonicity_violations(curve, tried),
            snips_difference=_difference(held_out, outcomes, own_policy, policy, seed),
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
        return None, [f"{registry.gone_sentence(one.champion)}, so it need not be beaten."]
    if one.refusal:
        return None, [f"{one.refusal} So it was not there to be beaten."]
    return registry.load(one.champion), []


def _with_slots_of(dataset: Dataset, people: Ints) -> Dataset:
    """Return the dataset with the slots of these people's lists alone."""
    slots = dataset.slots
    kept: Bools = np.isin(dataset.person[slots.item], people)
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
