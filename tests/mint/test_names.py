"""Names taken apart and put together."""

import numpy as np
import pytest

from canary.mint.levels import Levels
from canary.mint.names import NamePool, split


@pytest.mark.parametrize(
    ("text", "surname", "given"),
    [
        ("李婷", "李", "婷"),
        ("欧阳晓婷", "欧阳", "晓婷"),
        ("东方", "东", "方"),
        ("Anna Smith", "Smith", "Anna"),
        ("Anna Maria Smith", "Smith", "Anna Maria"),
        ("SMITH, Anna", "SMITH", "Anna"),
        ("Cher", "", "Cher"),
        ("阿依古丽·买买提", "买买提", "阿依古丽"),
    ],
)
def test_split_and_join(text: str, surname: str, given: str) -> None:
    name = split(text)
    assert (name.surname, name.given, str(name)) == (surname, given, text)


def test_parts_are_exchanged_among_names_of_one_shape() -> None:
    pool = NamePool(Levels(["王婷", "李静", "张晓敏", None, "Anna Smith", "Jones, Mary"]))
    drawn = set(pool.texts(pool.draw(np.random.default_rng(1), 300)))
    assert drawn == {"王婷", "王静", "李静", "李婷", "张晓敏", "Anna Smith", "Jones, Mary"}


def test_no_names() -> None:
    assert not NamePool(Levels([None]))
