"""The way back: for every row of the data where it belongs, and for every node whose it is."""

from typing import NamedTuple

import numpy as np

from tfsp import arguments
from tfsp.data import Data
from tfsp.data.splits import PARTS
from tfsp.evaluation import attachment, frames
from tfsp.evaluation.categories import category_probabilities
from tfsp.evaluation.latent import codes_of, encode_views


def attach(
    model,
    data,
    part=None,
    limit=None,
    num_clusters=None,
    tree=None,
    seed=0,
    known=None,
    share=None,
    folder=None,
):
    """Where each row belongs: a DataFrame, a line for a row.

    Columns:
      part: of the data set; only of a `Data`.
      node: of a tree prior that has started the lower node of the most probable edge, of a model
        with categories ("cp_vae", "gm_vae") the most probable category, of any other the node of
        the tree of the codes' nearest neighbours (`tfsp.tmc.neighbour_tree`; of a model with
        `consistency` codes of views) whose clade is the row's cluster.
      probability: of that edge given the row's code (the probabilities of all edges add up to 1);
        of that category; or the share of the nearest 15 rows that are in the same cluster.
      path: numbers of the nodes from the root to `node`, such as "38/35/4". Of categories it goes
        through the tree over those in use, whose inner nodes are numbered on from K.
      cluster: number of the cluster, from 0, when the tree is cut by `tfsp.tmc.lasting_clusters`
        (by `Phylogeny.cut` where not so many last): of a tree prior the most probable one of the
        row, all edges counted.
      label: the class by its name; only of data with one label a row.

    The index, named "row", holds what the rows are known by: the index of a table, files of a
    folder, or numbers of the rows in the source. The rows of all parts come in the order of the
    source.

    Args:
      model: a trained model.
      data: a `tfsp.data.Data`, or new examples: a batched dataset, an array, or a pair (x, y).
      part: "train", "validation" or "test" of a `Data`; None takes all.
      limit: the most rows of a part, a random subset of more (`tfsp.subset`); None for all.
      num_clusters: K; None takes as many clusters as last, of categories each as its own.
      tree: of a tree prior the `tfsp.tmc.Phylogeny` over its leaves to attach to; None takes
        `prior.summary_tree()`, of more than `prior.most_summarised` leaves the draw that the prior
        holds. Numbers of its nodes are those in its pictures.
      seed: of the summary, and of the views.
      known: dict from numbers of rows (`Data.rows`) to leaves of the prior's tree that they are, as
        of a refined run (`tfsp.run_leaves.read(run_dir).leaves`): these stand at their leaf.
      share: (index, count), index from 0: encode this share of the batches alone, into a file for
        each part of the data, whose paths are returned, a list. Places on the tree are found by
        the call without `share`.
      folder: of the files of shares, as in `encode`.

    Raises:
      ValueError: for a part or a number out of range, examples that are not finite, and a bad
        `share`.
      ImportError: if pandas is not installed.
    """
    if share is not None:
        return attached_share(model, data, share, folder, part, limit, seed)
    pandas = frames.pandas()
    columns = attached_columns(model, data, part, limit, num_clusters, tree, seed, known, folder)
    return pandas.DataFrame(columns).set_index("row")


def members(attached, node):
    """The rows below a node: those whose path goes through it.

    Args:
      attached: DataFrame of `attach`.
      node: number of a node.

    Returns:
      DataFrame, those lines of `attached`; none for a node that no row is at or below.

    Raises:
      ValueError: for what is no number of a node.
    """
    node = str(arguments.integer("node", node, 0))
    below = [node in path.split("/") for path in attached["path"]]
    return attached[np.array(below, bool)]


class Attached(NamedTuple):
    """Rows of data and where they belong; n rows.

    Attributes:
      columns: what `attach` returns, a dict of arrays `[n]` by the names of columns; the rows in
        the order of the source.
      numbers: ints `[n]`, of the rows in the source (`tfsp.data.Data.rows`), in that order.
      places: `attachment.Places`, its rows part after part, as those of `given`.
      codes: `[n, D]`, by which the places were found, part after part; of models with categories
        their probabilities.
      labels: `[n]` or None, part after part.
      given: a list of `frames.Given`, one for each part.
      order: ints `[n]`: row i in the order of the source is row `order[i]` part after part.
    """

    columns: dict
    numbers: np.ndarray
    places: attachment.Places
    codes: np.ndarray
    labels: np.ndarray | None
    given: list
    order: np.ndarray


def attached_columns(model, data, part, limit, num_clusters, tree, seed, known=None, folder=None):
    """What `attach` returns, as a dict of arrays by the names of columns, without pandas."""
    return attached_rows(model, data, part, limit, num_clusters, tree, seed, known, folder).columns


def attached_share(model, data, share, folder, part=None, limit=None, seed=0):
    """A share of what `attach` encodes: paths of its files, a list."""
    rows = _given(model, data, part, limit)
    return [_codes(model, *each, seed, share, folder) for each in rows]


def attached_rows(
    model,
    data,
    part=None,
    limit=None,
    num_clusters=None,
    tree=None,
    seed=0,
    known=None,
    folder=None,
):
    """What `attach` returns and what it was found by: `Attached`, without pandas."""
    is_set = isinstance(data, Data)
    parts, rows = zip(*_given(model, data, part, limit), strict=True)
    rows = list(rows)
    numbers = np.concatenate([data.rows(name, limit) for name in parts]) if is_set else None
    leaves = _leaves(numbers, known)
    _check_tree(model, tree)
    pairs = [_codes(model, *each, seed, None, folder) for each in zip(parts, rows, strict=True)]
    codes, labels = _joined(pairs)
    found = _places(model, codes, num_clusters, tree, seed, leaves)
    number = len(found.node)
    names = [each.names for each in rows]
    columns = {"row": np.arange(number) if names[0] is None else np.concatenate(names)}
    if is_set:
        columns["part"] = np.repeat(parts, [len(each.names) for each in rows])
    columns |= {
        "node": found.node,
        "probability": found.probability,
        "path": attachment.paths(found.parent, found.node),
        "cluster": found.cluster,
    }
    label = frames.named(labels, rows[0].class_names)
    if label is not None:
        columns["label"] = label
    order = np.arange(number)
    if not is_set:
        numbers = order
    else:
        order = np.argsort(numbers)
        columns = {name: column[order] for name, column in columns.items()}
    return Attached(columns, numbers[order], found, codes, labels, rows, order)


def _leaves(numbers, known):
    """The leaf that each row is, -1 where it is none, ints `[n]`; None if none is known."""
    if not known:
        return None
    if numbers is None:
        raise ValueError("`known` is about rows of a `tfsp.data.Data`, by their numbers.")
    return np.array([known.get(row, -1) for row in numbers.tolist()])


def _given(model, data, part, limit):
    """Pairs (name of a part or None, its `frames.Given`), of parts that have rows."""
    names = (part,)
    if isinstance(data, Data):
        names = PARTS if part is None else (part,)
        names = [name for name in names if len(data.rows(name, limit))]
    return [(name, frames.given(data, name, limit, model)) for name in names]


def _on_tree(model):
    """Whether rows are attached to the tree of the prior."""
    return "tree" in model.prior.capabilities and model.prior.is_started()


def _check_tree(model, tree):
    if tree is not None and not _on_tree(model):
        raise ValueError(
            "`tree` is for a tree prior ('loracs', 'tmc') whose tree has started. The prior of "
            f"this model: {type(model.prior).__name__}."
        )


def _codes(model, part, rows, seed, share, folder):
    """(what places are found by `[n, D]`, labels `[n]` or None) of a part, or its share's file."""
    sharing = ("attach" if part is None else f"attach-{part}", share, folder)
    if _on_tree(model):
        return codes_of(model, model.prior_view(), rows.examples, *sharing)
    if "categories" in model.capabilities:
        return category_probabilities(model, rows.examples, *sharing)
    if getattr(model, "consistency", None) is not None:
        return encode_views(model, rows.examples, 8, seed, *sharing)
    return codes_of(model, model, rows.examples, *sharing)


def _places(model, codes, num_clusters, tree, seed, leaves):
    """`attachment.Places` of all rows."""
    if _on_tree(model):
        tree = attachment.tree_of(model.prior, seed) if tree is None else tree
        return attachment.on_tree(model.prior, tree, codes, num_clusters, leaves)
    if "categories" in model.capabilities:
        return attachment.in_categories(codes, num_clusters)
    return attachment.among_neighbours(codes, num_clusters)


def _joined(pairs):
    """Of [(values, labels or None), ...] both in one piece."""
    values, labels = zip(*pairs, strict=True)
    return np.concatenate(values), None if labels[0] is None else np.concatenate(labels)
