"""Rules that the host's own rows keep, and whether the canaries keep them as well as the host does."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations

from scipy.stats import chi2_contingency

from canary.mint.columns import places
from canary.mint.facts import Cell, Fact, Table
from canary.mint.keeping import bind, naegele
from canary.mint.people import People
from canary.plant.check.features import numbers
from canary.plant.check.lights import RARE, Light, Line, chance_light
from canary.plant.check.subject import Subject

_KEPT = 0.6  # a rule between two dates is the host's when so many of its rows keep it
_OVERDUE = 21  # days after the due date by which every child is born or gone
_REMINT = "mint again from this very file; if it stays, the profile maps this column wrongly"


def lines(subject: Subject) -> list[Line]:
    """Every rule that this table can be asked for."""
    found = [*_stated(subject), *_due(subject), *_born(subject), *_between_dates(subject), *_people(subject)]
    for at, name in enumerate(subject.table.header):
        found += _cells(subject, at, name)
    return found


def _stated(subject: Subject) -> Iterator[Line]:
    """The rules that the profile states and the host keeps."""
    if subject.profile is None or not subject.profile.rules:
        return
    theirs = Table(subject.table.header, tuple(r for i, r in enumerate(subject.filled) if i not in subject.codes))
    for bound in bind(subject.profile.rules, places(subject.table, subject.profile), theirs):
        broken = (bound.kept(row) is False for row in subject.filled)
        yield subject.rule(f"the profile's {bound.rule.kind}: {bound.rule.text}", broken, _REMINT)


def _due(subject: Subject) -> Iterator[Line]:
    """The window in which the host's women are due, and the days of the week."""
    for fact in (Fact.DUE_DATE, Fact.INFANT_BIRTH_DATE):
        days = subject.days(fact)
        theirs = [day for day, ours in zip(days or [], subject.canary, strict=bool(days)) if day and not ours]
        if not days or not theirs:
            continue
        first, last = min(theirs), max(theirs)
        name = subject.table.header[subject.columns[fact]]
        beyond = (day is not None and not first <= day <= last for day in days)
        yield subject.rule(f"{name}: outside the host's {first} to {last}", beyond, _REMINT)
        yield _weekdays(subject, name, days)


def _weekdays(subject: Subject, name: str, days: Sequence[date | None]) -> Line:
    counts = [[0] * 7, [0] * 7]
    for day, ours in zip(days, subject.canary, strict=True):
        if day:
            counts[bool(ours)][day.weekday()] += 1
    used = [i for i in range(7) if counts[0][i] + counts[1][i]]
    table = [[row[i] for i in used] for row in counts]
    chance = float(chi2_contingency(table).pvalue) if len(used) > 1 and all(map(sum, table)) else 1.0
    shown = " ".join(map(str, counts[1]))
    return Line(
        *("rules", f"{name}: days of the week", chance_light(chance)),
        f"canaries Monday to Sunday {shown}",
        f"as uneven as this by chance {chance:.1%}",
        _REMINT,
        {"chance": chance},
    )


def _born(subject: Subject) -> Iterator[Line]:
    """Nobody is born after the hand-over, and nobody is long overdue and still expected."""
    births, dues = subject.days(Fact.INFANT_BIRTH_DATE), subject.days(Fact.DUE_DATE)
    if births and subject.handed_over:
        after = (birth is not None and birth > subject.handed_over for birth in births)
        yield subject.rule(f"born after the hand-over ({subject.handed_over})", after, _REMINT)
    if births and dues:
        known = [birth for birth, ours in zip(births, subject.canary, strict=True) if birth and not ours]
        last = max(known, default=date.min)
        late = (
            birth is None and due is not None and (last - due).days > _OVERDUE
            for birth, due in zip(births, dues, strict=True)
        )
        yield subject.rule(f"overdue by {_OVERDUE} days on the day of the last birth", late, _REMINT)


def _between_dates(subject: Subject) -> Iterator[Line]:
    """A rule that fixes one date by another (Naegele's, or so many days): found in the host, asked of canaries."""
    columns = {}
    for at, name in enumerate(subject.table.header):
        cells = [row[at] for row in subject.table.rows]
        if numbers(cells) is not None and not all(isinstance(cell, int | float | None) for cell in cells):
            columns[name] = subject.dates(at)
    for (a, first), (b, second) in combinations(columns.items(), 2):
        for early, late, name in ((first, second, f"{a} to {b}"), (second, first, f"{b} to {a}")):
            if (kept := _fixed(subject, early, late)) is not None:
                what, broken = kept
                yield subject.rule(f"{name}: {what}", broken, _REMINT)
                break


def _fixed(
    subject: Subject, early: Sequence[date | None], late: Sequence[date | None]
) -> tuple[str, list[bool]] | None:
    pairs = list(zip(early, late, subject.canary, strict=True))
    gaps = Counter((b - a).days for a, b, ours in pairs if a and b and not ours)
    if not gaps or min(gaps) < 0:
        return None
    usual, count = gaps.most_common(1)[0]
    by_form = sum(naegele(a) == b for a, b, ours in pairs if a and b and not ours)
    if max(count, by_form) < _KEPT * gaps.total() or usual == 0:
        return None
    if by_form >= count:
        return "nine months and seven days on", [bool(a and b and naegele(a) != b) for a, b, _ in pairs]
    return f"{usual} days on", [bool(a and b and (b - a).days != usual) for a, b, _ in pairs]


def _people(subject: Subject) -> Iterator[Line]:
    """Nobody twice, and no canary who is nearly somebody."""
    names, dues = subject.cells(Fact.NAME), subject.cells(Fact.DUE_DATE)
    if names and dues:
        yield subject.rule("name and due date stand twice", _repeated(list(zip(names, dues, strict=True))), _REMINT)
    if phones := subject.cells(Fact.PHONE):
        yield subject.rule("telephone number stands twice", _repeated(phones), "a real woman may hold this number")
        yield subject.rule(
            "telephone prefix is rare here", _rare_prefix(subject, phones), "use numbers with prefixes of the host"
        )
        yield _segments(subject, phones)
    if names:
        yield _collisions(subject, names)


def _repeated(values: Sequence[object]) -> Iterator[bool]:
    counts = Counter(values)
    return (
        value is not None and (not isinstance(value, tuple) or None not in value) and counts[value] > 1
        for value in values
    )


def _digits(cell: Cell) -> str:
    return re.sub(r"\D", "", "" if cell is None else str(cell))


def _rare_prefix(subject: Subject, phones: Sequence[Cell]) -> Iterator[bool]:
    prefixes = [_digits(phone)[:3] for phone in phones]
    few = max(RARE * sum(map(bool, prefixes)), 1)
    return (bool(p) and n < few for p, n in zip(prefixes, _elsewhere(subject, prefixes), strict=True))


def _segments(subject: Subject, phones: Sequence[Cell]) -> Line:
    """Numbers that share all but their last four digits, a block one buyer bought."""
    blocks = [_digits(phone)[:-4] for phone in phones]
    theirs = Counter(block for block, ours in zip(blocks, subject.canary, strict=True) if block and not ours)
    mine = Counter(block for block, ours in zip(blocks, subject.canary, strict=True) if block and ours)
    total, count = theirs.total(), mine.total()
    pairs = sum(n * (n - 1) // 2 for n in mine.values())
    rate = sum(n * (n - 1) for n in theirs.values()) / max(total * (total - 1), 1)
    from scipy.stats import poisson

    expected = rate * count * (count - 1) / 2
    chance = float(poisson.sf(pairs - 1, expected + 0.5 * (not expected) / max(total, 1))) if pairs else 1.0
    return Line(
        *("rules", "telephone numbers of one block", chance_light(chance)),
        f"{len(mine)} blocks for {count} canaries, {pairs} pairs in one block",
        f"{expected:.1f} pairs among as many other rows",
        "buy numbers from many blocks and several carriers",
        {"pairs": pairs, "expected": expected, "blocks": len(mine)},
    )


def _collisions(subject: Subject, names: Sequence[Cell]) -> Line:
    """Canaries within one edit of a real woman: harm, whatever the host's own rate."""
    dues, addresses = subject.days(Fact.DUE_DATE), subject.cells(Fact.ADDRESS)
    people, close = People(), []
    who = [
        (None if name is None else str(name), dues[i] if dues else None, addresses[i] if addresses else None)
        for i, name in enumerate(names)
    ]
    for i, (name, due, address) in enumerate(who):
        if i not in subject.codes and name:
            people.add(name, due, None if address is None else str(address))
    for i, code in subject.codes.items():
        name, due, address = who[i]
        text = None if address is None else str(address)
        if name and not (people.due_is_free(name, due) and people.address_is_free(name, text)):
            close.append(code)
    light = Light.RED if close else Light.GREEN
    found = f"{len(close)} of {len(subject.codes)} canaries"
    advice = "a call meant for her could reach a real woman's file: seed again"
    figures = {"canaries": len(close)}
    return Line("rules", "within one letter of a real woman", light, found, "none", advice, figures, tuple(close))


def _cells(subject: Subject, at: int, name: str) -> Iterator[Line]:
    """How one column is written: type, outline, characters, spaces; always as real rows other than itself are."""
    cells = [row[at] for row in subject.table.rows]
    kinds = [type(cell).__name__ for cell in cells]
    few = RARE * len(cells)
    yield subject.rule(f"{name}: cell of a rare type", (n < few for n in _elsewhere(subject, kinds)), _REMINT)
    texts = ["" if cell is None else str(cell) for cell in cells]
    outlines = {text: _outline(text) for text in set(texts)}
    alike = _elsewhere(subject, [outlines[text] for text in texts])
    yield subject.rule(f"{name}: written like no other row", (n == 0 for n in alike), _REMINT)
    if not any(isinstance(cell, str) for cell in cells):
        return
    yield subject.rule(f"{name}: a character of no other row", _alone(subject, texts), _REMINT)
    full = set(filter(_wide, set().union(*outlines)))
    wide = (not full.isdisjoint(text) for text in texts)
    yield subject.rule(f"{name}: full-width letters, digits or spaces", wide, _REMINT)
    yield subject.rule(f"{name}: space at an end", (text != text.strip() for text in texts), _REMINT)


def _elsewhere(subject: Subject, values: Sequence[str]) -> Iterator[int]:
    """In how many real rows, its own not counted, each row's value stands."""
    counts = Counter(value for value, ours in zip(values, subject.canary, strict=True) if not ours)
    return (counts[value] - (not ours) for value, ours in zip(values, subject.canary, strict=True))


def _alone(subject: Subject, texts: Sequence[str]) -> Iterator[bool]:
    """Whether a row holds a character that no other real row does."""
    seen, often = set[str](), set[str]()
    for text, many in Counter(text for text, ours in zip(texts, subject.canary, strict=True) if not ours).items():
        letters = set(text)
        often |= letters if many > 1 else letters & seen
        seen |= letters
    others = {True: seen, False: often}  # a real row does not count itself
    return (not others[bool(ours)].issuperset(text) for text, ours in zip(texts, subject.canary, strict=True))


def _outline(text: str) -> str:
    """Its numbers, words and what follows a number: 9栋9室 for 3栋1204室, 9/9/9 for a date."""
    if re.search(r"[㐀-鿿]", text):
        marks = re.findall(r"[A-Za-z]+|[0-9]+[^0-9A-Za-z]?|[^\w\s]|\s+", text)
        return "".join(re.sub(r"[A-Za-z]+", "a", re.sub(r"[0-9]+", "9", mark)) for mark in marks) or "汉"
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"[0-9]+", "9", text)) if not text.isdigit() else f"{len(text)}9"


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) == "F" and (letter.isalnum() or letter.isspace())
