"""What of a person may be shown, printed and said aloud."""

import unicodedata

_TWO_CHARACTER_SURNAMES = frozenset(
    [
        "欧阳",
        "太史",
        "端木",
        "上官",
        "司马",
        "东方",
        "独孤",
        "南宫",
        "万俟",
        "闻人",
        "夏侯",
        "诸葛",
        "尉迟",
        "公羊",
        "赫连",
        "澹台",
        "皇甫",
        "宗政",
        "濮阳",
        "公冶",
        "太叔",
        "申屠",
        "公孙",
        "慕容",
        "仲孙",
        "钟离",
        "长孙",
        "宇文",
        "司徒",
        "鲜于",
        "司空",
        "令狐",
    ]
)


def mask_name(name: str) -> str:
    """The family name, or the first letter of each Western word; the rest is stars.

    >>> mask_name("张三丰")
    '张**'
    >>> mask_name("欧阳修")
    '欧阳*'
    >>> mask_name("Ada Lovelace")
    'A** L**'
    """
    words = unicodedata.normalize("NFC", name).split()
    if len(words) == 1 and _is_han(words[0][0]):
        whole = words[0]
        shown = 2 if whole[:2] in _TWO_CHARACTER_SURNAMES and len(whole) > 2 else 1
        return whole[:shown] + "*" * max(1, min(2, len(whole) - shown))
    return " ".join(word[0] + "**" for word in words[:3])


def mask_phone(phone: str) -> str:
    """The last 4 digits, and the first 3 of a number of 11 or more.

    >>> mask_phone("138 0013 8000")
    '138****8000'
    """
    digits = "".join(char for char in unicodedata.normalize("NFKC", phone) if char in "0123456789")
    if len(digits) < 7:
        return "****"
    head = digits[-11:-8] if len(digits) >= 11 else ""
    return f"{head}****{digits[-4:]}"


def order_tail(order_no: str) -> str:
    """The last 4 characters of an order number, as spoken at the counter.

    >>> order_tail("20261121-000123")
    '0123'
    """
    return "".join(char for char in order_no if char.isalnum())[-4:]


def _is_han(char: str) -> bool:
    return "CJK" in unicodedata.name(char, "")
