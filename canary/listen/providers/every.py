"""Every provider there is, and who vouches for what comes from each."""

from canary.listen.providers.base import Provider
from canary.listen.providers.kannel import KannelProvider
from canary.listen.providers.smsforwarder import SmsForwarderProvider
from canary.listen.providers.smsgate import SmsGateProvider
from canary.listen.providers.twilio import TwilioProvider

EVERY: tuple[type[Provider], ...] = (TwilioProvider, SmsGateProvider, SmsForwarderProvider, KannelProvider)


def attested(provider: str) -> str:
    """Who vouches for what comes from a provider; a sighting is vouched for by whoever entered it."""
    return {each.name: each.attested.value for each in EVERY}.get(provider, "entered by hand")
