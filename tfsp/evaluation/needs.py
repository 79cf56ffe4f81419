"""What a task or a picture can need of a run, by name, and why a run does not have it."""

from tfsp.evaluation.categories import has_categories

IMPLIED = {"classes": "labels", "attributes": "labels"}


def complete(needs):
    """The needs and those they imply, what is needed of the data before what is of the model."""
    whole = {*needs, *(IMPLIED[need] for need in needs if need in IMPLIED)}
    rank = lambda need: (need not in IMPLIED.values(), need not in IMPLIED, need)  # noqa: E731
    return tuple(sorted(whole, key=rank))


def missing(subject, needs):
    """Why a run does not have what is needed of it; "" if it has.

    Args:
      subject: with `model`, `config`, `data` and `representatives`, such as a `Subject`.
      needs: names, each a key of `NEEDS` or else one of the model's `capabilities`.

    Returns:
      the rest of a sentence whose subject is the task or picture, such as "needs labels, and ...".
    """
    for need in complete(needs):
        reason = NEEDS[need](subject) if need in NEEDS else _capability(subject, need)
        if reason:
            return reason
    return ""


def _labels(subject):
    info = subject.data.info
    if info.num_classes is None:
        return f"needs labels, and the data set {info.name!r} ({info.source}) has none."
    return ""


def _classes(subject):
    shape = _label_shape(subject)
    if shape:
        return (
            f"needs one class for each image. The data set {subject.data.info.name!r} has labels "
            f"of shape {list(shape)} (attributes)."
        )
    return ""


def _attributes(subject):
    if len(_label_shape(subject)) != 1:
        return (
            "needs a vector of binary attributes for each image, such as those of 'celeb_a'. The "
            f"data set {subject.data.info.name!r} has one class for each; use the task "
            "'few_shot' or 'forest'."
        )
    return ""


def _images(subject):
    info = subject.data.info
    if len(info.image_shape) != 3:
        return f"needs images. The examples of {info.name!r} have shape {list(info.image_shape)}."
    return ""


def _density(subject):
    if not subject.model.prior.is_density:
        return (
            "needs a model that can be sampled. The prior of this run, "
            f"{subject.config['prior']['name']!r}, is not a distribution."
        )
    return ""


def _tree(subject):
    prior = subject.model.prior
    if "tree" not in prior.capabilities or not prior.is_started():
        return (
            "needs a tree prior ('loracs', 'tmc') whose tree has started. The prior of this run "
            f"is {subject.config['prior']['name']!r}."
        )
    return ""


def _points(subject):
    if subject.representatives is None:
        return (
            "needs a prior with points that represent the data: 'loracs' once its tree has "
            "started, 'vamp' or 'mixture'. The prior of this run, "
            f"{subject.config['prior']['name']!r}, has none."
        )
    return ""


def _categories(subject):
    if not has_categories(subject.model):
        return (
            "needs categories: a model with `responsibilities` ('gm_vae', 'cp_vae') or a prior "
            "that is a mixture ('mixture', 'vamp'). This run is a "
            f"{subject.config['model']['name']!r} with the prior "
            f"{subject.config['prior']['name']!r}."
        )
    return ""


def _gibbs_chains(subject):
    if "gibbs_chains" not in subject.model.capabilities:
        return (
            "needs Gibbs chains of discrete units, which the model of this run, "
            f"{subject.config['model']['name']!r}, does not have. Use a run of 'discrete_vae'."
        )
    return ""


def _capability(subject, need):
    if need not in subject.model.capabilities:
        return (
            f"needs {need!r}, which is not among the capabilities of the model of this run, "
            f"{subject.config['model']['name']!r}."
        )
    return ""


def _label_shape(subject):
    return subject.data.arrays("test", limit=0)[1].shape[1:]


NEEDS = {
    "labels": _labels,
    "classes": _classes,
    "attributes": _attributes,
    "images": _images,
    "density": _density,
    "tree": _tree,
    "points": _points,
    "categories": _categories,
    "gibbs_chains": _gibbs_chains,
}
