"""What a device can do wrong, drawn once.

DeviceError
├── DeviceGone          not there, or vanished while in use; open it again later
├── DeviceBusy          somebody else holds it; open it again later
├── DeviceRefused       it is there and answers, and will not do this; needs a person
├── DeviceSilent        it is there and does not answer in time
└── AddressError        the address cannot be understood or is not allowed here; needs an edit

A driver translates its library's exceptions once, `raise ... from error`.
"""

from typing import ClassVar


class DeviceError(Exception):
    """A device could not do what it was asked; nothing is implied about what it did before.

    `code` is stable and documented, `transient` says whether waiting can help, `hint` is for the
    shopkeeper.
    """

    code: ClassVar[str] = "E-DEV-00"
    transient: ClassVar[bool] = True
    hint: ClassVar[str] = "Look at the device: power, cable, lights."


class DeviceGone(DeviceError):
    """The device is absent or vanished. Close it, wait, open it again."""

    code = "E-DEV-01"
    hint = "Plug the device in again. Nothing needs a restart."


class DeviceBusy(DeviceError):
    """Another program holds the device."""

    code = "E-DEV-02"
    hint = "Close the other program that uses this device."


class DeviceRefused(DeviceError):
    """The device answered and refused."""

    code = "E-DEV-03"
    transient = False
    hint = "The device does not support this. Check its model and settings."


class DeviceSilent(DeviceError):
    """The device did not answer in time."""

    code = "E-DEV-04"
    hint = "Switch the device off and on again."


class AddressError(DeviceError):
    """An address has an unknown scheme, a bad option, or one that is not allowed on this box."""

    code = "E-DEV-05"
    transient = False
    hint = "Correct the address in the configuration; `storeedge device list` shows what is there."
