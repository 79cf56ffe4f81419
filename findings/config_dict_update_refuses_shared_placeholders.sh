#!/usr/bin/env bash
# ml_collections: a ConfigDict cannot be updated from another one that has the same placeholder.
#
# Versions: ml_collections 1.1.0, Python 3.11, 2026-11-29. PYTHON names the interpreter, python3 by
# default.
#
# Behaviour: two configs made by the same function differ in their values at most, and
# `ours.update(theirs)` is how one takes over the other's, or one section of it. If the function uses
# `placeholder` for a setting that has no default, the update raises a TypeError at that setting,
# whether it holds a value by now or not: "Cannot update a FieldReference from another
# FieldReference". A placeholder on one side alone depends on the side: a plain field takes over a
# placeholder, a placeholder refuses it. `theirs.to_dict()` in place of `theirs` works for all.
#
# Seen:
#   same placeholder, empty       TypeError
#   same placeholder, filled      TypeError
#   placeholder into plain field  updated
#   by to_dict()                  updated
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ml_collections==1.1.0
cd "$folder"
cat > update.py <<'PYTHON'
import ml_collections
from ml_collections import config_dict


def defaults(colour=None, plain=False):
    background = "grey" if plain else config_dict.placeholder(str)
    config = ml_collections.ConfigDict({"data": {"size": 3, "background": background}})
    if colour is not None:
        config.data.background = colour
    return config


def tried(ours, theirs):
    try:
        ours.update(theirs)
    except TypeError as error:
        return type(error).__name__
    return "updated"


print("same placeholder, empty      ", tried(defaults(), defaults()))
print("same placeholder, filled     ", tried(defaults(), defaults("white")))
print("placeholder into plain field ", tried(defaults(plain=True), defaults("white")))
print("by to_dict()                 ", tried(defaults(), defaults("white").to_dict()))
PYTHON
found=$(venv/bin/python update.py)
echo "$found"
expected="same placeholder, empty       TypeError
same placeholder, filled      TypeError
placeholder into plain field  updated
by to_dict()                  updated"
[[ $found == "$expected" ]] || {
  echo "the behaviour has changed"
  exit 1
}
