"""Named or not: what proves that a caller has the planted record, and what does not."""

from collections.abc import Mapping
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.listen.naming import names_persona
from canary.mint.facts import Cell, Fact

WANG: Mapping[Fact, Cell] = {
    Fact.NAME: "王静",
    Fact.DUE_DATE: date(2026, 9, 14),
    Fact.INFANT_BIRTH_DATE: datetime(2026, 9, 10),
    Fact.HOSPITAL: "宝安区妇幼保健院",
    Fact.ADDRESS: "广东省深圳市光明区马田街道石家社区翠竹花园16座404",
}
CHEN = {**WANG, Fact.NAME: "陈晓婷", Fact.DUE_DATE: "2026/11/02"}
OUYANG = {**WANG, Fact.NAME: "欧阳丽娜"}
CARTER: Mapping[Fact, Cell] = {
    Fact.NAME: "Emily Carter",
    Fact.DUE_DATE: "2026-09-14",
    Fact.HOSPITAL: "St Mary's Hospital",
    Fact.ADDRESS: "1204 Maple Grove St, Springfield",
}

ENQUIRER = {Fact.NAME: "李先生", Fact.ENQUIRY_TOPIC: "前列腺炎"}
NAMED = [
    (ENQUIRER, "李先生您好，您咨询的前列腺炎现在有专家号"),
    ({Fact.NAME: "王静", Fact.ENQUIRY_TOPIC: "双眼皮"}, "王女士，双眼皮手术本周特价"),
    ({**WANG, Fact.BIRTH_DATE: date(1994, 3, 9)}, "王女士，您是3月9日的生日吧"),
    (WANG, "王静您好，需要月嫂吗"),
    (WANG, "是王静吗"),
    (WANG, "王静，你好"),
    (WANG, "请问是不是王静"),
    (WANG, "王静女士，恭喜"),
    (WANG, "王静（宝安）"),
    (WANG, "王 静 您好"),
    (WANG, "王.静"),
    (WANG, "王靜小姐"),
    (WANG, "姓名:王静 电话"),
    (CHEN, "陈晓婷恭喜您"),
    (CHEN, "陳曉婷女士"),
    (CHEN, "陈 晓 婷"),
    (WANG, "王女士，您的预产期是9月吧"),
    (WANG, "王女士，您9月份要生了吗，宝宝用品"),
    (WANG, "王太太，九月十四号的预产期对吗"),
    (WANG, "王小姐，9月14日"),
    (WANG, "王女士，2026-09-14 到期"),
    (WANG, "王女士您在宝安妇幼保健院建档"),
    (WANG, "王女士您在宝安区妇幼保健院建档"),
    (WANG, "王宝妈，您是住翠竹花园吗"),
    (WANG, "王妈妈 马田街道 月子会所"),
    (WANG, "石家社区的王女士"),
    (CHEN, "陈女士，预产期在十一月"),
    ({**WANG, Fact.ADDRESS: "宝安区西乡街道乐群"}, "王女士，西乡街道的"),
    ({**WANG, Fact.NAME: "古丽·阿依"}, "古丽·阿依您好"),
    (OUYANG, "欧阳女士，您住翠竹花园"),
    (CARTER, "Hello, may I speak with Emily Carter please"),
    (CARTER, "EMILY CARTER, congratulations"),
    (CARTER, "Carter, Emily"),
    (CARTER, "Emily J. Carter"),
    (CARTER, "Hi Mrs. Carter, with your baby due in September"),
    (CARTER, "Ms Carter, September 14th is coming up"),
    (CARTER, "Miss Carter from St. Mary's, we offer formula"),
    (CARTER, "Mrs Carter at 1204 Maple Grove Street?"),
]
# By sound, in Latin letters, with a wrong character or letter: what recognisers, typists and foreigners make of facts.
HEARD = [
    (CHEN, "您好是陈晓停女士吗", "full name by sound"),
    (CHEN, "程晓亭女士，您预产期十一月吧", "name by sound"),
    (CHEN, "陈晓亭女士您是十一月生吧", "full name by sound"),
    (CHEN, "陈晓燕女士，您的预产期是11月", "name but for one character"),
    (CHEN, "是陈晓燕吗，您的预产期是11月", "name but for one character"),
    (CHEN, "陈美婷您好，您的预产期是11月", "name but for one character"),
    (CHEN, "is this Chen Xiaoting", "full name in pinyin"),
    (CHEN, "hello Xiao Ting Chen", "full name in pinyin"),
    (CHEN, "chen nvshi, nin de yuchanqi shi 11 yue ma", "surname in Latin letters with title"),
    (CHEN, "Ms Chan, you are due in November?", "surname in Latin letters with title"),
    (WANG, "wang jing, yuchanqi 9 yue", "name in pinyin"),
    (WANG, "亡女是您九月份要生对吧", "surname by sound with title"),
    (WANG, "王婧您好，您预产期是九月", "name by sound"),
    (WANG, "王姐，9月14号左右生对吧", "surname with title"),
    (WANG, "王妈咪，9-14要卸货啦", "surname with title"),
    (WANG, "王太，預產期九月呀", "surname with title"),
    (WANG, "王女士，您是在宝安妇幼产检的吗", "surname with title"),
    (WANG, "王女士，我就在翠竹花元门口", "surname with title"),
    (WANG, "王女士，您住cuizhu huayuan吗", "surname with title"),
    (WANG, "王女士，我们店在马田附近", "surname with title"),
    ({**WANG, Fact.HOSPITAL: "深圳市龙岗区人民医院"}, "王女士您在龙岗人民生的吧", "surname with title"),
    ({**WANG, Fact.HOSPITAL: "深圳市第二人民医院"}, "王女士，您是深圳二院建档的", "surname with title"),
    ({**WANG, Fact.HOSPITAL: "北京大学深圳医院"}, "王女士，您在北大深圳医院产检", "surname with title"),
    ({**WANG, Fact.ADDRESS: "深圳市龙华区民治街道金地名峰3栋1201"}, "王女士，金地名峰的吧", "surname with title"),
    (CARTER, "Emly Carter? with the baby due in September", "full name mistyped"),
    (CARTER, "Hi Emily, is 14/9 your due date? EDD 14/9", "first name in a greeting"),
]
NOT_HEARD = [
    (CHEN, "陈小姐您好"),
    (CHEN, "陈晓燕女士您好"),
    (CHEN, "程晓亭您好"),
    (CHEN, "Ms Chen, your parcel"),
    (CHEN, "Chen Xiao here, call me in November"),
    (WANG, "wang jing here"),
    (WANG, "王婧您好"),
    (WANG, "汪女士您好，奶粉特价"),
    (WANG, "国王姐妹，9月生"),
    (WANG, "王姐妹们9月14日开业"),
    (WANG, "王女士，您住市妇幼附近吗"),
    (WANG, "王女士，全场9.14折"),
    (CARTER, "Emly Carter called"),
    (CARTER, "Hi Emily, see you on Tuesday"),
]
NOT_NAMED = [
    (ENQUIRER, "李先生您好，男科专家本周坐诊"),
    (ENQUIRER, "前列腺炎专家号"),
    ({**WANG, Fact.BIRTH_DATE: date(1994, 3, 9)}, "王女士，3月新品上市"),
    (WANG, "王静怡您好"),
    (WANG, "王静文女士"),
    (WANG, "王 静 怡"),
    (WANG, "王女士您好，奶粉特价"),
    (WANG, "王小姐，9月大促开始了"),
    (WANG, "王女士，19月"),
    (WANG, "王女士，您的宝宝十九月龄"),
    (WANG, "您在宝安区妇幼保健院建档，预产期9月14日"),
    (WANG, "李女士，您的预产期是9月14日"),
    (WANG, "王者荣耀9月14日开服"),
    (WANG, "王女士，您需要人民医院附近的房子吗"),
    (WANG, "安静一点"),
    (WANG, "9月14日，安静"),
    (CHEN, "陈晓您好"),
    (CHEN, "陈女士，预产期1月"),
    (CHEN, "陈女士，十二月预产"),
    ({**WANG, Fact.NAME: "阳丽"}, "欧阳丽您好"),
    ({**WANG, Fact.NAME: "阳丽"}, "欧阳女士，9月14日"),
    ({**WANG, Fact.NAME: None}, "王静您好"),
    ({}, "王静您好"),
    (CARTER, "Emily, your parcel is here"),
    (CARTER, "Hello Mrs Carter, do you need a loan"),
    (CARTER, "Mrs Carter, September sale starts now"),
    (CARTER, "Emily Cartersville"),
    (CARTER, "Mrs Carterson, baby due in September"),
    (CARTER, "Mr Smith at Maple Grove Street"),
    ({**CARTER, Fact.DUE_DATE: date(2026, 5, 2)}, "Mrs Carter, you may be due a refund"),
    ({**CARTER, Fact.HOSPITAL: "Mercy Hospital"}, "Mrs Carter, have mercy"),
]


@pytest.mark.parametrize(("facts", "text"), NAMED)
def test_named(facts: Mapping[Fact, Cell], text: str) -> None:
    assert names_persona(text, facts)


@pytest.mark.parametrize(("facts", "text"), NOT_NAMED)
def test_not_named(facts: Mapping[Fact, Cell], text: str) -> None:
    assert names_persona(text, facts) is None


@pytest.mark.parametrize(("facts", "text", "how"), HEARD)
def test_facts_are_recognised_as_they_are_heard_and_typed(facts: Mapping[Fact, Cell], text: str, how: str) -> None:
    assert (names_persona(text, facts) or "").split(",")[0] == how


@pytest.mark.parametrize(("facts", "text"), NOT_HEARD)
def test_a_looser_match_needs_a_second_fact(facts: Mapping[Fact, Cell], text: str) -> None:
    assert names_persona(text, facts) is None


def test_everyone_who_fits_is_named_and_nobody_else() -> None:
    asked = "王静女士，您的预产期是9月14日"
    named = [name for name in ("王静", "王婧", "汪静", "李静") if names_persona(asked, {**WANG, Fact.NAME: name})]
    assert named == ["王静", "王婧", "汪静"]  # a recogniser confuses tones too


def test_reasons_hold_no_fact() -> None:
    reasons = {names_persona(text, facts) for facts, text in NAMED}
    further = ("enquiry topic", "her own birth date", "due date", "due month", "hospital", "address", "street")
    assert reasons == {"full name", *(f"surname with title, and {fact}" for fact in further)}


@given(st.text(), st.dictionaries(st.sampled_from(Fact), st.none() | st.text() | st.dates() | st.integers()))
def test_never_raises(text: str, facts: dict[Fact, Cell]) -> None:
    names_persona(text, facts)
