"""Signatures of webhooks, with the vector that the specification's libraries are tested with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from etlplus.domain.webhook import Delivery, is_signed, key_of, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TIME = 1614265330
PUBLISHED = Delivery(
    id="msg_p5jXN8AQM9LWM0D4loKWxJek",
    timestamp=str(TIME),
    signatures="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    body=b'{"test": 2432232314}',
)
KEY = key_of(SECRET)


def test_the_published_vector_is_signed() -> None:
    made = sign(KEY, PUBLISHED.id, PUBLISHED.timestamp, PUBLISHED.body)
    assert made == PUBLISHED.signatures
    assert is_signed(PUBLISHED, [KEY], TIME)
    assert is_signed(PUBLISHED, [bytes(24), KEY], TIME)
    assert key_of(SECRET.removeprefix("whsec_") + "\n") == KEY


@pytest.mark.parametrize(
    "changed",
    [
        replace(PUBLISHED, id="msg_other"),
        replace(PUBLISHED, id=""),
        replace(PUBLISHED, id="a b"),
        replace(PUBLISHED, timestamp=str(TIME + 1)),
        replace(PUBLISHED, timestamp="+" + PUBLISHED.timestamp),
        replace(PUBLISHED, timestamp=""),
        replace(PUBLISHED, timestamp="9" * 400),
        replace(PUBLISHED, body=PUBLISHED.body + b" "),
        replace(PUBLISHED, signatures=""),
        replace(PUBLISHED, signatures=PUBLISHED.signatures[3:]),
        replace(PUBLISHED, signatures=PUBLISHED.signatures.replace("v1,", "v2,")),
        replace(PUBLISHED, signatures=PUBLISHED.signatures + "="),
        replace(PUBLISHED, signatures="v1,ü"),
        replace(PUBLISHED, signatures="v1, " * 20 + PUBLISHED.signatures),
    ],
)
def test_anything_else_is_not(changed: Delivery) -> None:
    assert not is_signed(changed, [KEY], TIME)


def test_it_holds_for_five_minutes_and_for_its_key() -> None:
    assert is_signed(PUBLISHED, [KEY], TIME + 300)
    assert is_signed(PUBLISHED, [KEY], TIME - 300)
    assert not is_signed(PUBLISHED, [KEY], TIME + 301)
    assert not is_signed(PUBLISHED, [KEY], TIME - 301)
    assert not is_signed(PUBLISHED, [], TIME)
    assert not is_signed(PUBLISHED, [bytes(24)], TIME)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", "not base64!", "hunter2"])
def test_a_weak_or_broken_secret_is_no_key(secret: str) -> None:
    with pytest.raises(ValueError, match="it"):
        key_of(secret)


def test_nothing_of_it_is_shown() -> None:
    assert PUBLISHED.signatures not in repr(PUBLISHED)
    assert "2432232314" not in repr(PUBLISHED)
