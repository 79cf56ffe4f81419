"""What answers about single leaves are worth: an oracle that knows classes corrects a tree."""

import numpy as np

from tfsp import arguments
from tfsp.random import short_seed
from tfsp.studies.oracle_subtrees import Subtrees
from tfsp.tmc import dendrogram_purity, summarize
from tfsp.tmc.constraints import suggest

COUNTS = (0, 10, 20, 50, 100, 200)
_BURN_IN, _APART = 1000, 30  # moves for each leaf of the chains between two rounds of questions
_ASKED = 100  # questions for each answer that is wanted


def centre_points(images, classes, num_points=100, dim=16, seed=0):
    """Leaves for `purity_by_answers`: centres of labelled images.

    k-means of principal components, all on one scale: the largest mean square of a component is 1.

    Args:
      images: `[n, ...]`.
      classes: ints `[n]`.
      num_points: N.
      dim: D, principal components.
      seed: of k-means.

    Returns:
      points `[N, D]`, labels int `[N]`: the class of most images of each centre.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    codes = PCA(dim, random_state=0).fit_transform(np.reshape(images, [len(images), -1]))
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
    points,
    labels,
    active_share=0.5,
    counts=COUNTS,
    each=5,
    subtrees=None,
    seed=0,
    report=None,
    **options,
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
      subtrees: None, or the support of clades about which to ask as a whole, in (0, 1]: see
        `oracle_subtrees.Subtrees`. Questions about mixed clades are asked, and not answered.
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
    asking = _Asking(points, labels, active_share, each, subtrees, seed, options)
    rows = []
    for count in counts:
        if not asking.until(count):
            return rows
        found = asking.summary(seed)
        purity = dendrogram_purity(found.tree, asking.labels)
        rows.append(
            dict(answers=count, asked=asking.asked, purity=purity, agreement=found.agreement)
        )
        if report is not None:
            report(rows[-1])
    return rows


def answers(points, labels, number, active_share=0.5, each=5, subtrees=None, seed=0, **options):
    """What the oracle says in as many answers, asked in rounds as in `purity_by_answers`.

    Args:
      points, labels, active_share, each, subtrees, seed, **options: as there.
      number: how many answers are wanted.

    Returns:
      triplets of leaves, ints `[K, 3]`: one for each answer, more where it speaks of subtrees, and
      fewer where a round has no answer at all.
    """
    asking = _Asking(points, labels, active_share, each, subtrees, seed, options)
    asking.until(arguments.integer("number", number))
    return np.array(asking.known, int).reshape(-1, 3)


class _Asking:
    """Rounds of questions and answers about one set of leaves.

    Attributes:
      known: triplets, a list; asked: questions so far.
    """

    def __init__(self, points, labels, active_share, each, subtrees, seed, options):
        self.points, self.labels = np.asarray(points, np.float64), np.asarray(labels)
        num_leaves = len(self.points)
        if len(self.labels) != num_leaves:
            raise ValueError(
                f"`labels` must hold one class for each of {num_leaves} points. Received: "
                f"{len(self.labels)}."
            )
        self._each, self._share = arguments.integer("each", each), active_share
        self._seed = seed
        self._options = dict(columns="all", warn=False, **options)
        moves = dict(burn_in=_BURN_IN * num_leaves, moves_per_draw=_APART * num_leaves)
        self._between = dict(num_draws=100, **moves) | self._options
        self._asker = (
            Leaves() if subtrees is None else Subtrees(arguments.number("subtrees", subtrees))
        )
        self.known, self.asked, self._answers = [], 0, 0

    def until(self, count):
        """Asks until there are `count` answers; False if a round has none, and teaches nothing."""
        while self._answers < count:
            before = self._asker.learned
            fresh = (self._seed, self._answers)
            found = summarize(self.points, seed=fresh, triplets=self.known, **self._between)
            wanted = min(self._each, count - self._answers)
            told, looks = self._asker.ask(
                self.labels,
                found,
                self.known,
                _ASKED * self._each,
                wanted,
                self._share,
                _seed(fresh),
            )
            if not told and self._asker.learned == before:
                return False
            self.known += [row for some in told for row in some]
            self._answers += len(told)
            self.asked += looks
        return True

    def summary(self, seed):
        """The summary tree given all answers so far."""
        return summarize(self.points, seed=seed, triplets=self.known, **self._options)


class Leaves:
    """Questions about three leaves each, with the face of `Subtrees`."""

    learned = 0

    def ask(self, labels, found, known, number, wanted, active_share, seed):
        questions = suggest(found.draws[0], number, known, active_share, seed).triples
        told = []
        for asked, triple in enumerate(questions):
            if len(told) == wanted:
                return told, asked
            triplet = answer(labels, triple)
            if triplet is not None:
                told.append([triplet])
        return told, len(questions)


def _seed(words):
    return int(np.random.SeedSequence(words).generate_state(1)[0])
