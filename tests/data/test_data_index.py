"""Training streams that tell which image each element is."""

import numpy as np
import pytest
import tensorflow as tf

from tfsp import data


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("cache", [True, False])
def test_index_is_the_place_in_the_part(cache, labels, coded, number_of):
    images, classes = coded(50)
    dataset = tf.data.Dataset.from_tensor_slices((images, classes))
    loaded = data.load(dataset, batch_size=8, labels=labels, cache=cache)
    numbers = number_of(loaded.arrays("train")[0])
    seen = []
    plain = iter(loaded.train_stream(2))
    for element in loaded.train_stream(2, index=True).take(loaded.steps_per_epoch):
        before = next(plain)
        x = element[0] if labels else element
        assert x["index"].dtype == tf.int32
        np.testing.assert_array_equal(number_of(x["x"]), numbers[x["index"].numpy()])
        # The images and their order are those of the stream without indices.
        np.testing.assert_array_equal(x["x"], before[0] if labels else before)
        seen += x["index"].numpy().tolist()
    assert len(set(seen)) == len(seen) == 8 * loaded.steps_per_epoch
    assert seen != sorted(seen)
