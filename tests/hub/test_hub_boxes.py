"""A box comes back, another takes its place, and what the old one never told is taken in late."""

import secrets

import pytest
from running_hub import Headquarters
from toy_node import Box, enrol_box

from sync.hub import boxes, enrolment, takeovers
from sync.hub.problems import Problem
from sync.wire import codec
from sync.wire.errors import RemoteWireError
from sync.wire.messages import BatchAnswer, Event, SignedTakeOver
from sync.wire.messages import Problem as Told
from sync.wire.request import sign_request
from sync.wire.signature import Signer
from sync.wire.takeover import (
    Author,
    Recovered,
    Return,
    names,
    open_takeover,
    sign_recovered,
    sign_return,
)

BY = "Manager Wang"


def returning(box: Box, incarnation: bytes, *, signer: Signer | None = None) -> Return:
    asked = Return(
        node=box.peer.node,
        predecessor=box.peer.incarnation,
        incarnation=incarnation,
        why="restored",
        audit_seq=3,
        audit_hash=bytes(32),
    )
    return sign_return(asked, signer or box.signer)


def post(
    headquarters: Headquarters, box: Box, incarnation: bytes, target: str, body: bytes
) -> tuple[int, bytes]:
    headers = sign_request(
        box.signer,
        method="POST",
        target=target,
        node=box.peer.node,
        incarnation=incarnation,
        body=body,
    )
    return headquarters.desk.exchange(method="POST", target=target, headers=headers, body=body)


def event(seq: int) -> Event:
    return Event(
        seq=seq,
        hlc=seq,
        trusted_ms=1,
        kind="audit_head",
        schema=1,
        units=(),
        body=b'{"at_ms": 1}',
        audit_seq=seq,
        audit_hash=bytes(32),
    )


def hand_in(
    headquarters: Headquarters, sender: Box, incarnation: bytes, given: Recovered
) -> tuple[int, bytes]:
    body = codec.to_body((given, secrets.token_bytes(16)))
    return post(headquarters, sender, incarnation, "/v1/events/recovered", body)


def replaced(headquarters: Headquarters) -> tuple[Box, Box]:
    old = enrol_box(headquarters)
    return old, enrol_box(headquarters, replace=True)


def test_a_box_that_came_back_gets_nothing_until_a_named_person_attests_it(
    headquarters: Headquarters,
) -> None:
    box = enrol_box(headquarters)
    fresh = secrets.token_bytes(8)
    answer = boxes.come_back(headquarters.hub, returning(box, fresh))
    assert (answer.state, answer.certificate, answer.k_store) == ("pending", b"", b"")
    before = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    assert not before.superseded, "asking supersedes nobody"
    with pytest.raises(Problem, match="Say who"):
        enrolment.confirm(headquarters.hub, box.peer.node, replace=True)
    with pytest.raises(Problem, match="has a box"):
        enrolment.confirm(headquarters.hub, box.peer.node, replace=False, by=BY)
    enrolment.confirm(headquarters.hub, box.peer.node, replace=True, by=BY)
    answer = boxes.come_back(headquarters.hub, returning(box, fresh))
    assert answer.state == "enrolled"
    assert enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation).superseded
    [told] = takeovers.list_takeovers(headquarters.hub)
    assert (told["attested_by"], told["why"]) == (BY, "restored")


def test_only_the_box_itself_may_ask_to_come_back(headquarters: Headquarters) -> None:
    box = enrol_box(headquarters)
    with pytest.raises(Problem, match="not enrolled"):
        boxes.come_back(
            headquarters.hub, returning(box, secrets.token_bytes(8), signer=Signer.generate())
        )
    with pytest.raises(Problem, match="not enrolled"):
        boxes.come_back(headquarters.hub, returning(box, box.peer.incarnation))


def test_asking_again_and_again_leaves_few_questions(headquarters: Headquarters) -> None:
    box = enrol_box(headquarters)
    for _ in range(6):
        boxes.come_back(headquarters.hub, returning(box, secrets.token_bytes(8)))
    nodes = enrolment.fleet(headquarters.hub)["nodes"]
    assert isinstance(nodes, list)
    pending = [each for each in nodes if each["state"] == "pending"]
    assert len(pending) == boxes.MAX_RETURNS


def test_a_replaced_box_does_not_come_back(headquarters: Headquarters) -> None:
    old, _ = replaced(headquarters)
    with pytest.raises(Problem) as refused:
        boxes.come_back(headquarters.hub, returning(old, secrets.token_bytes(8)))
    assert refused.value.code == "superseded"


def test_a_replaced_box_is_refused_with_evidence_that_it_can_check(
    headquarters: Headquarters,
) -> None:
    old, new = replaced(headquarters)
    status, body = post(headquarters, old, old.peer.incarnation, "/v1/feed", b"")
    assert status == 409
    told = codec.from_json(Told, body)
    paper = SignedTakeOver(
        takeover=bytes.fromhex(told.takeover), signature=bytes.fromhex(told.takeover_signature)
    )
    takeover = open_takeover(paper, old.peer.hub_public)
    assert names(takeover, old.peer.node, old.peer.incarnation)
    assert takeover.successor_node == new.peer.node
    with pytest.raises(RemoteWireError):
        open_takeover(paper, Signer.generate().public)


def test_what_the_old_box_never_told_is_taken_from_its_successor(
    headquarters: Headquarters,
) -> None:
    old, new = replaced(headquarters)
    author = Author(node=old.peer.node, incarnation=old.peer.incarnation, signer=old.signer)
    given = sign_recovered(author, (event(1), event(2)))
    status, body = hand_in(headquarters, new, new.peer.incarnation, given)
    assert status == 200
    answer = codec.from_body(BatchAnswer, body)
    assert [row.outcome for row in answer.rows] == ["accepted", "accepted"]
    _, body = hand_in(headquarters, new, new.peer.incarnation, given)
    answer = codec.from_body(BatchAnswer, body)
    assert [row.outcome for row in answer.rows] == ["known", "known"], "twice changes nothing"


def test_the_old_box_may_tell_its_own_rest_and_nobody_else_s(headquarters: Headquarters) -> None:
    old, new = replaced(headquarters)
    own = Author(node=old.peer.node, incarnation=old.peer.incarnation, signer=old.signer)
    status, _ = hand_in(headquarters, old, old.peer.incarnation, sign_recovered(own, (event(1),)))
    assert status == 200
    other = Author(node=new.peer.node, incarnation=new.peer.incarnation, signer=new.signer)
    status, _ = hand_in(headquarters, old, old.peer.incarnation, sign_recovered(other, (event(1),)))
    assert status == 401


def test_nobody_puts_words_into_another_s_mouth(headquarters: Headquarters) -> None:
    old, new = replaced(headquarters)
    forged = Author(node=old.peer.node, incarnation=old.peer.incarnation, signer=new.signer)
    status, _ = hand_in(
        headquarters, new, new.peer.incarnation, sign_recovered(forged, (event(1),))
    )
    assert status == 422
    alive = Author(node=new.peer.node, incarnation=new.peer.incarnation, signer=new.signer)
    status, body = hand_in(
        headquarters, new, new.peer.incarnation, sign_recovered(alive, (event(1),))
    )
    assert (status, codec.from_json(Told, body).code) == (409, "not_superseded")


def test_the_new_box_is_given_the_evidence_to_show_around(headquarters: Headquarters) -> None:
    box = enrol_box(headquarters)
    fresh = secrets.token_bytes(8)
    asked = returning(box, fresh)
    boxes.come_back(headquarters.hub, asked)
    enrolment.confirm(headquarters.hub, box.peer.node, replace=True, by=BY)
    [paper] = boxes.come_back(headquarters.hub, asked).takeovers
    takeover = open_takeover(paper, box.peer.hub_public)
    assert names(takeover, box.peer.node, box.peer.incarnation)
    assert takeover.attested_by == BY
