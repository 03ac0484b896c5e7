"""A browser draws the page: the picture is there, fills its frame and shows the verdict's colour."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from canary.report.renderers import render

from . import sample

pytestmark = pytest.mark.peer
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--window-size=1000,2400"),
]


@pytest.fixture(scope="module")
def chromium() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get("CANARY_REQUIRE_PEERS") == "1":
        pytest.fail("Chromium is required and absent: run `make peers`")
    if found is None:
        pytest.skip("no Chromium here: run `make peers` to install it")
    return found


def picture(chromium: str, page: str, folder: Path) -> np.ndarray:
    """The page as an array of red, green and blue between 0 and 1."""
    source, shot = folder / "report.html", folder / "report.png"
    source.write_text(page, encoding="utf-8")
    target = [f"--user-data-dir={folder / 'profile'}", f"--screenshot={shot}", source.as_uri()]
    subprocess.run([chromium, *FLAGS, *target], check=True, capture_output=True, timeout=60)
    return imread(shot)[..., :3]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_page_is_drawn(chromium: str, lang: str, tmp_path: Path) -> None:
    pixels = picture(chromium, render("html", sample.leak(), lang), tmp_path)
    assert pixels.shape[:2] == (2400, 1000)
    ink = (pixels.min(axis=2) < 0.5).reshape(8, 300, 1000).mean(axis=(1, 2))
    assert (ink > 0.002).all(), "a band of the page is empty"
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    accused = (red > 0.6) & (green < 0.25) & (blue < 0.25)
    assert accused.mean() > 0.002, "nothing is lit"
