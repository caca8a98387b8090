"""What a command is said to be about."""

from __future__ import annotations

import secrets
import uuid
from base64 import urlsafe_b64encode
from random import Random

import pytest

from chaos_middleware.seams.cache.commands import keys_of, name_of, shown, without_its_keys

COMMANDS = {
    "get user:1": "user:1",
    "MGET a b a": "a b",
    "MSET a 1 b 2": "a b",
    "SET a secret EX 5": "a",
    "EVALSHA sha 2 a b secret": "a b",
    "EVAL": "",
    "HSET h field secret": "h",
    "AUTH user password": "",
    "PING": "",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_keys_are_shown_and_nothing_else(command):
    """Neither values nor passwords nor scripts get into the ledger."""
    words = [int(word) if word == "2" else word for word in command.split()]
    assert shown(keys_of(name_of(words), words)) == COMMANDS[command]


def test_commands_of_two_words_have_no_key():
    """What redis-py sends as one name, such as CONFIG SET, is no command on a key."""
    assert keys_of("CONFIG SET", ("CONFIG SET", "requirepass", "secret")) == ()


@pytest.mark.parametrize("key", [b"a\tb\nc", "a\tb\nc", bytearray(b"a\tb\nc"), memoryview(b"a\tb\nc")])
def test_a_key_is_one_line_whatever_it_holds(key):
    """Tabs and line breaks would break the ledger's lines."""
    assert shown([key]) == r"a\tb\nc"


def test_any_bytes_can_be_a_key():
    """Also those that are no text, and numbers."""
    assert shown([b"\xff\x00"]).encode().isascii()
    assert shown(["\udc80"]).encode().isascii()
    assert shown([42, 1.5]) == "42 1.5"


def test_long_keys_are_cut_and_told_apart():
    """At most 120 characters, whatever was asked, and two long keys stay two."""
    one, other = shown(["k:" * 400 + "1"]), shown(["k:" * 400 + "2"])
    assert len(one) == len(other) <= 120
    assert one != other
    assert len(shown([b"k:" * 10**6])) <= 120
    assert len(shown(f"key:{n}" for n in range(1000))) <= 120


@pytest.mark.parametrize("make", [uuid.uuid4, lambda: uuid.uuid4().hex, lambda: secrets.token_hex(8)])
def test_random_ids_are_left_out(make):
    """They would differ from run to run, so that no run could be replayed; and many are secrets."""
    assert shown([f"session:{make()}:cart"]) == "session:<id>:cart"


@pytest.mark.parametrize(("size", "most"), [(16, 60), (32, 20)])
def test_nearly_every_random_token_is_left_out(size, most):
    """Of 22 and 43 characters in base 64, as Flask-Caching and Flask-Session have them; what stands before it stays."""
    random = Random(size)
    tokens = [urlsafe_b64encode(random.randbytes(size)).decode().rstrip("=") for _ in range(1000)]
    shows = [shown([f"my_session:{token}", f"other_{token}"]) for token in tokens]
    assert all(show.startswith("my_session:") and " other_" in show for show in shows)
    assert sum(len(show) > 40 for show in shows) < most


@pytest.mark.parametrize(
    "key", ["user:12345:profile", "flask_cache_view//api/v2/destinations", "OAuth2TokenCacheEntry:x"]
)
def test_words_and_small_numbers_stay(key):
    """What means something to whoever writes a rule."""
    assert shown([key]) == key


def test_a_reading_command_can_ask_for_what_is_not_there():
    """Its keys are others, which begin alike; its other arguments and other commands stay as they are."""
    assert without_its_keys("MGET", ("MGET", "a", b"b")) == ("MGET", "a:chaos-test-missing", b"b:chaos-test-missing")
    assert without_its_keys("HGET", ("HGET", "h", "f")) == ("HGET", "h:chaos-test-missing", "f")
    assert without_its_keys("SET", ("SET", "a", 1)) == ("SET", "a", 1)
