"""The page in a real browser: it opens from disk, asks for nothing, sorts, filters and turns dark."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from processes import mortal

from da.report.page import html
from da.report.sections import sections
from da.results import store

pytestmark = [pytest.mark.slow, pytest.mark.browser]
webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (CHROMIUM and DRIVER):
    pytest.skip("chromium and chromedriver are not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    light = {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
    with mortal() as mark:
        service = webdriver.ChromeService(DRIVER, env=os.environ | mark)
        with webdriver.Chrome(options=options, service=service) as driver:  # quits it at the end
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", light)
            yield driver


@pytest.fixture
def opened(browser, folder, keep, record):
    """The page of a folder of closed-form and deep runs, opened from disk."""
    for method, accuracy in (("source_only", 50.0), ("dann", 60.0)):
        keep(record(method, "art->clip", accuracy, epochs=4, data="digits"))
    records = store.load(folder)
    file = folder / "report.html"
    file.write_text(html("runs", sections(folder, records), records), encoding="utf-8")
    for kind in ("browser", "performance"):
        browser.get_log(kind)  # forget what came before
    browser.get(file.as_uri())
    return browser


BOARD = "document.querySelector('#c1 .leaderboard')"
NAMES = f"[...{BOARD}.tBodies[0].rows].filter(r => !r.hidden).map(r => r.cells[0].textContent)"


def names(driver):
    return driver.execute_script(f"return {NAMES}")


def click(driver, column):
    driver.execute_script(
        f"[...{BOARD}.tHead.rows[0].cells].find(c => c.textContent.startsWith(arguments[0])).firstChild.click()", column
    )


def test_it_opens_without_errors_and_without_asking_for_anything(opened):
    assert [entry["message"] for entry in opened.get_log("browser")] == []
    events = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) == 1


def test_headings_sort_by_number_and_by_name(opened):
    assert names(opened) == ["tca", "jda", "unadapted", "kmm"]
    click(opened, "seconds")
    assert names(opened) == ["tca", "jda", "unadapted", "kmm"]
    click(opened, "seconds")
    assert names(opened) == ["kmm", "unadapted", "jda", "tca"]
    click(opened, "method")
    assert names(opened) == ["jda", "kmm", "tca", "unadapted"]
    click(opened, "ours")
    assert names(opened)[-1] == "kmm"  # without a figure: last ...
    click(opened, "ours")
    assert names(opened) == ["unadapted", "jda", "tca", "kmm"]  # ... in either direction
    ordered = opened.execute_script(f"return [...{BOARD}.tHead.rows[0].cells].map(c => c.getAttribute('aria-sort'))")
    assert ordered.count("ascending") == 1
    assert sum(order is not None for order in ordered) == 1


def test_the_keyboard_sorts_too(opened):
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    button = opened.execute_script(f"return {BOARD}.tHead.rows[0].cells[0].firstChild")
    opened.execute_script("arguments[0].focus()", button)
    button.send_keys(keys.ENTER)
    assert names(opened) == ["jda", "kmm", "tca", "unadapted"]


def test_the_filter_hides_rows_in_every_table_of_its_section(opened):
    field = opened.find_element("css selector", "#c1 .filter input")
    field.send_keys("da")
    assert names(opened) == ["jda", "unadapted"]
    assert opened.find_element("css selector", "#c1 .count").text == "2 of 4"
    heat = "return [...document.querySelectorAll('#c1 .heatmap tbody tr')].filter(r => !r.hidden).length"
    assert opened.execute_script(heat) == 2
    field.clear()
    field.send_keys("x")
    assert names(opened) == []


def test_dark_and_light(opened):
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = opened.execute_script(colour)
    opened.find_element("id", "theme").click()
    dark = opened.execute_script(colour)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(21, 22, 26)")
    opened.find_element("id", "theme").click()
    assert opened.execute_script(colour) == light


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_window(opened, width):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    sticky = """
        const box = document.querySelector('#c1 .heatmap').parentElement, cell = box.querySelector('tbody th');
        box.scrollLeft = 200;
        return cell.getBoundingClientRect().left - box.getBoundingClientRect().left"""
    assert abs(opened.execute_script(sticky)) < 3
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("width", [1300, 400])
def test_a_table_wider_than_its_box_says_so_and_no_other(opened, width):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    opened.refresh()
    said = opened.execute_script("""
        return [...document.querySelectorAll('.sortable')].map(table => {
            const box = table.parentElement, hint = box.previousElementSibling;
            return [box.scrollWidth > box.clientWidth + 1, hint.matches('.hint') && hint.offsetHeight > 0];
        })""")
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert all(wider == hinted for wider, hinted in said)
    assert any(wider for wider, _ in said) == (width == 400)  # all of this page's tables fit a screen


def test_names_in_the_chart_do_not_overlap(browser, tmp_path, keep, record):
    for k in range(14):  # close to each other, as methods on one task are
        keep(record(f"a_method_{k}", "art->clip", 60.0 + 0.3 * (k % 5), seconds={"train": 1.0 + 0.05 * k}))
    records = store.load(tmp_path)
    (tmp_path / "report.html").write_text(html("runs", sections(tmp_path, records), records), encoding="utf-8")
    browser.get((tmp_path / "report.html").as_uri())
    crossing = browser.execute_script("""
        const names = [...document.querySelectorAll('.chart .name')].map(e => [e.textContent, e.getBoundingClientRect()]);
        return [names.length, names.flatMap(([a, p], i) => names.slice(i + 1).filter(([b, q]) =>
            p.left < q.right && q.left < p.right && p.top + 2 < q.bottom && q.top + 2 < p.bottom).map(([b]) => [a, b]))]""")
    assert crossing == [14, []]


def test_a_row_under_the_pointer_is_lit_everywhere(opened):
    lit = opened.execute_script("""
        const row = document.querySelector('#c1 .leaderboard tr[data-row="jda"]');
        row.cells[0].dispatchEvent(new PointerEvent('pointerover', {bubbles: true}));
        return [...document.querySelectorAll('.lit')].map(e => e.dataset.row)""")
    assert set(lit) == {"jda"}
    assert len(lit) == 3  # leaderboard, heat map, scatter
