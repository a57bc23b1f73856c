"""What a training learns from and is judged by, from the answers to the verdict."""

import numpy as np
import pytest

from calibration import judging, slots
from calibration.curves import metrics
from calibration.curves.features import Rung
from calibration.curves.labels import NO_LABEL, Target
from calibration.curves.ladder import train
from calibration.curves.linear import place_alone
from calibration.curves.offpolicy import snips_difference
from calibration.curves.simulate import simulate
from calibration.judging import Learnt, learn_target
from tests.calibration.datasets import dataset_of, labels_of, samples_of
from tests.calibration.stored import make_curve, make_model
from tests.calibration.trainings import KEEN

# Each person is shown two lists, a fortnight apart.
HISTORY = simulate(900, 0, world=KEEN, pool_size=4, per_tier=3, epsilon=0.9, events_per_person=2)
DATASET = dataset_of(HISTORY, epsilon=0.9)
LABELS = labels_of(DATASET)
OF_CHOICES = slots.choice_labels(DATASET, Target.INTEREST)
BETTER = train(samples_of(DATASET, LABELS), Rung.LOGISTIC, seed=0)
"""Better than what a training learns: it has seen all answers."""


def learnt(monkeypatch=None, curves=None, champion=None):
    """What comes of one training; `curves` are judged in place of what the ladder makes."""
    if curves:
        monkeypatch.setattr(judging.ladder, "climb", lambda samples, **options: tuple(curves))
    one = Learnt(Target.INTEREST, champion)
    learn_target(one, DATASET, LABELS, 0, lambda what: None)
    return one


@pytest.fixture
def seen(monkeypatch):
    """What the ladder, the gate and the off-policy comparison were given."""
    given = {}

    def spied(module, name):
        real = getattr(module, name)

        def call(*arguments, **options):
            given[name] = (arguments, options)
            return real(*arguments, **options)

        monkeypatch.setattr(module, name, call)

    spied(judging.ladder, "climb")
    spied(judging.gate, "judge")
    spied(judging, "snips_difference")
    return given


def held_out(seen):
    """Which items belong to the people by whom the gate judged, and have a label."""
    return np.isin(DATASET.person, seen["judge"][1]["person"]) & (LABELS != NO_LABEL)


def choices_held_out(seen):
    """Which last places of the people held out tell what came of them."""
    people = np.isin(DATASET.person[DATASET.slots.item], seen["judge"][1]["person"])
    return people & slots.labelled(DATASET, OF_CHOICES)


def test_who_is_learnt_from_is_not_judged_by_and_was_shown_everything_before(seen):
    learnt()
    ((samples,), _), (_, judged) = seen["climb"], seen["judge"]

    assert not set(samples.person) & set(judged["person"])
    assert samples.shown_days.max() < DATASET.shown_days[held_out(seen)].min()
    # All that those held out answered is judged by, and what the others were shown later is left out.
    assert len(judged["label"]) == held_out(seen).sum()
    assert judged["label"].tolist() == LABELS[held_out(seen)].tolist()
    assert judged["base_rate"] == samples.label.mean()
    later = ~np.isin(DATASET.person, judged["person"]) & (LABELS != NO_LABEL)
    assert len(samples) < later.sum()
    assert len(set(judged["person"])) > 20


def test_curves_are_judged_at_the_places_where_jobs_were_shown(seen):
    (judged,) = learnt().judged
    rows = held_out(seen)

    there = judged.curve.probability(DATASET.features[rows], DATASET.position[rows])

    assert seen["judge"][1]["challenger"].tolist() == there.tolist()
    assert judged.verdict.figures["brier"] == metrics.brier(there, LABELS[rows])
    assert judged.verdict.promote
    assert judged.details["n"] == rows.sum()


def test_a_curve_that_knows_the_places_has_to_beat_what_they_tell_alone(monkeypatch, seen):
    learnt()
    ((samples,), _), (_, judged) = seen["climb"], seen["judge"]
    assert judged["place"].tolist() == place_alone(samples, DATASET.position[held_out(seen)]).tolist()
    learnt(monkeypatch, [train(samples, Rung.PLATT, seed=0)])
    assert seen["judge"][1]["place"] is None


def test_choices_are_compared_on_last_places_of_the_people_held_out_alone(seen):
    (judged,) = learnt().judged
    (own, other), _ = seen["snips_difference"]

    of_held_out = choices_held_out(seen)
    assert own.person.tolist() == DATASET.person[DATASET.slots.item[of_held_out]].tolist()
    assert 0 < len(own.reward) < slots.labelled(DATASET, OF_CHOICES).sum() / 2
    assert own.reward.tolist() == OF_CHOICES[DATASET.slots.item[of_held_out]].tolist()
    assert other.target[:, 0].tolist() == [1.0] * len(other.reward)
    wanted = slots.best_of(slots.pool_probability(DATASET, judged.curve))
    assert own.target.tolist() == wanted[of_held_out].tolist()


def test_a_curve_that_works_against_a_sign_is_rejected(monkeypatch):
    (judged,) = learnt(monkeypatch, [make_curve(-1.0, fit=-0.5)]).judged

    assert not judged.verdict.promote
    assert "It works against the sign of fit." in judged.reasons


def test_a_curve_that_would_choose_worse_jobs_is_rejected_as_worth_less(monkeypatch):
    worse, better = learnt(monkeypatch, [make_curve(-1.0, fit=-0.5), make_curve(-1.0, fit=0.5)]).judged

    assert [reason for reason in worse.reasons if reason.startswith("What it would choose is worth less")]
    assert worse.verdict.figures["snips_difference_high"] < 0
    assert not [reason for reason in better.reasons if "worth less" in reason]


def test_each_curve_has_to_beat_the_best_of_those_before_it(monkeypatch):
    flat = make_curve(-1.0, fit=0.2)
    (first,) = learnt(monkeypatch, [BETTER]).judged
    _, same = learnt(monkeypatch, [BETTER, BETTER]).judged
    _, better = learnt(monkeypatch, [flat, BETTER]).judged
    *_, after_worse = learnt(monkeypatch, [BETTER, flat, BETTER]).judged
    *_, after_better = learnt(monkeypatch, [flat, BETTER, BETTER]).judged

    assert first.verdict.promote
    assert "brier_of_champion" not in first.verdict.figures
    assert better.verdict.promote
    for judged in (same, after_worse, after_better):
        assert "not surely better than the champion's" in judged.reasons[0]
        assert judged.verdict.figures["brier_of_champion"] == first.verdict.figures["brier"]
        assert "logistic curve of this training" in judged.reasons[-1]


@pytest.mark.django_db
class TestChampion:
    def test_one_that_is_better_raises_the_bar(self, seen):
        (alone,) = learnt().judged
        (judged,) = learnt(champion=make_model("champion", curve=BETTER)).judged
        rows = held_out(seen)

        assert alone.verdict.promote
        assert not judged.verdict.promote
        assert "not surely better than the champion's" in judged.reasons[0]
        at_its_place = BETTER.probability(DATASET.features[rows], DATASET.position[rows])
        assert judged.verdict.figures["brier_of_champion"] == metrics.brier(at_its_place, LABELS[rows])

    def test_one_that_is_worse_is_replaced(self):
        (judged,) = learnt(champion=make_model("champion", curve=make_curve(2.0))).judged

        assert judged.verdict.promote
        assert "better than the champion's" in judged.reasons[0]

    def test_its_own_choices_are_those_to_be_no_worse_than(self, monkeypatch, seen):
        poor = make_curve(-1.0, fit=-0.5)
        by_score = make_curve(-1.0, fit=0.5)

        (judged,) = learnt(monkeypatch, [by_score], make_model("poor", curve=poor)).judged

        (_, other), options = seen["snips_difference"]
        wanted = slots.best_of(slots.pool_probability(DATASET, poor))[choices_held_out(seen)]
        assert other.target.tolist() == wanted.tolist()
        assert judged.verdict.figures["snips_difference_low"] > 0

        (judged,) = learnt(monkeypatch, [poor], make_model("good", curve=by_score)).judged
        (own, other), _ = seen["snips_difference"]
        assert [reason for reason in judged.reasons if reason.startswith("What it would choose is worth less")]
        assert judged.verdict.figures["snips_difference"] == snips_difference(own, other, **options).estimate.value
