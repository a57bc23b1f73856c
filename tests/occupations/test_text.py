import numpy as np
import pytest

from occupations.text import task_vectors, title_vectors

TRADES = ("weld", "teach", "nurse", "drive", "cook", "paint")
SETTINGS = ("steel", "school", "ward", "truck", "kitchen", "house", "harbour", "office", "farm")


def make_texts(n, seed=0):
    """Texts of a few trades each, so that rows of one trade are alike."""
    rng = np.random.default_rng(seed)
    return [" ".join([TRADES[i % len(TRADES)]] * 3 + [str(word) for word in rng.choice(SETTINGS, 4)]) for i in range(n)]


@pytest.fixture(params=[title_vectors, task_vectors])
def vectors_of(request):
    return request.param


def test_rows_have_length_one_in_single_precision(vectors_of):
    vectors = vectors_of(make_texts(40))

    assert vectors.dtype == np.float32
    assert len(vectors) == 40
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_same_texts_give_the_same_bytes(vectors_of):
    assert vectors_of(make_texts(60)).tobytes() == vectors_of(make_texts(60)).tobytes()


def test_empty_texts_give_zero_rows(vectors_of):
    texts = make_texts(30)
    texts[3] = texts[17] = ""

    vectors = vectors_of(texts)

    np.testing.assert_array_equal(np.flatnonzero(~vectors.any(axis=1)), [3, 17])
    np.testing.assert_allclose(np.delete(vectors, [3, 17], axis=0), vectors_of([t for t in texts if t]), atol=1e-6)


@pytest.mark.parametrize("texts", [[], ["", ""], ["Welder"], ["Welder", ""], ["Welder", "Nurse"], ["a", "the of"]])
def test_tiny_corpora_work(vectors_of, texts):
    vectors = vectors_of(texts)

    assert len(vectors) == len(texts)
    length = np.linalg.norm(vectors, axis=1)
    assert ((np.abs(length - 1) < 1e-5) | (length == 0)).all()


def test_no_more_columns_than_asked_for(vectors_of):
    assert vectors_of(make_texts(60), dimensions=5).shape == (60, 5)


def test_kindred_texts_are_nearer(vectors_of):
    vectors = vectors_of(make_texts(60))

    alike = vectors @ vectors.T
    same = np.arange(60)[:, None] % len(TRADES) == np.arange(60) % len(TRADES)
    np.fill_diagonal(alike, np.nan)
    assert np.nanmean(alike[same]) > np.nanmean(alike[~same]) + 0.3


def test_forms_of_a_word_are_near_in_titles():
    titles = ["Welder", "Welding Inspector", "Nurse", "Nursing Aide", "Baker", "Bakery Aide", "Welding Aide"]

    alike = title_vectors(titles) @ title_vectors(titles).T

    assert alike[0, 1] > alike[0, 2]
    assert alike[2, 3] > alike[2, 4]


def test_order_of_occupations_does_not_matter(vectors_of):
    texts = make_texts(50)
    order = np.random.default_rng(1).permutation(50)

    vectors, shuffled = vectors_of(texts), vectors_of([texts[i] for i in order])

    np.testing.assert_allclose(shuffled @ shuffled.T, (vectors @ vectors.T)[np.ix_(order, order)], atol=1e-4)
