"""In what precision numbers may be held."""

from typing import Any

import keras


def require_whole(policy: Any, owner: str) -> None:
    """Raises ValueError for a dtype policy that holds weights in half precision.

    Args:
      policy: what a layer was given as `dtype`; None is Keras's global policy.
      owner: the layer's class, for the error.
    """
    policy = keras.dtype_policies.get(policy)
    half = policy.variable_dtype
    if half in ("bfloat16", "float16"):
        raise ValueError(
            f"{owner} cannot hold its weights in {half}: densities in nats need float32 or better. "
            f"Take the policy 'mixed_{half}', under which networks compute in {half} and all else "
            f"in float32. Received the policy {policy.name!r}."
        )


def variable_dtype(policy: Any) -> str:
    """The dtype, a string, in which weights are held under a dtype policy; None: Keras's global."""
    return keras.dtype_policies.get(policy).variable_dtype
