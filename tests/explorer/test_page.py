"""The page in a real Chromium, one session for all: what a mouse and what a keyboard can do."""

import json

import numpy as np
import pytest
from coded import Codes, points, table
from explorer_cases import MARKUP, Plain
from explorer_page import Page, press, select

from tfsp import explorer
from tfsp.explorer import chromium

pytestmark = pytest.mark.skipif(bool(chromium.missing()), reason=chromium.missing())


def test_nothing_is_fetched(page):
    page.id("show-dendrogram").click()
    page.id("search").send_keys("left")
    page.until(lambda: page.text("found") == "24 found")
    urls = set()
    for entry in page.driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            urls.add(message["params"]["request"]["url"])
    assert urls <= {page.path.as_uri(), "about:blank", "data:,"}


def test_the_policy_stops_what_would_be_fetched(page):
    stopped = page.driver.execute_async_script(
        """
        const done = arguments[0];
        document.addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective));
        const image = document.createElement("img");
        image.src = "http://127.0.0.1:9/picture.png";
        document.body.append(image);
        """
    )
    assert stopped == "img-src"
    assert len(page.console()) == 1  # the browser tells so


def test_names_of_files_are_text(page, keys):
    assert page.text("title") == "<i>Squares</i>"
    page.id("search").send_keys("<b>bo")
    (option,) = page.until(lambda: page.all("#results [role=option]"), "a result")
    assert option.text == f"top/{MARKUP} · top · {part_of(page, MARKUP)}"
    page.press(keys.ENTER)
    page.until(lambda: MARKUP in page.text("live"))
    assert page.all("b, img, #title i") == []
    assert page.driver.title == "<i>Squares</i> · tfsp explorer"


def part_of(page, name):
    rows = page.structure["rows"]
    return rows["part"][rows["name"].index(f"top/{name}")]


def test_search_finds_by_name_and_by_label(page, keys):
    rows = page.structure["rows"]
    page.id("search").send_keys("RIGHT-003")
    page.until(lambda: page.text("found") == "1 found")
    page.press(keys.ENTER)
    row = rows["name"].index("right/right-003.png")
    expected = page.structure["nodes"]["number"][rows["last"][row]]
    assert page.number() == expected
    page.press(keys.CONTROL, "a")
    page.press("right")
    page.until(lambda: page.text("found") == "24 found")
    page.press(keys.DOWN, keys.DOWN, keys.UP, keys.DOWN)
    marked = page.all("#results [aria-selected=true]")[0]
    assert page.focused().get_attribute("aria-activedescendant") == marked.get_attribute("id")
    row = int(marked.get_attribute("data-row"))
    page.press(keys.ENTER)
    assert page.number() == page.structure["nodes"]["number"][rows["last"][row]]
    page.id("search-clear").click()
    assert page.text("found") == ""
    page.id("search").send_keys("no such name")
    page.until(lambda: page.text("found") == "nothing found")
    page.press(keys.ESCAPE)
    assert page.id("search").get_attribute("value") == ""


def test_the_list_of_branches_by_keys(page, keys):
    nodes = page.structure["nodes"]
    page.script("document.querySelector('#outline [tabindex=\"0\"]').focus()")
    page.press(keys.DOWN)
    item = page.focused()
    assert item.get_attribute("role") == "treeitem"
    assert item.get_attribute("aria-level") == "2"
    m = int(item.get_attribute("data-node"))
    assert nodes["parent"][m] >= 0
    label = item.get_attribute("aria-label")
    assert label.startswith(f"Branch {nodes['number'][m]}, {nodes['count'][m]} pictures, ")
    assert page.number() == nodes["number"][m]
    page.press(keys.RIGHT)
    assert page.focused().get_attribute("aria-expanded") == "true"
    page.press(keys.RIGHT)
    child = int(page.focused().get_attribute("data-node"))
    assert nodes["start"][m] <= nodes["start"][child] < nodes["start"][m] + nodes["count"][m]
    page.press(keys.ENTER)
    assert page.crumbs()[-1] == str(nodes["number"][child])
    page.press(keys.LEFT)
    assert int(page.focused().get_attribute("data-node")) == m
    page.press(keys.LEFT)
    assert page.focused().get_attribute("aria-expanded") == "false"
    page.press(keys.HOME)
    assert page.focused().get_attribute("aria-level") == "1"
    page.press(keys.END)
    assert page.all("#outline [tabindex='0']") == [page.focused()]


@pytest.mark.parametrize("view", ["treemap", "dendrogram"])
def test_the_picture_by_keys(page, keys, view):
    nodes = page.structure["nodes"]
    page.id(f"show-{view}").click()
    page.script("document.getElementById('view').focus()")
    page.press(keys.RIGHT)
    first = page.number()
    assert first != nodes["number"][0]
    assert page.text("live").startswith(f"Branch {first} ")
    page.press(keys.DOWN)
    page.press(keys.ENTER)
    entered = page.number()
    assert page.crumbs()[-1] == str(entered)
    page.press(keys.ESCAPE)
    page.press(keys.ESCAPE)
    assert page.crumbs() == ["All"]
    page.press("+", "+", keys.SHIFT, keys.RIGHT, keys.DOWN)
    page.press(keys.NULL)
    page.press("-", "0")
    assert page.crumbs() == ["All"]
    page.press(keys.SPACE)
    near = nodes["nearest"][page.node(page.number())][0]
    name = page.structure["rows"]["name"][near]
    assert page.all("#tray .item")[0].get_attribute("title").startswith(name)


def click_canvas(page, view, x, y, key=None):
    from selenium.webdriver import ActionChains

    canvas = page.id(view)
    size = canvas.size
    chain = ActionChains(page.driver, duration=0)
    chain.move_to_element_with_offset(
        canvas, int((x - 0.5) * size["width"]), int((y - 0.5) * size["height"])
    )
    if key:
        chain.key_down(key)
    chain.click()
    if key:
        chain.key_up(key)
    chain.perform()


def test_the_treemap_by_mouse(page, keys):
    nodes = page.structure["nodes"]
    click_canvas(page, "treemap", 0.25, 0.3)
    crumbs = page.crumbs()
    assert len(crumbs) > 1
    assert page.number() == int(crumbs[-1])
    assert nodes["count"][page.node(page.number())] < 72
    # With Ctrl a click selects the picture under the pointer.
    click_canvas(page, "treemap", 0.5, 0.5, keys.CONTROL)
    page.until(lambda: page.all("#tray .item"), "a selection")
    assert page.crumbs() == crumbs
    page.all("#crumbs button")[0].click()
    assert page.crumbs() == ["All"]


def test_the_dendrogram_by_mouse(page, keys):
    rows = page.structure["rows"]
    page.id("show-dendrogram").click()
    canvas = page.id("dendrogram")
    width, height = canvas.size["width"], canvas.size["height"]

    def move(x, y):
        return page.hover("dendrogram", x / width, y / height)

    strip = width - min(360, round(width * 0.36)) + 14  # where the pictures of a branch begin
    told = [move(strip, y) for y in range(10, height - 40, 21)]
    names = [text.split(" \u00b7 ")[0] for text in told if " | " in text]
    assert len(set(names)) > 10
    assert set(names) <= set(rows["name"])
    assert move(2, 2) == ""
    # From top to bottom pictures are in the order of the rows.
    places = [rows["name"].index(name) for name in names]
    assert places == sorted(places)
    y = 10 + 21 * next(k for k, text in enumerate(told) if " | " in text)
    click_canvas(page, "dendrogram", strip / width, y / height, keys.SHIFT)
    page.until(lambda: page.all("#tray .item"), "a selection")
    assert page.all("#tray .item")[0].get_attribute("title").startswith(names[0])
    # The root's dot stands at the left edge, half-way between its first and its last part.
    dots = [y for y in range(height // 3, 2 * height // 3, 8) if move(28, y).startswith("Branch")]
    assert dots
    move(28, dots[len(dots) // 2])
    number = int(page.text("status").split()[1])
    assert number == page.structure["nodes"]["number"][0]
    click_canvas(page, "dendrogram", (strip + 2) / width, y / height)
    assert len(page.crumbs()) > 1


def test_a_picture_can_be_zoomed_and_moved(page):
    from selenium.webdriver import ActionChains

    page.settled()
    canvas = page.id("treemap")
    before = page.script("return document.getElementById('treemap').toDataURL()")
    page.script(
        "arguments[0].dispatchEvent(new WheelEvent('wheel', {deltaY: -300, clientX: 600,"
        " clientY: 400, bubbles: true, cancelable: true}))",
        canvas,
    )
    look = "return document.getElementById('treemap').toDataURL()"
    zoomed = page.until(lambda: (now := page.script(look)) != before and now, "another picture")
    ActionChains(page.driver, duration=0).drag_and_drop_by_offset(canvas, 60, 40).perform()
    page.until(lambda: page.script(look) != zoomed, "a moved picture")
    page.id("zoom-all").click()
    page.until(lambda: page.script(look) == before, "the first view again")


def test_controls_by_mouse_and_by_keys(page, keys):
    """Each button does the same when it is clicked and when Enter is pressed on it."""
    states = {
        "show-dendrogram": lambda: page.id("dendrogram").is_displayed(),
        "show-treemap": lambda: page.id("treemap").is_displayed(),
        "picking": lambda: page.id("picking").get_attribute("aria-pressed") == "true",
        "invert": lambda: page.id("invert").get_attribute("aria-pressed") == "false",
        "toggle-outline": lambda: not page.id("outline").is_displayed(),
        "show-help": lambda: page.id("help").is_displayed(),
        "members-next": lambda: (
            "41\N{EN DASH}72 of 72"
            in page.script("return document.querySelector('.where').textContent")
        ),
    }
    back = {"show-help": "close-help", "members-next": "members-previous"}
    for name, state in states.items():
        for way in ("click", "Enter"):
            if name.startswith("show-") and name != "show-help":
                other = {"show-treemap": "show-dendrogram", "show-dendrogram": "show-treemap"}[name]
                page.id(other).click()
            assert not state(), name
            press(page, page.id(name), way, keys)
            assert state(), (name, way)
            if name.startswith("show-") and name != "show-help":
                continue
            press(page, page.id(back.get(name, name)), way, keys)
            assert not state(), (name, way)
    page.id("show-help").click()
    page.press(keys.ESCAPE)
    assert not page.id("help").is_displayed()
    for key, name in {"d": "dendrogram", "t": "treemap"}.items():
        page.id("view").send_keys(key)
        assert page.id(name).is_displayed()
    page.press("/")
    assert page.focused().get_attribute("id") == "search"
    page.id("view").send_keys("n")
    assert page.focused().get_attribute("id") == "branch-name"


CONTRAST = """
const channels = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => {
  const linear = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
};
const ground = (element) => {
  for (; element; element = element.parentElement) {
    const colour = channels(getComputedStyle(element).backgroundColor);
    if (colour.length < 4 || colour[3] > 0.99) return colour;
  }
  return [255, 255, 255];
};
const found = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || !element.checkVisibility() || element.disabled) continue;
  if (element.closest("script, .unseen")) continue;
  const [a, b] = [channels(getComputedStyle(element).color), ground(element)].map(light);
  found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.outerHTML.slice(0, 80)]);
}
return found;
"""


@pytest.mark.parametrize("dark", [False, True])
def test_texts_stand_out(page, dark):
    chromium.theme(page.driver, dark, still=True)
    try:
        select(page, [0, 1, 2])
        page.id("say-not").click()
        page.all("#question .choice")[0].click()
        select(page, [0, 1, 2])
        page.until(lambda: page.script("return document.getAnimations().length") == 0)
        assert page.script("return document.documentElement.dataset.theme") == (
            "dark" if dark else "light"
        )
        contrasts = page.script(CONTRAST)
        assert len(contrasts) > 60
        assert min(contrasts)[0] >= 4.5, min(contrasts)
        page.id("say-odd").click()
        assert min(page.script(CONTRAST))[0] >= 4.5
    finally:
        chromium.theme(page.driver, False, still=True)


def test_the_theme_is_chosen_and_kept(page):
    seen = []
    for _ in range(3):
        page.id("theme").click()
        seen.append(
            (page.text("theme"), page.script("return document.documentElement.dataset.theme"))
        )
    assert seen == [("Light", "light"), ("Dark", "dark"), ("Auto", "light")]
    page.id("theme").click()
    page.id("theme").click()
    page.open(fresh=False)
    assert page.script("return document.documentElement.dataset.theme") == "dark"


def test_every_control_has_a_name_and_shows_the_focus(page, keys):
    select(page, [0, 1, 2])
    tree = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = {
        "button",
        "textbox",
        "combobox",
        "treeitem",
        "option",
        "listbox",
        "tree",
        "application",
    }
    seen = set()
    for node in tree:
        role = node.get("role", {}).get("value")
        if role in roles and not node["ignored"]:
            seen.add(role)
            assert node.get("name", {}).get("value"), node
    assert seen == roles
    # By Tab through the whole page: all of it can be reached, and seen where it is.
    page.script("document.querySelector('.skip').focus()")
    reached = set()
    for _ in range(150):
        page.press(keys.TAB)
        element = page.focused()
        if element.tag_name == "body":
            break
        style = page.script(
            "const e = document.activeElement; const line = e.getAttribute('role') === 'treeitem'"
            " ? e.firstElementChild : e; return getComputedStyle(line).outlineStyle",
            element,
        )
        assert style == "solid", element.get_attribute("outerHTML")[:120]
        role = element.get_attribute("role")
        reached.add(role if role in ("treeitem", "option") else element.get_attribute("id"))
    wanted = {
        "search", "questions", "show-treemap", "show-dendrogram", "invert", "theme", "show-help",
        "toggle-outline", "zoom-out", "zoom-all", "zoom-in", "picking", "view", "say-together",
        "say-odd", "say-not", "clear-selection", "branch-name", "members-next", "members-csv",
        "members-json", "save-constraints", "save-names", "treeitem", "option",
    }  # fmt: skip
    assert wanted <= reached


def test_on_a_narrow_page_the_list_of_branches_opens_over_the_picture(page, keys):
    size = {"width": 800, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.until(lambda: not page.id("outline").is_displayed())
        page.script("document.getElementById('skip').focus()")
        page.press(keys.ENTER)
        assert page.focused().get_attribute("role") == "treeitem"
        page.press(keys.DOWN, keys.ENTER)
        assert len(page.crumbs()) == 2
        page.id("toggle-outline").click()
        assert not page.id("outline").is_displayed()
    finally:
        wide = size | {"width": 1440, "height": 900}
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", wide)
    page.until(lambda: page.id("outline").is_displayed())


def test_pictures_are_drawn_as_they_are_or_as_negatives(page):
    """The first picture of the list, pixel by pixel; dark ones on a light page are negatives."""
    from test_sheets import read

    expected = read(page.structure["pictures"])[0].astype(int)

    def shown():
        page.settled()
        side, values = page.script(
            "const c = document.querySelector('[aria-label^=\"All\"] canvas');"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
            "return [c.width, [...d.data].filter((_, i) => i % 4 === 0)]"
        )
        middles = ((np.arange(8) + 0.5) * side / 8).astype(int)
        return np.reshape(values, (side, side))[np.ix_(middles, middles)]

    assert page.id("invert").get_attribute("aria-pressed") == "true"
    assert abs(shown() - (255 - expected)).max() <= 1
    page.id("theme").click()
    page.id("theme").click()
    assert page.text("theme") == "Dark"
    assert abs(shown() - expected).max() <= 1
    page.id("invert").click()
    page.id("theme").click()
    page.id("theme").click()  # what a person has said stays
    assert abs(shown() - (255 - expected)).max() <= 1
    page.id("invert").click()
    assert abs(shown() - expected).max() <= 1
    page.console()  # the browser advises on how to read pixels


def test_tables(page, tmp_path, keys):
    x = points(60, 5)
    x[:20, 1] += 9
    data = table(x, [f"kind {i % 3}" for i in range(60)])
    structure = explorer.collect(Codes(Plain()), data)
    (path,) = explorer.page_file.write(structure, tmp_path / "table.html")
    tabular = Page(page.driver, path, structure, page.downloads)
    tabular.open()
    tabular.script("document.querySelector('#outline [tabindex=\"0\"]').focus()")
    tabular.press(keys.DOWN)
    m = tabular.node(tabular.number())
    apart = tabular.script(
        "return [...document.querySelectorAll('.apart .class')].map(e => e.textContent)"
    )
    assert apart == [structure["table"]["columns"][j] for j, _, _ in structure["table"]["apart"][m]]
    line = tabular.all("[aria-label^='All'] [role=option]")[0].text
    i = structure["nodes"]["start"][m]
    j = structure["table"]["apart"][m][0][0]
    value = f"{x[structure['rows']['row'][i], j]:.4g}".replace("-", "\N{MINUS SIGN}")
    assert line.startswith(structure["rows"]["name"][i])
    assert f"c{j} {value.rstrip('0') if '.' in value else value}" in line
    # The row that has the focus is told with all its values.
    tabular.script("document.querySelector('[aria-label^=\"All\"] [role=option]').focus()")
    tabular.press(keys.DOWN)
    row = structure["rows"]["row"][i + 1]
    told = tabular.script(
        "return [...document.querySelectorAll('dl.values div')].map(e => [...e.children].map("
        "c => c.textContent))"
    )
    assert sorted(name for name, _ in told) == ["c0", "c1", "c2", "c3", "c4"]
    for name, text in told:
        value = float(text.replace("\N{MINUS SIGN}", "-"))
        np.testing.assert_allclose(value, x[row, int(name[1:])], rtol=1e-3)
    tabular.script("document.querySelector('#outline [tabindex=\"0\"]').focus()")
    # Names of rows stand in the cells, and can be selected there.
    tabular.press(keys.ENTER)
    tabular.id("picking").click()
    for y in range(10, 38):
        text = tabular.hover("treemap", 0.25, y / 40)
        if " | " in text:
            break
    name = text.split(" \u00b7 ")[0]
    assert name in structure["rows"]["name"]
    click_canvas(tabular, "treemap", 0.25, y / 40)
    assert tabular.all("#tray .item")[0].get_attribute("title").startswith(name)
    tabular.id("show-dendrogram").click()
    assert tabular.id("dendrogram").is_displayed()


def test_pictures_beside_the_file(page, tmp_path):
    path, _ = explorer.page_file.write(page.structure, tmp_path / "beside.html", most_within=10)
    beside = Page(page.driver, path, page.structure, page.downloads)
    beside.open()
    beside.settled()
    shot = beside.driver.get_screenshot_as_png()
    page.open(fresh=False)
    page.settled()
    assert page.driver.get_screenshot_as_png() == shot
