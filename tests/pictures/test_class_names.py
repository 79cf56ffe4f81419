"""Names of classes stand where numbers of classes would: in legends, and in tables."""

import types

import numpy as np
import pytest
from matplotlib.text import Text

from tfsp import evaluation, models, pictures
from tfsp.evaluation.tasks import TASKS
from tfsp.pictures import PICTURES

NAMES = ("ash", "birch", "cedar")
CONFIG = {
    "evaluate": {"num_samples": 1, "num_examples": 0},
    "model": {"name": "cp_vae"},
    "prior": {"name": "normal"},
}


def data_of(labels, class_names=NAMES):
    x = np.random.default_rng(0).random((len(labels), 6, 6, 1)).astype(np.float32)
    info = types.SimpleNamespace(
        image_shape=(6, 6, 1),
        num_classes=len(np.unique(labels)),
        name="trees",
        source="",
        class_names=class_names,
    )
    return types.SimpleNamespace(
        info=info, arrays=lambda part, limit=None: (x[:limit], labels[:limit])
    )


@pytest.fixture(scope="module")
def model():
    """Of categories, untrained."""
    found = models.CPVAE(
        {"name": "mlp", "hidden": (4,)}, latent_dim=2, num_categories=3, gate_units=4, seed=0
    )
    found.build((None, 6, 6, 1))
    return found


def texts(figure):
    return {text.get_text() for text in figure.findobj(Text)}


@pytest.mark.parametrize("name", ["latent_map", "neighbours"])
def test_legends(model, name, tmp_path):
    labels = np.arange(30) % 3
    subject = pictures.Subject(model, CONFIG, data_of(labels), tmp_path)
    assert set(NAMES) <= texts(PICTURES[name].function(subject))
    numbers = pictures.Subject(model, CONFIG, data_of(labels, None), tmp_path)
    found = texts(PICTURES[name].function(numbers))
    assert {"0", "1", "2"} <= found
    assert not found & set(NAMES)


def test_too_many_classes_for_a_legend_are_a_scale(model, tmp_path):
    labels = np.arange(80)
    names = tuple(f"class {k}" for k in labels)
    subject = pictures.Subject(model, CONFIG, data_of(labels, names), tmp_path)
    assert subject.class_names is None
    assert "class 0" not in texts(PICTURES["latent_map"].function(subject))


def test_tables(model):
    labels = np.arange(30) % 3
    subject = evaluation.tasks.Subject(model, CONFIG, data_of(labels))
    numbered = evaluation.tasks.Subject(model, CONFIG, data_of(labels, None))
    task = TASKS["clusters"].function
    found, numbers = (task(each)["clusters_classes"] for each in (subject, numbered))
    assert any(number is not None for number in numbers)
    assert found == [None if k is None else NAMES[k] for k in numbers]
