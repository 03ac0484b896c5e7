"""A registry that tests of this folder share."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from canary.store.database import Store
from canary.store.vault import Vault, new_key


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Store]:
    """An empty one in the test's folder."""
    with closing(Store(f"sqlite:///{tmp_path / 'canary.sqlite3'}", Vault(new_key()))) as store:
        store.migrate()
        yield store
