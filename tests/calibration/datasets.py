"""Datasets for tests without a database: by hand, or from a simulated history."""

import json

import numpy as np

from calibration.curves.features import FEATURES
from calibration.curves.labels import Action, Target, label
from calibration.curves.samples import Samples
from calibration.dataset import Dataset, Slots
from tests.calibration.arrays import make_features

LONG_AFTER = 1000.0
NO_SLOTS = Slots(
    item=np.zeros(0, int),
    chosen=np.zeros(0, int),
    pool=np.zeros((0, 0, len(FEATURES))),
    size=np.zeros(0, int),
    epsilon=np.zeros(0),
)


def make_dataset(occupation, feedback=(), **overrides):
    """A dataset with these occupations, by their number, each shown to a person of its own in a list of its own.

    Feedback is (item, action, withdrawn) each. What has feedback in force was seen.
    """
    occupation = np.asarray(occupation, int)
    n = len(occupation)
    item, action, withdrawn = (np.array([row[part] for row in feedback], int) for part in range(3))
    seen = np.zeros(n, bool)
    seen[item[withdrawn == 0]] = True
    columns = {
        "item": np.arange(n),
        "event": np.arange(n),
        "person": np.arange(n),
        "profile": np.zeros(n, int),
        "profiles": (),
        "tier": np.zeros(n, int),
        "occupation": occupation,
        "codes": tuple(f"11-{number:04d}.00" for number in range(occupation.max(initial=0) + 1)) if n else (),
        "position": np.ones(n),
        "propensity": np.ones(n),
        "shown_days": np.zeros(n),
        "features": make_features(n, fit=50.0),
        "feedback_item": item,
        "action": action,
        "happened_days": np.zeros(len(item)),
        "withdrawn": withdrawn.astype(bool),
        "seen": seen,
        "slots": NO_SLOTS,
        "now_days": LONG_AFTER,
    }
    return Dataset(**(columns | overrides))


def dataset_of(history, *, epsilon=0.2):
    """A simulated history as a dataset; its pools are all of one size."""
    answers = history.answers
    n, s = len(history.person), len(history.slot)
    seen = np.zeros(n, bool)
    seen[answers.item[answers.action == Action.VIEW]] = True
    return Dataset(
        item=np.arange(n),
        event=history.event,
        person=history.person,
        profile=history.person,
        profiles=(),
        tier=history.tier,
        occupation=history.occupation,
        codes=tuple(f"11-{number:04d}.00" for number in range(900)),
        position=history.position,
        propensity=history.propensity,
        shown_days=history.shown_days,
        features=history.features,
        feedback_item=answers.item,
        action=answers.action,
        happened_days=answers.happened_days,
        withdrawn=answers.withdrawn,
        seen=seen,
        slots=Slots(
            item=history.slot,
            chosen=history.chosen,
            pool=history.pool,
            size=np.full(s, history.pool.shape[1]),
            epsilon=np.full(s, epsilon),
        ),
        now_days=LONG_AFTER,
    )


def labels_of(dataset, target=Target.INTEREST):
    return label(
        target,
        shown_days=dataset.shown_days,
        item=dataset.feedback_item,
        action=dataset.action,
        happened_days=dataset.happened_days,
        withdrawn=dataset.withdrawn,
        seen=dataset.seen,
        now_days=dataset.now_days,
    )


def samples_of(dataset, labels):
    known = labels >= 0
    return Samples(
        dataset.features[known],
        dataset.position[known],
        dataset.person[known],
        dataset.shown_days[known],
        labels[known],
    )


def as_json(figures):
    """Refuse NaN, as PostgreSQL does."""
    return json.dumps(figures, allow_nan=False)
