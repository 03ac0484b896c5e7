"""The demos at reduced size: real server, real scheduler, signed requests, and the right word at the end."""

import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from canary.demo import biobank, callers, resale, shenzhen, stage, ward
from canary.store import views
from canary.store.database import Store
from canary.store.vault import Vault


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A smaller city, fewer nuisance calls, an earlier end; the environment as it was afterwards."""
    monkeypatch.setattr(callers, "CALLS_PER_DAY", 0.02)
    monkeypatch.setattr(shenzhen, "ROWS", 8_000)
    monkeypatch.setattr(shenzhen, "END", date(2026, 8, 25))
    monkeypatch.setattr(resale, "ROWS", 2_000)
    monkeypatch.setattr(resale, "HOLDERS", resale.HOLDERS[:3])
    monkeypatch.setattr(resale, "PLAN", replace(resale.PLAN, numbers=200, canaries=24))
    monkeypatch.setattr(biobank, "ROWS", 1_500)
    monkeypatch.setattr(biobank, "HOLDERS", biobank.HOLDERS[:3])
    monkeypatch.setattr(biobank, "PLAN", replace(biobank.PLAN, canaries=30))
    monkeypatch.setattr(ward, "ROWS", 12_000)
    monkeypatch.setattr(ward, "UNITS", ward.UNITS[:4])
    for name in [n for n in os.environ if n.startswith("CANARY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CANARY_CONFIG", "restored at the end of the test")


def accused(found: dict) -> list[str]:
    return [v["copy"] for v in found["verdicts"] if v["verdict"] == "leaked"]


def test_shenzhen_names_the_bureaus_june_copy_and_nobody_else(tmp_path: Path) -> None:
    found = json.loads(shenzhen.play(True, 5, tmp_path, "json"))
    truth = json.loads((tmp_path / "truth.json").read_text())["leaked"]
    assert truth.startswith("bureau-")
    assert accused(found) == [truth]
    assert found["format"] == "canary-trace/1"
    assert "模拟数据" in (tmp_path / "report.zh.html").read_text(encoding="utf-8")
    assert "verdicts:" in (tmp_path / "schedule.log").read_text()
    _raw_first(tmp_path)


def _raw_first(folder: Path) -> None:
    """Redeliveries and forgeries are kept: more deliveries than contacts, some in quarantine."""
    store = Store(f"sqlite:///{folder / 'canary.sqlite3'}", Vault((folder / "canary.key").read_text()))
    with store.engine.connect() as connection:

        def count(query: str) -> int:
            return int(connection.exec_driver_sql(f"SELECT count(*) FROM {query}").scalar())

        assert count("delivery") == count("delivery_outcome") > count("contact") > 500
        assert count("delivery_outcome WHERE signature = 'bad'") > 0
    store.close()


def test_noise_accuses_nobody(tmp_path: Path) -> None:
    found = json.loads(shenzhen.play(False, 5, tmp_path, "json"))
    assert accused(found) == []
    assert found["contacts"].get("named", 0) == 0


def test_ward_names_the_ward_although_no_call_came(tmp_path: Path) -> None:
    found = json.loads(ward.play(5, tmp_path, "json"))
    assert accused(found) == [json.loads((tmp_path / "truth.json").read_text())["leaked"]]


def test_resale_names_the_copy_that_many_clinics_ring_from(tmp_path: Path) -> None:
    found = json.loads(resale.play(5, tmp_path, "json"))
    assert accused(found) == [json.loads((tmp_path / "truth.json").read_text())["leaked"]]
    store = Store(f"sqlite:///{tmp_path / 'canary.sqlite3'}", Vault((tmp_path / "canary.key").read_text()))
    with store.reading() as session:
        rings = [
            views.opened(session, heard.contact)
            for heard in views.sorted_contacts(session, stage.ten_o_clock(resale.END))
        ]
    store.close()
    assert len({ring.sender for ring in rings if "咨询" in ring.text}) > 15


def test_biobank_names_the_copy_from_a_listing_without_names_and_numbers(tmp_path: Path) -> None:
    found = json.loads(biobank.play(4, tmp_path, "json"))
    truth = json.loads((tmp_path / "truth.json").read_text())["leaked"]
    assert accused(found) == [truth]
    assert [(s["copy"], s["rows"]) for s in found["found"] if s["verdict"] == "leaked"] == [(truth, biobank.LISTED)]
    page = (tmp_path / "report.en.html").read_text(encoding="utf-8")
    assert "(300 rows in all)" in page and "The numbers that rang" not in page
