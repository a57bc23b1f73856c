"""Simulated people who use the services as the API does, and answer by a known truth (`curves.world`).

Each holds an occupation of the catalogue, every scored one equally likely, and rates a part of its skills, some of them
one off. One in five does not say which job it is. They come evenly over the time that is simulated, are shown a list
with its lots, answer what they see, and some come back for a second list. What they would have answered to any job that
a last place could have shown is known as well, so that figures on what was not shown can be checked. MODELING_NOTES.md
explains the file of the truth.
"""

import json
import os
import stat
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
from calibration.curves.world import People, World, draw_people, interest, label_truth, opened, respond
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
DECIMALS = 6
# The truth about more would not fit into memory.
MOST_PEOPLE = 100_000
# Feedback on what is older is refused.
OLDEST = timedelta(days=5 * 365)


class SimulationError(Exception):
    """People cannot be simulated here; nothing was written."""


class RealPeopleError(SimulationError):
    """The database holds real people, whom simulated ones must not mix with."""

    def __init__(self) -> None:
        super().__init__(
            "This database holds real people. Simulate into a database of its own: set DATABASE_URL to another one, or "
            "leave it empty and set VAR_DIR to another folder."
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
        people: How many, 1 to `MOST_PEOPLE`.
        seed: Of everything, 0 or more.
        truth: The JSON file to write the truth to: the world, the people, and for each list the probabilities of a
            positive label of each job that was shown or that its last places could have shown, if the person sees it.
            A link is followed; a file that is there is replaced.
        days: Length of the simulated time, above 0 and at most five years.
        until: Its end; now where None. What would happen later has not happened.
        use_calibration: Order lists by the promoted calibration.
        world: The truth.
        progress: Called after each person.

    Raises:
        RealPeopleError: The database holds a real person.
        TruthFileError: The truth cannot be written there.
        SimulationError: A number is out of range, or the end lies in the future.
        NoReleaseError: No O*NET data is loaded.
    """
    until = until or timezone.now()
    _check(people, seed, days, until)
    truth = truth and _file_meant(truth)
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


def _check(people: int, seed: int, days: float, until: datetime) -> None:
    if not 1 <= people <= MOST_PEOPLE:
        raise SimulationError(f"There must be at least 1 person to simulate, and at most {MOST_PEOPLE:,}.")
    if seed < 0:
        raise SimulationError("A seed is 0 or more.")
    # This way round, because what is not a number is in no range.
    if not 0 < days <= OLDEST.days:
        raise SimulationError(
            f"The simulated time must be longer than 0 days, and five years ({OLDEST.days:,}) at most."
        )
    now = timezone.now()
    if until > now:
        raise SimulationError("The simulated time must not end in the future.")
    if until < now - OLDEST + timedelta(days=days):
        raise SimulationError("The simulated time must not begin more than five years ago.")
    if Profile.objects.filter(traffic=Profile.Traffic.PERSON).exists():
        raise RealPeopleError


def _file_meant(truth: Path) -> Path:
    """Return the file to write the truth to: where the path is a link, what it leads to, so that the link stays."""
    try:
        mode = truth.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    except OSError as error:
        raise TruthFileError(f"{truth} cannot be written: {error.strerror}. Name another file.") from error
    if stat.S_ISDIR(mode):
        raise TruthFileError(f"{truth} is a folder. Name a file to write the truth to.")
    if not stat.S_ISREG(mode):
        raise TruthFileError(f"{truth} is a pipe, a device or the like. Name an ordinary file to write the truth to.")
    truth = truth.resolve()
    folder = truth.parent
    if not folder.is_dir():
        raise TruthFileError(f"There is no folder {folder} to write the truth to. Make it first.")
    if not os.access(folder, os.W_OK):
        raise TruthFileError(f"{folder} is not writable. Name another place for the truth.")
    return truth


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
            taken_back = float(happened) + stage.world.take_back_days
            deeds.append(Deed(taken_back, str(event.pk), codes[item], Feedback.Action.UNDO))
    # By a generator of its own, so that everything else is as it would be if nobody opened anything.
    for item, happened in zip(*opened(answers, np.full(n, shown_days), stage.world, rng.spawn(1)[0]), strict=True):
        deeds.append(Deed(float(happened), str(event.pk), codes[item], Feedback.Action.CLICK))
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
