"""What of a person is shown."""

import pytest

from edge.domain.mask import mask_name, mask_phone, order_tail


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张三丰", "张**"),
        ("张三", "张*"),
        ("张", "张*"),
        ("欧阳修", "欧阳*"),
        ("欧阳", "欧*"),
        ("Ada Lovelace", "A** L**"),
        ("古丽努尔·阿卜杜拉", "古**"),
        (" Ada ", "A**"),
        ("", ""),
    ],
)
def test_a_name_shows_its_family_alone(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13800138000", "138****8000"),
        ("+86 138-0013-8000", "138****8000"),
        ("057187654321", "571****4321"),
        ("8765432", "****5432"),
        ("12345", "****"),
        ("", "****"),
    ],
)
def test_a_phone_shows_its_tail(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


def test_an_order_tail_is_its_last_four_characters_without_hyphens() -> None:
    assert order_tail("20261121-000123") == "0123"
    assert order_tail("A-12") == "A12"
