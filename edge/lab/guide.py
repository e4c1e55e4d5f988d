"""What to do by hand in a running demo: addresses, codes to scan, and things to break."""

import contextlib
from pathlib import Path

from edge.lab.children import command
from edge.lab.floor import CONSOLE_LOGIN, Floor
from edge.lab.hq_views import Order
from edge.lab.people import CASHIER, MANAGER


async def guide(floor: Floor) -> str:
    """Make a few orders and say everything that a visitor needs, Chinese beside English."""
    plain = await _made(floor, (("BREAD", 1), ("COFFEE", 1)))
    cold = await _made(floor, (("MILK", 2), ("ICE", 1)), bags=2, place="A3")
    courier = await _made(floor, (("COFFEE", 1),), courier=True)
    brief = await _made(floor, (("BREAD", 1),), hours=48)
    await _made(floor, (("MILK", 3), ("BREAD", 1)), ready=False, place="")
    await floor.heard()
    directory = floor.plan.directory
    own, hub = _typed("storeedge"), _typed("storeedge-hub")
    sim = f"{own} sim do --dir {directory}"
    lines = [
        "",
        "counter 1  取货台 1   " + _page(floor, "counter-1"),
        "counter 2  取货台 2   " + _page(floor, "counter-2"),
        "store page 门店页    " + _page(floor, "counter-1").replace("/counter?", "/store?"),
        *_further_stores(floor),
        f"headquarters 总部    {floor.hub_url}  (CA {directory}/tls/ca.pem)",
        f"console 总部控制台   {floor.hub_url}/console  {CONSOLE_LOGIN} · {floor.console_password}",
        f"API tokens 令牌      {directory}/access.json",
        f"operators 店员       {CASHIER.staff_id} PIN {CASHIER.pin} · "
        f"{MANAGER.staff_id} PIN {MANAGER.pin}",
        "",
        "codes 取货码",
        f"  {plain.v1}   one ambient bag: handed over at the scan   一袋常温,扫码即交付",
        f"  {cold.v1}   two cold bags: fetch, then press   两袋冷藏,点“已交付”",
        f"  {courier.codes.serial} + PIN {courier.codes.pin}   a courier   骑手",
        f"  {brief.v1}   good for 48 hours: keep it for the clock   48 小时内有效,留给拨钟",
        "  the others are good for 30 days   其余 30 天内有效",
        "",
        "scan 扫码",
        f"  {sim} gun scan text={plain.v1}",
        f"  {sim} wedge scan text={cold.v1}",
        "pull the paper, put it back 取纸、装纸",
        f"  {sim} front paper_out",
        "  slips now come out of spare, after 5 s; the page names the printer",
        "  5 秒后改由 spare 打出,页面会写明打印机",
        f"  {sim} spare paper_out",
        "  now they wait, and the page says why   小票等待,页面说明原因",
        f"  {sim} front paper_in",
        f"  {sim} spare paper_in",
        f"  the slips are pictures in {directory}/paper/front and spare",
        "cut the line to headquarters (shown within a minute), restore it 断网、恢复",
        f"  kill -STOP {floor.hub_pid}",
        f"  kill -CONT {floor.hub_pid}",
        "advance everybody's clock; the code that was good for 48 hours is then `expired`",
        "拨快时钟:48 小时的那个码随后“已过期”",
        f"  {own} sim clock advance 49h --dir {directory}",
        f"  {sim} gun scan text={brief.v1}",
        "a new order; then scan the v1 that it prints 新订单,再扫它给出的 v1",
        f"  {hub} admin --database {floor.database} --time offset:{floor.clock_file} "
        "order create --store 1 --line BREAD:1 --json",
        "",
        "Ctrl-C ends it all. 按 Ctrl-C 结束。",
    ]
    return "\n".join(lines)


async def _made(floor: Floor, lines: tuple[tuple[str, int], ...], **more: object) -> Order:
    return await floor.hq.create_order(floor.order_body(lines, **more))


def _further_stores(floor: Floor) -> list[str]:
    return [
        f"store {number}    门店 {number}     {branch.node_url}/counter?token={token}"
        for number, branch in sorted(floor.branches.items())
        if branch is not floor.first
        for token in tuple(branch.tokens.values())[:1]
    ]


def _page(floor: Floor, station: str) -> str:
    return f"{floor.node_url}/counter?token={floor.tokens[station]}"


def _typed(name: str) -> str:
    """A command as somebody in this folder types it."""
    words = list(command(name))
    with contextlib.suppress(ValueError):
        words[0] = str(Path(words[0]).relative_to(Path.cwd()))
    return " ".join(words)
