from array import array
from collections.abc import Iterator

class USBError(OSError):
    backend_error_code: int | None

class USBTimeoutError(USBError): ...
class NoBackendError(ValueError): ...

class Device:
    idVendor: int
    idProduct: int
    bus: int | None
    address: int | None
    @property
    def serial_number(self) -> str | None: ...
    @property
    def product(self) -> str | None: ...
    @property
    def manufacturer(self) -> str | None: ...
    def write(
        self, endpoint: int, data: bytes | bytearray, timeout: float | None = None
    ) -> int: ...
    def read(
        self, endpoint: int, size_or_buffer: int, timeout: float | None = None
    ) -> array[int]: ...
    def reset(self) -> None: ...

def find(
    *, idVendor: int = ..., idProduct: int = ..., find_all: bool = False
) -> Device | Iterator[Device] | None: ...
