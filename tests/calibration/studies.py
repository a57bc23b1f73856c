"""What learning from feedback must show on people with a known truth: small in the tests, large in a benchmark."""

from dataclasses import replace

import numpy as np

from calibration import slots
from calibration.curves import gate, ladder, linear, metrics, offpolicy
from calibration.curves.features import NAMES, Rung
from calibration.curves.labels import Target, label
from calibration.curves.samples import Samples
from calibration.curves.simulate import DEFAULT_WORLD, simulate
from calibration.curves.world import World
from calibration.judging import Learnt, learn_target, too_little
from tests.calibration.datasets import dataset_of, labels_of
from tests.calibration.datasets import samples_of as samples_of_dataset

STEEP = World(cliff=2.0, level=-1.5)
ALIKE = World(
    level=-1.0,
    fit=0,
    gap=0,
    zone=0,
    shortfall=0,
    confidence=0,
    taste_sd=0,
    job_sd=0,
    drift=0,
    attention=0,
    person_sd=2.0,
)
"""A world in which nothing tells jobs apart, but people differ much: each one's answers are much alike."""
ONLY_PLACES = replace(ALIKE, attention=0.8, person_sd=1.0)
"""A world in which nothing tells jobs apart but the place at which they are shown."""
LONG_AFTER = 1000.0


def samples_of(history, target=Target.INTEREST, now_days=LONG_AFTER):
    """Return a history's labelled samples and their true probabilities."""
    answers = history.answers
    seen = np.zeros(len(history.person), bool)
    seen[answers.item] = True
    labels = label(
        target,
        shown_days=history.shown_days,
        item=answers.item,
        action=answers.action,
        happened_days=answers.happened_days,
        withdrawn=answers.withdrawn,
        now_days=now_days,
        seen=seen,
    )
    has = labels >= 0
    samples = Samples(
        history.features[has], history.position[has], history.person[has], history.shown_days[has], labels[has]
    )
    truth = answers.interest if target == Target.INTEREST else answers.outcome
    return samples, truth[has]


def held_out_people(n=4000, *, target=Target.INTEREST, world=DEFAULT_WORLD):
    return samples_of(simulate(n, 10**6, world=world), target)


def learnt(history, seed, *, target=Target.INTEREST):
    """Return the curve that serves after a training on a history, as the product trains: split, ladder and gate.

    None where too few people answered, or the gate let no curve pass: then nothing is calibrated.
    """
    dataset = dataset_of(history)
    labels = labels_of(dataset, target)
    one = Learnt(target, champion=None, sentences=too_little(labels))
    learn_target(one, dataset, labels, seed, lambda what: None)
    return one.winner.curve if one.winner else None


def calibration_gain(n_people, seed, others, *, target=Target.INTEREST):
    """Return Brier scores on other people (lower is better) and the ECE of the curve that serves; None without one."""
    curve = learnt(simulate(n_people, seed), seed, target=target)
    if curve is None:
        return None
    p = curve.probability(others.features, others.position)
    return {
        "rung": curve.rung.name,
        "calibrated": metrics.brier(p, others.label),
        "constant": metrics.brier(np.full(len(others), curve.base_rate), others.label),
        "uncalibrated": metrics.brier(others.features[:, NAMES.index("base_score")] / 100, others.label),
        "ece": metrics.ece(p, others.label),
    }


def harm_at(n_people, seeds, others, truth):
    """Return in how many seeds a curve of few people serves, and how many of these are worse than the constant.

    Worse is judged by the true probabilities of other people, without the noise of labels.
    """
    promoted = harmful = 0
    for seed in seeds:
        curve = learnt(simulate(n_people, seed), seed)
        if curve is not None:
            promoted += 1
            error = np.mean((curve.probability(others.features, others.position) - truth) ** 2)
            harmful += bool(error > np.mean((curve.base_rate - truth) ** 2))
    return {"promoted": promoted, "harmful": harmful}


def judged(samples, seed, *, make_challenger, make_champion=None):
    """Return the gate's verdict on a challenger trained on earlier people."""
    early, late = (samples.take(mask) for mask in gate.split(samples.person, samples.shown_days))
    challenger = make_challenger(early, seed)
    champion = make_champion(early, seed) if make_champion else None
    return gate.judge(
        label=late.label,
        person=late.person,
        challenger=challenger.probability(late.features, late.position),
        champion=champion.probability(late.features, late.position) if champion else None,
        base_rate=float(early.label.mean()),
        place=None if challenger.rung == Rung.PLATT else linear.place_alone(early, late.position),
        violations=ladder.monotonicity_violations(challenger, late.features[:200]),
        seed=seed,
    )


def best_of_ladder(samples, seed):
    return ladder.climb(samples, seed=seed)[-1]


def rung(number):
    return lambda samples, seed: ladder.train(samples, number, seed=seed)


def shuffled_rejected(n_people, seeds, *, make_challenger=best_of_ladder):
    """Return how many of the seeds' shuffled labels the gate rejects."""
    rejected = 0
    for seed in seeds:
        samples, _ = samples_of(simulate(n_people, seed))
        shuffled = np.random.default_rng(seed).permutation(samples.label)
        samples = Samples(samples.features, samples.position, samples.person, samples.shown_days, shuffled)
        rejected += not judged(samples, seed, make_challenger=make_challenger).promote
    return rejected


def luck_of_people(seeds, *, n_people=60, lists=8):
    """Return in how many seeds luck passes the gate where nothing tells jobs apart, and in how many the Brier score.

    A harder case than shuffled labels, which no longer hang together by person: here they do, and strongly, so whoever
    counted answers in place of people would take the luck of a few people for proof.
    """
    promoted = surely_better = 0
    for seed in seeds:
        samples, _ = samples_of(simulate(n_people, seed, world=ALIKE, events_per_person=lists))
        verdict = judged(samples, seed, make_challenger=best_of_ladder)
        promoted += verdict.promote
        surely_better += verdict.figures["brier_minus_constant_high"] < 0
    return {"promoted": promoted, "surely better": surely_better}


def places_promoted(seeds, *, n_people=600):
    """Return in how many seeds the gate lets a logistic curve pass where only the place tells jobs apart.

    And in how many it is surely better than the constant, as a curve that knows the places is.
    """
    promoted = surely_better = 0
    for seed in seeds:
        samples, _ = samples_of(simulate(n_people, seed, world=ONLY_PLACES, per_tier=10))
        verdict = judged(samples, seed, make_challenger=rung(Rung.LOGISTIC))
        promoted += verdict.promote
        surely_better += verdict.figures["brier_minus_constant_high"] < 0
    return {"promoted": promoted, "surely better": surely_better}


def better_promoted(n_people, seeds, *, challenger, champion, world=DEFAULT_WORLD):
    """Return how many of the seeds' better challengers the gate promotes over a worse champion."""
    return sum(
        judged(
            samples_of(simulate(n_people, seed, world=world))[0],
            seed,
            make_challenger=rung(challenger),
            make_champion=rung(champion),
        ).promote
        for seed in seeds
    )


def by_what_is_missing(pool, temperature=0.25):
    """Return a policy that chooses, softly, the jobs of a pool where little is missing."""
    missing = _missing(pool)
    score = np.exp(-(missing - missing.min(axis=1, keepdims=True)) / temperature)
    return score / score.sum(axis=1, keepdims=True)


def least_missing(pool):
    """Return a policy that always chooses the job where least is missing, as a curve would choose its best."""
    return slots.best_of(-_missing(pool))


def _missing(pool):
    return pool[:, :, NAMES.index("shortfall")] + pool[:, :, NAMES.index("gap_severity")] / 20


def recovered(n_people, seeds, *, policy=by_what_is_missing, n_truth=50_000, epsilon=0.3, **options):
    """Return in how many seeds each estimator's 95 % interval holds the policy's true value.

    "difference" is what the policy is worth more than the best by score, as the gate asks. Where an estimator gives no
    verdict, it holds nothing.

    Args:
        n_people: Number of people.
        seeds: The seeds.
        policy: From pools to probabilities.
        n_truth: Number of people over whose pools the true value is taken.
        epsilon, options: As `simulate` takes them.
    """
    world = simulate(n_truth, 10**7, epsilon=epsilon, **options)
    truth = float((policy(world.pool) * world.pool_interest).sum(axis=1).mean())
    truths = dict.fromkeys(("ips", "snips", "dr"), truth)
    truths["difference"] = truth - float(world.pool_interest[:, 0].mean())
    hits = dict.fromkeys(truths, 0)
    sizes = []
    for seed in seeds:
        values = estimates(simulate(n_people, seed, epsilon=epsilon, **options), policy, seed, epsilon=epsilon)
        for name, value in values.items():
            hits[name] += bool(value.estimate.low <= truths[name] <= value.estimate.high)
        sizes.append(min(value.effective_size for value in values.values()))
    return {**hits, "truth": truth, "least size": min(sizes)}


def estimates(history, policy, seed, *, epsilon):
    """Return the policy's value by each estimator, from the places by lot that were seen, as the reports do."""
    dataset = dataset_of(history, epsilon=epsilon)
    labels = slots.choice_labels(dataset, Target.INTEREST)
    by_score = slots.choices(dataset, label=labels, policy=slots.best_by_score(dataset))
    logged = slots.choices(dataset, label=labels, policy=policy(history.pool))
    samples = samples_of_dataset(dataset, labels_of(dataset))
    expected = slots.expected_rewards(dataset, samples, seed=seed)[slots.labelled(dataset, labels)]
    q_logged = expected[np.arange(len(expected)), logged.chosen]
    q_target = (expected * logged.target).sum(axis=1)
    return {
        "ips": offpolicy.ips(logged, seed=seed),
        "snips": offpolicy.snips(logged, seed=seed),
        "dr": offpolicy.doubly_robust(logged, q_logged, q_target, seed=seed),
        "difference": offpolicy.snips_difference(logged, by_score, seed=seed),
    }


def verdicts_on_few(n_people, seeds, *, policy=by_what_is_missing, epsilon=0.3):
    """Return in how many seeds the effective size is under 100, and in how many of these there is a verdict."""
    few = verdicts = 0
    for seed in seeds:
        values = estimates(simulate(n_people, seed, epsilon=epsilon), policy, seed, epsilon=epsilon).values()
        short = [value for value in values if value.effective_size < 100]
        few += bool(short)
        verdicts += any(value.enough or not np.isnan(value.estimate.value) for value in short)
    return {"few": few, "verdicts": verdicts}
