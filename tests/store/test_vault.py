"""Sealed fields open with the right key alone, and a wrong key says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.errors import CanaryError
from canary.store.vault import Vault, new_key

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(json_values)
def test_what_was_sealed_opens_as_it_was(value):
    vault = Vault(new_key())
    assert vault.open(vault.seal(value)) == value


def test_another_key_gives_an_error_that_names_the_way_out():
    token = Vault(new_key()).seal("孕妇")
    with pytest.raises(CanaryError, match=r"key does not open.*canary\.key"):
        Vault(new_key()).open(token)


def test_a_changed_token_is_refused():
    vault = Vault(new_key())
    token = bytearray(vault.seal("x"))
    token[20] ^= 1
    with pytest.raises(CanaryError):
        vault.open(bytes(token))


@pytest.mark.parametrize("secret", ["", "short", "not base64 at all!", "QQ==", new_key() + ","], ids=range(5))
def test_a_key_that_is_none_is_refused(secret):
    with pytest.raises(CanaryError, match="32 bytes"):
        Vault(secret)


def test_rotation_new_key_seals_old_tokens_open_and_fingerprints_stay():
    old, new = new_key(), new_key()
    before, after = Vault(old), Vault(f"{new},{old}")
    assert after.open(before.seal("kept")) == "kept"
    assert after.fingerprint("+8612") == before.fingerprint("+8612")
    with pytest.raises(CanaryError):
        before.open(after.seal("sealed by the new key"))


def test_sealing_twice_gives_different_tokens_and_fingerprints_depend_on_the_key():
    vault = Vault(new_key())
    assert vault.seal("x") != vault.seal("x")
    assert vault.fingerprint("x") == vault.fingerprint("x") != Vault(new_key()).fingerprint("x")
