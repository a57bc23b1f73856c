"""People who answer by a known truth: for tests of what learns from answers, and for demonstrations.

A person who sees a job at a place in the list saves it or applies with probability

    attention(place) * sigmoid(level + taste of fit, gap, zone step, shortfall, confidence + chance of the job)

where level and tastes differ by person and the taste for a step up changes with time. Whoever applies may get an
interview, the more easily the less is missing, and an offer after it. Some hide what they do not like, some take a
save back, all answer after a delay, and some answer after the label's time. What was not seen is not answered.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from calibration.curves.features import NAMES, Bools, Floats, Ints
from calibration.curves.labels import DEFAULT_MATURITY, Action, Maturity

ON_TIME = 0.9  # share of interviews that come within the label's time


@dataclass(frozen=True, slots=True)
class World:
    """The truth, in log odds unless said otherwise.

    Args:
        level: Of an average job at the top of the list.
        fit, gap, zone, shortfall, confidence: Per unit of the standardised feature.
        cliff: What a gap severity above 35 costs at once: no line can follow it.
        person_sd: How much people's levels differ.
        taste_sd: How much their weights on the fit differ.
        job_sd: What no feature tells of a job.
        drift: Change of the weight on a zone step in a year.
        attention: Attention at a place is place ** -attention.
        seen: A card is painted with probability place ** -seen.
        delay_days: Mean days to a save or an application.
        apply_share: Of those who act, the share that applies.
        take_back: Share of saves taken back.
        hide: Probability to hide what one does not act on.
    """

    level: float = -2.0
    fit: float = 0.8
    gap: float = -0.5
    zone: float = -0.4
    shortfall: float = -0.3
    confidence: float = 0.3
    cliff: float = 0.0
    person_sd: float = 0.6
    taste_sd: float = 0.3
    job_sd: float = 0.4
    drift: float = 0.3
    attention: float = 0.4
    seen: float = 0.2
    delay_days: float = 4.0
    apply_share: float = 0.4
    take_back: float = 0.03
    hide: float = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """What people are like: arrays of shape (n_people,), in log odds; 0 is average."""

    level: Floats
    taste: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What people did, and with which probability.

    Args:
        interest: Shape (n,), the true probability of a positive interest label, given that the job was seen.
        outcome: Shape (n,), the same of the outcome label.
        item: Shape (m,), the job that each action is about.
        action: Shape (m,), `Action` numbers; a seen job has a VIEW.
        happened_days: Shape (m,).
        withdrawn: Shape (m,).
    """

    interest: Floats
    outcome: Floats
    item: Ints
    action: Ints
    happened_days: Floats
    withdrawn: Bools


def draw_people(n_people: int, world: World, rng: np.random.Generator) -> People:
    """Return people with levels and tastes."""
    return People(rng.normal(0, world.person_sd, n_people), rng.normal(0, world.taste_sd, n_people))


def interest(
    features: Floats, position: Floats, shown_days: Floats, person: Ints, people: People, world: World, chance: Floats
) -> Floats:
    """Return the probability that a person who sees a job acts on it, sooner or later, in the shape of position.

    Args:
        features: Shape (..., len(FEATURES)); unknown ones count as average.
        position, shown_days, person: Shape (...).
        people: Whom `person` indexes.
        world: The truth.
        chance: Shape (...), what no feature tells of the job, in log odds.
    """
    value = {name: features[..., column] for column, name in enumerate(NAMES)}
    fit = np.nan_to_num(logit(np.clip(value["fit"] / 100, 0.01, 0.99)))
    gap = np.nan_to_num((value["gap_severity"] - 35) / 20)
    step = np.nan_to_num(value["job_zone_diff"])
    z = (
        world.level
        + people.level[person]
        + (world.fit + people.taste[person]) * fit
        + world.gap * gap
        + (world.zone + world.drift * shown_days / 365) * np.maximum(step, 0)
        + world.shortfall * np.nan_to_num(value["shortfall"] - 2)
        + world.confidence * np.nan_to_num(value["confidence"] - 0.5)
        - world.cliff * (gap > 0)
        + chance
    )
    result: Floats = position**-world.attention * expit(z)
    return result


def label_truth(
    features: Floats, acts: Floats, world: World, maturity: Maturity = DEFAULT_MATURITY
) -> tuple[Floats, Floats]:
    """Return the true probabilities of a positive interest and a positive outcome label of jobs that are seen.

    Args:
        features: Shape (..., len(FEATURES)).
        acts: Shape (...), from `interest`.
        world: The truth.
        maturity: The labels' times, within which an answer must come to count.
    """
    in_time = {days: 1 - np.exp(-days / world.delay_days) for days in (maturity.save_days, maturity.apply_days)}
    interested: Floats = acts * (
        world.apply_share * in_time[maturity.apply_days]
        + (1 - world.apply_share) * (1 - world.take_back) * in_time[maturity.save_days]
    )
    return interested, acts * world.apply_share * _invited(features) * ON_TIME


def _invited(features: Floats) -> Floats:
    """Return the probability that an application leads to an interview, the higher the less is missing."""
    missing = np.nan_to_num(features[..., NAMES.index("shortfall")] - 2)
    invited: Floats = expit(-0.8 - 0.5 * missing)
    return invited


def respond(
    features: Floats,
    position: Floats,
    shown_days: Floats,
    acts: Floats,
    world: World,
    rng: np.random.Generator,
    maturity: Maturity = DEFAULT_MATURITY,
) -> Answers:
    """Return what people do with the jobs that they are shown.

    Args:
        features: Shape (n, len(FEATURES)).
        position: Shape (n,), 1 is the top.
        shown_days: Shape (n,).
        acts: Shape (n,), from `interest`.
        world: The truth.
        rng: Where chance comes from.
        maturity: The labels' times, which the true probabilities of labels depend on.
    """
    n = len(acts)
    seen = rng.random(n) < position**-world.seen
    acted = seen & (rng.random(n) < acts)
    applied = acted & (rng.random(n) < world.apply_share)
    saved = acted & ~applied
    hidden = seen & ~acted & (rng.random(n) < world.hide)
    interviewed = applied & (rng.random(n) < _invited(features))
    offered = interviewed & (rng.random(n) < 0.4)

    answered = shown_days + rng.exponential(world.delay_days, n)
    late = rng.random(n) >= ON_TIME
    days = np.where(late, rng.uniform(1.05, 1.4, n), rng.uniform(0.3, 0.95, n)) * maturity.interview_days
    interview_at = np.maximum(answered, shown_days + days)
    offer_at = interview_at + rng.uniform(0.6, 1.0, n) * maturity.offer_days
    taken_back = saved & (rng.random(n) < world.take_back)

    did = [
        (Action.VIEW, seen, shown_days),
        (Action.SAVE, saved, answered),
        (Action.APPLY, applied, answered),
        (Action.HIDE, hidden, answered),
        (Action.INTERVIEW, interviewed, interview_at),
        (Action.OFFER, offered, offer_at),
    ]
    items = [np.flatnonzero(mask) for _, mask, _ in did]
    interested, outcome = label_truth(features, acts, world, maturity)
    return Answers(
        interest=interested,
        outcome=outcome,
        item=np.concatenate(items),
        action=np.concatenate([np.full(len(rows), int(what)) for rows, (what, _, _) in zip(items, did, strict=True)]),
        happened_days=np.concatenate([at[rows] for rows, (_, _, at) in zip(items, did, strict=True)]),
        withdrawn=np.concatenate(
            [
                taken_back[r] if what == Action.SAVE else np.zeros(len(r), bool)
                for r, (what, _, _) in zip(items, did, strict=True)
            ]
        ),
    )
