"""People who answer by a known truth: for tests of what learns from answers, and for demonstrations.

A person who sees a job at a place in the list saves it or applies with probability

    attention(place) * sigmoid(level + taste of fit, gap, zone step, shortfall, confidence + chance of the job)

where level and tastes differ by person and the taste for a step up changes with time. Whoever applies may get an
interview, the more easily the less is missing, and an offer after it. Some hide what they do not like, some take a
save back, all answer after a delay, and some answer after the label's time. Most open a job before they act on it, and
a few open one that they do not act on. What was not seen is not answered.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from calibration.curves.features import NAMES, Bools, Floats, Ints
from calibration.curves.labels import DEFAULT_MATURITY, Action, Maturity


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
        take_back_days: Days after which a save is taken back.
        hide: Probability to hide what one does not act on.
        opens_first: Probability that whoever saves or applies has opened the job before.
        opens: Probability that whoever saw a job and did neither has opened it.
        open_days: What nobody answered is opened within so many days after the list.
        interview: An application's log odds of an interview where the worst core skill misses 2 levels.
        interview_shortfall: The same per level more.
        on_time: Share of interviews that come within the label's time.
        interview_early, interview_late: Between which shares of the label's time the interviews come that are on time,
            and those that are not; never before the application.
        offer: Probability that an interview leads to an offer.
        offer_after: Between which shares of its label's time an offer comes after the interview; after a late interview
            it is late as well, by the first of `interview_late` at least.
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
    take_back_days: float = 1 / 24
    hide: float = 0.05
    opens_first: float = 0.8
    opens: float = 0.1
    open_days: float = 1 / 24
    interview: float = -0.8
    interview_shortfall: float = -0.5
    on_time: float = 0.9
    interview_early: tuple[float, float] = (0.3, 0.95)
    interview_late: tuple[float, float] = (1.05, 1.4)
    offer: float = 0.4
    offer_after: tuple[float, float] = (0.6, 1.0)


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

    def answers_within(days: float) -> float:
        return float(1 - np.exp(-days / world.delay_days))

    interested: Floats = acts * (
        world.apply_share * answers_within(maturity.apply_days)
        + (1 - world.apply_share) * (1 - world.take_back) * answers_within(maturity.save_days)
    )
    on_time = world.on_time * answers_within(maturity.interview_days)
    return interested, acts * world.apply_share * _invited(features, world) * on_time


def _invited(features: Floats, world: World) -> Floats:
    """Return the probability that an application leads to an interview, the higher the less is missing."""
    missing = np.nan_to_num(features[..., NAMES.index("shortfall")] - 2)
    invited: Floats = expit(world.interview + world.interview_shortfall * missing)
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
    interviewed = applied & (rng.random(n) < _invited(features, world))
    offered = interviewed & (rng.random(n) < world.offer)

    answered = shown_days + rng.exponential(world.delay_days, n)
    late = rng.random(n) >= world.on_time
    days = np.where(late, rng.uniform(*world.interview_late, n), rng.uniform(*world.interview_early, n))
    interview_at = np.maximum(answered, shown_days + days * maturity.interview_days)
    offer_at = interview_at + rng.uniform(*world.offer_after, n) * maturity.offer_days
    # After a late interview the offer is late as well, whatever the settings say of the two times.
    late |= answered - shown_days > maturity.interview_days
    too_late = shown_days + world.interview_late[0] * maturity.offer_days
    offer_at = np.where(late, np.maximum(offer_at, too_late), offer_at)
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


def opened(answers: Answers, shown_days: Floats, world: World, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Return the jobs that people open among those that they see, and when: between the list and what they do with it.

    Args:
        answers: From `respond`.
        shown_days: Shape (n,).
        world: The truth.
        rng: Where chance comes from; of its own, so that the answers do not hang on it.

    Returns:
        Shape (k,), an index into the n jobs, and shape (k,).
    """
    n = len(shown_days)
    seen, acted = np.zeros(n, bool), np.zeros(n, bool)
    seen[answers.item[answers.action == Action.VIEW]] = True
    acted[answers.item[np.isin(answers.action, (Action.SAVE, Action.APPLY))]] = True
    # Nobody both saves and applies, or hides what they acted on: there is one answer to be opened before.
    first = np.isin(answers.action, (Action.SAVE, Action.APPLY, Action.HIDE))
    before = shown_days + world.open_days
    before[answers.item[first]] = answers.happened_days[first]
    item = np.flatnonzero(seen & (rng.random(n) < np.where(acted, world.opens_first, world.opens)))
    return item, shown_days[item] + rng.random(len(item)) * (before - shown_days)[item]
