"""What answers about single leaves are worth: an oracle that knows classes corrects a tree."""

import numpy as np

from tfsp import arguments
from tfsp.random import short_seed
from tfsp.tmc import dendrogram_purity, summarize
from tfsp.tmc.constraints import suggest

COUNTS = (0, 10, 20, 50, 100, 200)
_BURN_IN, _APART = 1000, 30  # moves for each leaf of the chains between two rounds of questions
_ASKED = 100  # questions for each answer that is wanted


def digit_points(num_points=100, dim=16, seed=0):
    """Leaves for `purity_by_answers`: centres of scikit-learn's digits.

    k-means of principal components, all on one scale: the largest mean square of a component is 1.

    Args:
      num_points: N.
      dim: D, principal components.
      seed: of k-means.

    Returns:
      points `[N, D]`, labels int `[N]`: the class of most digits of each centre.
    """
    from sklearn.cluster import KMeans
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA

    images, classes = load_digits(return_X_y=True)
    codes = PCA(dim).fit_transform(images)
    found = KMeans(num_points, n_init=1, random_state=short_seed(seed)).fit(codes)
    labels = [np.bincount(classes[found.labels_ == k]).argmax() for k in range(num_points)]
    points = found.cluster_centers_
    return points / np.sqrt(np.max(np.mean(points**2, axis=0))), np.array(labels)


def answer(labels, triple):
    """What one who knows the classes says of three leaves: a triplet (a, b, c), or None.

    Of leaves of classes x, x, y that of y is the odd one out. Of three of one class, or of three
    classes, the oracle knows nothing to say.
    """
    a, b, c = (int(n) for n in triple)
    for one, other, odd in ((a, b, c), (a, c, b), (b, c, a)):
        if labels[one] == labels[other] != labels[odd]:
            return one, other, odd
    return None


def purity_by_answers(
    points, labels, active_share=0.5, counts=COUNTS, each=5, seed=0, report=None, **options
):
    """Dendrogram purity of the summary tree after so many answers of an oracle.

    In rounds: draws of the posterior given all answers so far, questions by `suggest`, and the
    first `each` answers to them. Questions without an answer cost a look, and tell nothing: they
    are counted apart.

    Args:
      points: leaves `[N, D]`.
      labels: their classes, ints `[N]`.
      active_share: of `suggest`: 0 asks at random.
      counts: numbers of answers after which purity is measured, rising.
      each: answers in a round.
      seed: an integer.
      report: called with each row, or None.
      **options: of `summarize`: num_draws, burn_in, moves_per_draw.

    Returns:
      a list of dicts: answers; asked, questions that it took; purity, of the summary tree;
      agreement, of its chains. It ends early where a round has no answer at all.

    Raises:
      ValueError: for arguments out of range.

    Source: Vikram & Dasgupta 2016, arXiv:1602.03258, section 6, for the oracle.
    """
    counts = arguments.integers("counts", counts, 0, None, "numbers of answers")
    if list(counts) != sorted(set(counts)):
        raise ValueError(f"`counts` must rise. Received: {list(counts)}.")
    asking = _Asking(points, labels, active_share, each, seed, options)
    rows = []
    for count in counts:
        if not asking.until(count):
            return rows
        found = summarize(
            asking.points, seed=seed, triplets=asking.known, columns="all", warn=False, **options
        )
        purity = dendrogram_purity(found.tree, asking.labels)
        rows.append(
            dict(answers=count, asked=asking.asked, purity=purity, agreement=found.agreement)
        )
        if report is not None:
            report(rows[-1])
    return rows


def answers(points, labels, number, active_share=0.5, each=5, seed=0, **options):
    """The oracle's answers to questions about leaves, in rounds as in `purity_by_answers`.

    Args:
      points, labels, active_share, each, seed, **options: as there.
      number: how many are wanted.

    Returns:
      triplets of leaves, ints `[K, 3]`; fewer than wanted where a round has no answer at all.
    """
    asking = _Asking(points, labels, active_share, each, seed, options)
    asking.until(arguments.integer("number", number))
    return np.array(asking.known, int).reshape(-1, 3)


class _Asking:
    """Rounds of questions and answers about one set of leaves."""

    def __init__(self, points, labels, active_share, each, seed, options):
        self.points, self.labels = np.asarray(points, np.float64), np.asarray(labels)
        num_leaves = len(self.points)
        if len(self.labels) != num_leaves:
            raise ValueError(
                f"`labels` must hold one class for each of {num_leaves} points. Received: "
                f"{len(self.labels)}."
            )
        self._each = arguments.integer("each", each)
        self._share, self._seed = active_share, seed
        moves = dict(burn_in=_BURN_IN * num_leaves, moves_per_draw=_APART * num_leaves)
        self._options = {"num_draws": 100, **moves, **options, "columns": "all", "warn": False}
        self.known, self.asked = [], 0

    def until(self, count):
        """Asks until there are `count` answers; False if a round has none."""
        while len(self.known) < count:
            fresh = (self._seed, len(self.known))
            options = {"seed": fresh, "triplets": self.known, **self._options}
            draws = summarize(self.points, **options).draws[0]
            number = _ASKED * self._each
            triples = suggest(draws, number, self.known, self._share, _seed(fresh)).triples
            told, asked = _ask(self.labels, triples, min(self._each, count - len(self.known)))
            if not told:
                return False
            self.known += told
            self.asked += asked
        return True


def _ask(labels, questions, wanted):
    """Answers, at most as many as wanted, and how many questions they took."""
    told = []
    for i, triple in enumerate(questions):
        if len(told) == wanted:
            return told, i
        known = answer(labels, triple)
        if known is not None:
            told.append(known)
    return told, len(questions)


def _seed(words):
    return int(np.random.SeedSequence(words).generate_state(1)[0])
