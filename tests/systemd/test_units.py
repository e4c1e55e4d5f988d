"""What the service manager itself says of our units, users, folders and rules."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
SERVICES = ("storeedge.service", "storeedge-hub.service")
SYSTEM_UNITS = Path("/usr/lib/systemd/system")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder with our units installed, the system's own beside them, and two commands."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(SYSTEM_UNITS, root / "usr/lib/systemd/system", symlinks=True)
    bin_folder = root / "opt/storeedge/bin"
    bin_folder.mkdir(parents=True)
    for name in ("storeedge", "storeedge-hub"):
        (bin_folder / name).write_text("#!/bin/sh\n")
        (bin_folder / name).chmod(0o755)
    installed = root / "etc/systemd/system"
    installed.mkdir(parents=True)
    for service in SERVICES:
        shutil.copy(UNITS / service, installed)
    return root


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_is_verified_without_a_word(root: Path, service: str) -> None:
    verified = run("systemd-analyze", f"--root={root}", "verify", service)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_a_misspelt_key_in_a_unit_would_be_seen(root: Path) -> None:
    text = (UNITS / SERVICES[0]).read_text().replace("KeyringMode=", "KeyringMood=")
    (root / "etc/systemd/system/misspelt.service").write_text(text)
    assert (
        "KeyringMood"
        in run("systemd-analyze", f"--root={root}", "verify", "misspelt.service").stderr
    )


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_is_exposed_to_3_0_at_most(service: str) -> None:
    security = run(
        "systemd-analyze", "security", "--offline=true", "--threshold=30", UNITS / service
    )
    assert security.returncode == 0, security.stdout[-400:]


def test_an_unhardened_unit_would_be_too_exposed(tmp_path: Path) -> None:
    bare = tmp_path / "bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n")
    assert run("systemd-analyze", "security", "--offline=true", "--threshold=30", bare).returncode


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_waits_for_ready_and_is_watched_and_started_again(service: str) -> None:
    lines = (UNITS / service).read_text().splitlines()
    wanted = {"Type=notify", "NotifyAccess=main", "WatchdogSec=30", "Restart=always"}
    assert wanted <= set(lines)


def test_the_node_reaches_its_devices_and_no_others() -> None:
    lines = (UNITS / "storeedge.service").read_text().splitlines()
    assert "DevicePolicy=closed" in lines
    assert not any(line.startswith("PrivateDevices=") for line in lines)
    allowed = {line.split("=")[1].split()[0] for line in lines if line.startswith("DeviceAllow=")}
    assert {
        "char-ttyUSB", "char-ttyACM", "char-input", "char-hidraw", "char-video4linux",
    } <= allowed  # fmt: skip
    families = next(line for line in lines if line.startswith("RestrictAddressFamilies="))
    assert set(families.split("=")[1].split()) == {"AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"}


def test_the_users_are_made_with_their_groups(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    made = run("systemd-sysusers", f"--root={tmp_path}", UNITS / "storeedge.sysusers.conf")
    assert made.returncode == 0, made.stderr
    users = {line.split(":")[0] for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    assert {"storeedge", "storeedge-hub"} <= users
    groups = {
        name: members.split(",")
        for name, _, _, members in (
            line.split(":") for line in (tmp_path / "etc/group").read_text().splitlines()
        )
    }
    for group in ("dialout", "input", "video", "lp"):
        assert groups[group] == ["storeedge"]


def test_the_folder_of_credentials_is_closed_to_others(tmp_path: Path) -> None:
    made = run(
        "systemd-tmpfiles", f"--root={tmp_path}", "--create", UNITS / "storeedge.tmpfiles.conf"
    )
    assert (made.returncode, made.stderr) == (0, "")
    assert stat.S_IMODE((tmp_path / "etc/storeedge/credentials").stat().st_mode) == 0o700


# A USB hub with one HID device on it, as umockdev shows it to udev.
TESTBED = """\
P: /devices/pci0000:00/usb1
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
A: idVendor=1d6b

P: /devices/pci0000:00/usb1/1-2
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
A: idVendor={vendor}

P: /devices/pci0000:00/usb1/1-2/1-2:1.0/input/input7/event7
N: input/event7
E: SUBSYSTEM=input
E: DEVNAME=/dev/input/event7
E: MAJOR=13
E: MINOR=71
E: ID_PATH_TAG=pci-usb-2
E: ID_USB_INTERFACE_NUM=00
"""
# In a mount namespace of its own, so that the machine's rules, records and /dev stay as they are.
PLUG_IN = """
set -e
mkdir -p /etc/udev /run/udev
for folder in /etc/udev /run/udev; do mount -t tmpfs none $folder; done
mkdir /run/udev/dev
mount --rbind /dev /run/udev/dev
mount -t tmpfs none /dev
ln -s /run/udev/dev/null /run/udev/dev/ptmx /run/udev/dev/pts /dev/
mkdir /etc/udev/rules.d
cp "$1" /etc/udev/rules.d/70-storeedge.rules
exec umockdev-run -d "$2" -- udevadm test --action=add \
    /sys/devices/pci0000:00/usb1/1-2/1-2:1.0/input/input7/event7
"""


def plug_in(rules: Path, vendor: str, folder: Path) -> tuple[list[str], str]:
    """What udev says of our rules, and all that it decided, when a HID device is plugged in."""
    testbed = folder / "testbed.umockdev"
    testbed.write_text(TESTBED.format(vendor=vendor))
    namespace = ("unshare", "--mount", "--map-root-user")
    said = run(*namespace, "sh", "-c", PLUG_IN, "sh", rules, testbed)
    assert said.returncode == 0, said.stderr
    ours = [line for line in said.stderr.splitlines() if "70-storeedge.rules" in line]
    assert ours.pop(0).startswith("Reading rules file")
    return ours, said.stdout


def test_the_events_of_a_scanner_go_to_the_daemon_alone(tmp_path: Path) -> None:
    said, decided = plug_in(UNITS / "70-storeedge.rules", "0c2e", tmp_path)
    words = [line.split(maxsplit=2)[2] for line in said]
    assert [word.split()[0] for word in words] == ["GROUP", "MODE", "LINK"]
    assert "MODE 0660" in words
    assert "LINK 'storeedge/keyboard-pci-usb-2-00'" in words
    assert "LIBINPUT_IGNORE_DEVICE=1" in decided.splitlines()


def test_a_keyboard_of_another_maker_stays_a_keyboard(tmp_path: Path) -> None:
    said, decided = plug_in(UNITS / "70-storeedge.rules", "046d", tmp_path)
    assert said == []
    assert "LIBINPUT_IGNORE_DEVICE" not in decided


def test_a_misspelt_key_in_a_rule_would_be_seen(tmp_path: Path) -> None:
    misspelt = tmp_path / "misspelt.rules"
    misspelt.write_text('SUBSYSTEM=="tty", OWNAR="dialout"\n')
    said, _ = plug_in(misspelt, "0c2e", tmp_path)
    assert len(said) == 1
    assert "OWNAR" in said[0]
