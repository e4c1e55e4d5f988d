"""Whom and what the demo's headquarters knows: one store, its people, its goods."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody at the store. `badge` is printed as `SB:` + badge."""

    staff_id: str
    name: str
    role: str
    pin: str
    badge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """Something sold."""

    sku: str
    gtin: str
    name_zh: str
    name_en: str
    storage: str


def _badge(symbols: str) -> str:
    from sync.rules.crockford import check_character

    return symbols + check_character(symbols)


CASHIER = Person(
    staff_id="c01", name="李敏", role="cashier", pin="4711", badge=_badge("DEM0CASHER1")
)
MANAGER = Person(
    staff_id="m01", name="王芳", role="manager", pin="830274", badge=_badge("DEM0MANAGER")
)
PEOPLE = (CASHIER, MANAGER)

ARTICLES = (
    Article(
        sku="MILK",
        gtin="6901234567892",
        name_zh="鲜牛奶 950ml",
        name_en="Fresh milk 950 ml",
        storage="chilled",
    ),
    Article(
        sku="COFFEE",
        gtin="6901234567908",
        name_zh="云南咖啡豆 250g",
        name_en="Yunnan coffee beans 250 g",
        storage="ambient",
    ),
    Article(
        sku="BREAD",
        gtin="6901234567915",
        name_zh="全麦面包",
        name_en="Wholemeal bread",
        storage="ambient",
    ),
    Article(
        sku="ICE",
        gtin="6901234567922",
        name_zh="香草冰淇淋",
        name_en="Vanilla ice cream",
        storage="frozen",
    ),
)

MARKER = Article(
    sku="BAG",
    gtin="6901234567939",
    name_zh="购物袋",
    name_en="Carrier bag",
    storage="ambient",
)
"""Ordered by the demo itself alone, to see how far the node has heard."""
