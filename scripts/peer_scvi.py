"""scVI and Leiden, in an environment of its own, for `example_cells.py --scvi=PYTHON`.

    PYTHON peer_scvi.py IN.npz OUT.npz

The environment: scripts/requirements-peer-scvi.txt. IN.npz holds counts `[n, G]`, num_clusters and
seed. OUT.npz: codes of scVI, `scvi` `[n, 10]`, and of each of `scvi` and `pca` (50 components of
log1p of counts per 10,000, as scanpy's tutorial has them) the clusters by Leiden, at resolution 1
(`NAME_leiden` `[n]`) and at the one that gives num_clusters (`NAME_leiden_k`). All settings are the
libraries' defaults; scVI's batches, epochs (400) and widths are its own too.

Source: Lopez et al. 2018 (scVI), Traag et al. 2019 (Leiden), Wolf et al. 2018 (scanpy).
"""

import sys
import warnings

import anndata
import numpy as np
import scanpy
import scvi
from scipy import sparse

_STEPS = 30  # of bisection


def leiden(data, resolution, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        scanpy.tl.leiden(data, resolution=resolution, random_state=seed, flavor="leidenalg")
    return data.obs["leiden"].astype(int).to_numpy()


def leiden_of_number(data, num_clusters, seed):
    """Clusters at the resolution that gives so many; the nearest number that was seen."""
    low, high, best = 0.0, 8.0, None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        found = leiden(data, middle, seed)
        number = found.max() + 1
        if best is None or abs(number - num_clusters) < abs(best.max() + 1 - num_clusters):
            best = found
        if number == num_clusters:
            break
        low, high = (middle, high) if number < num_clusters else (low, middle)
    return best


def main():
    source, target = sys.argv[1:]
    given = np.load(source)
    seed, num_clusters = int(given["seed"]), int(given["num_clusters"])
    scvi.settings.seed = seed
    data = anndata.AnnData(sparse.csr_matrix(given["counts"].astype(np.float32)))
    scvi.model.SCVI.setup_anndata(data)
    model = scvi.model.SCVI(data)
    model.train(
        accelerator="cpu", devices=1, enable_progress_bar=False, logger=False, barebones=False
    )
    data.obsm["scvi"] = model.get_latent_representation()
    scanpy.pp.normalize_total(data, target_sum=1e4)
    scanpy.pp.log1p(data)
    scanpy.pp.pca(data, random_state=seed)
    data.obsm["pca"] = data.obsm["X_pca"]
    found = {"scvi": data.obsm["scvi"]}
    for name in ("scvi", "pca"):
        scanpy.pp.neighbors(data, use_rep=name, random_state=seed)
        found[f"{name}_leiden"] = leiden(data, 1.0, seed)
        found[f"{name}_leiden_k"] = leiden_of_number(data, num_clusters, seed)
    np.savez(target, **found)


if __name__ == "__main__":
    main()
