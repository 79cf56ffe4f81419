"""From a model and its data to the page."""

from tfsp.explorer import page_file
from tfsp.explorer.collecting import collect


def write(model, data, path, **options):
    """Writes the page for a model's tree: one HTML file that opens from disk without a network.

    Args:
      model: a trained model, see `collect`.
      data: a `tfsp.data.Data`, or examples, see `collect`.
      path: of the file, which ends in .html. Of very many pictures (sheets of more than 40 MB) a
        folder NAME_tiles is written beside it, which must stay there.
      **options: of `collect`: limit, num_clusters, seed, title, shown, questions, answers, known,
        budget.

    Returns:
      the paths written, a list: the file, and the folder if there is one.

    Raises:
      FileExistsError: before anything is computed, for a file that is no page of the explorer.
      ValueError: as `collect`, and for a path that does not end in .html.
    """
    page_file.check_free(path)
    return page_file.write(collect(model, data, **options), path)
