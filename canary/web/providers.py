"""The providers that the settings name: one line each."""

from datetime import timedelta

from canary.errors import CanaryError
from canary.listen.lines import Account
from canary.listen.media import Terms
from canary.listen.phones import Limits as PhoneLimits
from canary.listen.providers.base import Provider
from canary.listen.providers.kannel import KannelProvider
from canary.listen.providers.smsforwarder import SmsForwarderProvider
from canary.listen.providers.smsgate import SmsGateProvider
from canary.listen.providers.twilio import TwilioProvider
from canary.listen.providers.twilio_log import TwilioLog
from canary.listen.providers.twilio_media import TwilioArchive
from canary.listen.providers.twilio_numbers import TwilioNumbers, hooks
from canary.listen.providers.twilio_voice import Script
from canary.listen.sherpa import SherpaOnnx
from canary.listen.transcribe import Command, Transcriber
from canary.listen.voice import Desk, Greeting, Limits
from canary.settings import Settings
from canary.store.vault import Vault


def providers(settings: Settings, vault: Vault | None = None) -> dict[str, Provider]:
    """Those to listen to, by name: Twilio always, the others once they have a key; with a `vault` they answer calls in
    each number's own words. Raises CanaryError on shared keys that cannot be read."""
    base = f"{settings.public_url.rstrip('/')}/hooks/twilio"
    token, account = settings.twilio_auth_token.get_secret_value(), settings.twilio_account_sid
    api = (account, token, settings.twilio_api_url)
    log, archive = (TwilioLog(*api), TwilioArchive(*api)) if account and token else (None, None)
    found: list[Provider] = [
        TwilioProvider(
            token,
            base,
            script=Script(base, settings.transcriber == "provider"),
            shared_keys=_shared_keys(settings),
            log=log,
            archive=archive,
            desk=_desk(settings, vault) if vault else None,
        ),
    ]
    if key := settings.smsgate_key.get_secret_value():
        login = settings.smsgate_login.get_secret_value()
        found.append(SmsGateProvider(key, settings.sims, settings.smsgate_api_url, login))
    secret, basic = (s.get_secret_value() for s in (settings.smsforwarder_secret, settings.smsforwarder_basic))
    if secret or basic:
        found.append(SmsForwarderProvider(secret, basic, settings.sims, phones=settings.smsforwarder_phones))
    if basic := settings.kannel_basic.get_secret_value():
        found.append(KannelProvider(basic))
    return {provider.name: provider for provider in found}


def _desk(settings: Settings, vault: Vault) -> Desk:
    limits = Limits(settings.voice_calls_per_caller, settings.voice_calls_per_day)
    return Desk(vault.fingerprint, limits, Greeting(language=settings.voice_language))


def phone_limits(settings: Settings) -> PhoneLimits:
    """When a phone is unwell."""
    quiet, back = timedelta(hours=settings.phone_quiet_hours), timedelta(days=settings.quiet_days)
    return PhoneLimits(settings.phone_battery_percent, quiet, back, settings.sims)


def transcriber(settings: Settings) -> Transcriber | None:
    """What turns recordings into words here, None if nothing does. Raises CanaryError on one that is half set up."""
    if settings.transcriber == "local":
        return Command(settings.transcriber_command)
    if settings.transcriber != "sherpa-onnx":
        return None
    if not settings.transcriber_model:
        raise CanaryError("transcriber_model is not set", "the folder with the model's files, which you supply")
    folder = settings.folder / settings.transcriber_model
    found = SherpaOnnx(folder, settings.transcriber_model_kind, settings.voice_language)
    found.files()
    return found


def media_terms(settings: Settings) -> Terms:
    """On what terms pictures and recordings are downloaded."""
    return Terms(settings.media_max_mb << 20, settings.media_delete)


def shop(settings: Settings) -> TwilioNumbers | None:
    """Where numbers are rented, None without an account."""
    token, sid = settings.twilio_auth_token.get_secret_value(), settings.twilio_account_sid
    return TwilioNumbers(sid, token, settings.twilio_api_url) if sid and token else None


def account(settings: Settings) -> Account | None:
    """The account whose numbers point at us, None without one or without a public address."""
    rents = shop(settings)
    if rents is None or not settings.public_url:
        return None
    wanted = hooks(settings.public_url, settings.twilio_voice_fallback_url)
    return Account(rents, wanted, timedelta(days=settings.quarantine_days))


def _shared_keys(settings: Settings) -> dict[str, str]:
    given = settings.twilio_shared_keys.get_secret_value()
    pairs = [pair.strip().partition("=") for pair in given.split(",") if pair.strip()]
    if not all(name and secret for name, _, secret in pairs):
        raise CanaryError("twilio_shared_keys: not ID=SECRET, separated by commas", "see the Twilio console")
    return {name: secret for name, _, secret in pairs}
