"""The files "tree.nwk" and "summary.nwk"."""

from tfsp.pictures.registry import register


@register("newick", needs=("tree",), file="tree.nwk", place=16)
def of_subject(subject):
    """The tree in Newick format (tree.nwk); leaf n is the prior's inducing point n."""
    return subject.tree.to_newick() + "\n"


@register("summary_newick", needs=("tree",), file="summary.nwk", place=17)
def summary_of_subject(subject):
    """The expected tree in Newick format, with the support of clades (summary.nwk)."""
    return subject.summary.tree.to_newick() + "\n"
