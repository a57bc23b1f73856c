"""What may be read of the registry, and what the reading costs."""

import pytest

from calibration.models import CalibrationModel, TrainedOn
from profiles.models import Profile
from tests.calibration.rows import WHEN, make_model, make_run
from tests.factories import make_profile

pytestmark = pytest.mark.django_db


def make_models():
    """Make three models: of a training on three people, of one on nobody, and one that the gate rejected."""
    run = make_run()
    for _ in range(3):
        TrainedOn.objects.create(run=run, profile=make_profile())
    make_model("of three", run=run, n_profiles=3)
    make_model("of nobody", n_profiles=0)
    make_model("rejected", run=run, state="rejected", n_profiles=3)


def gone():
    return {model.version: model.people_gone for model in CalibrationModel.objects.with_people_gone()}


def test_each_model_is_told_how_many_of_its_people_have_gone():
    make_models()
    assert gone() == {"of three": 0, "of nobody": 0, "rejected": 0}

    Profile.objects.first().delete()
    assert gone() == {"of three": 1, "of nobody": 0, "rejected": 0}

    Profile.objects.all().delete()
    assert gone() == {"of three": 3, "of nobody": 0, "rejected": 0}


def test_models_come_newest_first_and_are_not_joined_with_their_people():
    make_models()
    make_model("older", created=WHEN.replace(year=2020))

    read = CalibrationModel.objects.with_people_gone()

    assert [model.version for model in read] == ["rejected", "of nobody", "of three", "older"]
    # A join would count everybody of every model before a page of models is cut out.
    assert " JOIN " not in str(read.query)
