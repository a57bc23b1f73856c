"""Ridge regression with a Gaussian kernel, small enough to keep its inverse and so to leave rows out exactly."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from occupations.arrays import FloatArray

KEEP_ALL = -1


@dataclass(frozen=True, slots=True, eq=False)
class KernelRidge:
    """A fitted regression of targets on inputs.

    Args:
        inputs: Shape (n, n_inputs).
        gamma: Width of the kernel exp(-gamma * squared distance).
        inverse: Shape (n, n), inverse of kernel + alpha * identity.
        mean: Shape (n_targets,), what is predicted far from all inputs.
        centred: Shape (n, n_targets), targets - mean.
        dual: Shape (n, n_targets), inverse @ centred.
        row_sums: Shape (n,), sums of the inverse's rows.
    """

    inputs: FloatArray
    gamma: float
    inverse: FloatArray
    mean: FloatArray
    centred: FloatArray
    dual: FloatArray
    row_sums: FloatArray

    def predict(self, inputs: FloatArray, leave_out: npt.NDArray[np.intp] | None = None) -> FloatArray:
        """Return predictions of shape (n_new, n_targets).

        Args:
            inputs: Shape (n_new, n_inputs).
            leave_out: Shape (n_new,): the fitted row that each prediction must know nothing of, `KEEP_ALL`
                for none. It is exact: without row i, the weights k @ inverse lose the multiple of row i of the
                inverse that makes the weight of i zero (Rasmussen & Williams 2006, section 5.4.2).
        """
        kernel = _kernel(inputs, self.inputs, self.gamma)
        predicted = self.mean + kernel @ self.dual
        if leave_out is None or not (leave_out != KEEP_ALL).any():
            return predicted
        which = np.flatnonzero(leave_out != KEEP_ALL)
        rows = leave_out[which]
        weight = np.einsum("ij,ij->i", kernel[which], self.inverse[rows]) / self.inverse[rows, rows]
        # The mean of the targets was fitted too: it moves by so much.
        moved = -self.centred[rows] / max(len(self.centred) - 1, 1)
        kept = kernel[which] @ self.row_sums - weight * self.row_sums[rows]
        predicted[which] += moved * (1 - kept)[:, None] - weight[:, None] * self.dual[rows]
        return predicted


def fit_kernel_ridge(
    inputs: npt.NDArray[np.floating], targets: npt.NDArray[np.floating], *, gamma: float, alpha: float
) -> KernelRidge:
    """Return the regression that minimises squared error + alpha * squared norm around the targets' mean.

    Args:
        inputs: Shape (n, n_inputs), n >= 1.
        targets: Shape (n, n_targets).
        gamma: Width of the kernel, > 0.
        alpha: Strength of the penalty, > 0.

    Raises:
        ValueError: There is no row, or the rows of inputs and targets differ in number.
    """
    if len(inputs) != len(targets) or not len(inputs):
        raise ValueError(f"need as many inputs as targets, and one at least: {len(inputs)} and {len(targets)}")
    kernel = _kernel(inputs, inputs, gamma)
    inverse = np.linalg.inv(kernel + alpha * np.eye(len(kernel)))
    mean = targets.mean(axis=0, dtype=np.float64)
    centred = targets - mean
    return KernelRidge(
        inputs=inputs.astype(np.float32),
        gamma=gamma,
        inverse=inverse.astype(np.float32),
        mean=mean.astype(np.float32),
        centred=centred.astype(np.float32),
        dual=(inverse @ centred).astype(np.float32),
        row_sums=inverse.sum(axis=1).astype(np.float32),
    )


def _kernel(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating], gamma: float) -> FloatArray:
    squares = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b) - 2 * (a @ b.T)
    return np.asarray(np.exp(-gamma * np.maximum(squares, 0)), dtype=np.float32)
