"""Answers about whole subtrees: an oracle is shown clades that the posterior is sure of."""

import numpy as np

from tfsp.tmc.constraints import link_triplets, suggest
from tfsp.tmc.phylogeny import TreeArrays, surgery


class Subtrees:
    """Units of leaves to ask about, and answers that hold for all leaves of a unit.

    A unit is a clade of the summary tree in at least a share `support` of the draws, as large as it
    may be; where there is none, a leaf. A question is about three units, of which one leaf each
    stands for the draws. Who is asked sees all leaves of the three, and may say that a unit is
    mixed: it is taken apart from then on. Else the answer ({A, B}, C) becomes `link_triplets`: A
    and B must be together, C cannot be in their clade, nor they in that of C; a triplet a leaf.

    Args:
      support: in (0, 1].
    """

    def __init__(self, support):
        self._support = support
        self._mixed = []  # sets of leaves

    @property
    def learned(self):
        """How many units were found to be mixed: a round without an answer may teach that."""
        return len(self._mixed)

    def ask(self, labels, found, known, number, wanted, active_share, seed):
        """Asks until there are answers enough.

        Args:
          labels: the classes, which only the oracle sees.
          found: a `TreeSummary` given the answers so far.
          known: these, triplets.
          number: of questions, at most.
          wanted: answers.
          active_share, seed: of `suggest`.

        Returns:
          answers, a list of lists of triplets; how many questions they took.
        """
        units = self.units(found.tree, found.support)
        place = {unit[0]: i for i, unit in enumerate(units)}
        leaves = [unit[0] for unit in units]
        parents = [
            surgery.restrict(TreeArrays(parent, time), leaves).parent
            for parent, time in zip(*found.draws, strict=True)
        ]
        inside = [[place[n] for n in row] for row in known if all(n in place for n in row)]
        questions = suggest(np.array(parents), number, inside, active_share, seed).triples
        told, mixed = [], set()
        for asked, row in enumerate(questions.tolist()):
            if len(told) == wanted:
                return told, asked
            if mixed.isdisjoint(row):
                answer = self._answer(labels, [units[i] for i in row], mixed, row)
                if answer is not None:
                    told.append(answer)
        return told, len(questions)

    def units(self, tree, support):
        """Lists of leaves that part all of them: three at least, as a question is about three."""
        waiting, units = [tree.root], {}
        while waiting:
            v = waiting.pop()
            leaves = tree.leaves_below(v).tolist()
            whole = v != tree.root and support[v] >= self._support
            if len(leaves) == 1 or (whole and not any(m.issubset(leaves) for m in self._mixed)):
                units[v] = leaves
            else:
                waiting.extend(tree.children[v].tolist())
        while len(units) < min(3, tree.num_leaves):
            largest = max(units, key=lambda v: len(units[v]))
            del units[largest]
            units |= {v: tree.leaves_below(v).tolist() for v in tree.children[largest].tolist()}
        return list(units.values())

    def _answer(self, labels, units, mixed, row):
        """Triplets, or None where a unit is mixed or the classes do not tell."""
        classes = [set(labels[unit].tolist()) for unit in units]
        for i, unit in enumerate(units):
            if len(classes[i]) > 1:
                self._mixed.append(set(unit))
                mixed.add(row[i])
        if any(len(some) > 1 for some in classes):
            return None
        for one, other, odd in ((0, 1, 2), (0, 2, 1), (1, 2, 0)):
            if classes[one] == classes[other] != classes[odd]:
                pair, rest = units[one] + units[other], units[odd]
                must = [(part[0], n) for part in (pair, rest) for n in part[1:]]
                return link_triplets(must, [(pair[0], rest[0])], len(labels)).tolist()
        return None
