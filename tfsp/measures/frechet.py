"""The Fréchet distance between two sets of features, which are always named."""

import numpy as np

from tfsp.measures.checks import check_codes
from tfsp.measures.examples import points
from tfsp.measures.features import FeatureMap
from tfsp.measures.registry import register


@register("frechet_distance", example=lambda rng: points(rng, 9, 8))
def frechet_distance(first, second):
    """Fréchet (2-Wasserstein) distance, squared, of Gaussians fitted to two sets of vectors.

        |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))

    with the means m and the covariances S (divisor n - 1). The estimate is too large on average,
    and the more so the fewer vectors there are: compare only values of equal numbers.

    Args:
      first, second: `[n, d]`, `[m, d]`.

    Returns:
      float, in squared units of the vectors.

    Raises:
      ValueError: for vectors that are not finite, of different d, or fewer than two.

    Source: Dowson & Landau 1982; Heusel et al. 2017, arXiv:1706.08500, eq. (6).
    """
    first, second = check_codes(first, "first"), check_codes(second, "second")
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"Both sets must have the same number of features. Received: {first.shape[1]} and "
            f"{second.shape[1]}."
        )
    if min(len(first), len(second)) < 2:
        raise ValueError(
            f"A covariance needs at least two vectors. Received: {len(first)} and {len(second)}."
        )
    mean1, mean2 = first.mean(axis=0), second.mean(axis=0)
    covariance1, covariance2 = (np.atleast_2d(np.cov(s, rowvar=False)) for s in (first, second))
    # tr (S1 S2)^(1/2) = tr (R S2 R)^(1/2) with R = S1^(1/2): symmetric, so that eigenvalues are
    # real and singular covariances do no harm.
    values, vectors = np.linalg.eigh(covariance1)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    values = np.linalg.eigvalsh(root @ covariance2 @ root)
    overlap = np.sqrt(np.maximum(values, 0)).sum()
    spread = np.trace(covariance1) + np.trace(covariance2) - 2 * overlap
    return float(max(np.sum((mean1 - mean2) ** 2) + spread, 0.0))


def frechet(samples, data, features):
    """Fréchet distance between samples of a model and data, in named features.

    Distances in different features cannot be compared; in particular only the features of the
    Inception network give what papers call FID. So the features have a name, which the result
    contains.

    Args:
      samples, data: `[n, ...]`, `[m, ...]`, as the features take them.
      features: `FeatureMap`, for instance of `classifier_features`.

    Returns:
      dict: distance; features (the name), description (what they are), num_features, num_samples,
      num_data, resize (what is done to the images' size first).

    Raises:
      TypeError: unless `features` is a `FeatureMap`.
      ValueError: for shapes that do not fit.
    """
    if not isinstance(features, FeatureMap):
        raise TypeError(
            "`features` must be a `tfsp.measures.FeatureMap`, a function with a name: a Fréchet "
            "distance without named features cannot be compared with any other. Received: "
            f"{features!r:.80}. `classifier_features(images, labels)` trains some. The weights of "
            "Inception are not part of this package; wrap your own network in a `FeatureMap`."
        )
    samples, data = np.asarray(samples), np.asarray(data)
    if samples.shape[1:] != data.shape[1:]:
        raise ValueError(
            "`samples` and `data` must hold examples of the same shape. Received: "
            f"samples.shape={samples.shape}, data.shape={data.shape}."
        )
    return {
        "distance": frechet_distance(features(samples), features(data)),
        "features": features.name,
        "description": features.description,
        "num_features": features.num_features,
        "num_samples": len(samples),
        "num_data": len(data),
        "resize": features.resize,
    }
