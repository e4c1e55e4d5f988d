"""The second person: on site, at HQ by voice, or nobody but up to a cap; each is written down."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from edge.flow.answers import CaseView, Refusal, ScanAnswer
from edge.flow.find import choose
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.operator import Approval, sign_in
from edge.flow.review import cases, close, release
from edge.flow.second_person import Challenge, ChallengeAsk, HqAnswer, challenge
from edge.flow.settings import Settings
from edge.store.tx import Tx
from sync.hub import approvals, identity, stores
from sync.hub.cli import main
from sync.hub.database import Database
from sync.hub.problems import Problem
from sync.rules.verdicts import Verdict
from sync.wire.approval import response
from sync.wire.catalog import LineRow
from sync.wire.codec import from_json
from sync.wire.events import CaseClosed, CaseOpened

if TYPE_CHECKING:
    from tests.flow.conftest import Floor, Goods

K_STORE = bytes(range(32))
CASHIER = Approval(staff_id="c1", pin="1357")
SUPERVISOR = Approval(staff_id="s1", pin="246810")


def rule(floor: "Floor", change: Callable[[Settings], Settings]) -> None:
    floor.shop.settings = change(floor.shop.settings)


def remote(floor: "Floor") -> None:
    rule(floor, lambda now: replace(now, second_person="remote"))


def alone(floor: "Floor") -> None:
    rule(floor, lambda now: replace(now, second_person="lone_capped"))


async def locked(floor: "Floor", *, value_minor: int = 1_000) -> tuple["Goods", int]:
    goods = floor.order(value_minor=value_minor)
    for _ in range(3):
        await floor.scan(goods.serial, pin="000000")
    return goods, (await cases(floor.shop))[0].case


async def asked(floor: "Floor", **ask: object) -> Challenge:
    answer = await challenge(floor.shop, floor.caller(), ChallengeAsk(**ask))  # type: ignore[arg-type]  # both are optional
    assert isinstance(answer, Challenge)
    return answer


def said(drawn: Challenge, name: str = "总部 王经理") -> HqAnswer:
    return HqAnswer(
        case=drawn.case, response=response(K_STORE, drawn.digits, drawn.case), name=name
    )


async def told(floor: "Floor", kind: str) -> list[bytes]:
    """Bodies of the events for HQ of one kind."""

    def read(tx: Tx) -> list[bytes]:
        rows = tx.connection.execute("SELECT body FROM outbox WHERE kind = ? ORDER BY seq", [kind])
        return [row[0] for row in rows]

    return await floor.shop.writer.do(read, floor.shop.moment())


async def served_dear(floor: "Floor", *, value_minor: int = 30_000) -> HandOverAsk:
    """A dear order found without a code and served here; the ask lacks only its approval."""
    goods = floor.order(value_minor=value_minor)
    order = goods.row.order_id.hex()
    chosen = await choose(floor.shop, floor.caller(), order)
    assert isinstance(chosen, ScanAnswer)
    assert chosen.needs == ("second_fact", "approval")
    return HandOverAsk(order=order, second_fact=goods.row.order_no[-4:])


# -- on site


async def test_the_person_who_was_there_cannot_release_and_another_supervisor_can(
    floor: "Floor",
) -> None:
    await sign_in(floor.shop, floor.caller(), "s1", "246810")
    _, case = await locked(floor)
    same = await release(floor.shop, floor.caller(), case, SUPERVISOR, "")
    assert isinstance(same, Refusal)
    assert same.code == "other_person"
    elsewhere = await release(floor.shop, floor.caller("till-2"), case, SUPERVISOR, "")
    assert isinstance(elsewhere, Refusal), "another till does not make another person"


async def test_a_dear_order_without_a_code_waits_for_another_person(floor: "Floor") -> None:
    await sign_in(floor.shop, floor.caller(), "c1", "1357")
    ask = await served_dear(floor)
    for approved_by in (None, CASHIER):
        refused = await hand_over(floor.shop, floor.caller(), replace(ask, approved_by=approved_by))
        assert isinstance(refused, Refusal)
    done = await hand_over(floor.shop, floor.caller(), replace(ask, approved_by=SUPERVISOR))
    assert isinstance(done, ScanAnswer)
    assert done.state == "handed"


async def test_a_cashier_approves_nobody_not_even_a_supervisor(floor: "Floor") -> None:
    await sign_in(floor.shop, floor.caller(), "s1", "246810")
    ask = await served_dear(floor)
    refused = await hand_over(floor.shop, floor.caller(), replace(ask, approved_by=CASHIER))
    assert isinstance(refused, Refusal)
    assert refused.code == "other_person"


# -- from HQ, by voice


async def test_one_response_approves_one_hand_over_and_not_the_rest_of_the_order(
    floor: "Floor",
) -> None:
    remote(floor)
    goods = floor.order(
        value_minor=30_000, lines=(LineRow(line=1, sku="MILK", quantity=2),), bags=2
    )
    order = goods.row.order_id.hex()
    ask = HandOverAsk(order=order, units=((1, 1),), second_fact=goods.row.order_no[-4:])
    await choose(floor.shop, floor.caller(), order)
    drawn = await asked(floor, order=order)
    first = await hand_over(floor.shop, floor.caller(), replace(ask, approved_by_hq=said(drawn)))
    assert isinstance(first, ScanAnswer)
    await choose(floor.shop, floor.caller(), order)
    rest = replace(ask, units=None, approved_by_hq=said(drawn))
    refused = await hand_over(floor.shop, floor.caller(), rest)
    assert isinstance(refused, Refusal)
    assert refused.code == "challenge_over"


async def test_a_challenge_is_worth_nothing_once_the_shop_goes_back_to_on_site(
    floor: "Floor",
) -> None:
    remote(floor)
    _, case = await locked(floor)
    drawn = await asked(floor, case=case)
    rule(floor, lambda now: replace(now, second_person="on_site"))
    refused = await release(floor.shop, floor.caller(), case, said(drawn), "")
    assert isinstance(refused, Refusal)
    assert refused.code == "not_remote"


async def test_hq_releases_a_locked_code_by_voice_and_its_name_reaches_the_books(
    floor: "Floor",
) -> None:
    remote(floor)
    goods, case = await locked(floor)
    drawn = await asked(floor, case=case)
    assert drawn.case == case
    done = await release(floor.shop, floor.caller(), case, said(drawn), "")
    assert isinstance(done, CaseView)
    assert done.outcome == "released"
    assert (await floor.scan(goods.serial, pin=goods.pin)).state == "handed"
    closed = [from_json(CaseClosed, body) for body in await told(floor, "case_closed")]
    assert [one.operator for one in closed] == ["hq:总部 王经理"]
    assert (
        await floor.count(
            "SELECT count(*) FROM audit WHERE CAST(body AS TEXT) LIKE '%hq_approved%'"
        )
        == 1
    )


async def test_a_response_works_once_and_for_its_own_case_only(floor: "Floor") -> None:
    remote(floor)
    _, first = await locked(floor)
    drawn = await asked(floor, case=first)
    _, second = await locked(floor)
    other = await release(floor.shop, floor.caller(), second, said(drawn), "")
    assert isinstance(other, Refusal)
    assert other.code == "challenge_over"
    assert isinstance(await release(floor.shop, floor.caller(), first, said(drawn), ""), CaseView)
    ask = await served_dear(floor)
    again = await hand_over(floor.shop, floor.caller(), replace(ask, approved_by_hq=said(drawn)))
    assert isinstance(again, Refusal)
    assert again.code == "challenge_over"


async def test_a_dear_order_is_approved_by_voice_and_its_case_is_closed_by_it(
    floor: "Floor",
) -> None:
    remote(floor)
    ask = await served_dear(floor)
    drawn = await asked(floor, order=ask.order)
    wrong = replace(ask, approved_by_hq=replace(said(drawn), response="000000"))
    refused = await hand_over(floor.shop, floor.caller(), wrong)
    assert isinstance(refused, Refusal)
    assert refused.code == "hq_wrong"
    nameless = await hand_over(
        floor.shop, floor.caller(), replace(ask, approved_by_hq=said(drawn, name=" "))
    )
    assert isinstance(nameless, Refusal)
    assert nameless.code == "name_needed"
    done = await hand_over(floor.shop, floor.caller(), replace(ask, approved_by_hq=said(drawn)))
    assert isinstance(done, ScanAnswer)
    assert done.state == "handed"
    view = next(one for one in await cases(floor.shop) if one.case == drawn.case)
    assert (view.reason.code, view.state, view.outcome) == (
        "remote_approval",
        "closed",
        "approved",
    )


async def test_a_challenge_dies_after_three_wrong_answers_and_after_a_quarter_of_an_hour(
    floor: "Floor",
) -> None:
    remote(floor)
    _, case = await locked(floor)
    drawn = await asked(floor, case=case)
    for _ in range(3):
        await release(floor.shop, floor.caller(), case, replace(said(drawn), response="1"), "")
    dead = await release(floor.shop, floor.caller(), case, said(drawn), "")
    assert isinstance(dead, Refusal)
    assert dead.code == "challenge_over"
    late = await asked(floor, case=case)
    floor.advance(15 * 60_000 + 1_000)
    over = await release(floor.shop, floor.caller(), case, said(late), "")
    assert isinstance(over, Refusal)
    assert over.code == "challenge_over"


async def test_guessing_hq_s_digits_waits_like_a_pin_however_many_challenges_are_drawn(
    floor: "Floor",
) -> None:
    remote(floor)
    _, case = await locked(floor)
    codes: list[str] = []
    for _ in range(6):
        drawn = await asked(floor, case=case)
        wrong = "000000" if said(drawn).response != "000000" else "000001"
        refused = await release(
            floor.shop, floor.caller(), case, replace(said(drawn), response=wrong), ""
        )
        assert isinstance(refused, Refusal)
        codes.append(refused.code)
    assert codes == ["hq_wrong"] * 5 + ["pin_wait"]
    drawn = await asked(floor, case=case)
    waits = await release(floor.shop, floor.caller(), case, said(drawn), "")
    assert isinstance(waits, Refusal)
    assert waits.status == 429
    floor.advance(31_000)
    assert isinstance(await release(floor.shop, floor.caller(), case, said(drawn), ""), CaseView)


async def test_without_the_setting_nothing_said_on_the_phone_counts(floor: "Floor") -> None:
    _, case = await locked(floor)
    refused = await challenge(floor.shop, floor.caller(), ChallengeAsk(case=case))
    assert isinstance(refused, Refusal)
    forged = HqAnswer(case=case, response=response(K_STORE, "123456", case), name="X")
    assert isinstance(await release(floor.shop, floor.caller(), case, forged, ""), Refusal)


async def test_challenges_survive_a_restart_and_a_closed_case_gets_none(floor: "Floor") -> None:
    remote(floor)
    _, case = await locked(floor)
    drawn = await asked(floor, case=case)
    floor.settings = floor.shop.settings
    await floor.stop()
    await floor.start(run="run-2")
    assert isinstance(await release(floor.shop, floor.caller(), case, said(drawn), ""), CaseView)
    refused = await challenge(floor.shop, floor.caller(), ChallengeAsk(case=case))
    assert isinstance(refused, Refusal)
    assert refused.code == "no_case"


# -- alone


async def test_one_person_alone_releases_up_to_the_cap_and_each_is_reported(
    floor: "Floor",
) -> None:
    alone(floor)
    await sign_in(floor.shop, floor.caller(), "c1", "1357")
    goods, case = await locked(floor, value_minor=10_000)
    done = await release(floor.shop, floor.caller(), case, CASHIER, "")
    assert isinstance(done, CaseView)
    assert (await floor.scan(goods.serial, pin=goods.pin)).verdict is Verdict.OK
    opened = [from_json(CaseOpened, body) for body in await told(floor, "case_opened")]
    assert [one.reason for one in opened] == ["three_tries", "lone_act"]
    assert opened[1].order_id == goods.row.order_id
    _, dear = await locked(floor, value_minor=10_001)
    refused = await release(floor.shop, floor.caller(), dear, CASHIER, "")
    assert isinstance(refused, Refusal)
    assert refused.code == "alone_each"


async def test_alone_the_sum_of_a_shift_is_capped_per_person_and_comes_back_with_the_next(
    floor: "Floor",
) -> None:
    alone(floor)
    await sign_in(floor.shop, floor.caller(), "c1", "1357")
    for _ in range(3):
        _, case = await locked(floor, value_minor=10_000)
        assert isinstance(await release(floor.shop, floor.caller(), case, CASHIER, ""), CaseView)
    _, fourth = await locked(floor, value_minor=1)
    refused = await release(floor.shop, floor.caller(), fourth, CASHIER, "")
    assert isinstance(refused, Refusal)
    assert refused.code == "alone_shift"
    floor.advance(12 * 3_600_000 + 1_000)
    assert isinstance(await release(floor.shop, floor.caller(), fourth, CASHIER, ""), CaseView)


async def test_a_lone_report_is_closed_by_somebody_else_only(floor: "Floor") -> None:
    alone(floor)
    await sign_in(floor.shop, floor.caller(), "c1", "1357")
    _, case = await locked(floor)
    await release(floor.shop, floor.caller(), case, CASHIER, "")
    report = next(one.case for one in await cases(floor.shop) if one.reason.code == "lone_act")
    own = await close(floor.shop, floor.caller(), report, CASHIER, "")
    assert isinstance(own, Refusal)
    assert isinstance(await close(floor.shop, floor.caller(), report, SUPERVISOR, ""), CaseView)


async def test_alone_a_dear_order_without_a_code_stays_closed_and_another_person_opens_it(
    floor: "Floor",
) -> None:
    alone(floor)
    await sign_in(floor.shop, floor.caller(), "c1", "1357")
    ask = await served_dear(floor)
    refused = await hand_over(floor.shop, floor.caller(), replace(ask, approved_by=CASHIER))
    assert isinstance(refused, Refusal)
    assert refused.code == "alone_each"
    done = await hand_over(floor.shop, floor.caller(), replace(ask, approved_by=SUPERVISOR))
    assert isinstance(done, ScanAnswer)


# -- HQ's side


def test_both_sides_compute_the_same_digits_and_any_difference_changes_them() -> None:
    base = response(K_STORE, "123456", 7)
    assert len(base) == 6
    assert base.isdigit()
    others = {
        response(bytes(32), "123456", 7),
        response(K_STORE, "123457", 7),
        response(K_STORE, "123456", 8),
    }
    assert base not in others
    # A vector for whoever writes another HQ: K_store 00..1f, challenge 123456, case 7.
    assert base == "215460"
    for bad in ("12345", "1234567", "12345a", "１２３４５６"):
        with pytest.raises(ValueError, match="six digits"):
            response(K_STORE, bad, 7)
    with pytest.raises(ValueError, match="positive"):
        response(K_STORE, "123456", 0)


def test_hq_s_command_answers_a_store_and_keeps_the_name(tmp_path: Path) -> None:
    runner = CliRunner()
    url = f"sqlite:///{tmp_path / 'hub.db'}"

    def admin(*words: str) -> str:
        result = runner.invoke(main, ["admin", "--database", url, *words])
        assert result.exit_code == 0, result.output
        return result.output

    admin("init", "--chain", "t", "--json")
    store = ("--number", "7", "--code", "S7", "--name-zh", "七店", "--name-en", "Seven")
    admin("store", "add", *store)
    told_back = admin(
        "approve", "123456", "--store", "7", "--case", "12", "--by", "王经理", "--json"
    )
    database = Database(url)
    hub = identity.open_hub(database, _Clock())
    with database.reading() as connection:
        k_store = stores.store_row(connection, 7).k_store
    assert isinstance(k_store, bytes)
    assert response(k_store, "123456", 12) in told_back
    assert [one["by"] for one in approvals.list_approvals(hub)] == ["王经理"]
    assert response(k_store, "123456", 12) not in str(approvals.list_approvals(hub))
    unknown = approvals.NewApproval(store=8, challenge="123456", case=1, by="X")
    with pytest.raises(Problem):
        approvals.approve(hub, unknown)
    database.close()


class _Clock:
    def now_ms(self) -> int:
        return 1_800_000_000_000
