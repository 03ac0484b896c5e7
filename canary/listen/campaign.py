"""Groups contacts that belong together: same number to call back, same link, or nearly the same wording."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final
from zlib import crc32

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from canary.listen.wording import compact, plain
from canary.store import views

# Shorter ones are short codes and order numbers; senders of that kind are gateways that many share.
_NUMBER: Final = re.compile(r"(?<!\d)(?:\+|00)?\d(?:[\s\-()]{0,2}\d){6,13}(?!\d)")
_LINK: Final = re.compile(r"(?<![@\w.])(?:https?://)?((?:[a-z0-9\-]+\.)+[a-z]{2,6})(/[\w\-./?=&%]*)?(?![\w@])")
# Hosts that many share: the path says who it is.
_SHARED: Final = {
    *("t.cn", "dwz.cn", "url.cn", "suo.im", "bit.ly", "goo.gl", "tinyurl.com", "t.co", "is.gd", "d.cn", "3.cn"),
    *("taobao.com", "tmall.com", "jd.com", "qq.com", "weixin.qq.com", "mp.weixin.qq.com", "wa.me", "facebook.com"),
    *("instagram.com", "xiaohongshu.com", "douyin.com", "v.douyin.com", "m.tb.cn"),
}
# What Twilio gives as the number of a caller who withholds it.
_NOBODY: Final = frozenset({"266696687", "7378742833", "86282452253", "2562533", "8566"})
_HANDLE: Final = re.compile(
    r"(?:微信|薇|威信|v信|vx|wx|wechat|whatsapp|加v|qq)[^a-z0-9]{0,4}([a-z][a-z0-9_\-]{4,19}|\d{5,11})"
)
_SHINGLE: Final = 4
# Near duplicates: at least half of all shingles shared. Bands of 2 in 32 hashes find such a pair with 99 %.
_ALIKE: Final = 0.5
_HASHES, _BAND = 32, 2
_FEWEST: Final = 12


@dataclass(frozen=True)
class Said:
    """A contact as campaigns see it; `ours` is the number it came to."""

    contact_id: int
    sender: str
    ours: str
    text: str


@dataclass(frozen=True)
class Campaign:
    """Contacts that belong together, called by the first one's id; `by` holds callback, link or wording."""

    first: int
    contacts: tuple[int, ...]
    by: tuple[str, ...]


def campaigns_of(session: Session, as_of: datetime) -> dict[int, Campaign]:
    """The campaigns among all contacts heard until `as_of`, worked out anew."""
    return campaigns([Said(*said) for said in views.said(session, as_of)])


def campaigns(heard: Sequence[Said]) -> dict[int, Campaign]:
    """By contact id: the campaign of each contact that has another beside it."""
    heard = sorted(heard, key=lambda said: said.contact_id)  # whatever the order, the same campaigns
    ties = nx.Graph()
    for why, group in [*_by_mark(heard), *_by_wording(heard)]:
        nx.add_path(ties, sorted(group))
        for one, other in pairwise(sorted(group)):
            ties.edges[one, other].setdefault("by", set()).add(why)
    found: dict[int, Campaign] = {}
    for members in nx.connected_components(ties):
        by = {why for _, _, whys in ties.subgraph(members).edges(data="by") for why in whys}
        campaign = Campaign(min(members), tuple(sorted(members)), tuple(sorted(by)))
        found |= dict.fromkeys(members, campaign)
    return found


def _by_mark(heard: Iterable[Said]) -> Iterator[tuple[str, set[int]]]:
    groups: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for said in heard:
        for mark in _marks(said):
            groups[mark].add(said.contact_id)
    yield from ((why, group) for (why, _), group in groups.items() if len(group) > 1)


def _marks(said: Said) -> Iterator[tuple[str, str]]:
    """The numbers to call back (its own, those in the text), the accounts and the links of a contact."""
    text = plain(said.text)
    ours = _tail(said.ours)
    for number in [said.sender, *(found.group() for found in _NUMBER.finditer(text))]:
        digits = _tail(number)
        if len(digits) >= 7 and digits not in (ours, *_NOBODY):
            yield "callback", digits
    yield from (("callback", found[1]) for found in _HANDLE.finditer(text))
    for found in _LINK.finditer(text):
        host = found[1].removeprefix("www.")
        yield "link", host + (found[2] or "" if host in _SHARED else "")


def _tail(number: str) -> str:
    """A number without country code and punctuation, so that all ways of writing it are one."""
    digits = re.sub(r"\D", "", number)
    return re.sub("^(?:00)?86(?=1\\d{10}$)|^0+", "", digits)[-11:]


def _by_wording(heard: Iterable[Said]) -> Iterator[tuple[str, set[int]]]:
    """Pairs of near-duplicate texts: candidates by MinHash (Broder 1997), kept if they share enough shingles."""
    shingles = {said.contact_id: s for said in heard if len(s := _shingles(said.text)) >= _FEWEST}
    alike: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    salts = _salts()
    for contact_id, held in shingles.items():
        smallest = _smallest(held, salts)
        for band in range(0, _HASHES, _BAND):
            alike[band, smallest[band : band + _BAND].tobytes()].append(contact_id)
    seen = set()
    for group in alike.values():
        # Against the first of its bucket each: a campaign of thousands stays cheap, and chains tie the rest.
        for pair in ((group[0], other) for other in group[1:]):
            if pair not in seen:
                seen.add(pair)
                if _jaccard(*(shingles[i] for i in pair)) >= _ALIKE:
                    yield "wording", set(pair)


def _shingles(text: str) -> frozenset[int]:
    words = re.sub(r"[\d，。！？、：；,.!?:;【】]", "", compact(plain(text)))
    return frozenset(crc32(words[i : i + _SHINGLE].encode()) for i in range(len(words) - _SHINGLE + 1))


def _salts() -> NDArray[np.uint64]:
    rng = np.random.default_rng(1997)
    return rng.integers(1, 2**31 - 1, size=(2, _HASHES, 1), dtype=np.uint64)


def _smallest(shingles: frozenset[int], salts: NDArray[np.uint64]) -> NDArray[np.uint64]:
    held = np.fromiter(shingles, np.uint64, len(shingles))
    hashes: NDArray[np.uint64] = (salts[0] * held + salts[1]) % np.uint64(2**31 - 1)
    smallest: NDArray[np.uint64] = hashes.min(axis=1)
    return smallest


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)
