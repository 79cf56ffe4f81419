"""The file "summary.nwk"."""

from tfsp.pictures.registry import register


@register("summary_newick", needs=("tree",), file="summary.nwk", place=17)
def of_subject(subject):
    """The expected tree in Newick format, with the support of clades (summary.nwk).

    Of a tree of up to 2,000 leaves.
    """
    if subject.tree.num_leaves > subject.model.prior.most_summarised:
        return None
    return subject.summary.tree.to_newick() + "\n"
