import numpy as np
from scipy.cluster.hierarchy import linkage
from sklearn.datasets import load_iris

from tfsp import viz
from tfsp.tmc import Phylogeny, dendrogram_purity, ops

iris = load_iris()
flowers = iris.data - iris.data.mean(0)
flowers /= flowers.std()  # one scale for the four lengths
starts = {
    "the prior": Phylogeny(*ops.sample_prior(len(flowers), seed=0)),
    "Ward": Phylogeny.from_linkage(linkage(flowers, "ward")),
}
for name, tree in starts.items():
    log_joint = ops.log_joint(tree.parent, tree.time, flowers)
    print(f"{name}: log joint {log_joint:.1f}, purity {dendrogram_purity(tree, iris.target):.2f}")
    draws = []
    for seed in range(200):
        draw = ops.sample_posterior(tree.parent, tree.time, flowers, num_moves=10_000, seed=seed)
        tree = Phylogeny(draw.parent, draw.time)
        draws.append((draw.log_joint, dendrogram_purity(tree, iris.target)))
    mean, spread = np.mean(draws[100:], 0), np.std(draws[100:], 0)
    print(f"  after: {mean[0]:.0f} +- {spread[0]:.0f}, purity {mean[1]:.2f} +- {spread[1]:.2f}")
figure = viz.tree(tree, iris.target, iris.target_names, orientation="down", time_power=0.5)
viz.save(figure, "docs/images/tmc_iris.png")
