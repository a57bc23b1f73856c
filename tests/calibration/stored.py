"""Store what simulated people were shown and did, as the services do but without scoring, and models made by hand."""

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np

from calibration.curves.features import NAMES, Inputs, Rung
from calibration.curves.labels import Action
from calibration.curves.linear import LinearCurve
from calibration.curves.simulate import N_OCCUPATIONS, N_TIERS
from calibration.models import CalibrationModel, TrainingRun
from occupations.models import Occupation
from profiles.models import Profile
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem, Tier
from recommendations.services import store_curve

START = datetime(2024, 1, 1, tzinfo=UTC)
# All labels are mature then.
AFTER = START + timedelta(days=600)
DECIMALS = 4
AT_ONCE = 2000
# What a stored job has beside what a curve reads.
OTHER = {
    "licence_months": 0.0,
    "known_share": 1.0,
    "knowledge_known_share": 1.0,
    "firm": False,
    "above_level": False,
    "parts": {"skills": 0.2035, "knowledge": 2.2095, "tasks": 0.0, "titles": 0.8957, "zone": 1.4801},
}


def store(history, *, seed=0, start=START, model_version="v2_level", traffic=Profile.Traffic.PERSON, epsilon=0.2):
    """Store a history whose day 0 is `start`; return the keys of its people's profiles and of its items.

    The same history and seed give the same rows, to the keys of people and lists. `epsilon` is the history's.
    """
    rng = np.random.default_rng(seed)
    Occupation.objects.bulk_create(
        (Occupation(code=_code(number), onet_title=f"Workers {number}") for number in range(N_OCCUPATIONS)),
        ignore_conflicts=True,
    )
    profiles = [Profile(pk=_key(rng), traffic=traffic) for _ in range(int(history.person.max()) + 1)]
    Profile.objects.bulk_create(profiles, AT_ONCE)
    events = _events(history, profiles, rng, start, model_version, epsilon)
    RecommendationEvent.objects.bulk_create(events, AT_ONCE)
    items = RecommendedItem.objects.bulk_create(_items(history, events), AT_ONCE)
    Feedback.objects.bulk_create(_feedback(history.answers, items, start), AT_ONCE)
    return [profile.pk for profile in profiles], [item.pk for item in items]


def _events(history, profiles, rng, start, model_version, epsilon):
    events = []
    first = np.flatnonzero(np.diff(history.event, prepend=-1))
    slots = len(history.slot) // len(first)
    sizes = dict.fromkeys(Tier.values[:N_TIERS], history.pool.shape[1])
    for number, item in enumerate(first.tolist()):
        pools = {}
        for slot in range(number * slots, (number + 1) * slots):
            shown = history.slot[slot]
            best = history.occupation[shown] - history.chosen[slot]
            codes = [_code((best + place) % N_OCCUPATIONS) for place in range(history.pool.shape[1])]
            columns = np.round(history.pool[slot].T, DECIMALS).tolist()
            pools[Tier.values[history.tier[shown]]] = {"codes": codes, **dict(zip(NAMES, columns, strict=True))}
        events.append(
            RecommendationEvent(
                pk=_key(rng),
                profile=profiles[history.person[item]],
                created_at=start + timedelta(days=float(history.shown_days[item])),
                model_version=model_version,
                catalogue_revision=1,
                release_version="29.3",
                limit_per_bucket=int(history.position.max()),
                epsilon=epsilon,
                pool_limit=history.pool.shape[1],
                pool_sizes=sizes,
                pools=pools,
            )
        )
    return events


def _items(history, events):
    return [
        RecommendedItem(
            event=events[event],
            occupation_id=_code(occupation),
            tier=Tier.values[tier],
            position=int(position),
            propensity=propensity,
            is_exploration=is_lot,
            base_score=features[NAMES.index("base_score")],
            match_score=features[NAMES.index("match_score")],
            gap_severity=features[NAMES.index("gap_severity")],
            features=dict(zip(NAMES, features, strict=True)) | OTHER,
        )
        for event, occupation, tier, position, propensity, is_lot, features in zip(
            history.event.tolist(),
            history.occupation.tolist(),
            history.tier.tolist(),
            history.position.tolist(),
            history.propensity.tolist(),
            _is_lot(history).tolist(),
            np.round(history.features, DECIMALS).tolist(),
            strict=True,
        )
    ]


def _is_lot(history):
    is_lot = np.zeros(len(history.person), bool)
    is_lot[history.slot[history.chosen > 0]] = True
    return is_lot


def _feedback(answers, items, start):
    return [
        Feedback(
            item=items[item],
            action=Action(action).name.lower(),
            happened_at=start + timedelta(days=days),
            withdrawn_at=start + timedelta(days=days + 1) if withdrawn else None,
        )
        for item, action, days, withdrawn in zip(
            answers.item.tolist(),
            answers.action.tolist(),
            answers.happened_days.tolist(),
            answers.withdrawn.tolist(),
            strict=True,
        )
    ]


def _code(number):
    return f"99-{number:04d}.00"


def _key(rng):
    return uuid.UUID(bytes=rng.bytes(16), version=4)


def make_model(
    version, *, state="candidate", target="interest", model_version="v2_level", started=START, curve=None, **overrides
):
    """Make a model of a training of its own; by default one that says a half of every job."""
    run = TrainingRun.objects.create(model_version=model_version, state="done", started=started)
    stored = store_curve(
        version=version, model_version=model_version, target=target, feature_names=NAMES, curve=curve or make_curve()
    )
    fields = {"curve": stored, "run": run, "target": target, "model_version": model_version, "rung": "logistic"}
    return CalibrationModel.objects.create(**fields | {"state": state} | overrides)


def make_curve(level=0.0, fit=0.0):
    """Make a curve in the fit: the log odds at a fit of 50, and how much they grow with 25 more."""
    inputs = Inputs(columns=np.array([0]), fill=np.array([50.0]), mean=np.array([50.0]), scale=np.array([25.0]))
    return LinearCurve(
        rung=Rung.LOGISTIC,
        inputs=inputs,
        coefficients=np.array([level, fit, 0.0]),
        covariance=np.zeros((3, 3)),
        reference_position=2.0,
        base_rate=0.5,
        n_items=100,
        n_people=20,
    )
