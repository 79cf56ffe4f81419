"""Stated probabilities, and how often what they are about is true."""

from tfsp.viz import style


def calibration_curve(groups, title=None):
    """True share by stated support, with two standard errors, beside the diagonal.

    Args:
      groups: dict of name -> rows of `tfsp.studies.calibration`.
      title: text above.

    Returns:
      a `matplotlib.figure.Figure`.

    Raises:
      ValueError: for no groups.
    """
    if not groups:
        raise ValueError("`groups` must hold the rows of at least one calibration. Received: none.")
    with style.paper_style():
        figure = style.new_figure(3.0, 2.9, layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8, zorder=0)
        for name, rows in groups.items():
            stated, true, error = (
                [row[key] for row in rows] for key in ("stated", "true", "error")
            )
            axes.errorbar(
                stated,
                true,
                [2 * e for e in error],
                marker="o",
                markersize=3,
                linewidth=1,
                capsize=2,
                label=str(name),
            )
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="stated support", ylabel="share of true clades")
        axes.set_aspect("equal")
        axes.legend(loc="upper left")
        if title:
            axes.set_title(title)
        return style.settle(figure)
