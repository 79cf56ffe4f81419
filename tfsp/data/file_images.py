"""Image files decoded as they are needed, several at a time, each brought to its size at once."""

import functools

import numpy as np
import tensorflow as tf

from tfsp.data import image_fit, image_survey
from tfsp.data.errors import DataFormatError
from tfsp.data.file_names import FileNames
from tfsp.data.image_files import PNG_SPECIAL, Options, UnreadableImageError, read_image, weighted
from tfsp.data.image_survey import Survey
from tfsp.data.tfds_source import PARALLEL

_SPECIAL = r"\C*(" + "|".join(chunk.decode() for chunk in PNG_SPECIAL) + r")\C*"
_MOST = 32  # files decoded by one call
_FEW = 64  # files for which the making of a graph takes longer than the reading
_PIXELS = 2**18  # of the files of one call, so that large pictures are not held many at a time
_BATCH = 256


class FileImages:
    """`LazyImages` of files.

    TensorFlow decodes what it decodes as `read_image` does; the rest, and every file that it
    fails at, is left to `read_image`, which knows more and names the file in its error. Whichever
    way is taken, an image is the same bit for bit, in any order and company.

    Args:
      files: FileNames.
      survey: Survey of these files.
      image_size: (height, width), or None if all have one size.
      fit: one of `image_fit.FITS`.
      options: image_files.Options.

    Attributes:
      is_resized: whether any image had another size.
    """

    def __init__(
        self,
        files: FileNames,
        survey: Survey,
        image_size: tuple[int, int] | None,
        fit: str,
        options: Options,
    ) -> None:
        self._files = files
        self._survey = survey
        self._options = options
        self._fit = fit
        self._size = image_size or tuple(int(side) for side in survey.sizes[0])
        self.is_resized = not (survey.sizes == self._size).all()
        tint = len(set(options.background)) > 1
        self._channels = 3 if self.is_resized and fit == "pad" and tint else survey.channels
        largest = int(survey.sizes.astype(np.int64).prod(axis=1).max())
        fitting = _PIXELS // max(largest, self._size[0] * self._size[1])
        # Calls of several files cost less than as many calls, but not where they branch or loop.
        simple = not self.is_resized and (survey.routes == image_survey.DIRECT).all()
        self._at_once = max(1, min(fitting, _MOST, len(files) // PARALLEL)) if simple else 1
        self.shape = (len(files), *self._size, self._channels)
        self.dtype = np.dtype(np.uint8 if survey.as_bytes else np.float32)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Images [m, H, W, C] of some rows, int [m].

        Raises:
          DataFormatError: names all files of the source that cannot be read, if one is met.
        """
        images = np.empty((len(rows), *self.shape[1:]), self.dtype)
        try:
            if len(rows) <= _FEW:
                for i, row in enumerate(rows):
                    images[i] = self._finished(*self._read_row(row))
                return images
            batches, start = self.batches(tf.constant(rows, tf.int32), _BATCH), 0
            for batch in batches.as_numpy_iterator():
                images[start : start + len(batch)] = batch
                start += len(batch)
        except (DataFormatError, tf.errors.OpError) as error:
            if bad := image_survey.unreadable(self._files, self._options):
                raise image_survey.bad_files(len(self._files), bad) from error
            if isinstance(error, DataFormatError):
                raise
            raise DataFormatError(error.message.splitlines()[0]) from error
        return images

    def batches(self, rows: tf.Tensor, size: int) -> tf.data.Dataset:
        """The images of some rows, int32 [m] tensor, in order, `size` to a batch."""
        at_once, last = self._at_once, tf.size(rows) - 1
        number, shape = -(-(last + 1) // at_once), [None, *self.shape[1:]]

        def own(call):
            places = call * at_once + tf.range(at_once)
            return tf.gather(rows, tf.minimum(places, last))  # the last call repeats the last row

        def decode(call):
            chosen = own(call)
            images = tf.stack([self._decoded(chosen[i]) for i in range(at_once)])
            return call, tf.ensure_shape(images[: last + 1 - call * at_once], shape)

        def name_failure(expected, call_and_images):
            call, images = call_and_images
            # Nothing within a graph can catch an error, but a data set may leave out the elements
            # that raised one: where one is missing, `read_image` says what is wrong with its files.
            fine = tf.cond(
                call == expected,
                lambda: tf.constant(True),
                lambda: tf.numpy_function(self._refuse, [own(expected)], tf.bool),
            )
            with tf.control_dependencies([fine]):
                return call + 1, tf.identity(images)

        calls = tf.data.Dataset.range(tf.cast(number, tf.int64), output_type=tf.int32)
        decoded = calls.map(decode, num_parallel_calls=PARALLEL, deterministic=True)
        end = tf.data.Dataset.from_tensors((number, tf.zeros((0, *self.shape[1:]), self.dtype)))
        whole = decoded.ignore_errors().concatenate(end).scan(0, name_failure)
        return whole.rebatch(size)

    def _refuse(self, rows):
        """Raises DataFormatError that names the first file of some rows that cannot be read."""
        for row in rows:
            self._read_row(row)
        raise DataFormatError(
            f"{self._files.path(rows[0])}, or one of the {len(rows) - 1} files after it, could not "
            "be decoded, and now it can. Has it just been written? Load the folder anew."
        )

    @functools.cached_property
    def _constants(self):
        """(folder, names, routes) as tensors, whichever graph asks first."""
        with tf.init_scope(), tf.device("/CPU:0"):
            folder = tf.constant(bytes(self._files.folder) + b"/")
            return folder, tf.constant(self._files.names), tf.constant(self._survey.routes)

    def _decoded(self, row):
        """The image of a row, decoded by TensorFlow where it can be."""
        folder, names, routes = self._constants
        there = set(np.unique(self._survey.routes).tolist())
        content = tf.io.read_file(folder + names[row])

        def direct():
            image = tf.io.decode_image(content, self._channels, expand_animations=False)
            image = tf.ensure_shape(image, [None, None, self._channels])
            return tf.cast(image, self.dtype), tf.constant(True)

        if there == {image_survey.DIRECT}:
            return self._finished(*direct())
        left = routes[row] == image_survey.READ
        if image_survey.DIRECT_UNLESS_SPECIAL in there:
            png = routes[row] == image_survey.DIRECT_UNLESS_SPECIAL
            left |= png & tf.strings.regex_full_match(content, _SPECIAL)
        return self._finished(*tf.cond(left, lambda: self._read(row), direct))

    def _read(self, row):
        """(image [H, W, C] uint8 or float32, whether it is in units of 0..255), by `read_image`."""
        image, is_bytes = tf.numpy_function(self._read_row, [row], [self.dtype, tf.bool])
        image = tf.ensure_shape(image, [None, None, self._channels])
        return image, tf.ensure_shape(is_bytes, [])

    def _read_row(self, row):
        file = self._files.path(row)
        try:
            image, _ = read_image(file, self._options.background)
        except UnreadableImageError as error:
            raise DataFormatError(
                f"{image_survey.bad_file(file, str(error))}. Mend or remove it, or leave it out by "
                "errors='skip'."
            ) from error
        if not self.is_resized and image.shape[:2] != self._size:
            raise image_survey.different_sizes(
                self._files.path(0), self._size, file, image.shape[:2]
            )
        is_bytes = image.dtype == np.uint8
        if image.dtype == np.uint16:
            image = self._scaled(image)
        if image.shape[2] > self._channels or (self.dtype == np.uint8 and not is_bytes):
            raise DataFormatError(f"{file} has changed since the folder was loaded. Load it anew.")
        image = np.broadcast_to(image, (*image.shape[:2], self._channels))
        return image.astype(self.dtype), np.bool_(is_bytes)

    def _scaled(self, image):
        """An image of 16 bits as float32 in [0, 1], over the background."""
        colours, clear, _ = weighted(image, self._options.background)
        values = colours / np.float32(2**self._survey.depth - 1)
        if clear is not None:
            behind = np.array(self._options.background, np.float32)[: colours.shape[2]]
            values = values + behind / np.float32(255) * clear
        return np.minimum(values, np.float32(1))

    def _finished(self, image, is_bytes):
        """An image at its size and in its dtype; 8 bits are rounded before they become floats."""
        if self.is_resized:
            filling = tf.constant(self._options.background[: self._channels], tf.float32)
            filling = tf.where(is_bytes, filling, filling / 255)
            image = image_fit.bring(image, self._size, self._fit, filling)
        else:
            image = tf.ensure_shape(image, self.shape[1:])
        if self.dtype == np.uint8:
            return tf.cast(tf.round(image), tf.uint8) if self.is_resized else image
        return tf.where(is_bytes, tf.round(image) / 255, tf.clip_by_value(image, 0.0, 1.0))
