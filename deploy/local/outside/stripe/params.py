"""Form parameters as Stripe nests them: `metadata[attempt_id]`, `expand[0]`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from deploy.local.outside.stripe.errors import invalid, missing

_PART = re.compile(r"\[([^\[\]]*)\]")
_MOST_METADATA = 50
_LONGEST_METADATA_KEY = 40
_LONGEST_METADATA_VALUE = 500


def nested(encoded: str) -> dict[str, Any]:
    """A form or query string as nested dicts; lists are dicts with their indices as keys."""
    top: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        first = name.split("[", 1)[0]
        path = [first, *_PART.findall(name)]
        at = top
        for part in path[:-1]:
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                raise invalid(f"Invalid object: {first}", param=first)
        key = path[-1] or str(len(at))
        at[key] = value
    return top


class Params:
    """One call's parameters, each to be taken once; what nobody takes is unknown to Stripe."""

    def __init__(self, values: dict[str, Any], prefix: str = "") -> None:
        self._values = dict(values)
        self._prefix = prefix

    def _name(self, name: str) -> str:
        return f"{self._prefix}[{name}]" if self._prefix else name

    def has(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, *, longest: int = 5000) -> str | None:
        value = self._values.pop(name, None)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {self._name(name)}", param=self._name(name))
        if len(value) > longest:
            raise invalid(
                f"Invalid string: {self._name(name)} must be at most {longest} characters",
                param=self._name(name),
            )
        return value

    def needed(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise missing(self._name(name))
        return value

    def web_address(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and not re.match(r"https?://[^\s/]", value):
            raise invalid("Not a valid URL", param=self._name(name), code="url_invalid")
        return value

    def choice(self, name: str, *choices: str) -> str | None:
        value = self.text(name)
        if value is not None and value not in choices:
            allowed = ", ".join(choices)
            raise invalid(
                f"Invalid {self._name(name)}: must be one of {allowed}", param=self._name(name)
            )
        return value

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,15}", value):
            raise invalid(
                f"Invalid integer: {value}",
                param=self._name(name),
                code="parameter_invalid_integer",
            )
        return int(value)

    def flag(self, name: str) -> bool:
        value = self.text(name)
        if value not in {None, "true", "false"}:
            raise invalid(f"Invalid boolean: {value}", param=self._name(name))
        return value == "true"

    def joined(self, **more: str | None) -> Params:
        """The same call with more said, where it is known."""
        known = {name: value for name, value in more.items() if value is not None}
        return Params(self._values | known, self._prefix)

    def group(self, name: str) -> Params | None:
        value = self._values.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise invalid(f"Invalid object: {self._name(name)}", param=self._name(name))
        return Params(value, self._name(name))

    def groups(self, name: str) -> list[Params]:
        """A list of objects: `line_items[0][quantity]`."""
        value = self._values.pop(name, {})
        if not isinstance(value, dict) or not all(isinstance(v, dict) for v in value.values()):
            raise invalid(f"Invalid array: {self._name(name)}", param=self._name(name))
        return [Params(item, f"{self._name(name)}[{at}]") for at, item in value.items()]

    def values(self, name: str) -> list[str]:
        value = self._values.pop(name, {})
        if not isinstance(value, dict):
            raise invalid(f"Invalid array: {self._name(name)}", param=self._name(name))
        return [str(item) for item in value.values()]

    def metadata(self) -> dict[str, str]:
        value = self._values.pop("metadata", {})
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise invalid("Invalid object: metadata", param="metadata")
        if len(value) > _MOST_METADATA:
            raise invalid("Metadata can have at most 50 keys.", param="metadata")
        for key, text in value.items():
            if len(key) > _LONGEST_METADATA_KEY or len(str(text)) > _LONGEST_METADATA_VALUE:
                raise invalid(
                    "Metadata keys have at most 40 characters and values at most 500.",
                    param=f"metadata[{key}]",
                )
        return {key: str(text) for key, text in value.items() if text != ""}

    def ignore(self, *names: str) -> None:
        """Take what changes nothing here."""
        for name in names:
            self._values.pop(name, None)

    def done(self) -> None:
        """Refuse what nobody took."""
        for name in self._values:
            raise invalid(
                f"Received unknown parameter: {self._name(name)}",
                param=self._name(name),
                code="parameter_unknown",
            )
