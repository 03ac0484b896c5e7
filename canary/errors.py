"""The one base of every error we raise: a message, and a hint naming the way out."""


class CanaryError(Exception):
    """Wrong use or wrong input; doors print `message` and `hint` in one line and exit with `exit_code`."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class SealedError(CanaryError):
    """A sealed field of the registry cannot be opened: never the fault of a file that is looked at meanwhile."""


class OutsideError(CanaryError):
    """The outside world failed: disk, database, network, provider."""

    exit_code = 3
