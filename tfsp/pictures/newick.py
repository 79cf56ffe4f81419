"""The file "tree.nwk"."""

from tfsp.pictures.registry import register


@register("newick", needs=("tree",), file="tree.nwk", place=16)
def of_subject(subject):
    """The tree in Newick format (tree.nwk); leaf n is the prior's inducing point n."""
    return subject.tree.to_newick() + "\n"
