"""Questions that the page asks, which of three rows is the odd one out, and answers it knows."""

import numpy as np

from tfsp import arguments


def as_places(questions, numbers):
    """Questions by places of rows on the page.

    Args:
      questions: triples of rows by their numbers in the source.
      numbers: ints `[n]`, the numbers of the rows on the page.

    Returns:
      a list of lists of three ints.

    Raises:
      ValueError: for anything but triples of three different rows that are on the page.
    """
    place = {int(number): i for i, number in enumerate(numbers)}
    found = []
    for i, triple in enumerate(questions):
        rows = [_row(each) for each in np.ravel(np.asarray(triple, object)).tolist()]
        if len(rows) != 3 or None in rows or len(set(rows)) != 3:
            raise ValueError(
                f"questions[{i}] must be three different rows, whole numbers. Received: "
                f"{arguments.shown(triple)}."
            )
        missing = [row for row in rows if row not in place]
        if missing:
            raise ValueError(
                f"questions[{i}] asks about row {missing[0]}, which is not on the page. Rows are "
                "named by their numbers in the source (`Data.rows`); `limit` leaves some out."
            )
        found.append([place[row] for row in rows])
    return found


def answered(constraints, numbers):
    """Answers by places of rows on the page, as its script keeps them (explorer/src/answers.js).

    Args:
      constraints: `Constraints`, or None.
      numbers: ints `[n]`, the numbers of the rows on the page.
    """
    if constraints is None:
        return []
    place = {int(number): i for i, number in enumerate(numbers)}
    said = [
        {"kind": "triplet", "pair": [a, b], "odd": c} for a, b, c in constraints.triplets.tolist()
    ]
    said += [{"kind": "must", "rows": pair} for pair in constraints.must_links.tolist()]
    said += [
        {"kind": "cannot", "rows": [a], "odd": b} for a, b in constraints.cannot_links.tolist()
    ]
    found = []
    for each in said:
        rows = {key: value for key, value in each.items() if key != "kind"}
        if set(np.hstack(list(rows.values())).tolist()) <= set(place):
            rows = {
                key: [place[n] for n in value] if isinstance(value, list) else place[value]
                for key, value in rows.items()
            }
            found.append({"kind": each["kind"], **rows})
    return found


def _row(value):
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return int(value) if whole else None
