"""What a person says on the page in a real Chromium, by mouse and by keyboard, read back."""

import csv
import json

import pytest
from explorer_page import select

from tfsp import explorer
from tfsp.explorer import chromium

pytestmark = pytest.mark.skipif(bool(chromium.missing()), reason=chromium.missing())


def test_a_triplet_by_mouse_is_read_back(page, data):
    rows = page.structure["rows"]
    select(page, [0, 2, 5])
    assert page.script("return document.querySelector('#tray .count').textContent") == "3 selected"
    page.id("say-odd").click()
    choices = page.all("#question .choice")
    assert [c.text for c in choices] == [rows["name"][i] for i in (0, 2, 5)]
    choices[1].click()
    assert page.text("answers-count") == "1"
    assert not page.id("tray").is_displayed()
    page.id("save-constraints").click()
    text = page.saved("constraints.json")
    path = page.downloads / "kept.json"
    path.write_text(text)
    found = explorer.read_constraints(path, data)
    pair = sorted([rows["row"][0], rows["row"][5]])
    assert found.triplets.tolist() == [[*pair, rows["row"][2]]]
    assert found.names == {rows["row"][i]: rows["name"][i] for i in (0, 2, 5)}
    assert found.data == page.structure["data"]


def test_answers_by_keys_alone(page, keys, data):
    rows = page.structure["rows"]
    page.script("document.querySelector('[aria-label^=\"All\"] [role=option]').focus()")
    page.press(keys.SPACE)
    page.press(keys.RIGHT, keys.SPACE)
    page.press(keys.END, keys.SPACE)
    last = 39
    chosen = [0, 1, last]
    assert page.all("[aria-label^='All'] [aria-selected=true]") != []
    tab_to(page, keys, "say-together")
    page.press(keys.ENTER)
    assert page.focused().get_attribute("id") == "view"
    page.script("document.querySelector('[aria-label^=\"All\"] [role=option]').focus()")
    page.press(keys.SPACE, keys.RIGHT, keys.RIGHT, keys.SPACE)
    tab_to(page, keys, "say-not")
    page.press(keys.ENTER)  # of two the second
    page.script("document.querySelector('[aria-label^=\"All\"] [role=option]').focus()")
    page.press(keys.SPACE, keys.RIGHT, keys.RIGHT, keys.RIGHT, keys.SPACE, keys.RIGHT, keys.SPACE)
    tab_to(page, keys, "say-odd")
    page.press(keys.ENTER)
    page.press("3")
    page.script("document.getElementById('save-constraints').focus()")
    page.press(keys.ENTER)
    (page.downloads / "kept.json").write_text(page.saved("constraints.json"))
    found = explorer.read_constraints(page.downloads / "kept.json", data)
    number = [rows["row"][i] for i in range(40)]
    must = {tuple(sorted((number[0], number[i]))) for i in chosen[1:]}
    assert set(map(tuple, found.must_links.tolist())) == must
    assert found.cannot_links.tolist() == [sorted((number[0], number[2]))]
    assert found.triplets.tolist() == [[*sorted((number[0], number[3])), number[4]]]


def tab_to(page, keys, name, most=30):
    """Presses Shift and Tab until a control has the focus: the tray stands before the panel."""
    for _ in range(most):
        if page.focused().get_attribute("id") == name:
            return
        page.press(keys.SHIFT, keys.TAB)
    raise AssertionError(f"Tab does not reach {name}.")


def test_contradictions_are_refused_and_answers_taken_back(page):
    select(page, [0, 1])
    page.id("say-together").click()
    select(page, [1, 0])
    page.id("say-not").click()
    assert "contradicts" in page.id("problem").text
    assert page.text("answers-count") == "1"
    page.id("clear-selection").click()
    select(page, [2, 3])
    page.id("say-not").click()
    assert page.text("answers-count") == "2"
    page.all(".entries button")[0].click()
    assert page.text("answers-count") == "1"
    assert "does not belong" in page.all(".entries li")[0].get_attribute("aria-label")
    page.id("undo").click()
    assert page.text("answers-count") == ""
    assert not page.id("undo").is_enabled()


def test_names_and_answers_stay_over_a_reload(page, keys):
    nodes = page.structure["nodes"]
    page.script("document.querySelector('#outline [tabindex=\"0\"]').focus()")
    page.press(keys.DOWN)
    number = page.number()
    page.press("n")
    page.press("Left <u>squares</u>", keys.ENTER)
    select(page, [nodes["start"][page.node(number)] + i for i in (0, 1)])
    page.id("say-together").click()
    page.open(fresh=False)
    assert page.text("answers-count") == "1"
    titles = page.script(
        "return [...document.querySelectorAll('#outline .title')].map(e => e.textContent)"
    )
    assert "Left <u>squares</u>" in titles
    page.id("save-names").click()
    saved = json.loads(page.saved("names.json"))
    size = nodes["count"][page.node(number)]
    assert saved["names"] == [{"node": number, "name": "Left <u>squares</u>", "size": size}]
    assert saved["data"] == page.structure["data"]
    assert page.all("u") == []


def test_members_are_taken_away(page, keys):
    page.script("document.querySelector('#outline [tabindex=\"0\"]').focus()")
    page.press(keys.DOWN)
    number = page.number()
    m = page.node(number)
    page.press("n")
    page.press('a "b", c', keys.ENTER)
    page.id("members-csv").click()
    lines = list(csv.DictReader(page.saved(f"members-{number}.csv").splitlines()))
    page.id("members-json").click()
    content = json.loads(page.saved(f"members-{number}.json"))
    rows, nodes = page.structure["rows"], page.structure["nodes"]
    inside = range(nodes["start"][m], nodes["start"][m] + nodes["count"][m])
    assert [int(line["row"]) for line in lines] == [rows["row"][i] for i in inside]
    assert [each["row"] for each in content["members"]] == [rows["row"][i] for i in inside]
    assert content["node"] == number
    for line, i in zip(lines, inside, strict=True):
        assert line["name"] == rows["name"][i]
        assert line["label"] == page.structure["classes"][rows["label"][i]]
        assert line["part"] == rows["part"][i]
        assert int(line["node"]) == rows["node"][i]
        assert line["path"].split("/")[-1] == line["node"]
        assert line["path"].split("/")[0] == str(nodes["number"][0])
        assert line["names"] == 'a "b", c'


def test_questions_are_asked_one_after_the_other(page, keys, data):
    rows, questions = page.structure["rows"], page.structure["questions"]
    assert page.text("questions") == "Questions (3)"
    page.id("questions").click()
    assert page.id("question").is_displayed()
    page.press("2")
    page.until(lambda: page.all("#question .progress")[0].text == "2 of 3", "the second")
    page.id("question-skip").click()
    page.until(lambda: page.all("#question .progress")[0].text == "3 of 3", "the third")
    page.press(keys.ESCAPE)
    page.until(lambda: page.text("questions") == "Questions (1)", "one question left")
    page.id("save-constraints").click()
    (page.downloads / "kept.json").write_text(page.saved("constraints.json"))
    found = explorer.read_constraints(page.downloads / "kept.json", data)
    first = [rows["row"][i] for i in questions[0]]
    assert first == [0, 30, 60]
    assert found.triplets.tolist() == [[0, 60, 30]]
    page.open(fresh=False)
    assert page.text("questions") == "Questions (1)"
