"""Text messages, through Twilio. It knows no idempotency key: whoever repeats looks first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from services.notifications.gateways.answers import NotTaken, Taken
from services.notifications.rules import NotSent
from services.notifications.words import Clinic, Words, as_text
from shared.errors import KeyRefused, Poison, Retry

T = TypeVar("T")

TIME_LIMIT_S = 4.0
"""To connect, and again to be answered. A look-up and a sending end within the worker's 20 s: a
thread that outlived them could send behind the back of the look-up that comes next."""

AT_ONCE = 16  # as many as the workers start
LOOK_BACK = 50  # texts to one number, newest first
CLOCKS_DIFFER = timedelta(minutes=1)  # ours and the provider's; its stamps have whole seconds

# twilio.com/docs/api/errors
REFUSED = {
    21610: NotSent.OPTED_OUT,  # the patient texted STOP
    21211: NotSent.NUMBER_INVALID,
    21614: NotSent.NUMBER_INVALID,  # no mobile number
    21408: NotSent.NUMBER_UNREACHABLE,  # a country that the account does not text
    21612: NotSent.NUMBER_UNREACHABLE,  # no route from our number to this one
}
OURS = frozenset({21212, 21606})  # the sender's number: heals when the configuration does
TOO_MANY = frozenset({20429, 21611})  # requests per second, texts in the sender's queue
BAD_REQUEST, TOO_MANY_REQUESTS = 400, 429
KEY_REFUSED = frozenset({401, 403})


class Texts(Protocol):
    async def send(self, message_id: UUID, to: str, words: Words) -> Taken | NotTaken: ...

    async def find(
        self, message_id: UUID, to: str, words: Words, *, since: datetime
    ) -> Taken | None:
        """Look for the message among the newest texts to this number, since it was first tried."""
        ...


class TwilioTexts:
    """`Texts` through the official client, off the event loop.

    Its synchronous side, because the asynchronous one leaves its own time limit aside, needs a
    running loop to be built and an await to be closed.
    """

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        sender: str,
        clinic: Clinic,
        api_base: str | None = None,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        http = TwilioHttpClient(timeout=time_limit_s)
        self._session: requests.Session = http.session
        self._session.trust_env = False  # no proxy and no .netrc of the machine
        self._client = Client(account_sid, auth_token, http_client=http)
        if api_base is not None:
            self._client.api.base_url = api_base
        self._sender = sender
        self._clinic = clinic
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="texts")

    async def send(self, message_id: UUID, to: str, words: Words) -> Taken | NotTaken:
        body = as_text(words, self._clinic, message_id)
        try:
            message = await self._call(
                lambda: self._client.messages.create(to=to, from_=self._sender, body=body)
            )
        except (TwilioRestException, TwilioServiceException) as error:
            return NotTaken(refusal_of(error))
        return Taken(str(message.sid))

    async def find(
        self, message_id: UUID, to: str, words: Words, *, since: datetime
    ) -> Taken | None:
        body = as_text(words, self._clinic, message_id)
        try:
            recent = await self._call(
                lambda: self._client.messages.list(to=to, from_=self._sender, limit=LOOK_BACK)
            )
        except TwilioException as error:  # a list that is refused says no code
            if getattr(error, "status", None) in KEY_REFUSED:
                raise key_refused("sms_lookup_refused") from None
            raise Retry("sms_lookup_refused") from None
        for message in recent:
            made = message.date_created
            if made is not None and made < since - CLOCKS_DIFFER:
                break
            if message.body == body:
                return Taken(str(message.sid))
        return None

    async def aclose(self) -> None:
        """Let calls under way end, and close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._session.close()

    async def _call(self, call: Callable[[], T]) -> T:
        """Run a call of the client in a thread. What Twilio itself answers passes through."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except requests.RequestException:
            raise Retry("sms_unreachable") from None
        except (ValueError, KeyError):
            raise Retry("sms_not_understood") from None


def key_refused(code: str) -> KeyRefused:
    return KeyRefused(code, vendor="The vendor of texts", setting="NOTIFICATIONS_SMS_AUTH_TOKEN")


def refusal_of(error: TwilioRestException | TwilioServiceException) -> NotSent:
    """What a refusal means for this message; raises what it means for the work."""
    code = error.code or 0
    if code in REFUSED:
        return REFUSED[code]
    if error.status in KEY_REFUSED:
        raise key_refused(f"sms_{code}") from None
    passes = code in OURS | TOO_MANY or error.status == TOO_MANY_REQUESTS
    if passes or error.status != BAD_REQUEST:
        raise Retry(f"sms_{code}") from None
    raise Poison(f"sms_{code}") from None
