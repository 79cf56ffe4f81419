"""scikit-learn's face of the models: `fit`, `predict`, `transform` on arrays `[n, D]`.

    from tfsp.sklearn import TreeClustering

    clusters = TreeClustering(n_clusters=3, random_state=0).fit_predict(table)

Thin: models, trees and data are those of the package, and `model_` is there for all the rest.
"""

from tfsp.sklearn.category_clustering import CategoryClustering
from tfsp.sklearn.encoder import Encoder
from tfsp.sklearn.tree_clustering import TreeClustering

__all__ = ["CategoryClustering", "Encoder", "TreeClustering"]
