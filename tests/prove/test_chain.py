"""The ledger's chain: any change, removal or reordering shows where it happened."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from canary.prove.chain import GENESIS, Entry, first_break, link
from canary.prove.commitment import commitment, opening

payloads = st.lists(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
    min_size=1,
    max_size=6,
)


def chained(contents: list[dict]) -> list[Entry]:
    entries, prev = [], GENESIS
    for seq, payload in enumerate(contents, start=1):
        entries.append(link(seq, "2026-06-05T10:00:00+00:00", "test", payload, prev))
        prev = entries[-1].hash
    return entries


@given(payloads)
def test_an_honest_chain_has_no_break(contents):
    assert first_break(chained(contents)) is None


@given(payloads, st.data())
def test_a_changed_payload_breaks_the_chain_at_its_entry(contents, data):
    entries = chained(contents)
    at = data.draw(st.integers(0, len(entries) - 1))
    entries[at] = replace(entries[at], payload={**entries[at].payload, "forged": 1})
    assert first_break(entries) == at + 1


@given(payloads, st.data())
def test_a_removed_entry_breaks_the_chain_unless_it_is_the_last(contents, data):
    entries = chained(contents)
    at = data.draw(st.integers(0, len(entries) - 1))
    removed = entries[:at] + entries[at + 1 :]
    assert first_break(removed) == (None if at == len(entries) - 1 else at + 1)


def test_rewriting_history_changes_the_head():
    assert chained([{"a": 1}, {"b": 2}])[-1].hash != chained([{"a": 9}, {"b": 2}])[-1].hash


def test_commitment_binds_seed_numbers_and_personas():
    base = opening("c", "exclusive", b"s", {"b": {"ready": ["N1"], "planted": 1}}, ["p"])
    for other in (
        opening("d", "exclusive", b"s", {"b": {"ready": ["N1"], "planted": 1}}, ["p"]),
        opening("c", "exclusive", b"t", {"b": {"ready": ["N1"], "planted": 1}}, ["p"]),
        opening("c", "exclusive", b"s", {"b": {"ready": ["N2"], "planted": 1}}, ["p"]),
        opening("c", "exclusive", b"s", {"b": {"ready": ["N1"], "planted": 1}}, ["q"]),
    ):
        assert commitment(other) != commitment(base)
    assert commitment(base) == commitment(dict(reversed(base.items())))
