"""The vectors of `docs/wire.md`: made once, for whoever writes another hub or box; never edited.

Look-ups and hashes are computed here a second time with the standard library alone.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sync.rules import crockford
from sync.wire import (
    audit,
    base45,
    catalog,
    codec,
    credential,
    enrol,
    feed,
    messages,
    pairing,
    request,
    sealing,
    signature,
    snapshot,
    token,
)
from sync.wire.messages import Cursor, EnrolRequest, FeedRow, SignedManifest
from sync.wire.signature import Signer

FOLDER = Path(__file__).parent.parent / "data" / "vectors"


def load(name: str) -> Any:  # noqa: ANN401  # JSON
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


CODES, SIGNATURES, MESSAGES = load("codes"), load("signatures"), load("messages")


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def test_base45_and_its_rfc_examples() -> None:
    for each in CODES["base45"]:
        assert base45.encode(raw(each["bytes"])) == each["text"]
        assert base45.decode(each["text"]) == raw(each["bytes"])
    # RFC 9285, section 4.3 and 4.4
    rfc = {"AB": "BB8", "Hello!!": "%69 VD92EX0", "base-45": "UJCLQE7W581", "ietf!": "QED8WEX0"}
    by_bytes = {raw(each["bytes"]): each["text"] for each in CODES["base45"]}
    assert {name: by_bytes[name.encode()] for name in rfc} == rfc


def test_check_characters() -> None:
    for each in CODES["crockford"]:
        assert crockford.check_character(each["symbols"]) == each["check"]


def test_v1() -> None:
    for each in CODES["v1"]:
        assert token.v1_text(raw(each["code_id"])) == each["text"]
        assert token.v1_code_id(each["text"]) == raw(each["code_id"])


def test_v2() -> None:
    vector = CODES["v2"]
    parsed = token.parse_v2(vector["text"])
    names = ("key_id", "home_store", "epoch", "issued_at_s", "not_after_s", "grade")
    assert {name: getattr(parsed.token, name) for name in names} == {
        name: vector[name] for name in names
    }
    assert parsed.token.code_id == raw(vector["code_id"])
    assert parsed.token.line_digest == raw(vector["line_digest"])
    assert parsed.message == raw(vector["signed_bytes"])
    assert parsed.is_genuine(raw(vector["issuer_public"]))
    assert token.issue(parsed.token, Signer(raw(vector["issuer_private"]))) == vector["text"]
    assert vector["text"] == "P2:" + base45.encode(
        raw(vector["signed_bytes"]) + raw(vector["signature"])
    )


def test_pl_and_its_digest() -> None:
    vector = CODES["pl"]
    parsed = token.parse_lines(vector["text"])
    assert [
        {"line": line.line, "sku": line.sku, "quantity": line.quantity} for line in parsed.lines
    ] == vector["lines"]
    assert (parsed.code_id, parsed.order_id) == (raw(vector["code_id"]), raw(vector["order_id"]))
    packed = b"".join(
        each["line"].to_bytes(2, "big")
        + each["sku"].encode().ljust(8, b"\0")
        + each["quantity"].to_bytes(4, "big")
        for each in vector["lines"]
    )
    digest = hashlib.sha256(
        b"storeedge/lines/1\0" + parsed.code_id + parsed.order_id + packed
    ).digest()[:8]
    assert digest == raw(vector["line_digest"])
    assert token.line_digest(parsed.code_id, parsed.order_id, parsed.lines) == digest


def test_pairing_code() -> None:
    vector = CODES["pairing"]
    pair = pairing.parse(vector["text"])
    assert pair.secret == raw(vector["secret"])
    assert pair.hub_fingerprint == raw(vector["hub_fingerprint"])
    assert signature.fingerprint(raw(vector["hub_public"])) == pair.hub_fingerprint
    assert pairing.text(pair) == vector["text"]
    digest = hashlib.sha256(b"storeedge/pairing-id/1\0" + pair.secret).hexdigest()
    assert pair.pairing_id == vector["pairing_id"] == digest[:16]


def keyed(key: bytes, purpose: str, *parts: bytes) -> bytes:
    framed = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    message = b"storeedge/" + purpose.encode() + b"/1\0" + framed
    return hmac.new(key, message, hashlib.sha256).digest()[:16]


def test_look_ups() -> None:
    vector = CODES["credentials"]
    k_store, k_personal = raw(vector["k_store"]), raw(vector["k_personal"])
    code, serial, pin = vector["code"], vector["serial"], vector["pin"]
    platform, badge, tail = vector["platform"], vector["badge"], vector["phone_tail"]
    ours = (
        credential.code_lookup(k_store, raw(code["code_id"])),
        credential.serial_lookup(k_store, serial["serial"]),
        credential.pin_verifier(k_store, pin["serial"], pin["pin"]),
        credential.platform_lookup(
            k_store, platform["platform"], platform["number"], platform["order_tail"]
        ),
        credential.badge_lookup(k_store, badge["badge"]),
        credential.phone_tail_lookup(k_personal, tail["tail"]),
    )
    again = (
        keyed(k_store, "code", raw(code["code_id"])),
        keyed(k_store, "serial", serial["serial"].encode()),
        keyed(k_store, "pin", pin["serial"].encode(), pin["pin"].encode()),
        keyed(
            k_store,
            "platform",
            *(platform[name].encode() for name in ("platform", "number", "order_tail")),
        ),
        keyed(k_store, "badge", badge["badge"].encode()),
        keyed(k_personal, "phone-tail", tail["tail"].encode()),
    )
    written = (
        code["lookup"],
        serial["lookup"],
        pin["verifier"],
        platform["lookup"],
        badge["lookup"],
        tail["lookup"],
    )
    assert ours == again == tuple(map(raw, written))


def test_fingerprint_and_name() -> None:
    vector = SIGNATURES["fingerprint"]
    public = raw(vector["public"])
    assert signature.fingerprint(public) == raw(vector["fingerprint"])
    digest = hashlib.sha256(b"storeedge/fingerprint/1\0" + public).digest()[:10]
    assert digest == raw(vector["fingerprint"])
    assert enrol.node_name(public) == vector["name"]
    assert enrol.printed(vector["name"]) == vector["printed"]


def test_signed_request() -> None:
    vector = SIGNATURES["request"]
    arguments = {name: vector[name] for name in ("method", "target")}
    public, body = raw(SIGNATURES["keys"]["node_public"]), raw(vector["body"])
    assert request.is_signed_request(vector["headers"], public, body=body, **arguments)
    for change in ({"method": "GET"}, {"target": "/v1/events?x=2"}):
        assert not request.is_signed_request(
            vector["headers"], public, body=body, **{**arguments, **change}
        )
    assert not request.is_signed_request(vector["headers"], public, body=body + b" ", **arguments)
    other = {**vector["headers"], "storeedge-incarnation": "0000000000000000"}
    assert not request.is_signed_request(other, public, body=body, **arguments)
    assert (
        request.sign_request(
            Signer(raw(SIGNATURES["keys"]["node_private"])),
            node=vector["node"],
            incarnation=raw(vector["incarnation"]),
            body=body,
            **arguments,
        )
        == vector["headers"]
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"storeedge-incarnation": "zz", "storeedge-signature": "AAAA"},
        {"storeedge-incarnation": "00", "storeedge-signature": "no base64!"},
        {"storeedge-incarnation": "00", "storeedge-signature": "é"},
    ],
)
def test_headers_that_are_none_sign_nothing(headers: dict[str, str]) -> None:
    public = raw(SIGNATURES["keys"]["node_public"])
    assert not request.is_signed_request(headers, public, method="GET", target="/", body=b"")


def test_enrolment() -> None:
    vector = SIGNATURES["enrolment"]
    asked = codec.from_json(EnrolRequest, vector["request_json"].encode())
    pair = pairing.parse(CODES["pairing"]["text"])
    assert asked.pairing_id == pair.pairing_id
    assert enrol.is_proved(asked, pair)
    certificate = enrol.open_certificate(
        raw(vector["certificate"]), raw(vector["certificate_signature"]), pair.hub_fingerprint
    )
    assert certificate.node_public == asked.node_public
    assert certificate.demo


def test_feed_chain_and_head() -> None:
    vector = SIGNATURES["feed"]
    previous = feed.GENESIS
    for each in vector["rows"]:
        row = FeedRow(
            seq=each["seq"],
            kind=each["kind"],
            body=raw(each["body"]),
            must_understand=each["must_understand"],
        )
        previous = feed.row_hash(previous, vector["scope"], row)
        assert previous == raw(each["row_hash"])
        value = codec.unpack(catalog.ROW_TYPES[row.kind], row.body)
        assert codec.pack(value) == row.body
    head = codec.unpack(Cursor, raw(vector["head"]))
    assert head.row_hash == previous
    hub = raw(SIGNATURES["keys"]["hub_public"])
    assert feed.is_genuine_head(head, hub, raw(vector["head_signature"]))


def test_hub_time() -> None:
    vector = SIGNATURES["hub_time"]
    hub, nonce = raw(SIGNATURES["keys"]["hub_public"]), raw(vector["nonce"])
    assert feed.is_genuine_time(vector["time_ms"], nonce, hub, raw(vector["signature"]))
    assert not feed.is_genuine_time(vector["time_ms"] + 1, nonce, hub, raw(vector["signature"]))


def test_manifest() -> None:
    vector = SIGNATURES["manifest"]
    signed = SignedManifest(manifest=raw(vector["manifest"]), signature=raw(vector["signature"]))
    manifest = snapshot.open_manifest(signed, raw(SIGNATURES["keys"]["hub_public"]))
    assert (manifest.store, manifest.size, manifest.plain_size) == (101, 1000, 5000)


def test_audit_chain() -> None:
    previous = audit.GENESIS
    for each in SIGNATURES["audit"]:
        previous = audit.link(previous, each["seq"], raw(each["body"]))
        assert previous == raw(each["hash"])


def test_sealed_names() -> None:
    vector = SIGNATURES["sealed"]
    key, sealed, order_id = (raw(vector[name]) for name in ("key", "sealed", "bound_to"))
    assert sealing.unseal(key, sealed, bound_to=order_id).decode() == vector["plain"]
    for bad in ((bytes(32), sealed, order_id), (key, sealed, bytes(10)), (key, b"", order_id)):
        with pytest.raises(ValueError, match=r"sealed|Nonce|nonce"):
            sealing.unseal(bad[0], bad[1], bound_to=bad[2])


@pytest.mark.parametrize("vector", MESSAGES, ids=lambda each: each["type"])
def test_message(vector: dict[str, Any]) -> None:
    found = getattr(messages, vector["type"], None) or getattr(catalog, vector["type"])
    value = codec.unpack(found, raw(vector["msgpack"]))
    assert codec.pack(value) == raw(vector["msgpack"])
    assert json.loads(codec.to_json(value)) == vector["json"]
    for older in vector.get("older", ()):  # of an earlier release: the new fields are missing
        assert codec.unpack(found, raw(older)) == value
    newer = {**msgspec.msgpack.decode(raw(vector["msgpack"])), "of_a_newer_version": 1}
    assert codec.unpack(found, codec.pack(newer)) == value, "unknown fields are left out"
