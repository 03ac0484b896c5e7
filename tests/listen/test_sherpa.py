"""Recordings become words by a model on this machine: found as files, fed as it expects, named when it is missing."""

import io
import wave
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from canary.errors import CanaryError, OutsideError
from canary.listen.sherpa import SherpaOnnx, pieces
from canary.listen.transcribe import Unreadable
from canary.settings import load
from canary.web.providers import transcriber

FILES = {
    "sense-voice": {"model": "model.int8.onnx", "tokens": "tokens.txt"},
    "paraformer": {"paraformer": "model.onnx", "tokens": "tokens.txt"},
    "whisper": {"encoder": "base-encoder.onnx", "decoder": "base-decoder.onnx", "tokens": "base-tokens.txt"},
}


@dataclass
class Engine:
    """Stands for the module sherpa_onnx: says how long and how loud each piece was."""

    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    fails: bool = False

    @property
    def OfflineRecognizer(self) -> Any:
        return SimpleNamespace(**{f"from_{name.replace('-', '_')}": self._maker(name) for name in FILES})

    def _maker(self, name: str) -> Any:
        def make(**given: Any) -> "Engine":
            if self.fails:
                raise RuntimeError("Load model failed")
            self.made.append((name, given))
            return self

        return make

    def create_stream(self) -> Any:
        stream = SimpleNamespace(result=SimpleNamespace(text=""))
        stream.accept_waveform = lambda rate, samples: setattr(stream, "heard", (rate, samples))
        return stream

    def decode_stream(self, stream: Any) -> None:
        rate, samples = stream.heard
        assert samples.dtype == np.float32 and np.abs(samples).max(initial=0) <= 1
        stream.result.text = f" {len(samples) / rate:.1f} s at {np.abs(samples).max(initial=0):.2f} "


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name in {name for files in FILES.values() for name in files.values()}:
        (tmp_path / name).write_bytes(b"x" * len(name))
    return tmp_path


def wav(*channels: np.ndarray, rate: int = 8000, width: int = 2) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(width)
        file.setframerate(rate)
        frames = np.stack(channels, axis=1) * (32767 if width == 2 else 127)
        file.writeframes(frames.astype("<i2" if width == 2 else "u1").tobytes())
    return out.getvalue()


@pytest.mark.parametrize("kind", FILES)
def test_the_models_files_are_found_by_their_names(model: Path, kind: str) -> None:
    engine = Engine()
    only = {str(model / name) for name in FILES[kind].values()}
    for path in model.iterdir():
        if str(path) not in only:
            path.unlink()
    assert SherpaOnnx(model, kind, "zh", engine).words(wav(np.full(8000, 0.5))) == "1.0 s at 0.50"
    ((made, given),) = engine.made
    files = {argument: str(model / name) for argument, name in FILES[kind].items()}
    assert (made, given) == (kind, files | ({} if kind == "paraformer" else {"language": "zh"}))


def test_both_sides_of_a_call_are_heard_by_themselves_and_the_model_is_loaded_once(model: Path) -> None:
    engine = Engine()
    hears = SherpaOnnx(model, "sense-voice", "zh", engine)
    assert hears.words(wav(np.full(4000, 0.5), np.full(4000, 0.25))) == "0.5 s at 0.50\n0.5 s at 0.25"
    assert hears.words(wav(np.zeros(0))) == "" and len(engine.made) == 1


@given(seconds=st.floats(0, 150), seed=st.integers(0, 9))
def test_a_long_recording_is_cut_where_it_is_quiet_and_nothing_is_lost(seconds: float, seed: int) -> None:
    rate = 100
    samples = np.random.default_rng(seed).uniform(-1, 1, int(seconds * rate)).astype(np.float32)
    samples[2500:2550] = 0  # a pause after 25 seconds
    cut = list(pieces(rate, samples))
    assert all(len(piece) <= 28 * rate for piece in cut)
    assert np.array_equal(np.concatenate([*cut, np.zeros(0, np.float32)]), samples)
    assert len(cut) < 2 or 2490 <= len(cut[0]) <= 2550


@pytest.mark.parametrize(
    "recording",
    [b"", b"RIFF", b"ID3 an mp3", wav(np.full(800, 0.5))[:30], wav(np.full(800, 0.5), width=1)],
    ids=range(5),
)
def test_what_is_no_recording_we_read_is_told_apart_from_a_model_that_fails(model: Path, recording: bytes) -> None:
    with pytest.raises(Unreadable):
        SherpaOnnx(model, "sense-voice", "zh", Engine()).words(recording)


@pytest.mark.parametrize("rate", [0, 1, 2**32 - 1], ids=str)
def test_a_rate_no_telephone_has_is_not_read(model: Path, rate: int) -> None:
    whole = wav(np.full(800, 0.5))
    with pytest.raises(Unreadable, match=f"{rate} Hz"):
        SherpaOnnx(model, "sense-voice", "zh", Engine()).words(whole[:24] + rate.to_bytes(4, "little") + whole[28:])


def test_channels_without_end_are_not_read(model: Path) -> None:
    whole = wav(np.full(800, 0.5))
    with pytest.raises(Unreadable, match="65535 channels"):
        SherpaOnnx(model, "sense-voice", "zh", Engine()).words(whole[:22] + b"\xff\xff" + whole[24:])


@given(place=st.integers(0, 43), value=st.integers(0, 255), length=st.integers(0, 200))
@example(16, 60, 200)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_its_head_says_a_file_is_read_or_told_apart(model: Path, place: int, value: int, length: int) -> None:
    whole = bytearray(wav(np.full(78, 0.5)))
    whole[place] = value
    with suppress(Unreadable):
        SherpaOnnx(model, "sense-voice", "zh", Engine()).words(bytes(whole[:length]))


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("missing", ["all", "tokens", "folder"])
def test_a_missing_file_is_named(model: Path, kind: str, missing: str) -> None:
    for path in model.iterdir():
        if missing == "all" or "tokens" in path.name:
            path.unlink()
    folder = model / "nowhere" if missing == "folder" else model
    with pytest.raises(CanaryError, match="no such folder" if missing == "folder" else r"no \*.*(tokens|onnx).* in it"):
        SherpaOnnx(folder, kind, "zh", Engine()).files()


def test_a_model_that_cannot_be_loaded_is_named(model: Path) -> None:
    with pytest.raises(OutsideError, match="Load model failed"):
        SherpaOnnx(model, "sense-voice", "zh", Engine(fails=True)).words(wav(np.full(800, 0.5)))


def test_without_the_extra_the_way_to_it_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sherpa_onnx", None)
    with pytest.raises(CanaryError) as error:
        SherpaOnnx(model, "sense-voice", "zh").words(wav(np.full(800, 0.5)))
    assert "canary-records[transcribe]" in error.value.hint


def test_the_settings_choose_it_and_a_half_set_one_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_CONFIG", str(tmp_path / "canary.toml"))
    monkeypatch.setenv("CANARY_TRANSCRIBER", "sherpa-onnx")
    with pytest.raises(CanaryError, match="transcriber_model is not set"):
        transcriber(load())
    monkeypatch.setenv("CANARY_TRANSCRIBER_MODEL", str(model))
    found = transcriber(load())
    assert isinstance(found, SherpaOnnx) and (found.folder, found.kind, found.language) == (model, "sense-voice", "zh")
    (model / "tokens.txt").unlink()
    (model / "base-tokens.txt").unlink()
    with pytest.raises(CanaryError, match=r"tokens\.txt in it"):
        transcriber(load())


def test_the_real_engine_refuses_files_that_are_no_model(model: Path) -> None:
    pytest.importorskip("sherpa_onnx", reason="the extra `transcribe` is not installed, and no model is shipped")
    with pytest.raises(OutsideError, match="transcriber_model"):
        SherpaOnnx(model, "sense-voice", "zh").words(wav(np.full(800, 0.5)))
