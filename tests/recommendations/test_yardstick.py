import numpy as np
import pytest

from recommendations.scoring import v1, v2
from recommendations.scoring.batch import score_many
from recommendations.scoring.fit import fit_many
from recommendations.scoring.fit_tables import build_fit_tables
from recommendations.scoring.thresholds import Tier
from recommendations.scoring.yardstick import (
    ALL_ZONES,
    RATERS,
    SCENARIOS,
    Model,
    Related,
    Scenario,
    evaluate,
    halves,
    monotonicity_violations,
    simulated_people,
    simulated_ratings,
)
from tests.recommendations.families import make_families

SIZE = 6
HONEST = Scenario("honest", has_job=True)


@pytest.fixture(scope="module")
def jobs():
    return make_families(size=SIZE)


@pytest.fixture(scope="module")
def related(jobs):
    """The rest of the family, of which the next two are closest."""
    row = np.arange(len(jobs.codes))
    family = (row[:, None] // SIZE == row // SIZE) & ~np.eye(len(row), dtype=bool)
    closest = family & (np.abs(row[:, None] - row) <= 1)
    return Related(primary=family, closest=closest, listed=family)


@pytest.fixture(scope="module")
def level_aware(jobs):
    fit_tables, tables = build_fit_tables(jobs), v2.build_tables(jobs)
    return Model(
        scores=lambda people, leave_out: fit_many(people, fit_tables, leave_out=leave_out).fit,
        tiers=lambda people: score_many(people, tables).tier,
    )


@pytest.fixture(scope="module")
def baseline(jobs):
    weights = v1.weights(jobs)

    def both(people):
        return v1.score(np.stack([v1.capability_ratings(person, jobs)[0] for person in people]), weights)

    return Model(scores=lambda people, leave_out: both(people)[0], tiers=lambda people: v1.tier(*both(people)))


def figure(report, model, scenario, measure, zone=ALL_ZONES):
    [found] = [
        each.estimate
        for each in report.figures
        if (each.model, each.scenario, each.measure, each.zone) == (model, scenario, measure, zone)
    ]
    return found


def test_honest_raters_give_the_nearest_rating():
    jobs = make_families()
    jobs.skills.level[0, :4] = 0.74, 0.75, 5.25, 7

    assert simulated_ratings(jobs, np.array([0]), "honest")[0, :4].tolist() == [0, 1, 4, 4]


def test_optimists_give_one_more(jobs):
    rows = np.arange(48)
    honest, more = (simulated_ratings(jobs, rows, raters) for raters in ("honest", "optimists"))

    np.testing.assert_array_equal(more, np.minimum(honest + 1, 4))


def test_noise_moves_a_quarter_of_the_ratings_by_one(jobs):
    rows = np.arange(48)
    honest, noisy = (simulated_ratings(jobs, rows, raters) for raters in ("honest", "noisy"))

    moved = noisy - honest
    assert set(np.unique(moved)) == {-1, 0, 1}
    assert np.mean(moved != 0) == pytest.approx(0.25, abs=0.03)
    assert noisy.min() >= 0
    assert noisy.max() <= 4
    np.testing.assert_array_equal(noisy, simulated_ratings(jobs, rows, "noisy"))
    assert (noisy != simulated_ratings(jobs, rows, "noisy", seed=1)).any()


@pytest.mark.parametrize("n", [12, 5])
def test_some_rate_only_the_most_important_skills(jobs, n):
    few = simulated_ratings(jobs, np.array([7]), f"{n} skills")[0]

    rated = few >= 0
    assert rated.sum() == n
    assert jobs.skills.importance[7][rated].min() >= jobs.skills.importance[7][~rated].max()


def test_unknown_raters_are_refused(jobs):
    with pytest.raises(ValueError, match="no raters 'pessimists'"):
        simulated_ratings(jobs, np.array([0]), "pessimists")


def test_halves_split_everyone():
    first, second = halves(49)

    assert (len(first), len(second)) == (24, 25)
    assert sorted([*first, *second]) == list(range(49))
    np.testing.assert_array_equal(first, halves(49)[0])


def test_report_of_a_model_that_finds_the_family(jobs, related, level_aware):
    report = evaluate(jobs, related, {"v2": level_aware}, scenarios=[HONEST])

    assert report.n_raters == 48
    assert figure(report, "v2", HONEST, "recall@10").value > 0.95
    assert figure(report, "v2", HONEST, "AUC").value > 0.95
    assert figure(report, "v2", HONEST, "distinct in top 10").value > 40
    shares = [figure(report, "v2", HONEST, f"closest {tier.name}").value for tier in Tier]
    assert sum(shares) == pytest.approx(1)
    curve = report.recall_curves["v2", HONEST.name]
    assert curve == sorted(curve)
    assert curve[9] == pytest.approx(figure(report, "v2", HONEST, "recall@10").value)


def test_every_scenario_and_zone_is_reported_for_every_model(jobs, related, level_aware, baseline):
    report = evaluate(jobs, related, {"v1": baseline, "v2": level_aware})

    zones = {ALL_ZONES, *np.unique(jobs.zones).tolist()}
    covered = {(each.model, each.scenario, each.zone) for each in report.figures}
    assert covered == {(m, s, z) for m in ("v1", "v2") for s in SCENARIOS for z in zones}
    assert {s.raters for s in SCENARIOS} == set(RATERS)
    for has_job in (True, False):
        assert 0 < figure(report, "v2", Scenario("noisy", has_job), "tier flips").value < 0.5


def test_same_seed_gives_the_same_report(jobs, related, level_aware):
    noisy = [Scenario("noisy", has_job=False)]
    first, second, other = (
        evaluate(jobs, related, {"v2": level_aware}, scenarios=noisy, seed=seed) for seed in (0, 0, 1)
    )

    assert repr(first) == repr(second)
    assert repr(first) != repr(other)


def test_catalogue_without_related_occupations_has_tiers_but_no_recall(jobs, level_aware):
    nothing = np.zeros((48, 48), bool)

    report = evaluate(jobs, Related(nothing, nothing, nothing), {"v2": level_aware}, scenarios=[HONEST])

    assert np.isnan(figure(report, "v2", HONEST, "recall@10").value)
    assert figure(report, "v2", HONEST, "own job READY").n == 48


def test_catalogue_that_nobody_has_rated_is_refused(related, level_aware):
    estimated = make_families(size=SIZE, estimated=np.ones(48, bool))

    with pytest.raises(ValueError, match="no rated occupation"):
        evaluate(estimated, related, {"v2": level_aware})


def test_own_occupation_and_unrated_ones_are_no_candidates(related):
    rated = np.arange(48) % SIZE != 1
    jobs = make_families(size=SIZE, estimated=~rated)
    best_is_self_then_estimated = Model(
        scores=lambda people, _: np.array(
            [np.where(np.arange(48) == p.current, 3, np.where(rated, related.primary[p.current], 2)) for p in people]
        ).astype(float),
        tiers=lambda people: np.zeros((len(people), 48), np.int8),
    )

    report = evaluate(jobs, related, {"model": best_is_self_then_estimated}, scenarios=[HONEST])

    assert report.n_raters == 40
    assert figure(report, "model", HONEST, "recall@10").value == 1


def test_who_has_no_job_is_judged_without_the_own_occupation(jobs, related):
    seen = []

    def scores(people, leave_out):
        seen.append((people[0].current, leave_out[0]))
        return np.zeros((len(people), 48))

    model = Model(scores, lambda people: np.zeros((len(people), 48), np.int8))
    evaluate(jobs, related, {"model": model}, scenarios=[HONEST, Scenario("honest", has_job=False)])

    assert seen == [(0, -1), (None, 0)]


def test_related_list_judges_and_never_scores(jobs, related, level_aware):
    people = simulated_people(jobs, np.arange(48), HONEST)
    before = level_aware.scores(people, np.full(48, -1))
    shuffled = np.random.default_rng(0).permutation(48)
    other = Related(*(matrix[shuffled] for matrix in (related.primary, related.closest, related.listed)))

    judged = evaluate(jobs, related, {"v2": level_aware}, scenarios=[HONEST])
    misjudged = evaluate(jobs, other, {"v2": level_aware}, scenarios=[HONEST])

    np.testing.assert_array_equal(level_aware.scores(people, np.full(48, -1)), before)
    assert figure(misjudged, "v2", HONEST, "recall@10").value < figure(judged, "v2", HONEST, "recall@10").value


def test_level_aware_tiers_never_worsen_and_worse_ones_are_counted(jobs, level_aware):
    rows = np.arange(0, 48, 7)
    assert monotonicity_violations(jobs, level_aware.tiers, rows=rows)[0] == 0

    def perverse(people):
        return np.repeat([[min(2, int(person.ratings.sum()) % 3)] for person in people], 48, axis=1).astype(np.int8)

    worse, checked = monotonicity_violations(jobs, perverse, rows=rows)
    assert 0 < worse < checked
