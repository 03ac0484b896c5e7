"""Words out of recordings by sherpa-onnx (the extra `transcribe`), with a model that the operator supplies as files."""

import io
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from canary.errors import CanaryError, OutsideError
from canary.listen.transcribe import LONGEST, Unreadable

ModelKind = Literal["sense-voice", "paraformer", "whisper"]
Samples = NDArray[np.float32]
# What each kind of model is made of: the recogniser's argument, and the file's name with "*" for what its maker added.
_FILES: Final[Mapping[ModelKind, Mapping[str, str]]] = {
    "sense-voice": {"model": "*model*.onnx", "tokens": "*tokens.txt"},
    "paraformer": {"paraformer": "*model*.onnx", "tokens": "*tokens.txt"},
    "whisper": {"encoder": "*encoder*.onnx", "decoder": "*decoder*.onnx", "tokens": "*tokens.txt"},
}
# These models hear some 30 seconds at a time; a cut is made where it is quietest towards the end of them.
_PIECE, _SEARCH, _QUIET = 28.0, 6.0, 0.1
# Telephone to studio. What a file says of itself is a stranger's word: a sample a second would be a million pieces.
_RATES: Final = range(4_000, 192_001)
_MOST_CHANNELS: Final = 8


@dataclass
class SherpaOnnx:
    """A recogniser of the model in `folder`, loaded when it is first needed; nothing is ever downloaded. `module` is
    sherpa_onnx, or what stands for it in tests."""

    folder: Path
    kind: ModelKind
    language: str
    module: Any = field(default=None, repr=False)

    def files(self) -> dict[str, str]:
        """The model's files by the recogniser's arguments. Raises CanaryError naming what is missing."""
        found: dict[str, str] = {}
        for argument, pattern in _FILES[self.kind].items():
            matching = sorted(path for path in self.folder.glob(pattern) if path.is_file())
            if not matching:
                what = f"no {pattern} in it" if self.folder.is_dir() else "no such folder"
                hint = f"a {self.kind} model has {', '.join(_FILES[self.kind].values())}; put them there yourself"
                raise CanaryError(f"transcriber_model: {self.folder}: {what}", hint)
            # The smaller one where there are two: models come with a quantised twin.
            found[argument] = str(min(matching, key=lambda path: path.stat().st_size))
        return found

    @cached_property
    def _recogniser(self) -> Any:
        files = self.files()
        try:
            module = self.module or import_module("sherpa_onnx")
        except ImportError as error:
            hint = "pip install 'canary-records[transcribe]'"
            raise CanaryError("transcriber: sherpa-onnx is not installed", hint) from error
        make = getattr(module.OfflineRecognizer, f"from_{self.kind.replace('-', '_')}")
        spoken = {} if self.kind == "paraformer" else {"language": self.language}
        try:
            return make(**files, **spoken)
        except (RuntimeError, ValueError) as error:
            raise OutsideError(f"transcriber_model: {self.folder}: {error}", "is it of that kind?") from error

    def words(self, recording: bytes) -> str:
        """The words of a WAV file, each channel by itself."""
        rate, channels = _read(recording)
        said = (self._heard(rate, piece) for channel in channels for piece in pieces(rate, channel))
        return "\n".join(filter(None, said))[:LONGEST]

    def _heard(self, rate: int, samples: Samples) -> str:
        stream = self._recogniser.create_stream()
        stream.accept_waveform(rate, samples)
        try:
            self._recogniser.decode_stream(stream)
        except RuntimeError as error:
            raise OutsideError(f"transcriber_model: {error}", "try the model by hand") from error
        return str(stream.result.text).strip()


def _read(recording: bytes) -> tuple[int, list[Samples]]:
    """Rate and channels, samples between -1 and 1. Raises Unreadable."""
    try:
        with wave.open(io.BytesIO(recording)) as file:
            rate, width, count = file.getframerate(), file.getsampwidth(), file.getnchannels()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError, RuntimeError) as error:  # the last when a piece is longer than the file
        raise Unreadable(f"a recording is no PCM WAV: {error}", "see `canary contact media`") from error
    if rate not in _RATES or count > _MOST_CHANNELS:
        raise Unreadable(f"a recording of {count} channels at {rate} Hz", "see `canary contact media`")
    if width != 2:
        raise Unreadable(f"a recording has samples of {8 * width} bits, not 16", "see `canary contact media`")
    whole = len(frames) // (2 * count) * 2 * count
    samples: Samples = np.frombuffer(frames[:whole], "<i2").astype(np.float32) * np.float32(1 / 32768)
    return rate, [samples[channel::count] for channel in range(count)]


def pieces(rate: int, samples: Samples) -> Iterator[Samples]:
    """Samples in pieces of 28 seconds at most, none lost, cut where it is quietest."""
    most, search, step = int(_PIECE * rate), int(_SEARCH * rate), max(1, int(_QUIET * rate))
    while len(samples) > most:
        late = samples[most - search : most]
        loud = np.abs(late[: len(late) // step * step]).reshape(-1, step).mean(axis=1)
        cut = most - search + int(loud.argmin()) * step
        yield samples[:cut]
        samples = samples[cut:]
    if len(samples):
        yield samples
