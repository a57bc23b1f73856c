"""Simulated people who use the services as the API does, and answer by a known truth (`curves.world`).

Each holds an occupation of the catalogue, every scored one equally likely, and rates a part of its skills, some of them
one off. One in five does not say which job it is. They come evenly over the time that is simulated, are shown a list
with its lots, answer what they see, and some come back for a second list. What they would have answered to any job that
a last place could have shown is known as well, so that figures on what was not shown can be checked.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from calibration.curves.features import NAMES, Floats, matrix
from calibration.curves.labels import Action, Maturity
from calibration.curves.world import People, World, draw_people, interest, label_truth, respond
from occupations.services import Catalogue, get_catalogue
from profiles.models import Profile
from profiles.services import create_profile, save_ratings, set_current_occupation
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem
from recommendations.scoring.yardstick import simulated_ratings
from recommendations.services import make_event, record_feedback, record_views

DEFAULT_WORLD = World()
DAYS = 365
NO_JOB_SHARE = 0.2
RATED_SHARE = (0.3, 1.0)
RETURN_SHARE = 0.3
RETURN_DAYS = (14.0, 60.0)
# Who takes a save back does so at once; the world does not say when.
TAKE_BACK_DAYS = 1 / 24
DECIMALS = 6
# Feedback on what is older is refused.
OLDEST = timedelta(days=5 * 365)


class SimulationError(Exception):
    """People cannot be simulated here; nothing was written."""


class RealPeopleError(SimulationError):
    """The database holds lists of real people, which simulated ones must not mix with."""

    def __init__(self) -> None:
        super().__init__(
            "This database holds lists of real people. Simulate into a database of its own: "
            "set DATABASE_URL or VAR_DIR to another one."
        )


class TruthFileError(SimulationError):
    """The truth cannot be written where it is wanted."""


class Deed(NamedTuple):
    """What a person does, and when, in days since the simulated time began."""

    days: float
    event_id: str
    code: str
    action: str


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """All the people: arrays of shape (n_people,), in the order in which they come.

    Args:
        people: Their levels and tastes.
        row: The catalogue row of the job that they hold.
        says_job: Whether they say which job it is.
        ratings: Shape (n_people, n_skills), what they rate; -1 where they leave a skill out.
        comes_days: When they come.
        returns_days: When they come for a second list; NaN for who does not.
    """

    people: People
    row: np.ndarray[Any, np.dtype[np.intp]]
    says_job: np.ndarray[Any, np.dtype[np.bool_]]
    ratings: np.ndarray[Any, np.dtype[np.int8]]
    comes_days: Floats
    returns_days: Floats


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the people act: the catalogue, the truth and the calendar.

    Args:
        catalogue: The jobs.
        world: The truth.
        maturity: The labels' times.
        cast: Who acts.
        seed: Of everything.
        start: The beginning of the simulated time.
        days: Its length.
        use_calibration: Whether lists are ordered by the promoted calibration.
    """

    catalogue: Catalogue
    world: World
    maturity: Maturity
    cast: Cast
    seed: int
    start: datetime
    days: float
    use_calibration: bool

    def at(self, days: float) -> datetime:
        return self.start + timedelta(days=float(days))


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was simulated: how many people, lists, jobs shown, and what people did by action."""

    people: int
    lists: int
    items: int
    actions: dict[str, int]


def simulate_feedback(
    *,
    people: int,
    seed: int,
    truth: Path | None = None,
    days: float = DAYS,
    until: datetime | None = None,
    use_calibration: bool = False,
    world: World = DEFAULT_WORLD,
    progress: Callable[[], object] = lambda: None,
) -> Simulated:
    """Let simulated people use the services: all of them, or, where something fails, none.

    The same arguments on the same release, under the same settings, give the same people, lists and answers.

    Args:
        people: How many, at least 1.
        seed: Of everything, 0 or more.
        truth: The JSON file to write the truth to: the world, the people, and for each list the probabilities of a
            positive label of each job that was shown or that its last places could have shown, if the person sees it.
        days: Length of the simulated time, above 0.
        until: Its end; now where None. What would happen later has not happened.
        use_calibration: Order lists by the promoted calibration.
        world: The truth.
        progress: Called after each person.

    Raises:
        RealPeopleError: The database holds a list of a real person.
        TruthFileError: The truth cannot be written there.
        SimulationError: A number is out of range, or the end lies in the future.
        NoReleaseError: No O*NET data is loaded.
    """
    until = until or timezone.now()
    _check(people, seed, days, until, truth)
    catalogue = get_catalogue()
    stage = Stage(
        catalogue=catalogue,
        world=world,
        maturity=Maturity(**settings.LABEL_MATURITY),
        cast=_cast(catalogue, people, seed, days, world),
        seed=seed,
        start=until - timedelta(days=days),
        days=days,
        use_calibration=use_calibration,
    )
    known: dict[str, Any] = {
        "seed": seed,
        "start": stage.start.isoformat(),
        "until": until.isoformat(),
        "release": catalogue.release.version,
        "model_version": settings.MODEL_VERSION,
        "epsilon": settings.EXPLORATION_EPSILON,
        "maturity": asdict(stage.maturity),
        "world": asdict(world),
        "people": [],
        "lists": [],
    }
    actions = dict.fromkeys(Feedback.Action.values, 0)
    with transaction.atomic():
        for number in range(people):
            about, lists, deeds = _live(stage, number)
            known["people"].append(about)
            known["lists"] += lists
            for deed in deeds:
                actions[deed.action] += 1
            progress()
        part = _written(truth, known) if truth else None
    if part and truth:
        part.replace(truth)
    items = sum(job["shown"] for of_list in known["lists"] for job in of_list["jobs"])
    return Simulated(people, len(known["lists"]), items, actions)


def _check(people: int, seed: int, days: float, until: datetime, truth: Path | None) -> None:
    if people < 1:
        raise SimulationError("There must be at least 1 person to simulate.")
    if seed < 0:
        raise SimulationError("A seed is 0 or more.")
    if not days > 0:
        raise SimulationError("The simulated time must be longer than 0 days.")
    if until > timezone.now():
        raise SimulationError("The simulated time must not end in the future.")
    if until - timedelta(days=days) < timezone.now() - OLDEST:
        raise SimulationError("The simulated time must not begin more than five years ago.")
    if truth:
        folder = truth.absolute().parent
        if not folder.is_dir():
            raise TruthFileError(f"There is no folder {folder} to write the truth to. Make it first.")
        if truth.is_dir():
            raise TruthFileError(f"{truth} is a folder. Name a file to write the truth to.")
        if not os.access(folder, os.W_OK):
            raise TruthFileError(f"{folder} is not writable. Name another place for the truth.")
    if RecommendationEvent.objects.filter(profile__traffic=Profile.Traffic.PERSON).exists():
        raise RealPeopleError


def _written(truth: Path, known: dict[str, Any]) -> Path:
    """Write the truth beside its place, to be moved there when the database has all the people."""
    part = truth.with_name(f"{truth.name}.part")
    try:
        part.write_text(json.dumps(known, separators=(",", ":"), allow_nan=False), encoding="utf-8")
    except OSError as error:
        part.unlink(missing_ok=True)
        raise TruthFileError(f"{truth} could not be written: {error.strerror}.") from error
    return part


def _cast(catalogue: Catalogue, n: int, seed: int, days: float, world: World) -> Cast:
    rng = np.random.default_rng(seed)
    row = rng.choice(np.flatnonzero(catalogue.jobs.scored), n)
    says_job = rng.random(n) >= NO_JOB_SHARE
    ratings = simulated_ratings(catalogue.jobs, row, "noisy", seed=seed)
    rated = rng.random(ratings.shape) < rng.uniform(*RATED_SHARE, (n, 1))
    # Who does not say what their job is must be known by their skills.
    rated[~says_job] = True
    comes = (np.arange(n) + rng.random(n)) / n * days
    returns = np.where(rng.random(n) < RETURN_SHARE, comes + rng.uniform(*RETURN_DAYS, n), np.nan)
    return Cast(
        people=draw_people(n, world, rng),
        row=row,
        says_job=says_job,
        ratings=np.where(rated, ratings, -1).astype(np.int8),
        comes_days=comes,
        returns_days=np.where(returns < days, returns, np.nan),
    )


def _live(stage: Stage, number: int) -> tuple[dict[str, Any], list[dict[str, Any]], list[Deed]]:
    """Let one person come, and return who they are, their lists with the truth, and what they did."""
    cast = stage.cast
    # Of their own, so that nobody's luck hangs on another's.
    rng = np.random.default_rng([stage.seed, number])
    chance = rng.normal(0, stage.world.job_sd, len(stage.catalogue.jobs.codes))
    job = stage.catalogue.jobs.codes[cast.row[number]]
    profile = create_profile(traffic=Profile.Traffic.SIMULATED)
    if cast.says_job[number]:
        set_current_occupation(profile, job)
    ids = stage.catalogue.jobs.skills.ids
    save_ratings(
        profile, {id_: int(rating) for id_, rating in zip(ids, cast.ratings[number], strict=True) if rating >= 0}
    )
    about = {
        "profile": str(profile.pk),
        "job": job,
        "says_job": bool(cast.says_job[number]),
        "level": round(float(cast.people.level[number]), DECIMALS),
        "taste": round(float(cast.people.taste[number]), DECIMALS),
    }
    lists: list[dict[str, Any]] = []
    done: list[Deed] = []
    ahead: list[Deed] = []
    for shown_days in (cast.comes_days[number], cast.returns_days[number]):
        if np.isnan(shown_days):
            continue
        # What they did before they came back counts for what they are shown: hidden jobs stay away.
        done += _record(stage, [deed for deed in ahead if deed.days <= shown_days])
        ahead = [deed for deed in ahead if deed.days > shown_days]
        known, deeds = _show(stage, number, profile, float(shown_days), chance, rng)
        lists.append(known)
        ahead = sorted(ahead + deeds)
    done += _record(stage, [deed for deed in ahead if deed.days <= stage.days])
    return about, lists, done


def _show(
    stage: Stage, number: int, profile: Profile, shown_days: float, chance: Floats, rng: np.random.Generator
) -> tuple[dict[str, Any], list[Deed]]:
    """Show a person a list, and return the truth about it, and what they are going to do."""
    advice = make_event(
        profile,
        use_calibration=stage.use_calibration,
        enable_exploration=True,
        seed=int(rng.integers(2**63 - 1)),
        shown_at=stage.at(shown_days),
    )
    event = RecommendationEvent.objects.get(pk=str(advice.event_id))
    items = list(event.items.order_by("tier", "position"))
    unshown = list(_unshown(event, items))
    codes = [item.occupation_id for item in items] + [job["code"] for job in unshown]
    tiers = [item.tier for item in items] + [job["tier"] for job in unshown]
    position = np.array([item.position for item in items] + [job["position"] for job in unshown], np.float64)
    figures = [item.features for item in items] + [job["features"] for job in unshown]
    features = matrix({name: [of_job.get(name) for of_job in figures] for name in NAMES}, len(codes))
    acts = interest(
        features,
        position,
        np.full(len(codes), shown_days),
        np.full(len(codes), number),
        stage.cast.people,
        stage.world,
        chance[[stage.catalogue.row[code] for code in codes]],
    )
    interested, outcome = label_truth(features, acts, stage.world, stage.maturity)
    n = len(items)
    answers = respond(features[:n], position[:n], np.full(n, shown_days), acts[:n], stage.world, rng, stage.maturity)
    deeds = []
    for item, action, happened, withdrawn in zip(
        answers.item, answers.action, answers.happened_days, answers.withdrawn, strict=True
    ):
        name = Feedback.Action(Action(action).name.lower())
        deeds.append(Deed(float(happened), str(event.pk), codes[item], name))
        if withdrawn:
            deeds.append(Deed(float(happened) + TAKE_BACK_DAYS, str(event.pk), codes[item], Feedback.Action.UNDO))
    known = {
        "event": str(event.pk),
        "person": number,
        "shown_at": event.created_at.isoformat(),
        "jobs": [
            {
                "tier": tiers[place],
                "code": codes[place],
                "position": int(position[place]),
                "shown": place < n,
                "interest": round(float(interested[place]), DECIMALS),
                "outcome": round(float(outcome[place]), DECIMALS),
            }
            for place in range(len(codes))
        ],
    }
    return known, deeds


def _unshown(event: RecommendationEvent, items: list[RecommendedItem]) -> Iterator[dict[str, Any]]:
    """Return the jobs that a list's last places could have shown and did not, with their features, best first."""
    shown = {item.occupation_id for item in items}
    last = {item.tier: item.position for item in items}
    for tier, pool in event.pools.items():
        for place, code in enumerate(pool["codes"]):
            if code not in shown:
                features = {name: pool[name][place] for name in NAMES if name in pool}
                yield {"code": code, "tier": tier, "position": last[tier], "features": features}


def _record(stage: Stage, deeds: list[Deed]) -> list[Deed]:
    """Record what a person does, in the order in which it happens."""
    seen: dict[tuple[str, float], list[str]] = {}
    for deed in deeds:
        if deed.action == Feedback.Action.VIEW:
            seen.setdefault((deed.event_id, deed.days), []).append(deed.code)
    for (event_id, days), codes in seen.items():
        record_views(event_id=event_id, codes=codes, happened_at=stage.at(days))
    for deed in deeds:
        if deed.action != Feedback.Action.VIEW:
            record_feedback(event_id=deed.event_id, code=deed.code, action=deed.action, happened_at=stage.at(deed.days))
    return deeds
