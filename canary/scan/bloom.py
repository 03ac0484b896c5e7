"""A keyed Bloom filter of numbers and their hashes, for somebody who may not hold the registry: it can be asked about
a number, not listed.

Whoever holds it can ask about every number there is (10^10), but gets `rate` of them all besides the true ones: so many
that each single answer is deniable. A slow hash would not help: 10^10 numbers are few, and a file has 10^7 rows.
"""

import base64
import hashlib
import hmac
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from canary.errors import CanaryError, OutsideError
from canary.scan import spellings
from canary.scan.digests import beginnings
from canary.store.e164 import written

FORMAT = "canary-filter/1"
RATE = 1e-3
_KEY = 32


@dataclass(frozen=True)
class Bloom:
    """`bits` of a Bloom filter (B. H. Bloom, 1970): a word is in it if all its places are set. The places are
    h1 + i h2 (Kirsch and Mitzenmacher, 2006) of one keyed BLAKE2b."""

    key: bytes
    rate: float
    bits: bytes

    @property
    def hashes(self) -> int:
        """Places of each word."""
        return max(1, round(-math.log2(self.rate)))

    @property
    def digest(self) -> str:
        """SHA-256 by which the ledger knows it."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def __contains__(self, word: bytes) -> bool:
        first, step = _hash(self.key, word)
        size = 8 * len(self.bits)
        for _ in range(self.hashes):
            place = first % size
            if not self.bits[place >> 3] >> (place & 7) & 1:
                return False
            first += step
        return True

    def text(self) -> str:
        """As it is handed out."""
        key, bits = (base64.b64encode(part).decode() for part in (self.key, self.bits))
        return json.dumps({"format": FORMAT, "rate": self.rate, "key": key, "bits": bits}, indent=1) + "\n"


def _hash(key: bytes, word: bytes) -> tuple[int, int]:
    whole = hashlib.blake2b(word, digest_size=16, key=key).digest()
    return int.from_bytes(whole[:8], "little"), int.from_bytes(whole[8:], "little") | 1


def made(phones: Iterable[str], secret: bytes, rate: float = RATE) -> Bloom:
    """The filter of E.164 numbers: their usual spellings and hashes, then decoys until the rate is reached.

    All that is not the numbers comes from the secret: two filters of one registry agree in their false answers, so
    that holding both tells no more. The size is a power of two, and says little of how many numbers there are.
    """
    key = hmac.digest(secret, b"canary filter", "sha256")[:_KEY]
    words = {word for phone in phones for word in _words(phone)}
    size = 1 << max(16, math.ceil(math.log2(max(1, len(words)) * -math.log(rate) / math.log(2) ** 2)))
    room = math.floor(size * math.log(2) ** 2 / -math.log(rate))
    empty = Bloom(key, rate, bytes(size // 8))
    bits = bytearray(empty.bits)
    for word in [*words, *_decoys(secret, room - len(words))]:
        first, step = _hash(key, word)
        for i in range(empty.hashes):
            place = (first + i * step) % size
            bits[place >> 3] |= 1 << (place & 7)
    return Bloom(key, rate, bytes(bits))


def _words(phone: str) -> Iterator[bytes]:
    number = written(phone)
    yield from (form.encode() for form in number.digit_forms())
    pieces = beginnings([spelled.encode() for spelled in spellings.hashed_spellings(number)])
    yield from (pieces[at : at + 8].hex().encode() for at in range(0, len(pieces), 8))


def _decoys(secret: bytes, count: int) -> Iterator[bytes]:
    return (hmac.digest(secret, b"decoy %d" % i, "sha256") for i in range(count))


def load(path: Path) -> Bloom:
    """A filter from its file. Raises CanaryError if it is none, OutsideError if it cannot be read."""
    try:
        kept = json.loads(path.read_bytes())
        if kept["format"] != FORMAT:
            raise ValueError
        key, bits = (base64.b64decode(kept[part], validate=True) for part in ("key", "bits"))
        found = Bloom(key, float(kept["rate"]), bits)
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}", "check the path and its permissions") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CanaryError(f"{path}: not a filter", "`canary filter export` makes one") from error
    if not (len(key) == _KEY and bits and 0 < found.rate < 1):
        raise CanaryError(f"{path}: a filter without key, bits or rate", "ask for it again")
    return found
