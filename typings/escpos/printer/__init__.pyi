import socket
from typing import IO

from escpos.escpos import Escpos
from serial import Serial as SerialPort
from usb.core import Device

class Network(Escpos):
    device: socket.socket | None
    host: str
    port: int
    timeout: float
    def __init__(
        self, host: str = "", port: int = 9100, timeout: float = 60, *, profile: str | None = None
    ) -> None: ...

class Serial(Escpos):
    device: SerialPort | None
    def __init__(
        self,
        devfile: str = "",
        baudrate: int = 9600,
        bytesize: int = 8,
        timeout: float = 1,
        parity: str | None = None,
        stopbits: int | None = None,
        xonxoff: bool = False,
        dsrdtr: bool = True,
        *,
        profile: str | None = None,
    ) -> None: ...

class File(Escpos):
    device: IO[bytes] | None
    auto_flush: bool
    def __init__(
        self, devfile: str = "", auto_flush: bool = True, *, profile: str | None = None
    ) -> None: ...
    def flush(self) -> None: ...

class Usb(Escpos):
    device: Device | None
    in_ep: int
    out_ep: int
    timeout: float
    def __init__(
        self,
        idVendor: int | None = None,
        idProduct: int | None = None,
        usb_args: dict[str, str | int] = ...,
        timeout: float = 0,
        in_ep: int = 0x82,
        out_ep: int = 0x01,
        *,
        profile: str | None = None,
    ) -> None: ...

class Dummy(Escpos):
    output: bytes
    def __init__(self, *, profile: str | None = None) -> None: ...
    def clear(self) -> None: ...
