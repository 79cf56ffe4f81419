"""The picture "samples_beside"."""

import numpy as np

from tfsp import experiment, viz
from tfsp.pictures.registry import register
from tfsp.run_directory import RunDirectory


@register("samples_beside", place=14)
def of_subject(subject):
    """Samples of other runs on images (`--beside`) above this one's."""
    if not subject.beside:
        return None
    samples = {}
    for run_dir in [*subject.beside, subject.run_dir]:
        model, _ = experiment.load_run(run_dir, subject.checkpoint)
        if len(model.data_shape) != 3 or not model.prior.is_density:
            raise ValueError(f"{run_dir} is not a run on images whose model can be sampled.")
        name = RunDirectory(run_dir).path.name
        samples[name] = np.asarray(model.sample(48, seed=subject.seed))
    return viz.samples_beside(samples)
