"""Text vectors of occupations: what similar titles and similar tasks look like as numbers. Knows no framework."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from occupations.arrays import FloatArray

DIMENSIONS = 150
SEED = 0


def title_vectors(titles: Sequence[str], *, dimensions: int = DIMENSIONS) -> FloatArray:
    """Return one vector per occupation from its title joined with its alternate titles.

    Words and runs of three or four letters both count, so that "Welder" is near "Welding". The reduced
    vectors find related occupations better than the sparse ones they come from, in a tenth of the space.

    Args:
        titles: One text per occupation, in any separator; empty where there is none.
        dimensions: The most columns that the result may have.

    Returns:
        Shape (n, k) with k <= dimensions; rows of length 1, or all zero where the text has no terms.
    """
    words = TfidfVectorizer(sublinear_tf=True)
    letters = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(3, 4))
    return _vectors(titles, [words, letters], dimensions)


def task_vectors(texts: Sequence[str], *, dimensions: int = DIMENSIONS) -> FloatArray:
    """Return one vector per occupation from its tasks joined with its description.

    Args:
        texts: One text per occupation; empty where the release has none.
        dimensions: The most columns that the result may have.

    Returns:
        Shape (n, k) with k <= dimensions; rows of length 1, or all zero where the text has no terms.
    """
    return _vectors(texts, [TfidfVectorizer(sublinear_tf=True, stop_words="english")], dimensions)


def _vectors(texts: Sequence[str], vectorizers: Sequence[TfidfVectorizer], dimensions: int) -> FloatArray:
    # Occupations without a text must not make words look rarer than they are.
    filled = [row for row, text in enumerate(texts) if text.strip()]
    known = [texts[row] for row in filled]
    terms = sp.hstack([_tfidf(known, vectorizer) for vectorizer in vectorizers], format="csr")
    # One thread: the same sums whatever the machine, and no slower than many that wait for each other.
    with threadpool_limits(1):
        reduced = _unit_rows(_reduced(terms, dimensions))
    vectors = np.zeros((len(texts), reduced.shape[1]), np.float32)
    vectors[filled] = reduced
    return vectors


def _tfidf(texts: Sequence[str], vectorizer: TfidfVectorizer) -> sp.csr_matrix:
    """Return TF-IDF rows over the terms that two texts share; over all terms where no two share any."""
    for min_df in (2, 1):
        try:
            return vectorizer.set_params(min_df=min_df).fit_transform(texts)
        except ValueError:  # no term is left: scikit-learn has no other way to say so
            continue
    return sp.csr_matrix((len(texts), 0), dtype=np.float64)


def _reduced(terms: sp.csr_matrix, dimensions: int) -> np.ndarray:
    # ARPACK finds fewer vectors than either side has.
    k = min(dimensions, min(terms.shape) - 1)
    if k < 1:
        return terms[:, :dimensions].toarray()
    svd = TruncatedSVD(k, algorithm="arpack", random_state=SEED)
    vectors = svd.fit_transform(terms)
    strongest = svd.components_[np.arange(k), np.abs(svd.components_).argmax(axis=1)]
    return vectors * np.where(strongest < 0, -1.0, 1.0)


def _unit_rows(vectors: np.ndarray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    # What is left of a text after a reduction that does not span it is noise, not direction.
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-9).astype(np.float32)
