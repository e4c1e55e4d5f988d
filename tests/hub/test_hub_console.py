"""HQ's console over the running hub: who may come in, what each role may do, what a page shows."""

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from hq_console import OTHER, PASSWORD, Desk, add_person, ask_to_enrol, make_history, tell
from running_hub import RunningHub
from sqlalchemy import event as sql_event
from toy_node import STORE, Box, enrol_box, handed, open_store, order

from sync.hub import (
    cases,
    console,
    console_people,
    console_stores,
    console_views,
    enrolment,
    orders,
    recalls,
)
from sync.hub.desk import Asked
from sync.hub.recalls import NewRecall
from sync.wire import codec
from sync.wire.condition import CONDITION_HEADER
from sync.wire.messages import FeedQuestion
from sync.wire.request import sign_request

HUB = Path(console.__file__).parent


@pytest.fixture
def desk(running: RunningHub) -> Iterator[Desk]:
    add_person(running.headquarters, "manager")
    with Desk(running) as made:
        made.log_in("manager")
        yield made


def shown_at(desk: Desk, path: str) -> str:
    answer: httpx.Response = desk.http.get(path, follow_redirects=False)
    return str(answer.headers.get("location", ""))


def test_who_is_not_logged_in_sees_the_log_in_page_and_comes_back_to_the_page_wanted(
    running: RunningHub,
) -> None:
    add_person(running.headquarters, "viewer")
    with Desk(running) as desk:
        assert shown_at(desk, "/console/cases") == "/console/login?to=/console/cases"
        answer = desk.log_in("viewer", to="/console/cases")
        assert answer.url.path == "/console/cases"
        assert "Wang viewer" in answer.text
        cookie = answer.history[0].headers["set-cookie"].lower()
        for word in ("httponly", "samesite=strict", "secure", "path=/console"):
            assert word in cookie


@pytest.mark.parametrize(
    "to",
    ["https://evil.example/", "//evil.example", "/console//evil.example", "/console\\evil",
     "/v1/orders", "/console/../v1", "/console?x=//e", "", "/console@evil.example"],
)  # fmt: skip
def test_a_log_in_never_leads_out_of_the_console(running: RunningHub, to: str) -> None:
    add_person(running.headquarters, "viewer")
    with Desk(running) as desk:
        desk.http.follow_redirects = False
        assert desk.log_in("viewer", to=to).headers["location"] == "/console"


def test_wrong_passwords_make_a_person_wait_longer_and_longer_but_not_for_ever(
    running: RunningHub,
) -> None:
    login = add_person(running.headquarters, "viewer")
    clock = running.headquarters.clock
    with Desk(running) as desk:
        for _ in range(console_people.FREE_TRIES):
            assert desk.log_in(login, "wrong password").url.params["no"] == "wrong"
        assert desk.log_in(login).url.params["no"] == "wait", "the right one waits too"
        clock.advance(console_people.WAITS_MS[0] + 1)
        assert desk.log_in(login, "wrong again").url.params["no"] == "wrong"
        clock.advance(console_people.WAITS_MS[0] + 1)
        assert desk.log_in(login).url.params["no"] == "wait", "the second wait is longer"
        clock.advance(console_people.WAITS_MS[1])
        assert desk.log_in(login).url.path == "/console"
        assert desk.log_in("nobody", "wrong password").url.params["no"] == "wrong"


def test_a_session_ends_when_idle_when_long_and_when_the_person_is_let_go(
    running: RunningHub,
) -> None:
    headquarters = running.headquarters
    login = add_person(headquarters, "viewer")
    with Desk(running) as desk:
        desk.log_in(login)
        headquarters.clock.advance(console_people.IDLE_MS - 1)
        desk.get("/console")
        headquarters.clock.advance(console_people.IDLE_MS + 1)
        assert shown_at(desk, "/console").startswith("/console/login")
        desk.log_in(login)
        last = ""
        for _ in range(25):
            headquarters.clock.advance(console_people.IDLE_MS - 60_000)
            last = shown_at(desk, "/console")
        assert last.startswith("/console/login"), "twelve hours are the most"
        desk.log_in(login)
        desk.get("/console")
        console_people.end_person(headquarters.hub, login)
        assert shown_at(desk, "/console").startswith("/console/login")
        assert desk.log_in(login).url.params["no"] == "wrong"


def test_who_logs_out_is_out(desk: Desk) -> None:
    desk.send("/console/logout")
    assert shown_at(desk, "/console").startswith("/console/login")


def test_a_form_of_another_session_or_site_does_nothing(desk: Desk, running: RunningHub) -> None:
    ordered = order(running.headquarters)
    path = f"/console/orders/{ordered.order_no}/cancel"
    for fields in ({}, {"key": "x" * 22}):
        assert desk.http.post(path, data=fields).status_code == 403
    key = desk.key()
    there = {"sec-fetch-site": "cross-site"}
    assert desk.http.post(path, data={"key": key}, headers=there).status_code == 403
    assert desk.http.post(path, content=b"k=" + b"x" * 20_000).status_code == 413
    assert orders.show(running.headquarters.hub, ordered.order_no)["cancel"] is None


MANAGERS = ("/console/recalls", "/console/recalls/{recall}/end", "/console/nodes/{node}/confirm",
            f"/console/pairing/{STORE}")  # fmt: skip
OPERATORS = (
    *(f"/console/orders/{{order}}/{verb}" for verb in ("cancel", "refund", "extend", "move")),
    *(f"/console/cases/{{case}}/{verb}" for verb in ("own", "disown", "close")),
)


@pytest.mark.parametrize(("role", "closed"), [("viewer", (*OPERATORS, *MANAGERS)),
                                              ("operator", MANAGERS)])  # fmt: skip
def test_a_role_is_refused_what_is_above_it_and_is_not_offered_it(
    running: RunningHub, box: Box, role: console_people.Role, closed: tuple[str, ...]
) -> None:
    headquarters = running.headquarters
    made = make_history(headquarters, box)
    names = {
        "recall": made.recall_id,
        "node": made.pending,
        "order": made.disputed.order_no,
        "case": "1",
    }
    add_person(headquarters, role)
    with Desk(running) as desk:
        desk.log_in(role)
        for path in closed:
            assert desk.send(path.format(**names), reason="x", sku="CUP").status_code == 403
        pages = [desk.get(path) for path in pages_of(made.disputed.order_no, made.recall_id)]
        actions = {found for page in pages for found in re.findall(r'action="([^"]+)"', page)}
        patterns = [re.sub(r"\{\w+\}", "[^/]+", path) for path in closed]
        offered = {a for a in actions for p in patterns if re.fullmatch(p, a)}
        assert offered - {"/console/orders", "/console/logout"} == set()


def pages_of(order_no: str, recall_id: str) -> tuple[str, ...]:
    return (
        "/console", f"/console/stores/{STORE}", "/console/orders", f"/console/orders/{order_no}",
        "/console/cases", "/console/stock", "/console/transfers", "/console/recalls",
        f"/console/recalls/{recall_id}",
    )  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_says_what_there_is_in_both_languages(
    running: RunningHub, box: Box, language: str
) -> None:
    made = make_history(running.headquarters, box)
    add_person(running.headquarters)
    words = tomllib.loads((HUB / "console_words.toml").read_text(encoding="utf-8"))
    with Desk(running, language) as desk:
        desk.log_in("manager")
        pages = {path: desk.get(path) for path in pages_of(made.disputed.order_no, made.recall_id)}
        story = pages[f"/console/orders/{made.disputed.order_no}"]
        for word in ("event_handed", "told_recalled", "told_case", "case_handed_twice"):
            assert words[word][language] in story, word
        moving = desk.get(f"/console/orders/{made.moving.order_no}")
        assert words["told_move_asked"][language] in moving
        assert words["may_hand"][language] in moving
        assert made.pending in pages["/console"]
        assert words["case_handed_twice"][language] in pages["/console/cases"]
        assert made.moving.order_no in pages["/console/transfers"]
        for page in pages.values():
            assert "<script" not in page
            assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)


def test_every_word_is_said_in_both_languages_and_every_word_of_a_page_exists() -> None:
    words = tomllib.loads((HUB / "console_words.toml").read_text(encoding="utf-8"))
    for key, said in words.items():
        assert set(said) == {"zh", "en"}, key
        assert said["zh"], key
        assert said["en"], key
    for page in (HUB / "templates/console").glob("*.html"):
        used = set(re.findall(r"\bt\.([a-z_0-9]+)", page.read_text(encoding="utf-8"))) - {"get"}
        assert used - set(words) == set(), page.name


@pytest.mark.parametrize("kind", ["number", "v1", "v1 typed", "v2"])
def test_an_order_is_found_by_its_number_and_by_any_code_of_it(
    desk: Desk, running: RunningHub, box: Box, kind: str
) -> None:
    ordered = order(running.headquarters)
    assert ordered.v2 is not None
    wanted = {
        "number": ordered.order_no,
        "v1": ordered.v1,
        "v1 typed": ordered.v1.replace("-", " ").lower(),
        "v2": ordered.v2,
    }[kind]
    found = desk.http.get("/console/orders", params={"q": wanted})
    assert found.url.path == f"/console/orders/{ordered.order_no}"
    assert ordered.v1 not in found.text, "a code never stands on a page"
    assert "No order has" in desk.http.get("/console/orders", params={"q": "SE-NONE"}).text


def test_an_operator_extends_moves_cancels_and_refunds(running: RunningHub, box: Box) -> None:
    headquarters = running.headquarters
    open_store(headquarters, OTHER)
    enrol_box(headquarters, OTHER)
    add_person(headquarters, "operator")
    with Desk(running) as desk:
        desk.log_in("operator")
        first, second = order(headquarters), order(headquarters)
        path = f"/console/orders/{first.order_no}"
        before = int(str(orders.show(headquarters.hub, first.order_no)["not_after_ms"]))
        assert desk.send(f"{path}/extend", hours="2").url.params["done"] == "1"
        after = int(str(orders.show(headquarters.hub, first.order_no)["not_after_ms"]))
        assert after - before == 7_200_000
        for hours in ("", "x", "-1", "nan", "inf"):
            assert desk.send(f"{path}/extend", hours=hours).url.params["no"] == "invalid"
        assert desk.send(f"{path}/move", to_store=str(OTHER)).url.params["done"] == "1"
        assert "asked" in desk.get("/console/transfers")
        other = f"/console/orders/{second.order_no}"
        assert desk.send(f"{other}/move", to_store="999").url.params["no"] == "not_found"
        assert desk.send(f"{other}/cancel").url.params["done"] == "1"
        assert "cancel asked" in desk.get(other)
        third = order(headquarters)
        assert desk.send(f"/console/orders/{third.order_no}/refund").url.params["done"] == "1"
        assert "refund asked" in desk.get(f"/console/orders/{third.order_no}")
        gone = desk.send("/console/orders/SE-NONE/cancel")
        assert gone.status_code == 404


def test_a_case_is_taken_given_back_and_decided_by_name(running: RunningHub, box: Box) -> None:
    headquarters = running.headquarters
    make_history(headquarters, box)
    add_person(headquarters, "operator")
    add_person(headquarters, "manager")
    [case] = [each["id"] for each in cases.list_cases(headquarters.hub, only_open=True)]

    def now() -> dict[str, object]:
        return cases.list_cases(headquarters.hub)[0]

    with Desk(running) as one, Desk(running) as two:
        one.log_in("operator")
        two.log_in("manager")
        assert one.send(f"/console/cases/{case}/own").url.params["done"] == "1"
        assert now()["owner"] == "operator"
        assert two.send(f"/console/cases/{case}/own").url.params["no"] == "owned"
        assert two.send(f"/console/cases/{case}/disown").url.params["no"] == "not_owner"
        one.send(f"/console/cases/{case}/disown")
        assert now()["owner"] is None
        two.send(f"/console/cases/{case}/own")
        assert two.send(f"/console/cases/{case}/close").url.params["no"] == "invalid"
        two.send(f"/console/cases/{case}/close", outcome="counted", note="one left")
        assert (now()["state"], now()["operator"], now()["owner"]) == ("closed",) + ("manager",) * 2
        assert one.send(f"/console/cases/{case}/own").url.params["no"] == "closed"
        assert one.send("/console/cases/999/own").url.params["no"] == "not_found"
        assert "Nothing to decide" in one.get("/console/cases")
        assert "one left" in one.get("/console/cases?everything=1")


def test_a_manager_recalls_sees_who_stopped_and_ends_it(
    desk: Desk, running: RunningHub, box: Box
) -> None:
    assert desk.send("/console/recalls", sku="MILK1").url.params["no"] == "invalid"
    desk.send("/console/recalls", sku="MILK1", reason="glass")
    [made] = recalls.listed(running.headquarters.hub)
    assert made["asked_by"] == "manager"
    page = desk.get("/console/recalls")
    assert "0 / 1" in page
    path = f"/console/recalls/{made['recall_id']}"
    assert "glass" in desk.get(path)
    assert "S101" in desk.get(path)
    desk.send(f"{path}/end")
    assert recalls.listed(running.headquarters.hub)[0]["state"] == "ended"


def test_a_box_is_confirmed_and_one_that_replaces_another_needs_an_attestation(
    desk: Desk, running: RunningHub
) -> None:
    headquarters = running.headquarters

    def works() -> list[str]:
        nodes = enrolment.fleet(headquarters.hub)["nodes"]
        assert isinstance(nodes, list)
        return [each["fingerprint"] for each in nodes if each["state"] == "enrolled"]

    first = ask_to_enrol(headquarters, STORE)
    assert f"/console/nodes/{first}/confirm" in desk.get(f"/console/stores/{STORE}")
    done = desk.send(f"/console/nodes/{first}/confirm", store=str(STORE))
    assert (done.url.path, works()) == (f"/console/stores/{STORE}", [first])
    second = ask_to_enrol(headquarters, STORE)
    path = f"/console/nodes/{second}/confirm"
    assert desk.send(path).url.params["no"] == "store_taken"
    assert desk.send(path, replace="yes").url.params["no"] == "attest"
    assert works() == [first]
    desk.send(path, replace="yes", unplugged="yes")
    assert works() == [second]


def test_a_pairing_sheet_holds_a_code_for_its_store_and_loads_nothing(
    desk: Desk, running: RunningHub
) -> None:
    sheet = desk.send(f"/console/pairing/{STORE}")
    assert sheet.status_code == 200
    assert "<svg" in sheet.text
    assert "no-store" in sheet.headers["cache-control"]
    assert "default-src 'none'" in sheet.headers["content-security-policy"]
    assert desk.send("/console/pairing/999").status_code == 404


def test_a_page_that_there_is_not_is_a_page_that_says_so(desk: Desk) -> None:
    for path in ("/console/nothing", "/console/orders/SE-NONE", "/console/stores/999"):
        answer = desk.http.get(path)
        assert (answer.status_code, "Not done" in answer.text) == (404, True)


def test_no_words_of_a_link_stand_on_the_page(desk: Desk) -> None:
    page = desk.get("/console?no=Call+555+now%21&done=Send+money")
    assert "555" not in page
    assert "money" not in page


def test_a_box_tells_its_version_clock_and_disk_with_each_question(
    desk: Desk, running: RunningHub, box: Box
) -> None:
    headquarters = running.headquarters
    body = codec.to_body(FeedQuestion(cursors=(), nonce=b"n" * 16, limit=10))
    headers = sign_request(
        box.signer, method="POST", target="/v1/feed", node=box.peer.node,
        incarnation=box.peer.incarnation, body=body,
    )  # fmt: skip
    for said in ("<b>", "version=9.8.7;clock=holdover;disk=500000000"):
        asked = Asked(
            method="POST",
            target="/v1/feed",
            headers={**headers, CONDITION_HEADER: said},
            body=body,
        )
        assert headquarters.desk.answer(asked).status == 200
        headquarters.clock.advance(11_000)
    tell(headquarters, box, box.event(handed(order(headquarters), (1, 1))))
    for path in ("/console", f"/console/stores/{STORE}"):
        page = desk.get(path)
        for word in ("9.8.7", "holdover", "500 MB", "online"):
            assert word in page
    headquarters.clock.advance(120_000)
    assert "offline" in desk.get("/console?trouble_only=1")


def test_three_hundred_stores_cost_no_more_questions_than_three_and_a_page_stays_small(
    desk: Desk, running: RunningHub
) -> None:
    headquarters = running.headquarters
    hub = headquarters.hub
    made = recalls.begin(hub, NewRecall(reason="glass", sku="MILK1"), by="li")
    asked: list[str] = []

    def note(*args: object) -> None:
        asked.append(str(args[2]))

    def look() -> tuple[int, ...]:
        counts: list[int] = []
        views: tuple[Callable[[], object], ...] = (
            lambda: console_stores.stores_view(hub),
            lambda: console_views.recall_view(hub, str(made["recall_id"])),
            lambda: console_views.recalls_view(hub),
            lambda: console_views.transfers_view(hub),
        )
        for view in views:
            asked.clear()
            view()
            counts.append(len(asked))
        return tuple(counts)

    with hub.database.reading() as connection:
        engine = connection.engine
    sql_event.listen(engine, "before_cursor_execute", note)
    for number in (OTHER, 103):
        open_store(headquarters, number)
        enrol_box(headquarters, number)
    few = look()
    for number in range(104, 401):
        open_store(headquarters, number)
        if number % 20 == 0:
            enrol_box(headquarters, number)
    assert look() == few
    sql_event.remove(engine, "before_cursor_execute", note)
    assert "1 / 6" in desk.get("/console")
    assert "S400" in desk.get("/console?page=6")
    desk.get(f"/console/recalls/{made['recall_id']}")
    assert max(few) <= 12


def test_a_person_needs_a_long_password_and_it_is_kept_as_a_hash(running: RunningHub) -> None:
    headquarters = running.headquarters
    add_person(headquarters)
    assert PASSWORD not in str(console_people.list_people(headquarters.hub))
    with headquarters.hub.database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT password_hash FROM hq_person").all()
    assert all(str(row[0]).startswith("$argon2id$") for row in rows)
