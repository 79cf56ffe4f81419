"""Size and speed of the explorer's page: 10,000 pictures of 64 x 64 pixels in a real Chromium.

Measures the file, the time to the first view with its pictures, and the frames while the treemap
and the dendrogram are zoomed and panned, and says which bars are met. Frames are those of the best
of some passes, as what else the machine does takes time from them. Needs Chromium, its driver and
Selenium (`apt-get install chromium chromium-driver`, `pip install selenium`).

python scripts/benchmark_explorer.py
"""

import pathlib
import tempfile
import time

import numpy as np
import tensorflow as tf
from absl import app, flags

from tfsp import explorer
from tfsp.explorer import chromium

_PASSES = flags.DEFINE_integer("passes", 3, "How often each view is zoomed and panned.")
_NUMBER = flags.DEFINE_integer("num_pictures", 10_000, "How many pictures.")
_SIDE = flags.DEFINE_integer("side", 64, "Pixels of a side.")
_KEEP = flags.DEFINE_string("keep", None, "Where to write the page, NAME.html; it is kept there.")
_PAGE = flags.DEFINE_string("page", None, "A page that is there already, measured as it is.")
_MOST_BYTES, _MOST_SECONDS, _MOST_FRAME = 40_000_000, 2.0, 50.0  # bytes, s, ms
_RECORD = """
window.frames_seen = [];
let last = performance.now();
window.recording = true;
const step = (now) => {
  window.frames_seen.push(now - last);
  last = now;
  if (window.recording) requestAnimationFrame(step);
};
requestAnimationFrame((now) => { last = now; requestAnimationFrame(step); });
"""
_MOVE = """
const done = arguments[arguments.length - 1];
const [id, horizontal] = arguments;
const canvas = document.getElementById(id);
const box = canvas.getBoundingClientRect();
const [x, y] = [box.left + box.width * 0.3, box.top + box.height * 0.4];
let n = 0;
const wheel = (deltaY) => canvas.dispatchEvent(new WheelEvent("wheel", {
  deltaY, clientX: x, clientY: y, bubbles: true, cancelable: true, view: window,
}));
const mouse = (target, type, dx, dy) => target.dispatchEvent(new MouseEvent(type, {
  clientX: x + dx, clientY: y + dy, bubbles: true, cancelable: true, view: window,
}));
const step = () => {
  n += 1;
  if (n <= 60) wheel(-60);
  else if (n === 61) mouse(canvas, "mousedown", 0, 0);
  else if (n <= 110) mouse(window, "mousemove", 4 * (n - 61), 3 * (n - 61));
  else if (n === 111) mouse(window, "mouseup", 200, 150);
  else if (n <= 171) wheel(60);
  else { setTimeout(done, 700); return; }
  requestAnimationFrame(step);
};
requestAnimationFrame(step);
"""


class Pooled:
    """What the page needs of a model; codes are colours of 4 x 4 patches."""

    capabilities = frozenset()

    class prior:
        capabilities = frozenset()

    def encode(self, x):
        side = x.shape[1] // 4
        return tf.reshape(tf.nn.avg_pool2d(x, side, side, "VALID"), [len(x), -1])


def synthetic(number, side, seed=0):
    """Coloured blobs of 40 kinds on coloured ground, with a texture: uint8 `[n, side, side, 3]`."""
    rng = np.random.default_rng(seed)
    kinds = rng.random((40, 3, 3))
    y, x = np.mgrid[:side, :side] / side
    pictures = np.empty((number, side, side, 3), np.uint8)
    for i in range(number):
        ground, blob, place = kinds[rng.integers(40)]
        cx, cy = place[:2] + rng.normal(0, 0.04, 2)
        near = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (0.02 + 0.08 * place[2]))[..., None]
        wave = 0.12 * np.sin(40 * (x * np.cos(i) + y * np.sin(i)))[..., None]
        value = ground * (1 - near) + blob * near + wave + rng.normal(0, 0.02, (side, side, 3))
        pictures[i] = np.clip(255 * value, 0, 255)
    return pictures


def shown(driver):
    """Seconds from the start of loading to the first view, and to the view with its pictures."""
    first = None
    for _ in range(3000):
        state = driver.execute_script(
            "return [performance.now(), document.documentElement.dataset.ready === 'true',"
            " document.documentElement.dataset.pending]"
        )
        if first is None and state[1]:
            first = driver.execute_script(
                "return performance.getEntriesByName('first-view')[0].startTime"
            )
        if state[1] and state[2] == "0":
            return first / 1000, state[0] / 1000
        time.sleep(0.01)
    raise RuntimeError("The page has not shown its pictures within 30 s.")


def frames(driver, view):
    """Milliseconds between frames while a view is zoomed in, panned and zoomed out."""
    driver.find_element("id", f"show-{view}").click()
    time.sleep(1.0)
    driver.execute_script(_RECORD)
    driver.execute_async_script(_MOVE, view)
    driver.execute_script("window.recording = false")
    return np.array(driver.execute_script("return window.frames_seen"))


def bar(name, value, most, unit):
    met = "met" if value <= most else "NOT MET"
    print(f"{name:44} {value:8.1f} {unit:3}  bar {most:g} {unit}: {met}")


def write(path):
    """Writes a page of synthetic pictures."""
    pictures = synthetic(_NUMBER.value, _SIDE.value)
    labels = np.arange(len(pictures)) % 10
    start = time.perf_counter()
    paths = explorer.write(Pooled(), (pictures.astype(np.float32) / 255, labels), path)
    print(f"written in {time.perf_counter() - start:.1f} s: {', '.join(map(str, paths))}")


def measure(path):
    """Measures a page, and prints which bars are met."""
    driver = chromium.driver(1440, 900)
    try:
        driver.set_script_timeout(120)
        driver.get(path.resolve().as_uri())
        first, whole = shown(driver)
        bar("file", path.stat().st_size / 1e6, _MOST_BYTES / 1e6, "MB")
        bar("first view", first, _MOST_SECONDS, "s")
        bar("first view with all its pictures", whole, _MOST_SECONDS, "s")
        for view in ("treemap", "dendrogram"):
            passes = [frames(driver, view) for _ in range(_PASSES.value)]
            longest = ", ".join(f"{found.max():.0f}" for found in passes)
            print(f"{view}: median {np.median(passes[-1]):.1f} ms, longest {longest} ms")
            bar(f"{view}: the longest frame", min(map(max, passes)), _MOST_FRAME, "ms")
    finally:
        driver.quit()


def main(_):
    if _PAGE.value:
        measure(pathlib.Path(_PAGE.value))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(_KEEP.value or pathlib.Path(folder) / "page.html")
        write(path)
        measure(path)


if __name__ == "__main__":
    app.run(main)
