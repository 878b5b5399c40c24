"""How a Qdrant server words its refusals."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - an answer
    """An answer other than success: a status with an error text, as JSON or as plain text."""

    def __init__(self, status: int, text: str, *, plain: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.plain = plain


def bad_input(text: str) -> Refused:
    """Return the refusal of a request that is well formed but wrong."""
    return Refused(400, f"Wrong input: {text}")


def bad_json(text: str) -> Refused:
    """Return the refusal of a body that is not in the form of the interface."""
    return Refused(400, f"Format error in JSON body: {text}")


def bad_request(text: str) -> Refused:
    """Return the refusal of strict mode."""
    return Refused(400, f"Bad request: {text}")


def no_collection(name: str) -> Refused:
    """Return the refusal of a request to a collection that is not there."""
    return Refused(404, f"Not found: Collection `{name}` doesn't exist!")
