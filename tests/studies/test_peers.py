"""Programs of other environments: arrays there and back, and their errors."""

import sys

import numpy as np
import pytest

from tfsp.studies import peers

SCRIPT = """
import sys
import numpy as np
given = np.load(sys.argv[1])
if int(given["seed"]) < 0:
    raise SystemExit("no such seed")
np.savez(sys.argv[2], twice=2 * given["x"])
"""


def test_arrays_there_and_back(tmp_path):
    script = tmp_path / "peer.py"
    script.write_text(SCRIPT)
    found = peers.ask(sys.executable, script, x=np.arange(3), seed=0)
    assert found["twice"].tolist() == [0, 2, 4]
    with pytest.raises(ValueError, match=r"(?s)peer.py .* failed:.*no such seed"):
        peers.ask(sys.executable, script, x=np.arange(3), seed=-1)
    with pytest.raises(FileNotFoundError, match=r"docstring of peer.py says"):
        peers.ask(tmp_path / "python", script, x=np.arange(3), seed=0)
