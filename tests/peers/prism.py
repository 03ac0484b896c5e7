"""Prism over Twilio's official OpenAPI: it refuses whatever request the specification does not allow."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.peers.emulate import SCRIPT, serving

_MODULES = SCRIPT.parents[2]
PRISM = _MODULES / "@stoplight" / "prism-cli" / "dist" / "index.js"
SPECIFICATIONS = _MODULES / "@twilio" / "cli-core" / "src" / "services" / "twilio-api"
# Only what we use: the whole takes Prism ten times as long to read.
_USED = (
    "/IncomingPhoneNumbers.json",
    "/IncomingPhoneNumbers/{Sid}.json",
    *(f"/{{CountryCode}}/{kind}.json" for kind in ("Local", "Mobile", "National", "TollFree")),
    *(f"/{{AccountSid}}/{what}.json" for what in ("Messages", "Calls", "Recordings")),
)


def specification() -> dict[str, Any]:
    """The paths we use of Twilio's API, of its prices and of its alerts."""
    api = _read("twilio_api_v2010.json")
    prices = _read("twilio_pricing_v1.json")
    paths = {path: each for path, each in api["paths"].items() if path.endswith(_USED)}
    paths |= {path: each for path, each in prices["paths"].items() if path.startswith("/v1/PhoneNumbers/Countries")}
    alerts = _read("twilio_monitor_v1.json")
    paths |= {path: each for path, each in alerts["paths"].items() if path.startswith("/v1/Alerts")}
    schemas = prices["components"]["schemas"] | api["components"]["schemas"] | alerts["components"]["schemas"]
    return api | {"paths": paths, "components": api["components"] | {"schemas": schemas}}


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SPECIFICATIONS / name).read_text(encoding="utf-8"))
    return found


@contextmanager
def mocking(node: str, folder: Path) -> Iterator[str]:
    """The address of a Twilio made of the specification's own examples."""
    path = _written(folder, specification())
    with serving([node, str(PRISM), "mock", path, "-p"], "/") as base:
        yield base


@contextmanager
def guarding(node: str, folder: Path, behind: str) -> Iterator[str]:
    """The address of a guard before `behind`: a request or an answer that breaks the specification is an error."""
    # Answers name the next page relatively, which the specification's own "format: uri" forbids.
    path = _written(folder, _without_uris(specification()))
    with serving([node, str(PRISM), "proxy", "--errors", path, behind, "-p"], "/") as base:
        yield base


def _written(folder: Path, found: dict[str, Any]) -> str:
    path = folder / "twilio.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    return str(path)


def _without_uris(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_uris(each) for each in node]
    if isinstance(node, dict):
        return {k: _without_uris(v) for k, v in node.items() if (k, v) != ("format", "uri")}
    return node
