"""The explorer's page in a Chromium, as its tests handle it."""

import time


class Page:
    """A page and what the tests ask of it."""

    def __init__(self, driver, path, structure, downloads):
        self.driver, self.path, self.structure = driver, path, structure
        self.downloads = downloads

    def open(self, fresh=True):
        self.driver.get(self.path.as_uri())
        # Another process of the browser may learn a little later that the store is empty.
        while fresh and self.script("return localStorage.length"):
            self.script("localStorage.clear()")
            self.driver.get("about:blank")
            self.driver.get(self.path.as_uri())
            fresh = self.all("#answers li") != []
        assert self.script("return document.documentElement.dataset.ready") == "true"

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def id(self, name):
        return self.driver.find_element("id", name)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def press(self, *keys):
        """Keys to whatever has the focus."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def focused(self):
        return self.driver.switch_to.active_element

    def text(self, name):
        return self.script("return document.getElementById(arguments[0]).textContent", name)

    def crumbs(self):
        return self.script(
            "return [...document.querySelectorAll('#crumbs button')].map(e => e.textContent)"
        )

    def number(self):
        """The number of the branch in the panel."""
        return int(
            self.script("return document.querySelector('#panel .number').textContent")
            .split()[1]
            .strip(",")
        )

    def node(self, number):
        return self.structure["nodes"]["number"].index(number)

    def saved(self, name):
        """The text of a file that the page saves, once it is there."""
        path = self.downloads / name
        for _ in range(200):
            if path.exists():
                text = path.read_bytes().decode()
                path.unlink()
                return text
            time.sleep(0.02)
        raise AssertionError(f"{name} was not saved.")

    def until(self, condition, what="something"):
        for _ in range(200):
            if value := condition():
                return value
            time.sleep(0.02)
        raise AssertionError(f"The page did not show {what}.")

    def hover(self, view, x, y):
        """What the page says of a place of a view, in shares of its size."""
        from selenium.webdriver import ActionChains

        canvas = self.id(view)
        size = canvas.size
        place = int((x - 0.5) * size["width"]), int((y - 0.5) * size["height"])
        chain = ActionChains(self.driver, duration=0)
        chain.move_to_element_with_offset(canvas, *place).perform()
        return self.text("status")

    def settled(self):
        """Waits until all pictures in sight are decoded and drawn."""
        pending = "return document.documentElement.dataset.pending"
        self.until(lambda: self.script(pending) == "0", "its pictures")
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => done()))"
        )
        self.until(lambda: self.script(pending) == "0", "its pictures")

    def console(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]


def select(page, rows):
    """Selects rows in the panel's list of all members by a click on each."""
    for i in rows:
        page.all(f"[aria-label^='All'] [data-row='{i}']")[0].click()


def press(page, element, way, keys):
    if way == "click":
        element.click()
    else:
        page.script("arguments[0].focus()", element)
        page.press(keys.ENTER)
