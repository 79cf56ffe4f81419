"""The explorer's server: who is let in, what is served, and refinements with undo."""

import http.client
import json
import os
import shutil
import signal
import socket
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from tfsp import atomic
from tfsp.explorer.generations import Generations
from tfsp.explorer.server import serving
from tfsp.explorer.server.jobs import Refinements

uvicorn = pytest.importorskip("uvicorn")
application = pytest.importorskip("tfsp.explorer.server.application").application
guard = pytest.importorskip("tfsp.explorer.server.guard")

TOKEN = "a-token"
PAGE = (
    '<html><head><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'self'\"><title>{}</title></head></html>"
)


def _item(row):
    return {"row": row, "name": None}


ANSWERS = {
    "format": "tfsp-constraints",
    "version": 1,
    "data": {"name": "x", "rows": 9, "fingerprint": "f"},
    "triplets": [{"pair": [_item(1), _item(2)], "odd": _item(3)}],
    "must_links": [],
    "cannot_links": [],
}
# Stands in for `tfsp refine`: it tells epochs, waits for a file to appear, and makes a page.
WORK = textwrap.dedent(
    """
    import pathlib, sys, time
    run, answers, folder, gate, code = sys.argv[1:]
    print("epoch 1/2  elbo -1.0", flush=True)
    while not pathlib.Path(gate).exists():
        time.sleep(0.01)
    if code != "0":
        print("ValueError: the answers contradict each other", flush=True)
        sys.exit(int(code))
    page = pathlib.Path(run, "explorer.html").read_text().replace("</title>", "+</title>")
    pathlib.Path(folder, "explorer.html").write_text(page)
    """
)


class Served:
    """A server on a free port, and what asks it."""

    def __init__(self, run, gate, code="0"):
        command = [sys.executable, "-c", WORK]
        self.jobs = Refinements(
            Generations(run), lambda *paths: [*command, *map(str, paths), str(gate), code]
        )
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        app = guard.Guard(application(self.jobs, None), TOKEN, [self.host])
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()

    def close(self):
        self.jobs.stop()
        self.server.should_exit = True
        self.thread.join()
        self.socket.close()

    def ask(self, method="GET", path="/", body=None, token=TOKEN, **headers):
        """(code, text, headers); of the page itself unless `origin` or `host` is another's."""
        headers = {"Host": self.host, **{k.capitalize(): v for k, v in headers.items()}}
        if method == "POST":
            headers.setdefault("Origin", f"http://{self.host}")
        headers.setdefault("Content-length", str(len(body or b"")))
        headers = {key: value for key, value in headers.items() if value is not None}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, f"/{token}{path}", skip_host=True)
        for key, value in headers.items():
            connection.putheader(key, value)
        connection.endheaders(body)
        response = connection.getresponse()
        answer = response.status, response.read().decode(), dict(response.getheaders())
        connection.close()
        return answer

    def state(self):
        return json.loads(self.ask(path="/state")[1])

    def until(self, *states):
        for _ in range(3000):
            found = self.state()
            if found["state"] in states:
                return found
            time.sleep(0.01)
        raise AssertionError(found)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "explorer.html").write_text(PAGE.format("run"))
    (folder / "config.json").write_text("secret")
    tiles = folder / "explorer_tiles" / "sheets-0123abcd"
    tiles.mkdir(parents=True)
    (tiles / "00000.png").write_bytes(b"tile")
    (tiles / "notes.txt").write_bytes(b"no tile")
    return folder


@pytest.fixture
def served(run, tmp_path):
    server = Served(run, tmp_path / "gate")
    yield server
    server.close()


def answers(**changes):
    return json.dumps({**ANSWERS, **changes}).encode()


def test_the_page_may_talk_to_the_server_alone(served):
    code, text, headers = served.ask()
    assert code == 200
    assert "default-src 'none'; connect-src 'self'; script-src" in text
    assert '<meta name="tfsp-server" content="0">' in text
    assert headers["referrer-policy"] == "no-referrer"  # the address is the key
    assert headers["cache-control"] == "no-store"


def test_without_the_slash_it_leads_to_the_page(served):
    code, _, headers = served.ask(path="")
    assert (code, headers["location"]) == (307, f"/{TOKEN}/")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"token": "another"}, 404),
        ({"token": ""}, 404),
        ({"token": TOKEN + "x"}, 404),
        ({"host": "example.com"}, 403),
        ({"origin": "http://example.com"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_strangers_are_refused(served, method, change, code):
    path = "/state" if method == "GET" else "/refine"
    found, text, _ = served.ask(method, path, answers(), **change)
    assert found == code
    assert served.state()["state"] == "idle"
    assert "secret" not in text


def test_a_change_must_come_from_a_page(served):
    assert served.ask("POST", "/refine", answers(), origin=None)[0] == 403
    assert served.ask("POST", "/undo", origin=None)[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/config.json",
        "/../config.json",
        "/explorer_tiles/../config.json",
        "/explorer_tiles/sheets-0123abcd/../../config.json",
        "/explorer_tiles/%2e%2e/config.json",
        "/explorer_tiles/sheets-0123abcd/notes.txt",
        "/explorer_tiles/sheets-0123abcd/00001.png",
        "/explorer_tiles//etc/hostname",
    ],
)
def test_only_the_page_and_its_tiles_are_served(served, path):
    code, text, _ = served.ask(path=path)
    assert code == 404
    assert "secret" not in text
    assert "no tile" not in text


def test_tiles_are_served(served):
    path = "/explorer_tiles/sheets-0123abcd/00000.png"
    assert served.ask(path=path)[:2] == (200, "tile")


def test_a_large_body_is_refused_before_it_is_read(served):
    headers = {"content-length": str(guard.MOST_BYTES + 1)}
    code, text, _ = served.ask("POST", "/refine", b"{", **headers)
    assert code == 413
    assert f"{guard.MOST_BYTES:,}" in text


def test_a_large_body_of_unknown_length_is_refused(served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    headers = {"Origin": f"http://{served.host}", "Host": served.host}
    pieces = (b"x" * 500_000 for _ in range(guard.MOST_BYTES // 500_000 + 1))
    connection.request("POST", f"/{TOKEN}/refine", pieces, headers, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert served.state()["state"] == "idle"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "must be a dict"),
        (answers(version=2), "`version` must be 1"),
        (answers(triplets=[]), "no answers yet"),
        (answers(triplets=[{"pair": [1, 2], "odd": 3}]), "triplets[0].pair[0]"),
    ],
)
def test_bad_answers_start_nothing(served, run, body, message):
    code, text, _ = served.ask("POST", "/refine", body)
    assert code == 400
    assert message in json.loads(text)["message"]
    assert not (run / "refined").exists()


def test_a_refinement_is_followed_shown_and_undone(served, run, tmp_path):
    assert served.ask("POST", "/undo")[0] == 409
    code, text, _ = served.ask("POST", "/refine", answers())
    assert (code, json.loads(text)["state"]) == (202, "running")
    for _ in range(3000):
        found = served.state()
        if found["epoch"]:
            break
        time.sleep(0.01)
    assert (found["epoch"], found["epochs"], found["undo"]) == (1, 2, False)
    assert served.ask("POST", "/refine", answers())[0] == 409  # a second one at once
    assert served.ask("POST", "/undo")[0] == 409
    (tmp_path / "gate").touch()
    found = served.until("done")
    assert (found["current"], found["undo"]) == (1, True)
    assert "<title>run+</title>" in served.ask()[1]
    assert json.loads((run / "refined" / "1-constraints.json").read_bytes()) == ANSWERS

    served.ask("POST", "/refine", answers())  # from what is shown
    served.until("done")
    assert "<title>run++</title>" in served.ask()[1]
    assert served.ask("POST", "/undo")[0] == 200
    assert "<title>run+</title>" in served.ask()[1]
    served.ask("POST", "/refine", answers())
    assert served.until("done")["current"] == 3  # what was undone is kept, as number 2
    assert "<title>run++</title>" in (run / "refined" / "2" / "explorer.html").read_text()
    assert Generations(run).parent(3) == 1


def test_what_is_shown_outlasts_the_server(served, run, tmp_path):
    (tmp_path / "gate").touch()
    served.ask("POST", "/refine", answers())
    served.until("done")
    again = Generations(run)
    assert (again.current(), again.numbers()) == (1, [0, 1])


def test_a_refinement_that_fails_says_why_and_changes_nothing(run, tmp_path):
    (tmp_path / "gate").touch()
    server = Served(run, tmp_path / "gate", "1")
    try:
        server.ask("POST", "/refine", answers())
        found = server.until("failed")
        assert found["message"] == "ValueError: the answers contradict each other"
        assert found["current"] == 0
        assert "<title>run</title>" in server.ask()[1]
        assert [p.name for p in Generations(run).unfinished()] == ["1"]
    finally:
        server.close()


def test_stopping_in_the_middle_changes_nothing(served, run, tmp_path):
    served.ask("POST", "/refine", answers())
    process = served.jobs._process
    assert served.ask("POST", "/stop")[0] == 200
    assert process.poll() is not None
    found = served.state()
    assert (found["state"], found["current"]) == ("stopped", 0)
    (tmp_path / "gate").touch()
    served.ask("POST", "/refine", answers())
    assert served.until("done")["current"] == 2  # the number of what was stopped is not used again


def test_a_process_killed_from_outside_is_told(served, run):
    served.ask("POST", "/refine", answers())
    served.jobs._process.kill()
    found = served.until("failed")
    assert found["current"] == 0
    assert Generations(run).numbers() == [0]


def test_many_requests_at_once_start_one_refinement(served, run):
    codes = []
    threads = [
        threading.Thread(target=lambda: codes.append(served.ask("POST", "/refine", answers())[0]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(sorted(codes), [202] + 7 * [409])
    assert len(Generations(run).unfinished()) == 1


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"current": 7}', '{"current": false}', '{"current": "1"}']
)
def test_a_damaged_state_is_named(run, content):
    (run / "refined").mkdir()
    (run / "refined" / "current.json").write_text(content)
    with pytest.raises(ValueError, match=r"current.json .*[Rr]emove"):
        Generations(run).current()


@pytest.mark.parametrize("content", ["{", "[]", '{"parent": 1}', '{"parent": "0"}'])
def test_a_damaged_refinement_is_named(served, run, content):
    generations = Generations(run)
    generations.reserve()
    generations.finish(1, 0)
    (run / "refined" / "1" / "refinement.json").write_text(content)
    with pytest.raises(ValueError, match=r"refinement.json is damaged"):
        generations.parent(1)
    code, text, _ = served.ask("POST", "/undo")
    assert code == 500
    assert "refinement.json is damaged" in json.loads(text)["message"]


def test_no_folder_is_reserved_where_there_is_no_run(tmp_path):
    with pytest.raises(atomic.WriteError):
        Generations(tmp_path / "absent").reserve()
    assert not (tmp_path / "absent").exists()
    (tmp_path / "refined").symlink_to(tmp_path / "away")
    with pytest.raises(atomic.WriteError, match="refined could not be written"):
        Generations(tmp_path).reserve()


def test_a_refinement_that_cannot_begin_leaves_no_folder(run):
    jobs = Refinements(Generations(run), lambda *_: ["/absent/command"])
    with pytest.raises(OSError, match="absent/command"):
        jobs.start(answers())
    assert jobs.state()["state"] == "idle"
    assert Generations(run).unfinished() == []


def test_files_that_are_gone_or_old_are_told(served, run):
    (run / "explorer.html").write_text("<html>an older one</html>")
    code, text, _ = served.ask()
    assert (code, "tfsp explore --run_dir" in json.loads(text)["message"]) == (500, True)
    (run / "explorer.html").unlink()
    code, text, _ = served.ask()
    assert (code, "explorer.html is gone" in json.loads(text)["message"]) == (500, True)
    (run / "refined").mkdir()
    (run / "refined" / "current.json").write_text("{")
    code, text, _ = served.ask(path="/state")
    assert (code, "current.json is damaged" in json.loads(text)["message"]) == (500, True)


def test_a_deleted_run_is_not_made_again(served, run):
    shutil.rmtree(run)
    assert served.ask("POST", "/refine", answers())[0] == 507
    assert not run.exists()


def test_a_port_that_is_taken_is_named(served):
    with pytest.raises(OSError, match=f"Port {served.port} of 127.0.0.1 cannot be had.*--port"):
        serving._listening(served.port)


@pytest.fixture
def hangup():
    """SIGHUP as a process has it in a terminal, also where tests are run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangup")
def test_a_closed_terminal_ends_the_server(served):
    with serving._ended_by_hangup(served.server):
        os.kill(os.getpid(), signal.SIGHUP)
        served.thread.join(30)
    assert not served.thread.is_alive()
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL


def test_only_complete_generations_are_shown(run):
    generations = Generations(run)
    assert (generations.numbers(), generations.current(), generations.parent(0)) == ([0], 0, None)
    number, folder = generations.reserve()
    assert (number, folder) == (1, run / "refined" / "1")
    with pytest.raises(ValueError, match="no refinement 1"):
        generations.show(1)
    generations.finish(1, 0)
    assert (generations.numbers(), generations.current()) == ([0, 1], 1)
