"""A Chromium without a window, for tests, timings and pictures of the page."""

import shutil

_ADVICE = "apt-get install --no-install-recommends chromium chromium-driver; pip install selenium"


def missing():
    """What is missing to open a page in Chromium, in words; "" if all is there."""
    absent = []
    if _program("chromium", "chromium-browser", "google-chrome") is None:
        absent.append("Chromium")
    if _program("chromedriver") is None:
        absent.append("its driver (chromedriver)")
    try:
        import selenium  # noqa: F401
    except ImportError:
        absent.append("Selenium")
    return f"{', '.join(absent)} not found: {_ADVICE}" if absent else ""


def driver(width, height, downloads=None, dark=False, still=False, scale=1):
    """A Selenium driver of Chromium, to be ended by `quit()`.

    Args:
      width, height: of the page in CSS pixels.
      downloads: folder for what the page saves, or None.
      dark, still: whether the system asks for dark colours, and for nothing that moves.
      scale: device pixels of a CSS pixel.

    Raises:
      RuntimeError: where Chromium, its driver or Selenium is not installed.
    """
    if missing():
        raise RuntimeError(missing())
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = _program("chromium", "chromium-browser", "google-chrome")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(_program("chromedriver")))
    sizes = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
    found.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)
    theme(found, dark, still)
    if downloads is not None:
        found.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
        )
    return found


def theme(driver, dark, still=False):
    """Sets whether the system asks for dark colours, and for nothing that moves."""
    features = [
        {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
        {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
    ]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def _program(*names):
    return next(filter(None, map(shutil.which, names)), None)
