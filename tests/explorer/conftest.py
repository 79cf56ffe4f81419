"""One Chromium and one page for all tests of the explorer in a process."""

import pytest
from coded import Codes
from explorer_cases import Plain, folder_of_pictures
from explorer_page import Page

import tfsp
from tfsp import explorer
from tfsp.explorer import chromium


@pytest.fixture(scope="session")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def driver(downloads):
    found = chromium.driver(1440, 900, downloads=downloads, still=True)
    yield found
    found.quit()


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return tfsp.data.load(folder_of_pictures(tmp_path_factory.mktemp("data") / "pictures"))


@pytest.fixture(scope="session")
def whole(driver, data, downloads, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    structure = explorer.collect(
        Codes(Plain()), data, title="<i>Squares</i>", questions=[(0, 30, 60), (1, 2, 70), (5, 6, 7)]
    )
    (path,) = explorer.page_file.write(structure, folder / "squares.html")
    return Page(driver, path, structure, downloads)


@pytest.fixture
def page(whole):
    whole.open()
    yield whole
    assert whole.console() == []


@pytest.fixture
def keys():
    from selenium.webdriver.common.keys import Keys

    return Keys
