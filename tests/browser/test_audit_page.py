"""The audit page in a real browser: no errors, the language switch works, a phone can read it.

Belongs here: what only a browser can tell. Does not: what the page says (`tests/unit/test_audit`).
"""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from orchestration.lib.audit.page import render_audit
from tests.system_parts import find_program, skip_or_fail
from tests.unit.test_audit import full_facts

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
)
PHONE, DESKTOP = 500, 1280
# Chromium's own window is never narrower than 500 pixels: the phone is a frame of 360 in it.
PROBE = """<script>
addEventListener("load", () => {
  const seen = () => [...document.querySelectorAll("main")].filter(
    (main) => getComputedStyle(main).display !== "none").map((main) => main.lang);
  const found = {at_first: seen()};
  document.querySelector("label[for=show-es]").click();
  found.after_spanish = seen();
  document.querySelector("label[for=show-en]").click();
  found.after_english = seen();
  document.body.style.width = "360px";
  const main = document.querySelector("main.en");
  found.figures = main.querySelectorAll("svg").length;
  found.empty_figures = [...main.querySelectorAll("svg")].filter(
    (svg) => svg.getBoundingClientRect().height < 10).length;
  found.too_wide = [...main.querySelectorAll("p, li, h1, h2, h3, figure, .scroll, dd")].filter(
    (element) => element.getBoundingClientRect().right > 361).map((element) => element.outerHTML);
  document.body.setAttribute("data-found", JSON.stringify(found));
});
</script></body>"""


@pytest.fixture(scope="module")
def chromium() -> Path:
    found = find_program("chromium", "bin/chromium-browser", "bin/google-chrome")
    if found is None:
        skip_or_fail("chromium")
    return found


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "audit.html"
    path.write_text(render_audit(full_facts(), "en"), encoding="utf-8")
    return path


def browse(chromium: Path, page: Path, *flags: str, width: int = DESKTOP) -> tuple[str, list[str]]:
    """Return the document as the browser has it, and what it wrote to the console."""
    done = subprocess.run(
        [
            str(chromium),
            *FLAGS,
            f"--user-data-dir={page.parent / 'profile'}",
            f"--window-size={width},2000",
            *flags,
            f"file://{page}",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def probe(chromium: Path, page: Path, width: int) -> dict[str, Any]:
    """Run the probe in a copy of the page, whose own policy allows no script."""
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text())
    copy = page.with_name("probed.html")
    copy.write_text(html.replace("</body>", PROBE), encoding="utf-8")
    dom, console = browse(chromium, copy, "--dump-dom", width=width)
    assert console == []
    match = re.search(r'data-found="([^"]*)"', dom)
    assert match, "the probe did not run"
    found: dict[str, Any] = json.loads(unescape(match[1]))
    return found


def test_the_page_renders_without_a_word_on_the_console(chromium: Path, page: Path) -> None:
    dom, console = browse(chromium, page, "--dump-dom")
    assert console == []
    assert dom.count("<svg") >= 30


def test_the_switch_shows_one_language_at_a_time(chromium: Path, page: Path) -> None:
    found = probe(chromium, page, DESKTOP)
    assert found["at_first"] == ["en"]
    assert found["after_spanish"] == ["es"]
    assert found["after_english"] == ["en"]


def test_a_phone_sees_every_drawing_and_nothing_cut_off(chromium: Path, page: Path) -> None:
    found = probe(chromium, page, PHONE)
    assert found["figures"] >= 15
    assert found["empty_figures"] == 0
    assert found["too_wide"] == []


def test_a_screenshot_is_not_blank(chromium: Path, page: Path) -> None:
    from PIL import Image

    target = page.with_name("page.png")
    browse(chromium, page, f"--screenshot={target}")
    with Image.open(target) as picture:
        colours = picture.convert("RGB").getcolors(maxcolors=2**24)
    assert colours is not None
    assert len(colours) > 50
