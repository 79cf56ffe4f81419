"""The grammar of Newick text: from characters to labelled nodes with lengths.

Source: https://phylipweb.github.io/phylip/newicktree.html; quotes and comments as in NEXUS.
"""

import decimal
import math
import re

from tfsp import arguments

_TOKEN = re.compile(
    r"""\s*([(),:;\[]|'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\s(),:;\[\]'"][^\s(),:;\[\]']*)"""
)
_SPACE = re.compile(r"\s*")
_OPEN = "A quote is not closed"
_BRACKET = re.compile(r"[\[\]]")


class Nodes:
    """What the text holds: parents before children, in order of appearance; node 0 is the root.

    Attributes:
      parent: of each node, -1 at the root.
      label: a string, or None.
      length: a Decimal, or None.
      place: position in the text.
    """

    def __init__(self):
        self.parent, self.label, self.length, self.place = [], [], [], []

    def add(self, parent, place):
        self.parent.append(parent)
        self.label.append(None)
        self.length.append(None)
        self.place.append(place)
        return len(self.parent) - 1


def where(text, place):
    """`position 12 (line 1): "...:0.5,,b..."`, counted from 0."""
    line = text.count("\n", 0, place) + 1
    excerpt = text[max(0, place - 10) : place + 10]
    return f"position {place} (line {line}), near {excerpt!r}"


def _tokens(text):
    """(token, position) without comments; the last is ("", end of text)."""
    place = 1 if text.startswith("\ufeff") else 0
    while True:
        match = _TOKEN.match(text, place)
        if match is None:
            place = _SPACE.match(text, place).end()
            if place == len(text):
                yield "", place
                return
            what = {"]": "A comment ends that was not begun"} | dict.fromkeys("'\"", _OPEN)
            message = what.get(text[place], "Unexpected text")
            raise ValueError(f"{message} at {where(text, place)}.")
        token, start = match.group(1), match.start(1)
        place = match.end()
        if token == "[":
            place = _comment_end(text, start)
        else:
            yield token, start


def _comment_end(text, start):
    depth = 0
    for match in _BRACKET.finditer(text, start):
        depth += 1 if match.group() == "[" else -1
        if depth == 0:
            return match.end()
    raise ValueError(f"A comment is not closed; it begins at {where(text, start)}.")


def parse(text):
    """Nodes of the text, by an automaton: what may come next depends on what came last."""
    nodes = Nodes()
    current, last, done = nodes.add(-1, 0), "", False
    for token, place in _tokens(text):

        def fail(message, place=place):
            raise ValueError(f"{message} at {where(text, place)}.")

        if done:
            if token:
                fail(f"{_shown(token)} follows the semicolon: one tree is expected")
            continue
        if token == "":
            still = ", with an open parenthesis" if current else ""
            fail(f"The text ends before a semicolon{still}")
        elif last == ":":
            nodes.length[current] = _number(token, fail)
            last = "length"
        elif token == "(":
            if last not in ("", "(", ","):
                fail("A parenthesis opens after a finished branch; is a comma missing")
            current, last = nodes.add(current, place + 1), "("
        elif token in (",", ")"):
            if current == 0:
                fail(f"{token!r} is outside all parentheses")
            up = nodes.parent[current]
            current = nodes.add(up, place + 1) if token == "," else up
            last = token
        elif token == ":":
            if last == "length":
                fail("A branch has a second length")
            last = ":"
        elif token == ";":
            if current:
                fail("The tree ends with an open parenthesis")
            if not last:
                fail("There is no tree")
            done = True
        else:
            if last == "label":
                fail(f"A second label, {_shown(token)}: labels with blanks need quotes")
            if last == "length":
                fail(f"Text after a length, {_shown(token)}")
            nodes.label[current] = _unquoted(token)
            nodes.place[current] = place
            last = "label"
    return nodes


def _shown(token):
    return arguments.shown(token, 80)


def _unquoted(token):
    quote = token[0]
    return token[1:-1].replace(2 * quote, quote) if quote in "'\"" else token


def _number(token, fail):
    """The token as an exact decimal."""
    try:
        value = decimal.Decimal(token) if "_" not in token else None
    except decimal.InvalidOperation:
        value = None
    if value is None or not value.is_finite() or math.isinf(value):
        fail(f"A length must be a finite number, not {_shown(token)},")
    return value if float(value) else decimal.Decimal(0)  # float64 would round it to 0
