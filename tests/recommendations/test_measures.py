import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from recommendations.scoring import measures
from recommendations.scoring.thresholds import Tier


def draw(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 12, (5, 20)).astype(float)
    candidates = rng.random((5, 20)) < 0.9
    return scores, (rng.random((5, 20)) < 0.3) & candidates, candidates


def test_ranking_puts_ties_in_order_and_those_that_are_no_candidates_last():
    scores = np.array([[1, 5, 5, np.nan, 9]])
    candidates = np.array([[True, True, True, True, False]])

    assert measures.ranking(scores, candidates).tolist() == [[1, 2, 0, 3, 4]]


def test_recall_is_the_share_of_the_true_jobs_that_is_found():
    order = np.array([[3, 1, 0, 2]])
    truth = np.array([[True, True, False, False]])

    assert [measures.recall_at(order, truth, k).item() for k in (1, 2, 3, 10)] == [0, 0.5, 1, 1]


def test_rater_without_anything_to_find_has_no_figure():
    order, nothing = np.array([[0, 1]]), np.zeros((1, 2), bool)

    assert np.isnan(measures.recall_at(order, nothing, 1)).all()
    assert np.isnan(measures.ndcg_at(order, nothing, 1)).all()
    assert np.isnan(measures.auc(np.zeros((1, 2)), nothing, ~nothing)).all()


@given(st.integers(0, 1000))
def test_ndcg_and_auc_agree_with_scikit_learn(seed):
    scores, truth, candidates = draw(seed)
    # Scikit-learn averages over ties, a list that is shown cannot.
    scores = scores + np.linspace(0, 0.5, scores.shape[1])
    order = measures.ranking(scores, candidates)

    ndcg, auc = measures.ndcg_at(order, truth, 10), measures.auc(scores, truth, candidates)

    for row in range(len(scores)):
        own, there = truth[row, candidates[row]], scores[row, candidates[row]]
        if own.any() and not own.all():
            assert ndcg[row] == pytest.approx(ndcg_score([own], [there], k=10))
            assert auc[row] == pytest.approx(roc_auc_score(own, there))


def test_ties_count_half_in_auc():
    truth = np.array([[True, False, False, False]])

    assert measures.auc(np.array([[1.0, 1, 0, 2]]), truth, np.ones((1, 4), bool)) == pytest.approx(0.5)


def test_tier_shares_sum_to_one():
    rng = np.random.default_rng(0)
    tiers = rng.integers(-1, 3, (6, 30)).astype(np.int8)

    shares = measures.tier_shares(tiers, rng.random((6, 30)) < 0.5)

    np.testing.assert_allclose(sum(shares.values()), 1)
    assert set(shares) == set(Tier)


def test_share_changed():
    before, after = np.array([[0, 1, 2]], np.int8), np.array([[0, 2, 1]], np.int8)

    assert measures.share_changed(before, after, np.array([[True, True, False]])).tolist() == [0.5]


def test_variety():
    order = np.array([[0, 1, 2], [0, 2, 1], [0, 3, 1]])

    assert measures.variety(order, 2) == (4, 1.0)
    assert measures.variety(order[:, :0], 2)[0] == 0


def test_bootstrap_interval_is_that_of_a_mean():
    values = np.random.default_rng(0).normal(5, 2, 400)
    values[:3] = np.nan

    found = measures.bootstrap(values)

    error = 1.96 * np.nanstd(values) / np.sqrt(397)
    assert found.n == 397
    assert found.value == pytest.approx(np.nanmean(values))
    assert (found.value - found.low, found.high - found.value) == pytest.approx((error, error), rel=0.15)
    assert found == measures.bootstrap(values)
    assert found != measures.bootstrap(values, seed=1)


def test_bootstrap_of_nothing():
    assert measures.bootstrap(np.array([np.nan])).n == 0
