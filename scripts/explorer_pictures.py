"""Pictures of the explorer's page for the documentation, taken in a Chromium without a window.

python scripts/demo.py && python scripts/explorer_pictures.py --run_dir=runs/demo/loracs
"""

import pathlib
import time

from absl import app, flags

from tfsp import explorer
from tfsp.command_line import plain_errors
from tfsp.explorer import chromium

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of a run on pictures, such as the demo's.")
_OUT = flags.DEFINE_string("out", "docs/images", "Folder of the pictures.")
_SIZE = 1360, 850


def settle(driver):
    """Waits for all pictures, and for what moves."""
    time.sleep(0.7)
    while driver.execute_script("return document.documentElement.dataset.pending") not in (
        "0",
        None,
    ):
        time.sleep(0.05)
    time.sleep(0.3)


def members(driver, places):
    """Selects pictures in the list of all members."""
    options = driver.find_elements("css selector", "[aria-label^='All'] [role=option]")
    for place in places:
        options[place].click()


def zoom_to_largest(driver):
    """Into the largest branch, and the largest of that."""
    view = driver.find_element("id", "view")
    for key in ("\ue014", "\ue007", "\ue014", "\ue007"):  # right, Enter
        view.send_keys(key)
        time.sleep(0.6)
    driver.find_element("css selector", "h1").click()


@plain_errors
def main(_):
    page, *_ = explorer.explore_run(_RUN_DIR.value)
    driver = chromium.driver(*_SIZE)
    out = pathlib.Path(_OUT.value)

    def take(name):
        driver.execute_script("document.getElementById('panel').scrollTop = 0")
        settle(driver)
        path = out / f"explorer_{name}.png"
        driver.save_screenshot(str(path))
        print(path)

    try:
        driver.get(page.resolve().as_uri())
        take("treemap")
        driver.find_element("id", "show-dendrogram").click()
        take("dendrogram")
        driver.find_element("id", "show-treemap").click()
        zoom_to_largest(driver)
        name = driver.find_element("id", "branch-name")
        name.send_keys("threes, round\n")
        members(driver, (0, 5, 9))
        take("node")
        driver.find_element("id", "clear-selection").click()
        driver.find_element("id", "view").send_keys("\ue00c")  # Escape
        settle(driver)
        members(driver, (0, 2, 3))
        driver.find_element("id", "say-odd").click()
        take("question")
        driver.find_elements("css selector", ".choice")[0].click()
        chromium.theme(driver, dark=True)
        take("dark")
    finally:
        driver.quit()


if __name__ == "__main__":
    flags.mark_flags_as_required(["run_dir"])
    app.run(main)
