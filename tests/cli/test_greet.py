"""What a number says is set by its code or by itself, kept sealed, and entered in the ledger without the words."""

from tests.cli.conftest import PHONES, Shell


def test_a_number_answers_in_its_own_words_until_it_answers_as_usual_again(canary: Shell) -> None:
    canary("init")
    canary.write("n.csv", "number,provider,monthly_cost", f"{PHONES[0]},twilio,1")
    canary("number", "import", "n.csv")
    usual = canary.json("number", "greet", "N00001")
    assert "录音" in usual["said"] and usual["text"] == ""
    own = canary.json("number", "greet", PHONES[0], "--text", "喂，请讲。", "--no-notice", "--no-questions")
    assert (own["number"], own["said"], own["questions"]) == ("N00001", "喂，请讲。", False)
    assert canary.json("number", "greet", "N00001") == own
    assert canary.json("number", "greet", "N00001", "--language", "en")["text"] == "喂，请讲。"
    assert canary.json("number", "greet", "N00001", "--usual") == usual == canary.json("number", "greet", "N00001")
    assert canary.ledger("greeting") == [{"number": "N00001", "usual": flag} for flag in (False, False, True)]
    assert "no number" in canary.refused("number", "greet", "N99999")
    assert "plain text" in canary.refused("number", "greet", "N00001", "--text", "x" * 301)
