"""Shifts of images in [0, 1]: pure functions of ``(n, c, h, w)`` arrays and a random generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage


def sensor(
    x: np.ndarray,
    rng: np.random.Generator,
    *,
    blur: int = 5,
    black: float = 0.4,
    contrast: float = 0.5,
    noise: float = 0.2,
) -> np.ndarray:
    """Simulate a worse sensor: ``blur`` x ``blur`` box filter, raised black level, less contrast, Gaussian noise."""
    blurred = ndimage.uniform_filter(x, size=(1, 1, blur, blur), mode="constant")
    return np.clip(black + contrast * blurred + rng.normal(0.0, noise, x.shape), 0.0, 1.0).astype(np.float32)


def rotation(x: np.ndarray, rng: np.random.Generator, *, degrees: float = 40.0) -> np.ndarray:
    """Rotate images counter-clockwise about their centre, with bilinear interpolation."""
    turned = ndimage.rotate(x, degrees, axes=(3, 2), reshape=False, order=1)
    return np.clip(turned, 0.0, 1.0).astype(np.float32)


def background(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The absolute difference to random patches of scikit-learn's two bundled photographs, in greyscale.

    The recipe of MNIST-M (Ganin et al., JMLR 2016, section 5.2.4) with other photographs.
    """
    from sklearn.datasets import load_sample_images

    photographs = [image.mean(2).astype(np.float32) / 255.0 for image in load_sample_images().images]
    height, width = x.shape[2:]
    patches = np.empty((len(x), 1, height, width), dtype=np.float32)
    for k in range(len(x)):
        photograph = photographs[rng.integers(len(photographs))]
        top = rng.integers(photograph.shape[0] - height + 1)
        left = rng.integers(photograph.shape[1] - width + 1)
        patches[k, 0] = photograph[top : top + height, left : left + width]
    return np.abs(x - patches).astype(np.float32)


SHIFTS: dict[str, Callable[..., np.ndarray]] = {"sensor": sensor, "rotation": rotation, "background": background}
