"""Everything that the page shows of a model and its data, as one structure that JSON can hold."""

import base64

import numpy as np

from tfsp.data import Data
from tfsp.data.splits import PARTS
from tfsp.evaluation import frames
from tfsp.evaluation.attach import attached_rows
from tfsp.evaluation.batches import iterate
from tfsp.explorer import columns, generated, identity, nearest, sheets
from tfsp.explorer import pictures as pictures_of
from tfsp.explorer import questions as questions_of
from tfsp.explorer.branches import branches
from tfsp.viz.style import PALETTE

FORMAT, VERSION = "tfsp-explorer", 1
_MOST_MEANS, _MOST_SAMPLED = 400, 200  # nodes, the largest first
_NUM_SAMPLES = 8
_BATCH = 1000


def collect(
    model,
    data,
    limit=None,
    num_clusters=None,
    seed=0,
    title=None,
    shown=None,
    questions=(),
    answers=None,
    known=None,
    budget=None,
):
    """What the page shows: the tree, its nodes, the rows on it and their pictures or values.

    The tree and the numbers of its nodes are those of `evaluation.attach` and the task "members":
    of a tree prior that has started its summary, with the rows attached to it; of a model with
    categories the tree over these; of any other that of the codes' nearest neighbours.

    Args:
      model: a trained `StructuredVAE`.
      data: a `tfsp.data.Data`, or examples: an array, or a pair (x, y).
      limit: the most rows of a part, a random subset of more (`tfsp.subset`); None for all.
      num_clusters, seed: of `evaluation.attach`; the seed is also that of the samples.
      title: what the page is called; None takes the name of the data.
      shown: a `Data` with the same rows whose pictures are shown instead, such as those before
        they were made binary; or None.
      questions: triples of rows, numbers in the source (`Data.rows`): the page asks which of the
        three is the odd one out.
      answers: `Constraints` that the page begins with (of a refined run those it has learned from);
        or None. Those about rows that are not on the page are left out.
      known: dict from numbers of rows to the leaves that they are, of `evaluation.attach`.
      budget: bytes of all sprite sheets of the rows, see `sheets.make`.

    Returns:
      dict, see docs/explorer.md. Node m and row i are places in its lists; rows stand in the order
      of the tree, so that those of a node are `start[m]` to `start[m] + count[m] - 1`.

    Raises:
      ValueError: for no rows or a single one, data that the model cannot take, `shown` with other
        rows, and questions about rows that are not there.
    """
    _check(model, data, limit, shown)
    found = attached_rows(model, data, None, limit, num_clusters, None, seed, known)
    places = found.places
    tree = branches(places.parent, places.last)
    in_source = np.argsort(found.order)[tree.order]  # of each row of the page, its place there
    codes = np.asarray(found.codes, np.float64)[tree.order]
    names = found.columns["row"][in_source]
    names = None if names.dtype.kind in "iu" else [str(name) for name in names]
    numbers = found.numbers[in_source]
    rows_print, total = _rows_print(data, numbers, names)
    is_prior_tree = generated.has_tree(model)
    centre = nearest.centres(codes, tree.start, tree.count)
    if is_prior_tree:
        centre = generated.node_locations(model.prior, places)[tree.number]
    if shown is None:
        examples = _examples(found.given, tree.order, model)
    else:
        examples = _examples(_given(shown, data, limit), tree.order)
    structure = {
        "format": FORMAT,
        "version": VERSION,
        "title": title or _name(data),
        "run": identity.of_tree(places.parent, numbers, rows_print),
        "data": {"name": _name(data), "rows": total, "fingerprint": rows_print},
        "kind": "images" if examples.ndim == 4 else "table",
        "palette": list(PALETTE),
        **_of_rows(found, in_source, tree, numbers, names),
        "nodes": _of_nodes(tree, places, nearest.nearest(codes, centre, tree.start, tree.count)),
        "questions": questions_of.as_places(questions, numbers),
        "answers": questions_of.answered(answers, numbers),
    }
    if examples.ndim == 4:
        pictures = pictures_of.as_bytes(examples)
        structure["colours"] = _base64(pictures_of.colours(pictures))
        structure["pictures"] = sheets.make(pictures, budget)
        structure |= _generated(model, found, tree, centre, is_prior_tree, seed)
    else:
        structure["table"] = _table(data, examples, tree)
    return structure


def _check(model, data, limit, shown):
    for name in ("prior", "encode", "capabilities"):
        if not hasattr(model, name):
            raise ValueError(
                "`model` must be a trained model of tfsp (`tfsp.load(path)`), which has codes to "
                f"make a tree of. Received: {type(model).__name__}, without {name!r}."
            )
    if shown is not None and not (isinstance(shown, Data) and isinstance(data, Data)):
        raise ValueError("`shown` and `data` must both be a tfsp.data.Data.")
    if isinstance(data, Data):
        number = sum(len(data.rows(part, limit)) for part in PARTS)
    else:
        x = data[0] if isinstance(data, (tuple, list)) else data
        number = len(x) if hasattr(x, "shape") else None
    if number is not None and number < 2:
        raise ValueError(f"A tree needs 2 rows or more. Received: {number}.")


def _name(data):
    return data.info.name if isinstance(data, Data) else "data"


def _rows_print(data, numbers, names):
    """(fingerprint of all rows of the data, their number), whatever of them the page shows."""
    if isinstance(data, Data):
        numbers, names = identity.all_rows(data)
    return identity.of_rows(numbers, names), len(numbers)


def _given(shown, data, limit):
    """The `Given` of the same rows in other data."""
    parts = [part for part in PARTS if len(data.rows(part, limit))]
    for part in parts:
        if not np.array_equal(data.rows(part), shown.rows(part)):
            raise ValueError(f"`shown` must have the rows of `data`; its part {part!r} has others.")
    return [frames.given(shown, part, limit) for part in parts]


def _examples(given, order, model=None):
    """All examples in the order of the tree; pictures as bytes. See `iterate` for the model."""
    parts = []
    for each in given:
        for x, _ in iterate(each.examples, _BATCH, model):
            x = np.asarray(x)
            parts.append(pictures_of.as_bytes(x) if x.ndim == 4 else x.reshape(len(x), -1))
    return np.concatenate(parts)[order]


def _of_rows(found, in_source, tree, numbers, names):
    """The entries "rows" and "classes"; classes are numbered in sorted order."""
    place = np.zeros(len(found.places.parent), int)
    place[tree.number] = np.arange(len(tree.number))
    parts = found.columns.get("part")
    rows = {
        "row": numbers.tolist(),
        "name": names,
        "part": None if parts is None else [str(part) for part in parts[in_source]],
        "node": found.columns["node"][in_source].tolist(),
        "cluster": found.columns["cluster"][in_source].tolist(),
        "last": place[found.places.last[tree.order]].tolist(),
        "label": None,
    }
    classes, labels = None, found.columns.get("label")
    if labels is not None:
        known, index = np.unique(labels[in_source], return_inverse=True)
        classes, rows["label"] = [str(name) for name in known], index.tolist()
    return {"rows": rows, "classes": classes}


def _of_nodes(tree, places, near):
    support = None if places.support is None else _rounded(places.support[tree.number])
    return {
        "number": tree.number.tolist(),
        "parent": tree.parent.tolist(),
        "start": tree.start.tolist(),
        "count": tree.count.tolist(),
        "time": _rounded(places.time[tree.number], 6),
        "support": support,
        "nearest": near,
    }


def _generated(model, found, tree, centre, is_prior_tree, seed):
    """Decoded means and samples of the largest nodes, with the nodes that they are of."""
    if "categories" in model.capabilities or not hasattr(model, "decode"):
        return {}
    largest = np.argsort(-tree.count, kind="stable")
    if not is_prior_tree:
        largest = largest[tree.count[largest] > 1]
    decoded = largest[:_MOST_MEANS]
    # Codes of the prior's tree lie in the prior's space, all others are what `encode` gives.
    view = model.prior_view() if is_prior_tree else model
    pictures = pictures_of.as_bytes(generated.means(view, centre[decoded]))
    entries = {"means": {"nodes": decoded.tolist(), "pictures": sheets.make(pictures)}}
    if is_prior_tree:
        sampled = largest[:_MOST_SAMPLED]
        drawn = generated.samples(model, found.places, tree.number[sampled], _NUM_SAMPLES, seed)
        pictures = pictures_of.as_bytes(drawn.reshape(-1, *drawn.shape[2:]))
        entries["samples"] = {
            "nodes": sampled.tolist(),
            "each": _NUM_SAMPLES,
            "pictures": sheets.make(pictures),
        }
    return entries


def _table(data, values, tree):
    info = data.info if isinstance(data, Data) else None
    names = list(info.columns) if info is not None and info.columns else None
    names = names or [f"column {j}" for j in range(values.shape[1])]
    categories = {} if info is None or not info.categories else info.categories
    numeric = np.array([name not in categories for name in names])
    apart = columns.distinguishing(values[:, numeric], tree.start, tree.count)
    number = np.flatnonzero(numeric)
    kept, packed = columns.packed(values)
    return {
        "columns": names,
        "categories": {name: [str(each) for each in of] for name, of in categories.items()},
        "apart": [
            [[int(number[j]), round(d, 3), float(f"{mean:.5g}")] for j, d, mean in each]
            for each in apart
        ],
        "kept": kept.tolist(),
        "values": packed,
    }


def _rounded(values, digits=3):
    return [None if np.isnan(v) else round(float(v), digits) for v in values]


def _base64(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
