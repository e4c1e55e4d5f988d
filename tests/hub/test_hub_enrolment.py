"""A pairing code is one box's, once, for 15 minutes; nothing flows before a person said so."""

import json
import secrets

import pytest
from running_hub import Headquarters
from toy_node import enrol_box, order

from sync.hub import enrolment, orders
from sync.hub.desk import Asked
from sync.hub.problems import Problem
from sync.rules import crockford
from sync.wire import codec, enrol, pairing
from sync.wire.errors import RemoteWireError
from sync.wire.messages import EnrolAnswer, EnrolRequest
from sync.wire.pairing import Pairing
from sync.wire.signature import Signer
from sync.wire.token import parse_v2

MINUTE_MS = 60_000


def new_code(headquarters: Headquarters, number: int = 101) -> Pairing:
    code = enrolment.new_pairing(headquarters.hub, number)["code"]
    assert isinstance(code, str)
    return pairing.parse(code)


def ask(pair: Pairing, signer: Signer | None = None) -> EnrolRequest:
    return enrol.request(signer or Signer.generate(), secrets.token_bytes(8), pair)


def post(headquarters: Headquarters, body: bytes, address: str = "192.0.2.9") -> tuple[int, bytes]:
    answer = headquarters.desk.answer(
        Asked(method="POST", target="/v1/nodes/enroll", headers={}, body=body, address=address)
    )
    return answer.status, answer.body


def test_the_secret_has_80_bits_and_the_hub_is_named_by_its_key(headquarters: Headquarters) -> None:
    pair = new_code(headquarters)
    assert len(pair.secret) == 10
    named = crockford.encode(int.from_bytes(pair.hub_fingerprint, "big"), 16)
    assert named == enrol.node_name(headquarters.hub.signer.public)


def test_no_secret_flows_before_a_person_confirmed(headquarters: Headquarters) -> None:
    asked = ask(new_code(headquarters))
    status, body = post(headquarters, codec.to_json(asked))
    answer = codec.from_json(EnrolAnswer, body)
    assert (status, answer.state) == (200, "pending")
    assert (answer.certificate, answer.signature, answer.k_store) == (b"", b"", b"")
    assert answer.fingerprint == enrol.printed(enrol.node_name(asked.node_public))


def test_a_code_is_used_by_one_box_only(headquarters: Headquarters) -> None:
    pair = new_code(headquarters)
    enrolment.enroll(headquarters.hub, ask(pair))
    with pytest.raises(Problem, match="not known, used"):
        enrolment.enroll(headquarters.hub, ask(pair))


def test_a_code_is_good_for_15_minutes(headquarters: Headquarters) -> None:
    early, late = new_code(headquarters), new_code(headquarters)
    headquarters.clock.advance(15 * MINUTE_MS - 1)
    assert enrolment.enroll(headquarters.hub, ask(early)).state == "pending"
    headquarters.clock.advance(1)
    with pytest.raises(Problem, match="too old"):
        enrolment.enroll(headquarters.hub, ask(late))


def test_a_box_that_asked_in_time_may_wait_for_hq_longer(headquarters: Headquarters) -> None:
    asked = ask(new_code(headquarters))
    enrolment.enroll(headquarters.hub, asked)
    headquarters.clock.advance(60 * MINUTE_MS)
    enrolment.confirm(headquarters.hub, enrol.node_name(asked.node_public), replace=False)
    assert enrolment.enroll(headquarters.hub, asked).state == "enrolled"


@pytest.mark.parametrize("wrong", ["secret", "signature", "incarnation", "key"])
def test_both_keys_must_be_held(headquarters: Headquarters, wrong: str) -> None:
    pair = new_code(headquarters)
    signer = Signer.generate()
    asked = ask(pair, signer)
    other = ask(pair)
    changed = EnrolRequest(
        pairing_id=asked.pairing_id,
        node_public=other.node_public if wrong == "key" else asked.node_public,
        incarnation=bytes(8) if wrong == "incarnation" else asked.incarnation,
        proof=bytes(32) if wrong == "secret" else asked.proof,
        signature=other.signature if wrong == "signature" else asked.signature,
    )
    with pytest.raises(Problem, match="not known, used"):
        enrolment.enroll(headquarters.hub, changed)
    assert enrolment.enroll(headquarters.hub, asked).state == "pending", "the code is still good"


def test_enrolling_for_a_taken_store_fences_nobody_by_itself(headquarters: Headquarters) -> None:
    box = enrol_box(headquarters)
    asked = ask(new_code(headquarters))
    enrolment.enroll(headquarters.hub, asked)
    still = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    assert not still.superseded
    with pytest.raises(Problem, match="unplugged"):
        enrolment.confirm(headquarters.hub, enrol.node_name(asked.node_public), replace=False)
    with pytest.raises(Problem, match="Say who"):
        enrolment.confirm(headquarters.hub, enrol.node_name(asked.node_public), replace=True)
    enrolment.confirm(headquarters.hub, enrol.node_name(asked.node_public), replace=True, by="Wang")
    gone = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    assert gone.superseded


def test_an_incarnation_is_never_used_twice(headquarters: Headquarters) -> None:
    signer, incarnation = Signer.generate(), secrets.token_bytes(8)
    enrolment.enroll(headquarters.hub, enrol.request(signer, incarnation, new_code(headquarters)))
    with pytest.raises(Problem, match="new incarnation"):
        enrolment.enroll(
            headquarters.hub, enrol.request(signer, incarnation, new_code(headquarters))
        )


def test_guessing_is_slowed_by_address_and_waiting_is_not(headquarters: Headquarters) -> None:
    pair = new_code(headquarters)
    waiting = codec.to_json(ask(pair))
    wrong = codec.to_json(ask(Pairing(secret=bytes(10), hub_fingerprint=bytes(10))))
    assert [post(headquarters, waiting)[0] for _ in range(20)] == [200] * 20
    assert [post(headquarters, wrong)[0] for _ in range(7)] == [409] * 5 + [429] * 2
    assert post(headquarters, waiting)[0] == 429, "this address has to wait"
    assert post(headquarters, waiting, "192.0.2.10")[0] == 200
    headquarters.clock.advance(MINUTE_MS)
    assert post(headquarters, waiting)[0] == 200


def test_the_box_refuses_a_certificate_of_another_hub(headquarters: Headquarters) -> None:
    pair = new_code(headquarters)
    asked = ask(pair)
    enrolment.enroll(headquarters.hub, asked)
    enrolment.confirm(headquarters.hub, enrol.node_name(asked.node_public), replace=False)
    answer = enrolment.enroll(headquarters.hub, asked)
    assert enrol.accept(answer, asked, pair).store == 101
    elsewhere = Pairing(secret=pair.secret, hub_fingerprint=bytes(10))
    with pytest.raises(RemoteWireError, match="another hub"):
        enrol.accept(answer, asked, elsewhere)
    with pytest.raises(RemoteWireError, match="another node"):
        enrol.accept(answer, ask(pair), pair)
    flipped = bytes((answer.signature[0] ^ 1,)) + answer.signature[1:]
    forged = EnrolAnswer(
        state="enrolled",
        fingerprint=answer.fingerprint,
        certificate=answer.certificate,
        signature=flipped,
        k_store=answer.k_store,
    )
    with pytest.raises(RemoteWireError, match="not genuine"):
        enrol.accept(forged, asked, pair)


def test_signed_codes_exist_only_once_a_box_holds_the_units(headquarters: Headquarters) -> None:
    before = order(headquarters)
    assert (before.v2, before.pl) == (None, None)
    box = enrol_box(headquarters)
    after = order(headquarters)
    assert after.v2 is not None
    signed = parse_v2(after.v2)
    assert (signed.token.home_store, signed.token.epoch) == (101, 1)
    shown = json.loads(json.dumps(orders.show(headquarters.hub, before.order_no)))
    holders = {each["holder"] for line in shown["lines"] for each in line["units"]}
    assert holders == {box.peer.incarnation.hex()}, "what nobody held is the new box's"
    renewed = json.loads(json.dumps(orders.reissue(headquarters.hub, before.order_no)))
    assert renewed["codes"]["v2"] is not None


def test_a_replaced_boxs_orders_get_no_signed_code(headquarters: Headquarters) -> None:
    enrol_box(headquarters)
    held = order(headquarters)
    enrol_box(headquarters, replace=True)
    renewed = json.loads(json.dumps(orders.reissue(headquarters.hub, held.order_no)))
    assert renewed["codes"]["v2"] is None
    assert renewed["codes"]["v1"]


def test_a_token_made_right_after_enrolment_is_issued_later_than_it(
    headquarters: Headquarters,
) -> None:
    headquarters.clock.advance(1)
    enrol_box(headquarters)
    certified_ms = headquarters.clock.now_ms()
    headquarters.clock.advance(1)
    made = order(headquarters)
    assert made.v2 is not None
    assert parse_v2(made.v2).token.issued_at_s * 1000 > certified_ms
