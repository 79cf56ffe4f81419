"""Whether near codes are of one class: precision and recall of nearest neighbours."""

import numpy as np

from tfsp import arguments
from tfsp.measures.checks import check_codes, check_labels
from tfsp.measures.examples import labelled
from tfsp.measures.registry import register
from tfsp.random import generator

_BLOCK = 2**21  # distances held at once (16 MiB): they stay in cache between product and sort
# Of a typical squared norm: above the rounding error of distances by matrix product, so that equal
# codes are at equal distances, and far below any difference that matters.
_RESOLUTION = 2.0**-32


@register("retrieval", example=lambda rng: labelled(rng, 12))
def retrieval(codes, labels, num_queries=None, num_recall_levels=101, seed=0):
    """Averaged precision-recall curve of retrieval by Euclidean distance.

    Each code is a query; all others are ranked by their distance to it, and those of its class
    are to be found. With R of these, the precision at the k-th one found is

        P_k = (codes of the class found so far) / (codes found so far),   recall k / R.

    Codes at the same distance are found together, as in scikit-learn: no order among them is
    made up, and codes that have collapsed to a point score the share of the class. A query's
    precision at recall rho is that at which recall rho is reached, P_k with k = ceil(rho R) (at
    rho = 0, P_1): steps, no straight lines between points and no running maximum. Straight lines
    flatter a class with few members.

    Args:
      codes: `[n, D]`.
      labels: integers `[n]`.
      num_queries: how many codes, drawn at random, are queries; None takes all. All codes are
        ranked in either case.
      num_recall_levels: L, the curve is given at recall 0, 1/(L-1), ..., 1.
      seed: int, of the choice of queries.

    Returns:
      dict:
        recall, precision: arrays `[L]`, the curve averaged over queries (Figure B.16).
        auc: area under that curve by the trapezium rule: what Table 1 calls "averaged
          precision-recall AUC".
        mean_average_precision: mean over queries of mean_k P_k. That is the exact area under the
          averaged curve, which `auc` approaches as L grows; it does not depend on L.
        num_queries: queries averaged.
        num_left_out: queries left out because no other code has their class.

    Raises:
      ValueError: for shapes that do not fit and where no class has two codes.

    Source: Vikram et al. 2018, arXiv:1810.06891, section 6.2, Table 1, Figure B.16.
    """
    codes = check_codes(codes)
    labels = check_labels(labels, codes)
    levels = arguments.integer("num_recall_levels", num_recall_levels, 2) - 1
    classes, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    queries = np.arange(len(codes))
    if num_queries is not None:
        num_queries = min(arguments.integer("num_queries", num_queries), len(codes))
        queries = np.sort(generator(seed).choice(queries, num_queries, replace=False))
    alone = counts[labels[queries]] < 2
    queries = queries[~alone]
    if not len(queries):
        raise ValueError(
            "Retrieval needs a query with another code of its class. Received: "
            f"{len(codes)} codes of {len(classes)} classes, {alone.sum()} queries alone in theirs."
        )
    members = np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])
    places = {  # where recall j / levels is reached, counted in whole numbers: no rounding
        size: np.maximum(-(-np.arange(levels + 1) * (size - 1) // levels), 1) - 1
        for size in np.unique(counts)
    }
    curve, average_precision = np.zeros(levels + 1), 0.0
    for query, distances, relevant in _ranked(codes, queries, labels, members):
        found = np.searchsorted(distances, relevant, side="right")
        hits = np.searchsorted(relevant, relevant, side="right")
        precision = hits / found
        average_precision += precision.mean()
        curve += precision[places[counts[labels[query]]]]
    recall = np.arange(levels + 1) / levels
    curve /= len(queries)
    return {
        "recall": recall,
        "precision": curve,
        "auc": float(np.trapezoid(curve, recall)),
        "mean_average_precision": float(average_precision / len(queries)),
        "num_queries": len(queries),
        "num_left_out": int(alone.sum()),
    }


def _ranked(codes, queries, labels, members):
    """Yields (query, sorted distances to all others and infinity, those of its class sorted)."""
    codes = codes - np.median(codes, axis=0)  # cancels less; one far code moves no median
    norms = np.sum(codes**2, axis=1)
    typical = np.median(norms) or norms.max() or 1.0
    codes = codes / np.sqrt(_RESOLUTION * typical)
    norms = norms / (_RESOLUTION * typical)
    rows = min(max(1, _BLOCK // len(codes)), len(queries))
    buffer = np.empty((rows, len(codes)))
    for start in range(0, len(queries), rows):
        block = queries[start : start + rows]
        distances = np.matmul(-2.0 * codes[block], codes.T, out=buffer[: len(block)])
        distances += norms
        distances += norms[block, np.newaxis]
        np.rint(distances, out=distances)
        distances[np.arange(len(block)), block] = np.inf  # a query does not find itself
        relevant = [
            np.sort(row[members[labels[query]]])[:-1]
            for query, row in zip(block, distances, strict=True)
        ]
        distances.sort(axis=1)
        yield from zip(block, distances, relevant, strict=True)
