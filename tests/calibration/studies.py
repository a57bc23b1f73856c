"""What learning from feedback must show on people with a known truth: small in the tests, large in a benchmark.

`python -m tests.calibration.studies` runs all of it at full size and prints JSON.
"""

import json
import sys
import time

import numpy as np

from calibration.curves import gate, ladder, metrics, offpolicy
from calibration.curves.features import NAMES, Rung
from calibration.curves.labels import Target, label
from calibration.curves.samples import Samples
from calibration.curves.simulate import DEFAULT_WORLD, simulate
from calibration.curves.world import World

STEEP = World(cliff=2.0, level=-1.5)
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


def calibration_gain(n_people, seed, others, *, target=Target.INTEREST, world=DEFAULT_WORLD):
    """Return Brier scores on other people (lower is better) and the ECE of the ladder's curve, boosting aside."""
    samples, _ = samples_of(simulate(n_people, seed, world=world), target)
    curve = ladder.train(samples, min(ladder.rung_of(samples), Rung.LOGISTIC), seed=seed)
    p = curve.probability(others.features, others.position)
    return {
        "rung": curve.rung.name,
        "calibrated": metrics.brier(p, others.label),
        "constant": metrics.brier(np.full(len(others), samples.label.mean()), others.label),
        "uncalibrated": metrics.brier(others.features[:, NAMES.index("base_score")] / 100, others.label),
        "ece": metrics.ece(p, others.label),
    }


def judged(samples, seed, *, make_challenger, make_champion=None):
    """Return the gate's verdict on a challenger trained on earlier people, and the challenger."""
    early, late = (samples.take(mask) for mask in gate.split(samples.person, samples.shown_days))
    challenger = make_challenger(early, seed)
    champion = make_champion(early, seed) if make_champion else None
    verdict = gate.judge(
        label=late.label,
        person=late.person,
        challenger=challenger.probability(late.features, late.position),
        champion=champion.probability(late.features, late.position) if champion else None,
        base_rate=float(early.label.mean()),
        violations=ladder.monotonicity_violations(challenger, late.features[:200]),
        seed=seed,
    )
    return verdict, challenger


def best_of_ladder(samples, seed):
    return ladder.climb(samples, seed=seed)[-1]


def rung(number):
    return lambda samples, seed: ladder.train(samples, number, seed=seed)


def harm_at(n_people, seeds, others, truth):
    """Return how many of few people's curves pass the gate, and how many of those are worse than the constant.

    Worse is judged by the true probabilities of other people, without the noise of labels.
    """
    promoted = harmful = 0
    for seed in seeds:
        samples, _ = samples_of(simulate(n_people, seed))
        early = samples.take(gate.split(samples.person, samples.shown_days)[0])
        if ladder.rung_of(early) == Rung.NONE:
            continue
        verdict, curve = judged(samples, seed, make_challenger=best_of_ladder)
        if verdict.promote:
            promoted += 1
            error = np.mean((curve.probability(others.features, others.position) - truth) ** 2)
            harmful += bool(error > np.mean((early.label.mean() - truth) ** 2))
    return {"promoted": promoted, "harmful": harmful}


def shuffled_rejected(n_people, seeds, *, make_challenger=best_of_ladder):
    """Return how many of the seeds' shuffled labels the gate rejects."""
    rejected = 0
    for seed in seeds:
        samples, _ = samples_of(simulate(n_people, seed))
        shuffled = np.random.default_rng(seed).permutation(samples.label)
        samples = Samples(samples.features, samples.position, samples.person, samples.shown_days, shuffled)
        rejected += not judged(samples, seed, make_challenger=make_challenger)[0].promote
    return rejected


def better_promoted(n_people, seeds, *, challenger=Rung.LOGISTIC, champion=Rung.PLATT, world=DEFAULT_WORLD):
    """Return how many of the seeds' better challengers the gate promotes over a worse champion."""
    return sum(
        judged(
            samples_of(simulate(n_people, seed, world=world))[0],
            seed,
            make_challenger=rung(challenger),
            make_champion=rung(champion),
        )[0].promote
        for seed in seeds
    )


def other_policy(pool, temperature=0.25):
    """Return another policy's probabilities of choosing each job of a pool: soft, by how little is missing."""
    missing = pool[:, :, NAMES.index("shortfall")] + pool[:, :, NAMES.index("gap_severity")] / 20
    score = np.exp(-(missing - missing.min(axis=1, keepdims=True)) / temperature)
    return score / score.sum(axis=1, keepdims=True)


def recovered(n_people, seeds, *, epsilon=0.3, n_truth=50_000):
    """Return in how many seeds each estimator's 95 % interval holds the other policy's true value."""
    world = simulate(n_truth, 10**7, epsilon=epsilon)
    truth = float((other_policy(world.pool) * world.pool_interest).sum(axis=1).mean())
    hits = {"ips": 0, "snips": 0, "dr": 0}
    sizes = []
    for seed in seeds:
        history = simulate(n_people, seed, epsilon=epsilon)
        values = estimates(history, seed)
        for name, value in values.items():
            hits[name] += bool(value.estimate.low <= truth <= value.estimate.high)
        sizes.append(values["ips"].effective_size)
    return {**hits, "truth": truth, "effective_size": float(np.mean(sizes))}


def estimates(history, seed, *, target=other_policy):
    """Return the other policy's value by each estimator, from the exploration slots that were seen."""
    samples, _ = samples_of(history)
    answers = history.answers
    labels = np.full(len(history.person), -1)
    seen = np.zeros(len(history.person), bool)
    seen[answers.item] = True
    labels[seen] = samples.label
    slots = np.flatnonzero(seen[history.slot])
    item = history.slot[slots]
    probabilities = target(history.pool[slots])
    rows = np.arange(len(slots))
    chosen = history.chosen[slots]
    choices = offpolicy.Choices(
        history.person[item],
        labels[item].astype(float),
        history.propensity[item],
        probabilities[rows, chosen],
    )
    # Expected rewards come from people of whom the rows at hand are not: cross-fitting by halves.
    q = np.empty(probabilities.shape)
    half = history.person[item] % 2
    for number in (0, 1):
        curve = ladder.train(samples.take(samples.person % 2 != number), Rung.LOGISTIC, seed=seed)
        pool = history.pool[slots[half == number]]
        flat = pool.reshape(-1, pool.shape[2])
        place = np.full(len(flat), history.position[history.slot[0]])
        q[half == number] = curve.probability(flat, place).reshape(pool.shape[:2])
    return {
        "ips": offpolicy.ips(choices, seed=seed),
        "snips": offpolicy.snips(choices, seed=seed),
        "dr": offpolicy.doubly_robust(choices, q[rows, chosen], (q * probabilities).sum(axis=1), seed=seed),
    }


def verdicts_on_few(n_people, seeds, *, epsilon=0.3):
    """Return in how many seeds an estimator gives a verdict although the effective size is under 100."""
    verdicts = 0
    for seed in seeds:
        values = estimates(simulate(n_people, seed, epsilon=epsilon), seed).values()
        verdicts += any(
            value.enough or not np.isnan(value.estimate.value) for value in values if value.effective_size < 100
        )
    return verdicts


def many_samples(n_items, *, per_person=12):
    """Return about so many samples, drawn in parts so that the drawing itself stays small."""
    parts = []
    people = n_items // per_person + 1
    first = 0
    while first < people:
        count = min(4000, people - first)
        part = simulate(count, first, pool_size=5)
        answers = part.answers
        acted = np.zeros(len(part.person), np.int64)
        acted[answers.item[(answers.action == 2) | (answers.action == 3)]] = 1
        parts.append(Samples(part.features, part.position, part.person + first, part.shown_days, acted))
        first += count
    fields = ("features", "position", "person", "shown_days", "label")
    joined = [np.concatenate([getattr(part, field) for part in parts])[:n_items] for field in fields]
    return Samples(*joined)


def main():
    report, started = {}, time.perf_counter()

    def note(name, value):
        nonlocal started
        now = time.perf_counter()
        report[name] = {"result": value, "seconds": round(now - started, 1)}
        print(name, json.dumps(report[name]), file=sys.stderr, flush=True)
        started = time.perf_counter()

    for target in Target:
        others, truth = held_out_people(20_000, target=target)
        for people in (200, 500, 2000):
            runs = [calibration_gain(people, seed, others, target=target) for seed in range(100)]
            note(
                f"{target.name} {people} people",
                {
                    "rungs": sorted({run["rung"] for run in runs}),
                    "beats constant": sum(run["calibrated"] < run["constant"] for run in runs),
                    "beats uncalibrated": sum(run["calibrated"] < run["uncalibrated"] for run in runs),
                    "mean brier": {
                        name: round(float(np.mean([run[name] for run in runs])), 5)
                        for name in ("calibrated", "constant", "uncalibrated")
                    },
                    "largest ece": round(max(run["ece"] for run in runs), 4),
                },
            )
        if target == Target.INTEREST:
            note("harm at 50 people", harm_at(50, range(100), others, truth))
            note("harm at 200 people", harm_at(200, range(100), others, truth))
    hundred = range(100)
    note("shuffled rejected, 200 people", shuffled_rejected(200, hundred))
    note("shuffled rejected, 2,000 people, logistic", shuffled_rejected(2000, hundred, make_challenger=rung(2)))
    note("shuffled rejected, 2,000 people, boosting", shuffled_rejected(2000, hundred, make_challenger=rung(3)))
    note("better promoted: logistic over Platt", better_promoted(2000, hundred))
    note(
        "better promoted: boosting over logistic",
        better_promoted(2000, hundred, challenger=Rung.BOOSTING, champion=Rung.LOGISTIC, world=STEEP),
    )
    note("recovered", recovered(2000, hundred))
    note("recovered, 500 people", recovered(500, hundred))
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
