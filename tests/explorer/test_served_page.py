"""The page that a server sends, in a real Chromium: learning, stopping, taking back."""

import json
import secrets
import socket
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from coded import Codes, points
from explorer_cases import Plain

import tfsp
from tfsp import explorer
from tfsp.explorer import chromium
from tfsp.explorer.generations import Generations
from tfsp.explorer.server.jobs import Refinements

uvicorn = pytest.importorskip("uvicorn")
pytestmark = pytest.mark.skipif(bool(chromium.missing()), reason=chromium.missing())

# Stands in for `tfsp refine`: two epochs, each as long as the test wants, then a page made before.
WORK = textwrap.dedent(
    """
    import pathlib, shutil, sys, time
    run, answers, folder, made, gate = sys.argv[1:]
    for epoch in (1, 2):
        print(f"epoch {epoch}/2  elbo -1.0", flush=True)
        while not pathlib.Path(gate, str(epoch)).exists():
            time.sleep(0.01)
    if pathlib.Path(gate, "broken").exists():
        print("ContradictionError: these cannot all be true", flush=True)
        sys.exit(1)
    shutil.copy(made, pathlib.Path(folder, "explorer.html"))
    """
)


@pytest.fixture(scope="module")
def driver():
    found = chromium.driver(1440, 900, still=True)
    yield found
    found.quit()


class Session:
    """A server with a page of forty points, and a browser that has opened it."""

    def __init__(self, driver, folder):
        from tfsp.explorer.server.application import application
        from tfsp.explorer.server.guard import Guard

        self.driver, self.run, self.gate = driver, folder / "run", folder / "gate"
        self.run.mkdir()
        self.gate.mkdir()
        self.data = tfsp.data.load({"x_train": points(40)}, table=True)
        x = self.data.arrays("train")[0]
        model = Codes(Plain())
        structure = explorer.collect(model, self.data, title="Before")
        explorer.page_file.write(structure, self.run / "explorer.html")
        answers = explorer.Constraints(
            np.array([[0, 1, 2]]), np.zeros((0, 2), int), np.array([[3, 4]]), {}, {}
        )
        later = explorer.collect(model, self.data, title="After", answers=answers, seed=1)
        later["run"] = "another"
        explorer.page_file.write(later, folder / "made.html")
        assert len(x) >= 5
        command = [sys.executable, "-c", WORK]
        rest = [str(folder / "made.html"), str(self.gate)]
        self.jobs = Refinements(
            Generations(self.run), lambda *paths: [*command, *map(str, paths), *rest]
        )
        self.socket = socket.create_server(("127.0.0.1", 0))
        host = f"127.0.0.1:{self.socket.getsockname()[1]}"
        token = secrets.token_urlsafe(8)
        guarded = Guard(application(self.jobs, self.data), token, [host])
        self.server = uvicorn.Server(uvicorn.Config(guarded, log_level="error", ws="none"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()
        driver.get(f"http://{host}/{token}/")
        driver.execute_script("localStorage.clear()")
        driver.get_log("browser")
        driver.get(f"http://{host}/{token}/")

    def close(self):
        self.jobs.stop()
        self.server.should_exit = True
        self.thread.join()
        self.socket.close()

    def id(self, name):
        return self.driver.find_element("id", name)

    def press(self, name):
        self.driver.execute_script("document.getElementById(arguments[0]).click()", name)

    def shown(self):
        """Which of the buttons there are."""
        names = ("learn", "show-new", "stop-learning", "take-back")
        return {name for name in names if self.id(name).is_displayed()}

    def until(self, text, name="served-words"):
        for _ in range(600):
            found = self.driver.execute_script(
                "return document.getElementById(arguments[0])?.textContent ?? ''", name
            )  # there is none while another page is coming
            if text in found:
                return
            time.sleep(0.02)
        raise AssertionError(f"{name} says {found!r}, not {text!r}.")

    def answer(self):
        """Selects three rows in the panel, and says that the first two belong together."""
        rows = self.driver.find_elements("css selector", "[aria-label^='All'] [data-row]")
        for row in rows[:3]:
            row.click()
        self.press("say-odd")
        self.driver.find_elements("css selector", "#question .choice")[2].click()


@pytest.fixture
def session(driver, tmp_path):
    found = Session(driver, tmp_path)
    yield found
    try:
        assert [e["message"] for e in driver.get_log("browser")] == []
    finally:
        found.close()


def test_the_model_learns_and_what_it_learned_is_taken_back(session):
    session.until("Trains on")
    assert session.shown() == {"learn"}
    assert not session.id("learn").is_enabled()  # there are no answers
    session.answer()
    assert session.id("learn").is_enabled()
    session.press("learn")
    session.until("epoch 1 of 2")
    assert session.shown() == {"stop-learning"}
    assert float(session.id("learning").get_attribute("value")) == 0.5
    sent = json.loads((session.run / "refined" / "1-constraints.json").read_text())
    assert len(sent["triplets"]) == 1
    (session.gate / "1").touch()
    session.until("the new page is made")
    (session.gate / "2").touch()
    session.until("has learned from your answers")
    assert session.shown() == {"show-new", "take-back"}
    session.press("show-new")
    session.until("refinement 1", "served-words")
    assert session.id("title").text == "After"
    # The new page begins with what it was made from.
    labels = [
        e.get_attribute("aria-label")
        for e in session.driver.find_elements("css selector", "#answers li")
    ]
    assert labels == [
        "row 0, row 1 belong together rather than with row 2",
        "row 4 does not belong with row 3 (asks for nothing yet)",
    ]
    assert session.shown() == {"learn", "take-back"}
    session.press("take-back")
    session.until("Trains on")
    assert session.id("title").text == "Before"
    assert session.driver.find_elements("css selector", "#answers li")  # what was said is kept


def test_it_is_stopped_and_goes_on_over_a_reload(session):
    session.answer()
    session.press("learn")
    session.until("epoch 1 of 2")
    session.driver.refresh()
    session.until("epoch 1 of 2")
    session.press("stop-learning")
    session.until("Stopped: nothing has changed.")
    assert session.shown() == {"learn"}
    assert session.id("title").text == "Before"


def test_what_fails_is_told(session):
    for name in ("1", "2", "broken"):
        (session.gate / name).touch()
    session.answer()
    session.press("learn")
    session.until("ContradictionError: these cannot all be true", "served-problem")
    assert session.shown() == {"learn"}
    assert session.id("served-problem").is_displayed()


def test_a_page_from_disk_knows_no_server(driver, session, tmp_path):
    driver.get((session.run / "explorer.html").as_uri())
    assert not driver.find_element("id", "served").is_displayed()
