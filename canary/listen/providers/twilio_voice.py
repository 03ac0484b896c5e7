"""Twilio's answers to a call: a greeting with its notice, a few neutral questions, a recorder; ten minutes at most."""

from twilio.twiml.voice_response import Gather, Start, VoiceResponse

from canary.listen.voice import BUSY, QUESTIONS, Greeting

TURNS = 3
LONGEST = 600  # seconds, of the whole call
WAIT, SPEECH, SAID = 5, 60, 8  # seconds: for a word, Twilio's limit of one answer, for a sentence of ours
SILENCE = 10
_LANGUAGE = {"zh": "cmn-Hans-CN", "en": "en-US"}


class Script:
    """The documents of one server, whose hooks hang at `base`; `transcribe` asks Twilio for words in real time."""

    def __init__(self, base: str, transcribe: bool = False) -> None:
        self._base, self._transcribe = base.rstrip("/"), transcribe

    def begin(self, greeting: Greeting) -> str:
        """The answer to a call that comes in."""
        answer = VoiceResponse()
        answer.say(greeting.said(), language=_LANGUAGE[greeting.language])
        if greeting.questions or self._transcribe:
            self._start(answer, greeting)  # after the notice
        if greeting.questions:
            self._ask(answer, greeting, 1)
        else:
            self._record(answer, LONGEST - 2 * SAID)
        return str(answer.to_xml())

    def turn(self, greeting: Greeting, turn: int) -> str:
        """The answer to the caller's `turn`-th sentence: the next question, or listening to the end."""
        answer = VoiceResponse()
        if turn < TURNS:
            self._ask(answer, greeting, turn + 1)
        else:
            self._record(answer, LONGEST - 2 * SAID - TURNS * (SAID + WAIT + SPEECH))
        return str(answer.to_xml())

    def goodbye(self, greeting: Greeting) -> str:
        """The answer to somebody who has called too often today."""
        answer = VoiceResponse()
        answer.say(BUSY[greeting.language], language=_LANGUAGE[greeting.language])
        answer.hangup()
        return str(answer.to_xml())

    def refuse(self) -> str:
        """The answer when a day's calls are used up: a busy line, which costs nothing."""
        answer = VoiceResponse()
        answer.reject(reason="busy")
        return str(answer.to_xml())

    def _callback(self, endpoint: str) -> str:
        return f"{self._base}/{endpoint}" if self._base else endpoint

    def _start(self, answer: VoiceResponse, greeting: Greeting) -> None:
        start = Start()
        if greeting.questions:
            start.recording(
                recording_status_callback=self._callback("recording"),
                recording_status_callback_event="in-progress completed absent",
                channels="dual",
            )
        if self._transcribe:
            start.transcription(
                status_callback_url=self._callback("transcription"),
                language_code=_LANGUAGE[greeting.language],
                track="inbound_track",
                partial_results=False,
            )
        answer.append(start)

    def _ask(self, answer: VoiceResponse, greeting: Greeting, turn: int) -> None:
        language = _LANGUAGE[greeting.language]
        gather = Gather(
            input="speech",
            action=self._callback(f"turn-{turn}"),
            language=language,
            speech_timeout="auto",
            timeout=WAIT,
            max_speech_time=SPEECH,
            action_on_empty_result=True,
        )
        gather.say(QUESTIONS[greeting.language][turn - 1], language=language)
        answer.append(gather)

    def _record(self, answer: VoiceResponse, seconds: int) -> None:
        answer.record(
            # Without an action Twilio asks for this very document again, and the call never ends.
            action=self._callback("recording"),
            max_length=seconds,
            timeout=SILENCE,
            play_beep=False,
            recording_status_callback=self._callback("recording"),
            recording_status_callback_event="in-progress completed absent",
        )
        answer.hangup()
