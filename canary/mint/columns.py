"""Says which column of a host table holds which fact, by header text and by what stands in the cells."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from canary.errors import CanaryError
from canary.mint.facts import Cell, Fact, Table
from canary.mint.phones import looks_like_phone
from canary.mint.rules import Rule, parse

Texts = tuple[str, ...]
_KEYS = ("name", "country", "phones", "never_issue", "headers", "columns", "rules")

HEADERS: Mapping[Fact, Texts] = {
    Fact.NAME: (
        *("姓名", "孕妇姓名", "产妇姓名", "孕产妇姓名", "母亲姓名", "患者姓名", "病人姓名", "妇女姓名"),
        *("name", "full name", "patient name", "patient", "mother", "mother's name", "mother name"),
        *("maternal name", "woman's name", "client name"),
    ),
    Fact.PHONE: (
        *("联系电话", "电话", "电话号码", "手机", "手机号", "手机号码", "联系方式", "移动电话", "本人电话"),
        *("孕妇电话", "孕妇联系电话", "phone", "phone number", "phone no", "mobile", "mobile number"),
        *("mobile phone", "cell", "cell phone", "telephone", "tel", "contact number", "contact phone"),
    ),
    Fact.ADDRESS: (
        *("家庭住址", "家庭地址", "现住址", "现住地址", "住址", "地址", "联系地址", "居住地址", "居住地"),
        *("address", "home address", "street address", "residential address", "postal address"),
    ),
    Fact.HOSPITAL: (
        *("就诊医院", "建册医院", "建卡医院", "分娩医院", "产检医院", "医院", "医院名称", "建册单位"),
        *("hospital", "hospital name", "clinic", "facility", "maternity unit", "booking hospital"),
    ),
    Fact.DUE_DATE: (
        *("预产期", "预产日期", "edd", "edc", "due date", "due", "estimated due date"),
        *("estimated date of delivery", "expected date of delivery", "expected delivery date"),
    ),
    Fact.INFANT_BIRTH_DATE: (
        *("出生日期(婴儿)", "婴儿出生日期", "新生儿出生日期", "宝宝出生日期", "分娩日期", "孩子出生日期"),
        *("infant birth date", "infant date of birth", "infant dob", "baby birth date", "baby date of birth"),
        *("baby dob", "baby's birth date", "child birth date", "delivery date", "date of delivery"),
    ),
    Fact.HUKOU: ("户口性质", "户口类型", "户籍类型", "户籍性质", "户籍", "户口", "hukou", "hukou type"),
    Fact.RESIDENT_ID: (
        *("身份证号", "身份证号码", "身份证", "证件号码", "证件号", "公民身份号码"),
        *("resident id", "id number", "national id", "id card", "id card number"),
    ),
    Fact.RUNNING_NUMBER: (
        *("序号", "编号", "行号"),
        *("no", "no.", "number", "serial", "serial no", "row", "#"),
    ),
    # A bare 出生日期 or "date of birth" may be the mother's or the child's: only a profile can say.
    Fact.BIRTH_DATE: (
        *("母亲出生日期", "孕妇出生日期", "产妇出生日期", "本人出生日期", "患者出生日期", "出生日期(母亲)"),
        *("mother's birth date", "mother's date of birth", "maternal date of birth", "patient date of birth"),
    ),
    Fact.ENQUIRY_TOPIC: (
        *("咨询项目", "咨询内容", "咨询主题", "意向项目", "咨询病种"),
        *("enquiry", "enquiry topic", "topic of enquiry", "inquiry topic", "treatment of interest"),
    ),
}


@dataclass(frozen=True)
class Profile:
    """A site's own word on its columns: header texts replace the built-in ones fact by fact.

    `columns` names further columns that no fact is for, so that `rules` and `never_columns` can speak of them.
    `phones` is False for a de-identified extract, in which nobody can be rung."""

    name: str = ""
    headers: Mapping[Fact, Texts] = field(default_factory=dict)
    never_issue: frozenset[Fact] = frozenset({Fact.RESIDENT_ID})
    country: str = "CN"
    phones: bool = True
    columns: Mapping[str, Texts] = field(default_factory=dict)
    never_columns: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> "Profile":
        """The profile a TOML document describes; an unknown key, fact or column raises CanaryError."""
        if unknown := sorted(set(mapping) - set(_KEYS)):
            raise CanaryError(f"unknown profile key '{unknown[0]}'", f"known: {', '.join(_KEYS)}")
        columns = {str(key): _texts(key, value) for key, value in _section(mapping, "columns").items()}
        if taken := [name for name in columns if name in set(Fact)]:
            raise CanaryError(f"profile column '{taken[0]}' is the name of a fact", "put it under [headers]")
        never = _texts("never_issue", mapping.get("never_issue", []))
        facts = frozenset(_fact(name) for name in never if name not in columns)
        return cls(
            name=str(mapping.get("name", "")),
            headers={_fact(key): _texts(key, value) for key, value in _section(mapping, "headers").items()},
            never_issue=facts | {Fact.RESIDENT_ID},
            country=_country(mapping.get("country")),
            phones=_phones(mapping.get("phones", True)),
            columns=columns,
            never_columns=frozenset(never) & columns.keys(),
            rules=parse(_section(mapping, "rules"), {*columns, *(fact.value for fact in Fact)}),
        )


def recognise(table: Table, profile: Profile | None = None) -> dict[Fact, int]:
    """Fact -> 0-based column. Raises CanaryError with two columns for one fact, or without a phone column where the
    profile does not say that there is none (or with one where it does)."""
    columns = by_header(table, profile)
    if profile and not profile.phones:
        if Fact.PHONE in columns:
            raise CanaryError(
                f"column '{table.header[columns[Fact.PHONE]]}' holds phones and the profile says there are none",
                "leave 'phones = false' out of the profile",
            )
        return columns
    if Fact.PHONE not in columns:
        seen = ", ".join(f"'{text}'" for text in table.header)
        raise CanaryError(
            f"no phone column among {seen}", "write a profile in config/profiles and pass it with --profile"
        )
    _check_phones(table, columns[Fact.PHONE])
    return columns


def by_header(table: Table, profile: Profile | None = None) -> dict[Fact, int]:
    """Fact -> 0-based column by header text alone. Raises CanaryError with two columns for one fact."""
    known = {**HEADERS, **(profile.headers if profile else {})}
    found = {fact: _find(table, fact.value, texts) for fact, texts in known.items()}
    return {fact: column for fact, column in found.items() if column is not None}


def places(table: Table, profile: Profile | None = None) -> dict[str, int]:
    """Name -> 0-based column, of facts and of the profile's further columns, as far as the table has them."""
    found = {name: _find(table, name, texts) for name, texts in (profile.columns if profile else {}).items()}
    named = {name: column for name, column in found.items() if column is not None}
    return {**{fact.value: column for fact, column in by_header(table, profile).items()}, **named}


def _find(table: Table, name: str, texts: Texts) -> int | None:
    accepted = {_plain(text) for text in texts}
    found = [i for i, text in enumerate(table.header) if _plain(str(text)) in accepted]
    if len(found) > 1:
        names = " and ".join(f"'{table.header[i]}'" for i in found)
        raise CanaryError(f"columns {names} could both be the {name}", "name one of them in a profile (--profile)")
    return found[0] if found else None


def blank(cell: Cell) -> bool:
    """Whether a cell holds nothing: None, or a text of spaces."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _check_phones(table: Table, column: int) -> None:
    cells = [(row, r[column]) for row, r in enumerate(table.rows, start=2) if not blank(r[column])]
    bad = [(row, cell) for row, cell in cells if not looks_like_phone(cell)]
    # A register may say "none" here and there; a column of something else says it everywhere.
    if bad and len(bad) > 0.1 * len(cells):
        row, cell = bad[0]
        raise CanaryError(
            f"column '{table.header[column]}' does not hold telephone numbers: row {row} is {cell!r}",
            "name the right column in a profile (--profile)",
        )


def _plain(text: str) -> str:
    """A header without case, width, spaces and the punctuation that exporters sprinkle on it."""
    return re.sub(r"[\s_\-.:*'’]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _fact(key: object) -> Fact:
    try:
        return Fact(str(key))
    except ValueError:
        known = ", ".join(fact.value for fact in Fact)
        raise CanaryError(f"unknown fact '{key}' in the profile", f"known: {known}") from None


def _texts(key: object, value: object) -> Texts:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence) and all(isinstance(text, str) for text in value):
        return tuple(value)
    raise CanaryError(f"profile key '{key}' must be a text or a list of texts")


def _section(mapping: Mapping[str, object], key: str) -> Mapping[str, object]:
    section = mapping.get(key, {})
    if not isinstance(section, Mapping):
        raise CanaryError(f"profile key '{key}' must be a table of name = [texts]")
    return section


def _phones(value: object) -> bool:
    if not isinstance(value, bool):
        raise CanaryError(f"profile key 'phones' must be true or false, not {value!r}")
    return value


def _country(value: object) -> str:
    if value is None:
        return "CN"
    if isinstance(value, str) and re.fullmatch(r"[A-Z]{2}", value):
        return value
    raise CanaryError(f"profile key 'country' must be two capital letters like CN, not {value!r}")
