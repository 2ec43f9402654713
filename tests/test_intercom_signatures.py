"""Only Intercom gets in: the signature of a webhook's raw bytes, before anything of them is read."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from engine import Notification, Skipped
from engine.errors import Forged, Unreadable
from engine.intercom import webhook
from tests.support import read, runner

SECRET = "test_client_secret"
BODY = b'{"type":"notification_event","topic":"ping"}'
DIGEST = "59dc376710f2bb3f57a9fdb4921361641556cfb1"
RIGHT = f"sha1={DIGEST}"
NAME = "X-Hub-Signature"


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {NAME: "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}


def compact(payload: Any) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


ACCEPTED: dict[str, Any] = {
    "as Intercom writes it": {NAME: RIGHT},
    "in lower case": {"x-hub-signature": RIGHT},
    "in upper case": {"X-HUB-SIGNATURE": RIGHT},
    "as pairs": [("Host", "here"), (NAME, RIGHT)],
    "as bytes": [(b"x-hub-signature", RIGHT.encode())],
    "beside that of another product": {"X-Fin-Agent-API-Webhook-Signature": "sha1=00", NAME: RIGHT},
}

FORGED: dict[str, Any] = {
    "no headers": {},
    "another header": {"X-Hub-Signature-256": RIGHT},
    "empty": {NAME: ""},
    "the digest alone": {NAME: DIGEST},
    "the name of the digest alone": {NAME: "sha1="},
    "short by one": {NAME: RIGHT[:-1]},
    "long by one": {NAME: RIGHT + "0"},
    "one digit is another": {NAME: RIGHT[:-1] + "0"},
    "the first digit is another": {NAME: "sha1=4" + DIGEST[1:]},
    "upper case digits": {NAME: "sha1=" + DIGEST.upper()},
    "upper case name": {NAME: "SHA1=" + DIGEST},
    "another algorithm's name": {NAME: f"sha256={DIGEST}"},
    "another algorithm": {NAME: "sha256=" + hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()},
    "no key": {NAME: "sha1=" + hashlib.sha1(BODY).hexdigest()},
    "an empty key": {NAME: "sha1=" + hmac.new(b"", BODY, hashlib.sha1).hexdigest()},
    "another secret": signed(BODY, "another_client_secret"),
    "another body": signed(BODY + b" "),
    "a space before": {NAME: f" {RIGHT}"},
    "a line break after": {NAME: f"{RIGHT}\n"},
    "a null after": {NAME: f"{RIGHT}\0"},
    "digits of another script": {NAME: "sha1=" + DIGEST.replace("5", "\u0665")},
    "letters that look alike": {NAME: "sha1=" + DIGEST.replace("a", "\u0430")},
    "half a surrogate": {NAME: "sha1=\ud800" + DIGEST[1:]},
    "a name that looks alike": {"X-Hub-\u017fignature": RIGHT},
    "twice the same": [(NAME, RIGHT), (NAME, RIGHT)],
    "twice, one right": [(NAME, "sha1=" + "0" * 40), ("x-hub-signature", RIGHT)],
    "two in one": {NAME: f"{RIGHT}, {RIGHT}"},
    "quoted": {NAME: f'"{RIGHT}"'},
    "base64": {NAME: "sha1=WdxzdxDyuz9XqKnbSSE2FkFVbPsx"},
    "very long": {NAME: "sha1=" + "5" * 1_000_000},
}


@pytest.mark.parametrize("headers", ACCEPTED.values(), ids=ACCEPTED)
def test_a_right_signature_lets_in(headers: Any) -> None:
    assert webhook.read(headers, BODY, [SECRET]) == Skipped("ping", "Intercom tests the connection")


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
def test_any_other_signature_does_not(headers: Any) -> None:
    with pytest.raises(Forged) as caught:
        webhook.read(headers, BODY, [SECRET])
    assert str(caught.value) == "the signature does not match"
    assert caught.value.__cause__ is None


def test_there_are_at_least_twenty_ways_to_be_wrong() -> None:
    assert len(FORGED) >= 20


def test_the_bytes_are_signed_and_not_their_meaning() -> None:
    body = compact(read("conversation.user.created"))
    assert len(body) == 2553
    headers = {NAME: "sha1=e14432f326ff5a738bd02812e070bf4a9e3073c5"}
    notification = webhook.read(headers, body, [SECRET])
    assert isinstance(notification, Notification)
    assert notification == webhook.read_body(body)
    with pytest.raises(Forged):
        webhook.read(headers, json.dumps(json.loads(body)).encode(), [SECRET])


def test_nothing_is_parsed_before_it_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[Any] = []
    monkeypatch.setattr(webhook, "read_body", parsed.append)
    with pytest.raises(Forged):
        webhook.read({NAME: "sha1=" + "0" * 40}, b"[" * 100_000, [SECRET])
    assert parsed == []


def test_a_signed_body_that_is_no_json_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        webhook.read(signed(b"{"), b"{", [SECRET])


@pytest.mark.parametrize("secrets", [["new", SECRET], [SECRET, "old"], (SECRET,), {"a", SECRET, "b"}])
def test_while_a_secret_changes_both_let_in(secrets: Any) -> None:
    assert isinstance(webhook.read(signed(BODY), BODY, secrets), Skipped)


def test_each_secret_is_compared_whichever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[Any, Any]] = []

    def compare(*given: Any) -> bool:
        compared.append(given)
        return given[0] == given[1]

    monkeypatch.setattr(hmac, "compare_digest", compare)
    webhook.read(signed(BODY), BODY, [SECRET, "b", "c"])
    assert len(compared) == 3
    assert {type(side) for pair in compared for side in pair} == {bytes}


@pytest.mark.parametrize("secrets", [[], (), [""], [SECRET, ""], SECRET, b"secret"])
def test_without_a_secret_nobody_is_let_in_by_mistake(secrets: Any) -> None:
    with pytest.raises(ValueError, match="secrets"):
        webhook.read(signed(BODY, ""), BODY, secrets)


def test_a_ping_is_skipped_here_as_it_is_by_the_machine() -> None:
    body = compact(read("ping"))
    assert [webhook.read(signed(body), body, [SECRET])] == runner().translate(body)
