"""One session with O*NET Web Services: polite, patient, discreet. What is asked is `web_services`'s business."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from occupations.web_answers import (
    BadAnswerError,
    NoDataError,
    NotConfiguredError,
    PassingError,
    RateLimitedError,
    RefusedError,
    RevokedKeyError,
    UnavailableError,
    WebServicesError,
    WrongKeyError,
    error_text,
    json_of,
    wait_seconds,
)

BASE_URLS = {"2.0": "https://api-v2.onetcenter.org/", "1.9": "https://services.onetcenter.org/ws/"}
LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
SHOWN_CHARS = 200
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")

T = TypeVar("T")


class WebSession:
    """Asks one thing at a time, none too soon after the last, and each a few times where it fails in passing.

    tenacity does the retries: urllib3's own, inside `requests`, know nothing of a body that is cut or wrong, wait
    by a clock and a sleep of their own, and pass the rate limit by.

    Args:
        base_url: Where the service is; empty for O*NET's own address.
        key: For generation 2.0; without one, `username` and `password` for 1.9.
        requests_per_second: At most; O*NET suspends who asks more than 5.
        connect_seconds: How long to wait for a connection.
        read_seconds: How long the service may be silent.
        answer_seconds: How long one answer may take in all.
        tries: How often one thing is asked in all.
        longest_wait_seconds: Between two tries; a service that asks for more is not asked again.
        clock: Seconds that never run backwards.
        sleep: Waits for some seconds.

    Raises:
        NotConfiguredError: There is no key, or the address is not one to send it to.
    """

    def __init__(
        self,
        base_url: str = "",
        *,
        key: str | None = None,
        username: str | None = None,
        password: str | None = None,
        requests_per_second: float = 4,
        connect_seconds: float = 10,
        read_seconds: float = 30,
        answer_seconds: float = 120,
        tries: int = 5,
        longest_wait_seconds: float = 60,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not key and not (username and password):
            raise NotConfiguredError(
                "O*NET Web Services need a key: set ONET_API_KEY, or ONET_USERNAME and ONET_PASSWORD for version 1.9."
            )
        if requests_per_second <= 0:
            raise NotConfiguredError("ONET_REQUESTS_PER_SECOND must be more than 0.")
        secrets = [key] if key else [username or "", password or ""]
        if not all(secret.isprintable() and (secret.isascii() or not key) for secret in secrets):
            raise NotConfiguredError("The key or password for O*NET Web Services holds characters that none can have.")
        self.generation = "2.0" if key else "1.9"
        self.base_url = _checked_base(base_url or BASE_URLS[self.generation])
        self._secret = secrets[-1]
        self._interval = 1 / requests_per_second
        self._timeout = (connect_seconds, read_seconds)
        self._answer_seconds = answer_seconds
        self._longest_wait = longest_wait_seconds
        self._clock, self._sleep = clock, sleep
        self._free_at = clock()
        self._accepted = False
        self._one_at_a_time = threading.Lock()
        self._back_off = wait_exponential(multiplier=0.5, max=longest_wait_seconds) + wait_random(0, 0.5)
        self._retrying = Retrying(
            retry=retry_if_exception(self._may_pass),
            stop=stop_after_attempt(tries),
            wait=self._pause,
            sleep=sleep,
            reraise=True,
        )
        self._session = requests.Session()
        self._session.headers.update({"Accept": "application/json", "User-Agent": "SkillSprout"})
        # Given as authentication, it keeps requests from looking into ~/.netrc.
        self._session.auth = _KeyHeader(key) if key else HTTPBasicAuth(*(secret.encode() for secret in secrets))

    def __repr__(self) -> str:
        return f"<WebSession {self.generation} at {self.base_url}>"

    def close(self) -> None:
        self._session.close()

    def get(
        self,
        path: str,
        parameters: Mapping[str, Any],
        read: Callable[[Any, str], T],
        link: str | None = None,
    ) -> T:
        """Return what `read` makes of the answer; a passing failure of the service or of `read` is tried again.

        The service's own link is followed where it leads to the service itself; no other host gets the key.
        """
        query = f"?{urlencode(parameters)}" if parameters else ""
        url = link if link and self._is_ours(link) else f"{self.base_url}{path}{query}"
        return self._retrying(self._once, url, f"{path}{query}"[:SHOWN_CHARS], read)

    def _once(self, url: str, what: str, read: Callable[[Any, str], T]) -> T:
        with self._one_at_a_time:
            self._keep_distance()
            status, headers, body = self._fetch(url, what)
        if status == requests.codes.ok:
            answer = read(json_of(body, what), what)
            self._accepted = True
            return answer
        raise self._failure(status, headers, body, what)

    def _fetch(self, url: str, what: str) -> tuple[int, Mapping[str, str], bytes]:
        host = urlsplit(self.base_url).hostname
        # The errors of requests carry the request and its headers, the key among them: they go no further.
        try:
            answer = self._session.get(url, timeout=self._timeout, allow_redirects=False, stream=True)
        except requests.Timeout:
            raise UnavailableError(f"{host} did not answer in time.") from None
        except requests.exceptions.SSLError:
            raise WebServicesError(f"{host} could not prove that it is {host} (TLS).") from None
        except requests.RequestException:
            raise UnavailableError(f"{host} cannot be reached (is there a network?).") from None
        with answer:
            try:
                return answer.status_code, answer.headers, self._body(answer, what)
            except requests.RequestException:
                raise UnavailableError(f"{host} broke off in the middle of {what}.") from None

    def _body(self, answer: requests.Response, what: str) -> bytes:
        latest = self._clock() + self._answer_seconds
        body = bytearray()
        for chunk in answer.iter_content(CHUNK_BYTES):
            body += chunk
            if len(body) > LARGEST_ANSWER_BYTES:
                raise BadAnswerError(f"O*NET Web Services answered {what} with far too many bytes.")
            if self._clock() > latest:
                raise UnavailableError(f"O*NET Web Services took too long over {what}.")
        return bytes(body)

    def _failure(self, status: int, headers: Mapping[str, str], body: bytes, what: str) -> WebServicesError:
        if status in (401, 403):
            whose = "key" if self.generation == "2.0" else "user name and password"
            if self._accepted:
                return RevokedKeyError(f"O*NET Web Services took the {whose} before and refuse it now ({status}).")
            return WrongKeyError(f"O*NET Web Services refuse the {whose} ({status}).")
        if status == requests.codes.too_many_requests:
            asked = wait_seconds(headers)
            wait = f" and a wait of {asked:,.0f} seconds" if asked else ""
            return RateLimitedError(f"O*NET Web Services ask for fewer requests{wait}, at {what}.", asked)
        if status >= requests.codes.internal_server_error:
            return UnavailableError(f"O*NET Web Services failed at {what} ({status}).", wait_seconds(headers))
        if status == requests.codes.not_found:
            return NoDataError(f"O*NET Web Services have nothing at {what}.")
        said = error_text(body).replace(self._secret, "…")
        return RefusedError(f"O*NET Web Services refuse {what} ({status}{': ' if said else ''}{said}).")

    def _keep_distance(self) -> None:
        wait = min(self._free_at - self._clock(), self._interval)
        if wait > 0:
            self._sleep(wait)
        self._free_at = self._clock() + self._interval

    def _may_pass(self, error: BaseException) -> bool:
        return isinstance(error, PassingError) and (error.wait_seconds or 0) <= self._longest_wait

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_seconds if isinstance(error, PassingError) else None
        return max(self._back_off(state), asked or 0)

    def _is_ours(self, link: str) -> bool:
        try:
            ours, other = urlsplit(self.base_url), urlsplit(link)
            same = (ours.scheme, ours.hostname, ours.port) == (other.scheme, other.hostname, other.port)
        except ValueError:
            return False
        return same and "@" not in other.netloc and other.path.startswith(ours.path)


class _KeyHeader(AuthBase):
    """Puts the key where 2.0 wants it, and shows it to nobody."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-API-Key"] = self._key
        return request


def _checked_base(url: str) -> str:
    try:
        parts = urlsplit(url)
        if not parts.hostname or parts.port == 0:
            raise ValueError
    except ValueError:
        raise NotConfiguredError("ONET_BASE_URL is not an address such as https://api-v2.onetcenter.org/.") from None
    if parts.username or parts.password or parts.query:
        raise NotConfiguredError("ONET_BASE_URL holds a user name, password or key; leave them out.")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS):
        raise NotConfiguredError(f"ONET_BASE_URL is {url}, but a key is sent over https only.")
    return url.rstrip("/") + "/"
