"""What answers of a person are worth to a tree."""

from tfsp.viz import style


def answer_curves(groups, title=None):
    """Dendrogram purity by the number of answers, with a standard error above and below.

    Args:
      groups: dict of name -> rows, dicts of answers, purity (its mean) and error, in the order of
        the answers.
      title: text above.

    Returns:
      a `matplotlib.figure.Figure`.

    Raises:
      ValueError: for no groups, and one without rows.
    """
    if not groups or not all(groups.values()):
        raise ValueError("`groups` must hold rows under each of one or more names. Received: none.")
    with style.paper_style():
        figure = style.new_figure(3.6, 2.7, layout="constrained")
        axes = figure.subplots()
        for name, rows in groups.items():
            answers, purity, error = (
                [row[key] for row in rows] for key in ("answers", "purity", "error")
            )
            axes.errorbar(
                answers,
                purity,
                error,
                marker="o",
                markersize=3,
                linewidth=1,
                capsize=2,
                label=str(name),
            )
        axes.set(xlabel="answers", ylabel="dendrogram purity")
        axes.set_ylim(top=1.0)
        axes.legend(loc="lower right")
        if title:
            axes.set_title(title)
        return style.settle(figure)
