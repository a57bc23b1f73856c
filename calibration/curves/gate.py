"""The gate: whether a curve may serve. It judges on people and on a time that the curve has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.curves import metrics
from calibration.curves.features import Bools, Floats, Ints
from calibration.curves.offpolicy import MIN_EFFECTIVE_SIZE, Value

OPPONENTS = {"constant": "the constant's", "place": "that of the place in the list alone", "champion": "the champion's"}


@dataclass(frozen=True, slots=True)
class Rules:
    """The gate's bounds.

    Args:
        min_people: People that the hold-out needs.
        min_rarer: Labels of the rarer class that it needs.
        max_ece: Largest expected calibration error.
        min_slope, max_slope: Bounds of the calibration slope.
    """

    min_people: int = 10
    min_rarer: int = 20
    max_ece: float = 0.05
    min_slope: float = 0.7
    max_slope: float = 1.4


DEFAULT_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says.

    Args:
        promote: Whether the challenger may serve.
        reasons: Sentences: why not, or why.
        figures: What it was judged by, by name; NaN where a figure could not be had.
    """

    promote: bool
    reasons: tuple[str, ...]
    figures: dict[str, float]


def split(person: Ints, shown_days: Floats, *, share: float = 0.25) -> tuple[Bools, Bools]:
    """Return the masks of training and hold-out, shape (n,) each: other people, and a later time.

    The hold-out is the people who came last, by the day of their first item: about `share` of all. Training is
    what everybody else was shown before the first of them came; what they were shown afterwards is in neither.

    Args:
        person: Shape (n,).
        shown_days: Shape (n,).
        share: Share of the people held out, 0-1.

    Raises:
        ValueError: The share lies outside 0-1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1: {share}")
    people, index = np.unique(person, return_inverse=True)
    first_seen = np.full(len(people), np.inf)
    np.minimum.at(first_seen, index, shown_days)
    if len(people) == 0:
        return np.zeros(0, bool), np.zeros(0, bool)
    start = np.quantile(first_seen, 1 - share, method="higher")
    newcomer = first_seen >= start
    return ~newcomer[index] & (shown_days < start), newcomer[index]


def judge(
    *,
    label: Ints,
    person: Ints,
    challenger: Floats,
    champion: Floats | None,
    base_rate: float,
    place: Floats | None = None,
    violations: Sequence[str] = (),
    snips_difference: Value | None = None,
    rules: Rules = DEFAULT_RULES,
    seed: int,
) -> Verdict:
    """Return the verdict on a challenger.

    Where a curve gives no probability, the challenger's as well as the champion's, it says no more than the constant.
    All of it must hold: the upper end of the cluster-bootstrap 95 % interval of its Brier score minus the constant's,
    and minus the champion's if there is one, lies below 0; the calibration error and slope are within bounds; no
    feature works against its sign; and it is not shown to be worse off-policy, which means that the 95 % interval
    of the difference does not lie wholly below 0. Too little exploration to tell does not bar it, and is said.

    A curve that knows the places at which jobs were shown must also beat what the place alone tells: else it would pass
    by that, and order by coefficients that say nothing of the jobs.

    Args:
        label: Shape (n,), of the hold-out, 0 or 1.
        person: Shape (n,).
        challenger: Shape (n,), its probabilities at the positions shown; NaN where it gives none.
        champion: Shape (n,), the champion's; None where none serves.
        base_rate: The constant to beat: the share of positives in training, 0-1.
        place: Shape (n,), from `linear.place_alone`; None for a challenger that knows no places.
        violations: From `ladder.monotonicity_violations`.
        snips_difference: From `offpolicy.snips_difference`, challenger minus champion, or minus the uncalibrated order.
        rules: Bounds.
        seed: Of the bootstrap.

    Raises:
        ValueError: Shapes differ.
    """
    n = len(label)
    for name, array in (("person", person), ("challenger", challenger), ("champion", champion), ("place", place)):
        if array is not None and array.shape != (n,):
            raise ValueError(f"{name} must have shape ({n},): {array.shape}")
    n_people = len(np.unique(person))
    rarer = min(int(label.sum()), n - int(label.sum()))
    figures: dict[str, float] = {"people": n_people, "items": n, "rarer": rarer, "base_rate": base_rate}
    if n_people < rules.min_people or rarer < rules.min_rarer:
        reason = (
            f"Too few to judge by: {n_people} people and {rarer} labels of the rarer kind are held out, "
            f"{rules.min_people} and {rules.min_rarer} are needed."
        )
        return Verdict(False, (reason,), figures)
    failures = []

    challenger = np.where(np.isnan(challenger), base_rate, challenger)
    opponents = {"constant": np.full(n, base_rate)}
    if place is not None:
        opponents["place"] = place
    if champion is not None:
        opponents["champion"] = np.where(np.isnan(champion), base_rate, champion)
    figures["brier"] = metrics.brier(challenger, label)
    for name, opponent in opponents.items():
        difference = metrics.brier_difference(challenger, opponent, label, person, seed=seed)
        figures[f"brier_of_{name}"] = metrics.brier(opponent, label)
        figures[f"brier_minus_{name}"] = difference.value
        figures[f"brier_minus_{name}_low"], figures[f"brier_minus_{name}_high"] = difference.low, difference.high
        if not difference.high < 0:
            failures.append(
                f"Its Brier score is not surely better than {OPPONENTS[name]}: the difference is "
                f"{difference.value:+.4f}, 95 % interval {difference.low:+.4f} to {difference.high:+.4f}."
            )

    figures["ece"] = metrics.ece(challenger, label, metrics.n_bins_of(n))
    figures["intercept"], figures["slope"] = metrics.calibration_line(challenger, label)
    if not figures["ece"] <= rules.max_ece:
        failures.append(f"Its calibration error is {figures['ece']:.3f}, above {rules.max_ece}.")
    if not rules.min_slope <= figures["slope"] <= rules.max_slope:
        failures.append(
            f"Its calibration slope is {figures['slope']:.2f}, outside {rules.min_slope} to {rules.max_slope}."
        )
    if violations:
        failures.append(f"It works against the sign of {', '.join(violations)}.")

    note = "Nothing was explored to compare what it would choose."
    if snips_difference is not None:
        figures["effective_size"] = snips_difference.effective_size
        note = (
            f"Too little was explored to compare what it would choose: as much as "
            f"{int(snips_difference.effective_size)} of the {MIN_EFFECTIVE_SIZE:.0f} choices that are needed."
        )
        if snips_difference.enough:
            found = snips_difference.estimate
            figures["snips_difference"] = found.value
            figures["snips_difference_low"], figures["snips_difference_high"] = found.low, found.high
            note = f"What it would choose is worth {found.value:+.4f} more, {found.low:+.4f} to {found.high:+.4f}."
            if found.low == found.high == 0:
                note = "For the last places it would choose the same."
            if found.high < 0:
                failures.append(f"What it would choose is worth less: {found.low:+.4f} to {found.high:+.4f}.")
    if failures:
        return Verdict(False, tuple(failures), figures)
    return Verdict(True, (_praise(figures, champion is not None), note), figures)


def _praise(figures: dict[str, float], has_champion: bool) -> str:
    name = "champion" if has_champion else "constant"
    return (
        f"Its Brier score is better than the {name}'s by {-figures[f'brier_minus_{name}']:.4f}, surely by "
        f"{-figures[f'brier_minus_{name}_high']:.4f}; calibration error {figures['ece']:.3f}, "
        f"slope {figures['slope']:.2f}."
    )
