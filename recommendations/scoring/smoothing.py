"""What a person's skill ratings say together: errors drawn in, unknown skills filled, a rater's shift taken out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from occupations.arrays import BoolArray
from recommendations.scoring.person import Floats

# Chosen on a random half of O*NET 29.3's rated occupations, for honest and noisy raters and optimists alike.
RATING_NOISE = 0.1  # variance of a rating around the true level, levels squared
SHIFT_NOISE = 0.3  # the same where a shift is looked for
# Honest people of real jobs show shifts of up to about so many levels; beyond, it is the rater.
SHIFT_LEAST = 1.2
# Who rates only their best skills rates them high with good reason: no shift is looked for in fewer ratings.
SHIFT_LEAST_RATINGS = 25
# Stands for "nothing is known of this skill" as the variance of a rating.
UNKNOWN_NOISE = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Smoother:
    """How skill levels go together over jobs.

    Args:
        mean: Shape (n_skills,), mean levels.
        spread: Shape (n_skills,), standard deviations; 1 where there is none.
        covariance: Shape (n_skills, n_skills).
        gain: Shape (n_skills, n_skills): covariance @ inverse(covariance + noise), for complete profiles.
        shift_weights: Shape (n_skills,): inverse(covariance + noise) @ ones, for complete profiles.
    """

    mean: Floats
    spread: Floats
    covariance: Floats
    gain: Floats
    shift_weights: Floats

    def smooth(self, levels: Floats) -> Floats:
        """Return what is likely of all skills given what is known of some: the mean of a conditional Gaussian.

        Ratings are coarse and err, and skills go together: each is drawn towards what the others suggest, and
        an unknown one is what they suggest (Murphy 2012, equation 4.125).

        Args:
            levels: Shape (n_people, n_skills), 0-7; NaN where unknown.

        Returns:
            Shape (n_people, n_skills), levels above the jobs' mean; all zero where nothing is known.
        """
        known = np.asarray(~np.isnan(levels))
        above = np.where(known, levels - self.mean, 0)
        smoothed = above @ self.gain.T
        partly = np.flatnonzero(~known.all(axis=1))
        if partly.size:
            solved = self._solve(above[partly], known[partly], RATING_NOISE)
            smoothed[partly] = np.where(np.asarray(known[partly].any(axis=1))[:, None], solved @ self.covariance, 0)
        return smoothed

    def shift(self, levels: Floats, rated: BoolArray) -> Floats:
        """Return by how many levels each person rates all too high (> 0) or too low, 0 where nothing tells.

        It is the generalised least squares estimate of a constant added to all ratings: a profile that no
        mixture of jobs explains, but that one explains once it is shifted.

        Args:
            levels: Shape (n_people, n_skills), 0-7.
            rated: Shape (n_people, n_skills); True where the level is a rating.

        Returns:
            Shape (n_people,).
        """
        shifts = np.zeros(len(levels))
        count = rated.sum(axis=1)
        enough = np.flatnonzero(count >= SHIFT_LEAST_RATINGS)
        if not enough.size:
            return shifts
        given = rated[enough]
        weights = np.tile(self.shift_weights, (len(enough), 1))
        partly = np.flatnonzero(count[enough] < rated.shape[1])
        if partly.size:
            weights[partly] = self._solve(given[partly].astype(np.float64), given[partly], SHIFT_NOISE)
        above = np.where(given, levels[enough] - self.mean, 0)
        found = np.einsum("ij,ij->i", weights, above) / np.einsum("ij,ij->i", weights, given)
        shifts[enough] = np.where(np.abs(found) > SHIFT_LEAST, found, 0)
        return shifts

    def _solve(self, right: Floats, known: BoolArray, noise: float) -> Floats:
        """Solve (covariance + noise) x = right for each person, with what is not known drowned in noise."""
        variance = np.where(known, noise, UNKNOWN_NOISE)
        matrix = self.covariance + variance[:, :, None] * np.eye(known.shape[1])
        return np.asarray(np.linalg.solve(matrix, right[:, :, None])[:, :, 0])


def build_smoother(levels: Floats) -> Smoother:
    """Return the smoother of jobs' skill levels, shape (n_jobs, n_skills), 0-7; NaN where there is no figure."""
    mean, spread = moments(levels)
    above = np.where(np.isnan(levels), 0, levels - mean)
    covariance = above.T @ above / max(len(levels), 1)
    identity = np.eye(len(mean))
    return Smoother(
        mean=mean,
        spread=spread,
        covariance=covariance,
        gain=covariance @ np.linalg.inv(covariance + RATING_NOISE * identity),
        shift_weights=np.linalg.inv(covariance + SHIFT_NOISE * identity).sum(axis=1),
    )


def moments(figures: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation over rows without NaN; 0 and 1 where there is nothing to take them of."""
    there = ~np.isnan(figures)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, figures, 0).sum(axis=0) / count
    spread = np.sqrt((np.where(there, figures - mean, 0) ** 2).sum(axis=0) / count)
    return mean, np.where(spread > 1e-6, spread, 1)


def informative(ratings: npt.NDArray[np.integer]) -> BoolArray:
    """Return which ratings say something, (n_people, n_elements).

    Ratings that are all the same over more than half of the elements point nowhere; -1 is no rating.
    """
    given = ratings >= 0
    lowest = np.where(given, ratings, 127).min(axis=1)
    points_nowhere = (lowest == ratings.max(axis=1)) & (2 * given.sum(axis=1) > ratings.shape[1])
    return np.asarray(given & ~points_nowhere[:, None])
