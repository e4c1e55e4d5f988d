"""Signed manifests: which snapshot is whose, how far it reads, and what its bytes hash to."""

from sync.wire import codec
from sync.wire.errors import RemoteWireError
from sync.wire.messages import Manifest, SignedManifest
from sync.wire.signature import DOMAIN_SNAPSHOT, Signer, is_genuine

MAX_COMPRESSED_BYTES = 256 * 1024 * 1024
MAX_PLAIN_BYTES = 2 * 1024 * 1024 * 1024


def sign_manifest(manifest: Manifest, hub: Signer) -> SignedManifest:
    """The manifest as bytes with the hub's signature."""
    data = codec.pack(manifest)
    return SignedManifest(manifest=data, signature=hub.sign(DOMAIN_SNAPSHOT, data))


def open_manifest(signed: SignedManifest, hub_public: bytes) -> Manifest:
    """The manifest that this hub signed, its sizes within bounds.

    Raises:
        RemoteWireError: another hub's, changed, or larger than anything we would keep.
    """
    if not is_genuine(hub_public, DOMAIN_SNAPSHOT, signed.manifest, signed.signature):
        raise RemoteWireError("the manifest's signature is not genuine")
    manifest = codec.unpack(Manifest, signed.manifest)
    if not 0 < manifest.size <= MAX_COMPRESSED_BYTES:
        raise RemoteWireError("a snapshot of an impossible size")
    if not 0 < manifest.plain_size <= MAX_PLAIN_BYTES:
        raise RemoteWireError("a snapshot that expands beyond all bounds")
    return manifest
