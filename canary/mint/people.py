"""A growing set of people, to ask one by one whether somebody is, or nearly is, one of them (claims asks for many)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

from canary.mint.claims import within_one_edit


class Names:
    """A set of names that answers "is anyone within one edit?" without comparing them one by one."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._marks: set[str] = set()
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Remember one name."""
        self._marks.update(_marks(name))

    def near(self, name: str) -> bool:
        """Whether a remembered name is within one edit of `name`."""
        return not self._marks.isdisjoint(_questions(name))


class People:
    """Who stands where: (name, due date) and (name, address) pairs that are taken."""

    def __init__(self) -> None:
        self._due_names: dict[date, list[str]] = defaultdict(list)
        self._address_names: dict[str, list[str]] = defaultdict(list)
        self._held: dict[str, list[tuple[date | None, str | None]]] = defaultdict(list)
        self._near: dict[date | str, Names] = {}

    def add(self, name: str, due: date | None, address: str | None) -> None:
        """Take one person's pairs."""
        self._held[name].append((due, address))
        if due is not None:
            self._due_names[due].append(name)
            self._near.pop(due, None)
        if address is not None:
            self._address_names[address].append(name)
            self._near.pop(address, None)

    def due_is_free(self, name: str, due: date | None) -> bool:
        """Whether (name, due date) is more than one edit from every pair taken."""
        if due is None:
            return True
        held = (other for other, _ in self._held.get(name, ()) if other is not None)
        if any(within_one_edit(due.isoformat(), other.isoformat()) for other in held):
            return False
        return due not in self._due_names or not self._names(due, self._due_names[due]).near(name)

    def address_is_free(self, name: str, address: str | None) -> bool:
        """Whether (name, address) is more than one edit from every pair taken."""
        if address is None:
            return True
        held = (other for _, other in self._held.get(name, ()) if other is not None)
        if any(within_one_edit(address, other) for other in held):
            return False
        return address not in self._address_names or not self._names(address, self._address_names[address]).near(name)

    def _names(self, key: date | str, names: list[str]) -> Names:
        if key not in self._near:
            self._near[key] = Names(names)
        return self._near[key]


# "=" a whole name, "?" a name with one place left open, "-" a name with one character gone: two names are
# within one edit exactly when they agree on an open place, or one with a gap is the other.
def _marks(name: str) -> Iterator[str]:
    yield f"={name}"
    for i in range(len(name)):
        yield f"?{name[:i]}\0{name[i + 1 :]}"
        yield f"-{name[:i]}{name[i + 1 :]}"


def _questions(name: str) -> Iterator[str]:
    yield f"={name}"
    yield f"-{name}"
    for i in range(len(name)):
        yield f"?{name[:i]}\0{name[i + 1 :]}"
        yield f"={name[:i]}{name[i + 1 :]}"
