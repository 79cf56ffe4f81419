"""The entries of a row of results for a prior's log Z, and the name of the prior."""

from tfsp.priors.log_partition import has_log_partition, refresh_log_partition


def log_z_row(model, seed=0):
    """The entries of a row for the prior's log Z, which is recomputed; {} where there is none."""
    if not has_log_partition(model.prior):
        return {}
    found = refresh_log_partition(model.prior, seed)
    row = {
        "log_z": found.log_z,
        "log_z_standard_error": found.standard_error,
        "log_z_method": found.method,
    }
    for name, (log_z, error) in found.estimates.items():
        row |= {f"log_z_{name}": log_z, f"log_z_{name}_standard_error": error}
    if found.estimates:
        row["log_z_agree"] = found.agree
    return row


def prior_name(model, config):
    """What the row's prior is called: of a discrete VAE its variant, "dvae", "dvae++", "dvae#"."""
    if has_log_partition(model.prior):
        return model.get_config()["variant"]
    return config["prior"]["name"]
