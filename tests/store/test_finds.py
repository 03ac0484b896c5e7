"""Who is looked for in files that turned up: her facts stay sealed until she is met."""

import pickle
from datetime import date

import pytest

from canary.errors import CanaryError
from canary.mint.facts import Fact
from canary.store.finds import _Facts
from canary.store.vault import Vault, new_key

TOLD = {"name": "陈丽芳", "due_date": "2026-03-05"}
FACTS = {Fact.NAME: "陈丽芳", Fact.DUE_DATE: date(2026, 3, 5)}


def test_facts_are_opened_when_first_asked_for() -> None:
    sealed, other = Vault(new_key()).seal(TOLD), Vault(new_key())
    facts = _Facts(other, sealed)
    with pytest.raises(CanaryError, match="key does not open"):
        facts[Fact.NAME]


def test_a_copy_for_another_process_is_open_and_holds_no_key() -> None:
    vault = Vault(new_key())
    facts = _Facts(vault, vault.seal(TOLD))
    copied = pickle.loads(pickle.dumps(facts))
    assert type(copied) is dict and copied == FACTS == dict(facts)
