"""Pages of lists."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etlplus.app.paging import PageTokens, page_size
from etlplus.domain.errors import InvalidInput
from etlplus.store.memory.stores import MemoryStores

ARGUMENTS = {"list": "pipelines", "workspace": "default"}


@pytest.mark.parametrize(("asked", "size"), [(0, 50), (1, 1), (1000, 1000), (5000, 1000)])
def test_sizes_are_bounded(asked: int, size: int) -> None:
    assert page_size(asked) == size


def test_negative_sizes_are_refused() -> None:
    with pytest.raises(InvalidInput):
        page_size(-1)


async def test_a_token_gives_the_key_back_to_every_replica() -> None:
    stores = MemoryStores()
    token = await PageTokens(stores.keys).write(ARGUMENTS, ["a", "bücher"])
    assert await PageTokens(stores.keys).read(ARGUMENTS, token) == ["a", "bücher"]


async def test_other_arguments_are_refused() -> None:
    tokens = PageTokens(MemoryStores().keys)
    token = await tokens.write(ARGUMENTS, ["a"])
    with pytest.raises(InvalidInput, match="other arguments"):
        await tokens.read({**ARGUMENTS, "workspace": "other"}, token)


async def test_tokens_of_other_services_are_refused() -> None:
    token = await PageTokens(MemoryStores().keys).write(ARGUMENTS, ["a"])
    with pytest.raises(InvalidInput) as caught:
        await PageTokens(MemoryStores().keys).read(ARGUMENTS, token)
    assert caught.value.code == "PAGE_TOKEN_INVALID"


@given(place=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
async def test_a_changed_token_is_refused(place: int, bit: int) -> None:
    tokens = PageTokens(MemoryStores().keys)
    token = await tokens.write(ARGUMENTS, ["a"])
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[place % len(raw)] ^= 1 << bit
    with pytest.raises(InvalidInput):
        await tokens.read(ARGUMENTS, base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


@given(token=st.text(min_size=1, max_size=100))
async def test_nonsense_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput):
        await PageTokens(MemoryStores().keys).read(ARGUMENTS, token)
