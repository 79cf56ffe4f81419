"""Names that users give to the parts of a data set: train, Testing, val_images, dev, ..."""

import re
from collections.abc import Sequence
from typing import Any

# Words by part, the one most expected first.
WORDS = {
    "train": ("train", "training", "trn"),
    "validation": ("val", "valid", "validation", "validate", "dev", "devel", "development"),
    "test": ("test", "testing", "tests", "tst"),
}
# Words for a part of which one cannot say whether it validates or tests.
_UNCLEAR = ("eval", "evaluation", "holdout", "heldout", "unseen")
# Words that speak of parts only where all names beside each other hold one of the same group:
# tr and te are languages too, and background is a class.
_TOGETHER = (("background", "evaluation", "eval"), ("seen", "unseen"), ("tr", "va", "te"))
_FILLERS = frozenset(
    ("data", "dataset", "folder", "image", "images", "img", "imgs", "part", "photos", "pictures")
    + ("sample", "samples", "set", "split", "subset")
)
_PART_OF_WORD = {word: part for part, words in WORDS.items() for word in words}


def part_of(name: str) -> str | None:
    """One of "train", "validation", "test" where a folder's name says nothing else, else None.

    Case, digits and words such as "set" or "images" do not matter: Train, testing, val2017,
    train_images, TestSet.
    """
    words = [word for word in _words(name) if word not in _FILLERS]
    return _PART_OF_WORD.get(words[0]) if len(words) == 1 else None


def resembled(name: str) -> set[str]:
    """Set of the parts that words of a name mean, or "unclear": of mnist_train {"train"}."""
    words = set(_words(name))
    found = {_PART_OF_WORD[word] for word in words if word in _PART_OF_WORD}
    return found | ({"unclear"} if words & set(_UNCLEAR) else set())


def mixed(names: Sequence[str]) -> list[str]:
    """Those of some names beside each other that speak of two parts or more, else [].

    Such are mnist_train and mnist_test, or images_background and images_evaluation.
    """
    found = {name: resembled(name) for name in names}
    if len(set().union(*found.values())) > 1:
        return [name for name, parts in found.items() if parts]
    words = [set(_words(name)) for name in names]
    for group in _TOGETHER:
        held = [own.intersection(group) for own in words]
        if all(held) and len(set().union(*held)) > 1:
            return list(names)
    return []


def key_of_part(key: Any) -> bool:
    """Whether the name of an array speaks of a part: x_test, X_te, ytest, images_val, testX."""
    words = set(_words(re.sub(r"^([xyXY])(?=[a-z]{2})", r"\1 ", str(key))))
    short = words & {"tr", "va", "te"} and words & {"x", "y", *_FILLERS}
    return bool(resembled(" ".join(words)) or short)


def _words(name):
    """Words of a name in small letters: cut at what is no letter and before a capital."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[^\W\d_]+", apart)
    return [cut for word in words for cut in _without_filler(word.lower())]


def _without_filler(word):
    """["train", "set"] of "trainset"; other words stay whole."""
    for part_word in _PART_OF_WORD:
        if word.startswith(part_word) and word[len(part_word) :] in _FILLERS:
            return [part_word, word[len(part_word) :]]
    return [word]
