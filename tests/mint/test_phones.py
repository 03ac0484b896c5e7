"""Numbers written the way the host writes its own."""

import pytest

from canary.errors import CanaryError
from canary.mint.facts import Cell
from canary.mint.phones import check_e164, render, render_plain


@pytest.mark.parametrize(
    ("phone", "like", "region", "written"),
    [
        ("+8612012345678", "13800138000", "CN", "12012345678"),
        ("+8612012345678", "138 0013 8000", "CN", "120 1234 5678"),
        ("+8612012345678", "138-0013-8000", "CN", "120-1234-5678"),
        ("+8612012345678", "+8613800138000", "CN", "+8612012345678"),
        ("+8612012345678", "+86 138 0013 8000", "CN", "+86 120 1234 5678"),
        ("+8612012345678", "86-13800138000", "CN", "86-12012345678"),
        ("+8612012345678", "008613800138000", "CN", "008612012345678"),
        ("+8612012345678", 13800138000, "CN", 12012345678),
        ("+8612012345678", 13800138000.0, "CN", 12012345678.0),
        ("+8612012345678", "0755-26012345", "CN", None),
        ("+8612012345678", "no phone", "CN", None),
        ("+447700900123", "07911 123456", "GB", "07700 900123"),
        ("+447700900123", "+44 7911 123456", "GB", "+44 7700 900123"),
        ("+15550100199", "(212) 555-0123", "US", "(555) 010-0199"),
        ("+15550100199", "1-212-555-0123", "US", "1-555-010-0199"),
        ("+15550100199", "13800138000", "CN", None),
    ],
)
def test_render(phone: str, like: Cell, region: str, written: Cell) -> None:
    cell = render(phone, like, region)
    assert cell == written
    assert cell is None or type(cell) is type(like)


def test_render_plain() -> None:
    assert render_plain("+8612012345678", "CN") == "12012345678"
    assert render_plain("+15550100199", "CN") == "+15550100199"


@pytest.mark.parametrize("phone", ["12012345678", "+86", "+86 120 1234 5678", "+0123456789", ""])
def test_only_international_numbers(phone: str) -> None:
    with pytest.raises(CanaryError, match="not an international number"):
        check_e164(phone)
