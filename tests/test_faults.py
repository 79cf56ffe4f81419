"""Fault injection, a short form: two kills, a damaged checkpoint, a full disk."""

from tfsp import faults


def test_nothing_is_lost_and_every_restart_ends_alike(tmp_path):
    configs = {"vamp": faults.small_runs(epochs=8)["vamp"]}
    damages = ["latest checkpoint truncated"]
    rows = list(faults.inject(tmp_path, configs, 2, damages, disks=["limit"]))
    assert [(row["fault"], row["times"]) for row in rows] == [
        ("SIGKILL", 2),
        ("latest checkpoint truncated", 1),
        ("full disk (limit)", 1),
    ]
    for row in rows:
        assert (row["lost_epochs"], row["left_over"], row["equal"]) == (0, 0, True), row
    log = (tmp_path / "vamp" / "latest-checkpoint-truncated.log").read_text()
    assert "is damaged: it is no whole zip file" in log
