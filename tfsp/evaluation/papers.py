"""The numbers of the papers, as plain data, and ours beside them."""

from tfsp.evaluation.report import format_table

SOURCE = "Vikram et al. 2018, arXiv:1810.06891"
NOTE = (
    f"The paper ({SOURCE}): dynamically binarised data, its own convolutional networks, 40 latent "
    "dimensions, up to 400 epochs. A run with other networks or a smaller budget is not the same "
    "experiment."
)
CP_VAE_NOTE = (
    "The paper of CP-VAE (Lavda et al. 2020, arXiv:1911.10885, section 5.2): one run, up to early "
    "stopping, with a KL warm-up of 100 epochs."
)

# Names of the priors: ours where we have them. "dvae#" is the discrete VAE of Vahdat et al. 2018.
# Averaged precision-recall AUC: MNIST, Omniglot.
TABLE_1 = {
    "none": (0.429, 0.078),
    "normal": (0.317, 0.057),
    "vamp": (0.502, 0.063),
    "dvae#": (0.490, 0.024),
    "flow": (0.398, 0.070),
    "loracs": (0.626, 0.087),
}
# Test log-likelihood with 1,000 importance samples, nats: MNIST, Omniglot.
TABLE_2 = {
    "normal": (-83.789, -89.722),
    "flow": (-80.121, -86.298),
    "vamp": (-83.0135, -87.604),
    "loracs": (-83.401, -87.105),
}
# MNIST: labels per class -> accuracy and its standard deviation over 20 label sets.
B3_LABELS = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
TABLE_B3 = {
    "none": (
        (0.506, 0.781, 0.820, 0.829, 0.836, 0.839, 0.844, 0.846, 0.847, 0.843, 0.848),
        (0.095, 0.045, 0.023, 0.020, 0.026, 0.021, 0.017, 0.017, 0.015, 0.015, 0.014),
    ),
    "normal": (
        (0.396, 0.775, 0.838, 0.861, 0.874, 0.883, 0.886, 0.892, 0.896, 0.899, 0.901),
        (0.076, 0.051, 0.020, 0.016, 0.011, 0.011, 0.011, 0.010, 0.010, 0.011, 0.008),
    ),
    "vamp": (
        (0.539, 0.849, 0.891, 0.905, 0.911, 0.918, 0.921, 0.925, 0.929, 0.928, 0.932),
        (0.094, 0.035, 0.019, 0.013, 0.016, 0.012, 0.009, 0.008, 0.007, 0.005, 0.005),
    ),
    "dvae#": (
        (0.453, 0.735, 0.784, 0.801, 0.813, 0.824, 0.830, 0.835, 0.841, 0.842, 0.846),
        (0.101, 0.027, 0.017, 0.012, 0.013, 0.014, 0.012, 0.011, 0.007, 0.007, 0.008),
    ),
    "flow": (
        (0.530, 0.869, 0.910, 0.923, 0.930, 0.933, 0.938, 0.940, 0.942, 0.944, 0.946),
        (0.113, 0.029, 0.012, 0.012, 0.007, 0.010, 0.008, 0.008, 0.006, 0.006, 0.005),
    ),
    "loracs": (
        (0.670, 0.903, 0.923, 0.929, 0.934, 0.938, 0.939, 0.941, 0.943, 0.944, 0.945),
        (0.120, 0.019, 0.011, 0.009, 0.006, 0.004, 0.005, 0.004, 0.004, 0.003, 0.003),
    ),
}
# Omniglot: the same over 5 label sets; classes are characters.
B4_LABELS = (1, 2, 5, 10, 15)
TABLE_B4 = {
    "none": ((0.140, 0.179, 0.225, 0.252, 0.290), (0.012, 0.008, 0.006, 0.009, 0.001)),
    "normal": ((0.107, 0.134, 0.187, 0.246, 0.285), (0.007, 0.010, 0.008, 0.006, 0.000)),
    "vamp": ((0.116, 0.148, 0.210, 0.270, 0.300), (0.011, 0.009, 0.003, 0.005, 0.000)),
    "dvae#": ((0.042, 0.060, 0.091, 0.121, 0.141), (0.004, 0.006, 0.003, 0.001, 0.000)),
    "flow": ((0.096, 0.129, 0.177, 0.222, 0.237), (0.008, 0.006, 0.010, 0.007, 0.002)),
    "loracs": ((0.173, 0.236, 0.330, 0.403, 0.441), (0.005, 0.005, 0.008, 0.006, 0.000)),
}
# MNIST, LORACs: number of inducing points, labelled by hand -> accuracy.
TABLE_B5 = {200: 0.9428, 500: 0.9474}
# MNIST, CP-VAE: number of categories -> accuracy of the category as a class.
CP_VAE_ACCURACY = {10: 0.946}
_CP_VAE_TABLE = "CP-VAE, 5.2"

# The paper's data, by name and number of classes; "split by instance" for Omniglot.
_DATA = {("mnist", 10): "mnist", ("omniglot", 1623): "omniglot"}
# The models whose prior is the named one: in others that prior is over another latent.
_MODELS = ("vae", "discrete_vae")


def paper_numbers(data, prior, num_points=None):
    """The paper's results for a data set and a prior, under the names of our rows.

    Args:
      data: "mnist" or "omniglot".
      prior: name of a prior: "none", "normal", "vamp", "flow" (the paper's MAF), "loracs".
      num_points: number of labelled inducing points, for `labelled_points`.

    Returns:
      dict of row key -> (number, table). Empty where the paper has none. Units: nats for `log_p`,
      shares otherwise; `few_shot_<n>_sd` is over label sets.

    Source: Vikram et al. 2018, arXiv:1810.06891, Tables 1, 2, B.3, B.4 and B.5.
    """
    numbers = {}
    if data not in ("mnist", "omniglot"):
        return numbers
    column = ("mnist", "omniglot").index(data)
    for key, table, name in (("retrieval_auc", TABLE_1, "1"), ("log_p", TABLE_2, "2")):
        if prior in table:
            numbers[key] = (table[prior][column], name)
    labels, table, name = (
        (B3_LABELS, TABLE_B3, "B.3") if data == "mnist" else (B4_LABELS, TABLE_B4, "B.4")
    )
    if prior in table:
        for n, mean, deviation in zip(labels, *table[prior], strict=True):
            numbers[f"few_shot_{n}"] = (mean, name)
            numbers[f"few_shot_{n}_sd"] = (deviation, name)
    if data == "mnist" and prior == "loracs" and num_points in TABLE_B5:
        numbers["labelled_points"] = (TABLE_B5[num_points], "B.5")
    return numbers


def beside_paper(row):
    """What a row of `evaluate_run` and a paper both have, a list of dicts.

    Keys: data, prior, measure, ours, ours_sd, paper, paper_sd, table. Empty for data, classes,
    models or (Omniglot) a split that the papers do not use.
    """
    data = _DATA.get((row.get("data"), row.get("num_classes")))
    if data == "omniglot" and row.get("split") != "burda":  # other alphabets in the test part
        return []
    numbers = {}
    if row.get("model", "vae") in _MODELS:
        numbers = paper_numbers(data, row.get("prior"), row.get("labelled_points_count"))
    elif data == "mnist" and row["model"] == "cp_vae":
        accuracy = CP_VAE_ACCURACY.get(row.get("clusters_num_categories"))
        numbers = {"clusters_accuracy": (accuracy, _CP_VAE_TABLE)} if accuracy else {}
    return [
        {
            "data": row["data"],
            "prior": row["prior"],
            "measure": key,
            "ours": row[key],
            "ours_sd": row.get(f"{key}_sd"),
            "paper": value,
            "paper_sd": numbers.get(f"{key}_sd", (None,))[0],
            "table": table,
        }
        for key, (value, table) in numbers.items()
        if key in row and not key.endswith("_sd")
    ]


def format_beside_paper(rows):
    """Our numbers beside the papers' as a plain-text table with notes; "" if they have none.

    Args:
      rows: what `evaluate_run` returned, one for each run.
    """
    lines = [line for row in rows for line in beside_paper(row)]
    if not lines:
        return ""
    of_cp_vae = {line["table"] == _CP_VAE_TABLE for line in lines}
    notes = [note for note, kind in ((NOTE, False), (CP_VAE_NOTE, True)) if kind in of_cp_vae]
    return "\n".join(["Beside the paper's:", format_table(lines), *notes])
