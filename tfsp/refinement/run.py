"""A run refined by constraints."""

import copy
import pathlib
from typing import NamedTuple

import keras
import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from tfsp import arguments, atomic, experiment, run_leaves
from tfsp.config import of_run
from tfsp.explorer import leaf_rows
from tfsp.explorer.constraints import read_constraints
from tfsp.explorer.run import CONSTRAINTS
from tfsp.refinement import leaves
from tfsp.run_directory import RunDirectory
from tfsp.tmc.constraints import ContradictionError, build, link_triplets, satisfies
from tfsp.tmc.density.induced import induced_hierarchy


class Refined(NamedTuple):
    """What `refine_run` returns.

    Attributes:
      path: the new run's folder.
      num_triplets: T, of triplets, links among them.
      satisfied_before, satisfied: how many of them the rows satisfied where they attached to the
        tree (each at its most probable place) before, and now. As leaves they all do.
      num_leaves: rows that became leaves.
      num_added: of these, the rows that came to the inducing points.
      num_idle: links that ask for nothing: must-links of a group without a cannot-link to another,
        cannot-links between two rows without must-links.
    """

    path: pathlib.Path
    num_triplets: int
    satisfied_before: int
    satisfied: int
    num_leaves: int
    num_added: int
    num_idle: int = 0


def refine_run(
    run_dir,
    constraints,
    out,
    epochs=10,
    data_dir=None,
    download=False,
    checkpoint="best",
    verbose=1,
):
    """Trains a run on with a tree that satisfies what a person said of its data.

    Of LORACs the rows that are named become leaves. One that an inducing point stands for
    (`explorer.leaf_rows`; the page asks about these) is that leaf; the others come to them, each
    hung where it most probably belongs, and stay where the encoder puts them. Then leaves are moved
    in the tree as far as the triplets ask for (`tmc.constraints.follow`). Of a TMC-VAE training
    rows are leaves anyhow. The chain then samples trees given all triplets
    (`prior.constrain`), so that the bound draws the codes after it. The run that it starts from
    stays as it is; the new one is a run like any other, which a second start in the same folder
    resumes.

    Args:
      run_dir: the run's folder; a run that has been refined may be refined again. What was said
        before holds only as far as `constraints` says it again: the page keeps all answers.
      constraints: path of a constraints.json (`tfsp.explorer.read_constraints`).
      out: folder of the new run, new or empty, or one in which the same was stopped.
      epochs: how many, of the length of the run's own.
      data_dir, download: as in training; by default where the data were then.
      checkpoint: of the run, "best", "last" or an epoch.
      verbose: 0 for silence, 1 for a line for each epoch.

    Returns:
      `Refined`.

    Raises:
      ContradictionError: a ValueError, with the answers that cannot all be true.
      FileNotFoundError: if there is no run, checkpoint or file of constraints.
      ValueError: for a model without a tree that has started, constraints about other data or of
        nothing, rows that are no leaves of a TMC-VAE, and a folder with a refinement by other
        answers; as `tfsp.experiment.train`.

    Source: Vikram & Dasgupta 2016, arXiv:1602.03258, for constraints by triplets; Vikram et al.
    2018, arXiv:1810.06891, section 8, for a prior that they guide.
    """
    epochs = arguments.integer("epochs", epochs)
    run, out = RunDirectory(run_dir, of_run), pathlib.Path(out)
    if out.resolve() == run.path.resolve():
        raise ValueError(f"`out` must be another folder than the run's own, {run.path}.")
    model, config = experiment.load_run(run_dir, checkpoint)
    _check_prior(model, run)
    data_dir = data_dir or run.data_dir()
    data = experiment.load_data(config, data_dir, download)
    said = read_constraints(constraints, data)
    content = pathlib.Path(constraints).read_bytes()  # the file may change while it trains
    plan = _Plan(model, data, said, run_leaves.read(run_dir, model, data))
    _check_goes_on(RunDirectory(out), plan, data)
    before = plan.satisfied(model)

    def note(_=None):
        run_leaves.write(out, plan.known)
        atomic.write(out / CONSTRAINTS, content)

    config = plan.config(config, epochs)
    model = experiment.train(
        config,
        out,
        data_dir,
        download,
        verbose,
        make=lambda dataset, config: plan.model(experiment.model_for(dataset, config)),
        extra=(plan.callback(), keras.callbacks.LambdaCallback(on_train_begin=note)),
    )
    note()
    after, grown = plan.satisfied(model), len(plan.added)
    return Refined(out, len(plan.rows), before, after, plan.new, grown, _idle_links(said))


def _check_prior(model, run):
    prior = model.prior
    if "tree" not in prior.capabilities:
        raise ValueError(
            f"{run.path} holds a {type(model).__name__} whose prior ({type(prior).__name__}) is no "
            "tree: there is nothing that answers could change. Refine a model with the prior "
            "loracs, or a TMC-VAE; `tfsp train --data=PATH` trains one."
        )
    if not prior.is_started():
        raise ValueError(f"The tree of {run.path} has not started. Train it for more epochs first.")


def _check_goes_on(run, plan, data):
    """A folder with a refinement, begun or complete, must hold one by the same answers."""
    file = run.path / CONSTRAINTS
    if not file.exists() or not (run.epochs() or run.best.exists()):
        return
    if not np.array_equal(_triplets_of_rows(read_constraints(file, data)), plan.rows):
        raise ValueError(
            f"{run.path} holds a refinement by other answers, those in its {CONSTRAINTS}. Name "
            "another folder, or give these answers to go on with it."
        )


class _Plan:
    """What is to become of a model.

    Attributes:
      rows: triplets of rows of data, `[T, 3]`.
      known: `run_leaves.Known`, all rows that are leaves in the end.
      new: how many of them were none before.
      added: rows that come to the inducing points now, a list.
    """

    def __init__(self, model, data, said, known):
        self._old, self._data = model, data
        self._grows = "inducing_points" in model.prior.capabilities
        self.rows = _triplets_of_rows(said)
        if not len(self.rows):
            raise ValueError(
                "The constraints ask for nothing: there is no triplet, and no cannot-link to what "
                "a must-link joins. Say on the page which of three is the odd one out."
            )
        named = sorted(set(self.rows.ravel().tolist()))
        if self._grows:
            stands = leaf_rows.leaf_rows(model, data, known).tolist()
            new = [row for row in named if row not in known.leaves]
            standing = {row: stands.index(row) for row in new if row in stands}
            self.new, self.added = len(new), [row for row in new if row not in standing]
            first = model.prior.num_inducing
            added = {row: first + i for i, row in enumerate(self.added)}
            self.known = run_leaves.Known(known.standing | standing, known.added | added)
        else:
            self.new, self.added = 0, []
            self.known = run_leaves.Known(_training_leaves(data, named), {})
        self._examples = leaves.examples(data, named)
        self._named = named
        place = {row: i for i, row in enumerate(named)}
        self._places = np.vectorize(place.__getitem__)(self.rows)
        self._check_consistent(said)
        self._triplets = np.vectorize(self.known.leaves.__getitem__)(self.rows)

    def config(self, config, epochs):
        """The config of the new run."""
        config = copy.deepcopy(config)
        if self._grows:
            config["prior"]["num_inducing"] = self._old.prior.num_inducing + len(self.added)
        for section in (config["prior"], config["model"]):
            # The tree is there; what is annealed at its start has been.
            section |= {name: 0 for name in ("start_epoch", "anneal_epochs") if name in section}
        config["train"] |= {"epochs": epochs, "kl_warmup_epochs": 0, "patience": 0}
        return config

    def model(self, new):
        """`new`, just made, with the old model's weights, and the tree with what was said."""
        old = self._old
        if not self._grows:
            new.set_num_points(len(self._data.rows("train")))
        old_prior = {id(weight) for weight in old.prior.weights}
        new_prior = {id(weight) for weight in new.prior.weights}
        given = [w for w in old.weights if id(w) not in old_prior]
        taken = [w for w in new.weights if id(w) not in new_prior]
        for source, target in zip(given, taken, strict=True):
            target.assign(source)
        if self._grows:
            self._grow(new)
        else:
            for source, target in zip(old.prior.weights, new.prior.weights, strict=True):
                target.assign(source)
        new.prior.constrain(self._triplets)
        return new

    def _grow(self, new):
        old = self._old.prior
        options = {**old.options(), "num_nodes": (8, 4)}
        tree, points = leaves.grown_tree(old, self._codes(self.added), options)
        new.prior.start(points, tree.parent, tree.time, burn_in=0)
        if old.recognition is not None:
            new.prior.recognition.set_weights(old.recognition.get_weights())

    def _codes(self, rows):
        if not rows:
            return np.zeros([0, self._old.prior.latent_dim])
        return np.asarray(self._old.encode(leaves.examples(self._data, rows)))

    def callback(self):
        """What keeps the leaves where the encoder puts their rows, in training."""
        rows = sorted(self.known.added)
        examples = leaves.examples(self._data, rows) if rows else None
        return leaves.FollowRows(examples, [self.known.added[row] for row in rows])

    def satisfied(self, model):
        """How many triplets hold of the rows where they attach to the prior's tree."""
        codes = np.asarray(model.encode(self._examples))
        if self._grows:
            now = model.prior.phylogeny()
            inducing = np.asarray(model.prior.inducing)
            tree = induced_hierarchy(codes, now.parent, now.time, inducing, mode="mode")
            return int(satisfies(tree.parent, self._places).sum())
        return int(satisfies(model.prior.phylogeny().parent, self._triplets).sum())

    def _check_consistent(self, said):
        names = [said.names.get(row) or f"row {row}" for row in self._named]
        if len(set(names)) < len(names):
            names = [f"{name} (row {row})" for name, row in zip(names, self._named, strict=True)]
        try:
            build(self._places, len(self._named), names)
        except ContradictionError as error:
            message = f"What was said cannot all be true of one hierarchy. {error}"
            raise ContradictionError(message, np.array(self._named)[error.triplets]) from None


def _triplets_of_rows(said):
    """All that was said as triplets of rows `[T, 3]`."""
    numbers = np.unique(np.concatenate([part.ravel() for part in said[:3]]))
    place = {int(row): i for i, row in enumerate(numbers)}
    must, cannot = ([[place[a], place[b]] for a, b in part.tolist()] for part in said[1:3])
    linked = numbers[link_triplets(must, cannot, max(1, len(numbers)))]
    return np.unique(np.concatenate([said.triplets, linked.reshape(-1, 3)]), axis=0)


def _idle_links(said):
    """How many links ask for nothing, see `Refined`."""
    numbers, place = np.unique(
        np.concatenate([part.ravel() for part in said[:3]]), return_inverse=True
    )
    links = np.split(place, np.cumsum([part.size for part in said[:2]]))[1:]
    must, cannot = (part.reshape(-1, 2) for part in links)
    graph = sparse.coo_array((np.ones(len(must)), must.T), shape=(len(numbers),) * 2)
    group = csgraph.connected_components(graph, directed=False)[1]
    size = np.bincount(group)
    against = np.unique(group[cannot])
    idle_must = ~np.isin(group[must[:, 0]], against)
    idle_cannot = (size[group[cannot]] == 1).all(axis=1)
    return int(idle_must.sum() + idle_cannot.sum())


def _training_leaves(data, rows):
    place = {row: i for i, row in enumerate(data.rows("train").tolist())}
    others = [row for row in rows if row not in place]
    if others:
        raise ValueError(
            f"Row {others[0]} is no training row. The leaves of a TMC-VAE are the rows it trains "
            "on; say something of these, or train a model with the prior loracs."
        )
    return {row: place[row] for row in rows}
