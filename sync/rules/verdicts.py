"""Verdict words: what a scan is told, everywhere the same, in Chinese and English.

A *verdict* is one of nine. A *reason* says why, a *next step* what to press or whom to ask. The
same table speaks on the counter, on slips, in the hub's console and in the API.
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The nine answers to a pickup code. Only OK is green."""

    OK = "ok"
    ALREADY = "already"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    NOT_HERE = "not_here"
    CLOCK_UNSURE = "clock_unsure"
    LOCKED = "locked"
    REVIEW = "review"


class Who(StrEnum):
    """Who can bring it forward."""

    CASHIER = "cashier"
    CUSTOMER = "customer"
    SUPERVISOR = "supervisor"
    HQ = "hq"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One thing said in both languages; `code` is stable."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do next, and who can do it."""

    words: Words
    who: Who


def _step(code: str, who: Who, zh: str, en: str) -> tuple[str, Step]:
    return code, Step(words=Words(code=code, zh=zh, en=en), who=who)


def _reason(code: str, step: str, zh: str, en: str) -> tuple[str, tuple[Words, str]]:
    return code, (Words(code=code, zh=zh, en=en), step)


STEPS: dict[str, Step] = dict(
    (
        _step(
            "fetch_and_confirm",
            Who.CASHIER,
            "取货,核对后点“已交付”",
            "Fetch the bag, check it, press Handed over",
        ),
        _step("hand_over_now", Who.CASHIER, "请将货品交给顾客", "Give the goods to the customer"),
        _step(
            "do_not_hand_over",
            Who.CASHIER,
            "不要交货,请看时间和地点",
            "Do not hand over; look at when and where",
        ),
        _step(
            "put_aside",
            Who.CASHIER,
            "把召回的商品放到一边,请顾客联系客服",
            "Put the recalled goods aside; the customer is refunded by HQ",
        ),
        _step(
            "give_rest",
            Who.CASHIER,
            "取出召回的商品放到一边,其余核对后点“已交付”",
            "Take the recalled goods out and put them aside, then press Handed over",
        ),
        _step(
            "take_over",
            Who.CASHIER,
            "另一收银台正在办理,可点“接手”",
            "Another counter is serving this; press Take over",
        ),
        _step(
            "ask_new_code",
            Who.CUSTOMER,
            "请顾客在订单页重新获取取货码",
            "Ask the customer to get a new code on the order page",
        ),
        _step(
            "try_signed_or_wait",
            Who.CASHIER,
            "旁边有签名码就扫它和明细码 (PL);没有就打电话问总部,或等网络恢复再扫",
            "Scan the signed code and its lines (PL) if shown; else call HQ, or scan again "
            "when the line is back",
        ),
        _step("extend_at_hq", Who.HQ, "联系总部延长取货时间", "Ask HQ to extend the pickup time"),
        _step("call_hq", Who.HQ, "联系总部查询订单", "Ask HQ about the order"),
        _step("scan_again", Who.CASHIER, "请再扫一次,或手工输入", "Scan again, or type the code"),
        _step(
            "refresh_code",
            Who.CUSTOMER,
            "请顾客刷新取货码后再扫",
            "Ask the customer to refresh the code",
        ),
        _step(
            "go_to_store",
            Who.CUSTOMER,
            "请顾客到订单所属门店取货",
            "The order waits in another store",
        ),
        _step("ask_supervisor", Who.SUPERVISOR, "请店长处理", "Ask the supervisor"),
        _step(
            "scan_lines",
            Who.CASHIER,
            "请扫描旁边的明细码 (PL)",
            "Scan the second code beside it (PL)",
        ),
        _step("check_pin", Who.CASHIER, "核对取件密码后再试", "Check the PIN and try again"),
        _step(
            "stronger_code",
            Who.CUSTOMER,
            "请顾客出示动态或签名取货码",
            "Ask for the signed or rotating code",
        ),
        _step("wait_for_picking", Who.CASHIER, "尚未拣货,请稍候", "Not picked yet; please wait"),
        _step(
            "use_the_sheet",
            Who.CASHIER,
            "练习中只扫练习单上的码;要给顾客取货,请先结束练习",
            "Training takes codes of the practice sheet only; end training to serve a customer",
        ),
        _step(
            "start_training",
            Who.CASHIER,
            "要练习,请先在“更多”里进入练习模式",
            "To practise, start training first, under More",
        ),
        _step(
            "customer_code_first",
            Who.CASHIER,
            "先扫顾客的取货码,再扫袋标确认",
            "Scan the customer's code first, then the bag label",
        ),
        _step("next_bag", Who.CASHIER, "请扫下一袋", "Scan the next bag"),
        _step(
            "open_store_page",
            Who.CASHIER,
            "在门店页办理",
            "Go on with it on the store page",
        ),
        _step("not_a_pickup_code", Who.CASHIER, "这不是取货码", "This is not a pickup code"),
        _step(
            "wait_for_link",
            Who.SUPERVISOR,
            "等待网络恢复或请店长处理",
            "Wait for the line, or ask the supervisor",
        ),
        _step(
            "scan_once_more",
            Who.CASHIER,
            "请再扫一次同一个码",
            "Scan the same code once more",
        ),
        _step("wait_here", Who.CASHIER, "请稍候,本页会更新", "Wait; this page follows it"),
        _step(
            "ask_or_go",
            Who.CUSTOMER,
            "请顾客去那家店取,或留下请求等它恢复网络",
            "The customer may go there, or we leave the request until it is back",
        ),
    )
)

_REASONS: dict[str, tuple[Words, str]] = dict(
    (
        # ok
        _reason("ready", "fetch_and_confirm", "可以交付", "Hand over"),
        _reason("handed_now", "hand_over_now", "已登记交付", "Handed over"),
        _reason(
            "rest_ready",
            "fetch_and_confirm",
            "部分已取,交付剩余货品",
            "Partly collected; hand over the rest",
        ),
        _reason(
            "rest_recalled",
            "give_rest",
            "部分商品已召回,只交其余",
            "Part of it is recalled; hand over the rest",
        ),
        _reason("not_picked", "wait_for_picking", "订单有效,尚未拣货", "Valid; not picked yet"),
        _reason(
            "provisional",
            "hand_over_now",
            "已暂定交付,计入额度",
            "Handed over provisionally, on HQ's budget",
        ),
        # already
        _reason("handed", "do_not_hand_over", "已取走", "Already handed over"),
        _reason("just_now", "do_not_hand_over", "刚刚已取走", "Handed over just now"),
        _reason("at_counter", "take_over", "另一收银台正在办理", "Being served at another counter"),
        _reason(
            "step_replayed",
            "refresh_code",
            "这个动态码已经用过",
            "This rotating code was used already",
        ),
        _reason(
            "handed_elsewhere",
            "do_not_hand_over",
            "已在其他门店取走",
            "Handed over in another store",
        ),
        # expired
        _reason(
            "stale_step",
            "refresh_code",
            "动态码不是此刻的,可能是截图",
            "Not the rotating code of this moment; perhaps a picture of one",
        ),
        _reason("past_pickup_time", "extend_at_hq", "已超过取货时间", "The pickup time is over"),
        _reason("lapsed", "call_hq", "已过期并退回", "Expired and given back"),
        # revoked
        _reason("cancelled", "call_hq", "订单已取消", "The order was cancelled"),
        _reason("refunded", "call_hq", "缺货,已退款", "Out of stock; refunded"),
        _reason("reissued", "ask_new_code", "取货码已更换", "The code was replaced"),
        _reason("code_revoked", "ask_new_code", "取货码已作废", "The code was revoked"),
        _reason("recalled", "put_aside", "商品已召回,不要交货", "Recalled; do not hand over"),
        # unknown
        _reason("no_such_code", "ask_new_code", "没有这个取货码", "No such code here"),
        _reason(
            "no_such_code_offline",
            "try_signed_or_wait",
            "本地没有,可能比本地资料新",
            "Not in our data; may be newer",
        ),
        _reason("bad_signature", "ask_new_code", "签名无效", "The signature is not genuine"),
        _reason("key_unknown", "call_hq", "签名密钥未知", "Signed with a key we do not know"),
        _reason("wrong_pin", "check_pin", "密码错误", "Wrong PIN"),
        _reason(
            "not_practice",
            "use_the_sheet",
            "这不是练习码,没有动真单",
            "Not a practice code; no real order was touched",
        ),
        _reason(
            "practice_code",
            "start_training",
            "这是练习单上的码",
            "This is a code of the practice sheet",
        ),
        _reason(
            "wrong_digits",
            "refresh_code",
            "动态码的数字不对",
            "The digits of this rotating code are wrong",
        ),
        # not_here
        _reason("other_store", "go_to_store", "订单在其他门店", "The order is in another store"),
        _reason(
            "moved", "go_to_store", "订单已转到其他门店", "The order was moved to another store"
        ),
        # clock_unsure
        _reason("clock", "wait_for_link", "本机时间不确定", "The clock of this box is unsure"),
        _reason(
            "lease_unsure",
            "wait_for_link",
            "重启后未联网,无法确认可否交付",
            "Not heard HQ since the restart; the lease is not known",
        ),
        # an order that is asked for from another store
        _reason("transfer_ready", "scan_once_more", "订单已转到本店", "The order is here now"),
        _reason("transfer_coming", "wait_here", "已转给本店,正在下发", "Granted; on its way here"),
        _reason("transfer_asked", "wait_here", "已请求对方门店转出", "The other store was asked"),
        _reason(
            "transfer_waiting",
            "ask_or_go",
            "对方门店离线;请求已留下,对方仍可能交货,本店不能交",
            "The other store is offline; the request stays. It may still hand it over; we cannot",
        ),
        _reason(
            "transfer_unreachable",
            "ask_or_go",
            "对方门店离线,仍可能交货,本店不能交",
            "The other store is offline. It may still hand it over; we cannot",
        ),
        _reason("transfer_handed", "do_not_hand_over", "已在他店取走", "Collected elsewhere"),
        _reason(
            "transfer_kept",
            "call_hq",
            "对方门店没有转出:正在办理或已取走",
            "The other store kept it: it is being served, or gone",
        ),
        _reason("transfer_closed", "call_hq", "订单已取消或退款", "Cancelled or refunded"),
        _reason(
            "transfer_busy",
            "call_hq",
            "订单正在取消或转往他店",
            "It is being cancelled, or moved to another store",
        ),
        _reason("transfer_unknown", "ask_new_code", "总部没有这个取货码", "HQ has no such code"),
        _reason(
            "transfer_offline",
            "wait_for_link",
            "本店与总部断线,无法询问",
            "Our line to HQ is down; nobody can be asked",
        ),
        # locked
        _reason(
            "three_tries", "ask_supervisor", "错误三次,已锁定", "Locked after three wrong tries"
        ),
        # review
        _reason(
            "key_not_here",
            "try_signed_or_wait",
            "动态码的密钥不在本店",
            "The key of this rotating code is not in this store",
        ),
        _reason("lines_needed", "scan_lines", "需要订单明细", "The order's lines are needed"),
        _reason(
            "lines_mismatch",
            "ask_supervisor",
            "明细与取货码不符",
            "The lines do not belong to this code",
        ),
        _reason(
            "grade_too_low",
            "stronger_code",
            "该订单需要更高等级的取货码",
            "This order needs a stronger code",
        ),
        _reason("pin_needed", "check_pin", "请输入取件密码", "The PIN is needed"),
        _reason(
            "issued_too_early",
            "wait_for_link",
            "取货码早于本机登记,需联网核实",
            "The code is older than this box; HQ must confirm",
        ),
        _reason(
            "fenced",
            "ask_supervisor",
            "本机刚恢复,该订单需人工核实",
            "This box was restored; a person must check this order",
        ),
        _reason(
            "not_understood",
            "ask_supervisor",
            "总部的新规则,本机不认识",
            "HQ set a rule that this box does not know",
        ),
        _reason("case_open", "ask_supervisor", "该订单正在复核", "A review of this order is open"),
        _reason(
            "lease_over",
            "wait_for_link",
            "离线太久,总部规定需联网或店长核实",
            "Too long without HQ; a person or the line is needed",
        ),
        # not a pickup code
        _reason("bag_label", "customer_code_first", "这是袋标", "This is a bag label"),
        _reason("bag_counted", "next_bag", "这一袋已核对", "This bag is checked"),
        _reason("pick_paper", "open_store_page", "这是拣货单", "This is a pick slip"),
        _reason("document_paper", "open_store_page", "这是单据", "This is a document"),
        _reason("unreadable", "scan_again", "无法识别", "Not readable"),
        _reason(
            "check_character",
            "scan_again",
            "校验位不符,可能输错",
            "A character is wrong; please check",
        ),
        _reason("too_long", "scan_again", "内容过长", "Too long to be a code"),
        _reason("product", "not_a_pickup_code", "这是商品条码", "This is a product"),
        _reason("member", "not_a_pickup_code", "这是会员码", "This is a member code"),
        _reason("staff", "not_a_pickup_code", "员工已切换", "Operator switched"),
        _reason("staff_unknown", "ask_supervisor", "工牌无效", "This badge is not known"),
        _reason(
            "lines_kept", "scan_again", "明细已收到,请扫取货码", "Lines received; now scan the code"
        ),
        _reason("unserved", "ask_supervisor", "未能处理,请再试", "Could not be served; try again"),
    )
)


def reason(code: str) -> Words:
    """The words of a reason code (KeyError: our bug)."""
    return _REASONS[code][0]


def next_step(code: str) -> Step:
    """What follows from a reason code."""
    return STEPS[_REASONS[code][1]]


def reason_codes() -> tuple[str, ...]:
    """Every reason there is, for docs and completeness tests."""
    return tuple(_REASONS)
