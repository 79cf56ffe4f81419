"""The look shared by all pictures: colours, fonts, line widths, figure sizes, and saving.

Figures are made without pyplot and inside `paper_style()`, so that drawing needs no display and
leaves the caller's matplotlib settings and open figures as they were.
"""

import functools
import pathlib

import numpy as np

from tfsp import atomic

DPI = 200  # device pixels per inch of every figure and of what is saved
EDGE = 12  # device pixels of paper around what is drawn
TEXT_WIDTH = 5.5  # inches; the text width of a one-column conference page

# The ten colours of M. Petroff, "Accessible Color Sequences for Data Visualization", 2021,
# arXiv:2107.02270. They stay apart under the three kinds of colour blindness (a test simulates
# them), where the usual sequences have pairs that merge.
PALETTE = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
TRAIN_COLOR = PALETTE[0]
VALIDATION_COLOR = PALETTE[6]
TICK_SIZE = 7  # points, of tick labels
INK = "#262626"  # text and axes
SEQUENTIAL = "viridis"  # colour map of continuous values
MARKERS = ("o", "s", "^", "D", "v", "P")  # the shape changes when the colours are used up

_STYLE_FILE = pathlib.Path(__file__).with_name("tfsp.mplstyle")
_FORMATS = ("png", "pdf", "svg")
_SANS_SERIF = ("Helvetica", "Arial", "Liberation Sans", "Nimbus Sans", "DejaVu Sans")


def paper_style():
    """A context in which figures take the shared look.

    Returns:
      a context manager (`matplotlib.rc_context`); the settings found on entry come back
    on exit.
    """
    import matplotlib
    from matplotlib import font_manager

    # Text looks its font up when it is drawn, which may be after the context has closed: so
    # name fonts that are there instead of the generic family. DejaVu Sans comes with matplotlib.
    present = set(font_manager.get_font_names())
    fonts = [name for name in _SANS_SERIF if name in present] or ["DejaVu Sans"]
    return matplotlib.rc_context({**_settings(), "font.family": fonts})


@functools.cache
def _settings():
    """What stands in `tfsp.mplstyle`, a dict."""
    import matplotlib

    return dict(matplotlib.rc_params_from_file(_STYLE_FILE, True, use_default_template=False))


def new_figure(width, height, layout=None):
    """An empty figure that belongs to no window and not to pyplot. Call it in `paper_style()`.

    Args:
      width, height: inches.
      layout: matplotlib's layout engine, for instance "constrained"; None places nothing.

    Returns:
      a `matplotlib.figure.Figure` with an Agg canvas.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def inches(pixels):
    """The length of `pixels` device pixels, an int, in inches."""
    # A canvas size is rounded down to pixels, not in all releases of matplotlib with a tolerance:
    # 29 / 200 * 200 lies below 29.
    return (pixels + 1e-6) / DPI


def text_width(figure, text, size):
    """Width of `text` at font size `size` (points), in device pixels of `figure`, rounded up."""
    label = figure.text(0, 0, text, fontsize=size)
    width = label.get_window_extent(figure.canvas.get_renderer()).width
    label.remove()
    return int(-(-width // 1))


def place(axes, left, bottom, width, height):
    """Positions `axes` in device pixels, on the paper or off it (see `fit`), and returns them."""
    axes.set_position(np.array([left, bottom, width, height]) / np.tile(axes.figure.bbox.size, 2))
    return axes


def fit(figure):
    """Makes the paper as large as what is drawn on it, with a margin around, and returns `figure`.

    This is `savefig(bbox_inches="tight")`, but before saving, and by whole device pixels: axes keep
    their size, and images on whole pixels stay there. All that is drawn must hang on axes.
    """
    before = np.tile(figure.bbox.size, 2)
    boxes = [np.round(axes.get_position(original=True).bounds * before) for axes in figure.axes]
    drawn = figure.get_tightbbox(figure.canvas.get_renderer())
    low = np.floor(drawn.min * DPI) - EDGE
    size = np.ceil(drawn.max * DPI) + EDGE - low
    figure.set_size_inches(*map(inches, size))
    for axes, box in zip(figure.axes, boxes, strict=True):
        axes.set_position((box - [*low, 0, 0]) / np.tile(size, 2))
    return figure


def settle(figure):
    """Makes the ticks of `figure` now, in the present style, and returns it.

    Matplotlib makes them when they are first drawn, and reads their size from the settings each
    time it counts how many fit: either may be after `paper_style()` is closed.
    """
    for axes in figure.axes:
        axes.tick_params(which="both", labelsize=TICK_SIZE)
    figure.draw_without_rendering()
    return figure


def strip_axes(axes):
    """Takes ticks and spines off `axes`."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def save(figure, path):
    """Writes a figure to a file, whose suffix names the format. Missing folders are made.

    Args:
      figure: a `matplotlib.figure.Figure`.
      path: ends in .png (200 dots per inch), .pdf or .svg. The same picture gives the same
        bytes: no dates are written.

    Returns:
      the path, a `pathlib.Path`.

    Raises:
      TypeError: if `figure` is not a figure.
      ValueError: for any other suffix.
      WriteError: (an OSError) if the file cannot be written.
    """
    import matplotlib
    from matplotlib.figure import Figure

    if not isinstance(figure, Figure):
        raise TypeError(
            "`figure` must be a matplotlib.figure.Figure, as the functions of tfsp.viz return. "
            f"Received: {type(figure).__name__}."
        )
    path = pathlib.Path(path)
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in _FORMATS:
        raise ValueError(
            f"`path` must end in one of {', '.join('.' + f for f in _FORMATS)}. Received: "
            f"{str(path)!r}, with {'suffix ' + repr(path.suffix) if suffix else 'no suffix'}."
        )
    undated = {"png": None, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
    settings = {
        "pdf.fonttype": 42,  # TrueType: publishers refuse matplotlib's default, Type 3
        "svg.hashsalt": "tfsp",
        "savefig.bbox": "standard",  # keep the size the figure was laid out for
    }
    with paper_style(), matplotlib.rc_context(settings), atomic.replacing(path) as partial:
        figure.savefig(partial, format=suffix, dpi=DPI, metadata=undated[suffix])
    return path
