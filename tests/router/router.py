"""A router to test on: 64 MB, a MIPS 24KEc, Padavan's habits, under qemu.

image.sh builds what it boots. It is driven over its serial console; its network
reaches nothing, and two of its ports appear on the host's 127.0.0.1.
"""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
IMAGE = TARGET / "router"
STICK = "/media/UBUNTU_17_0"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def build_image():
    subprocess.run([HERE / "image.sh"], check=True, stdout=subprocess.DEVNULL)


class Router:
    """One router. Its flash, storage and stick are files in a directory of its own."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="router."))
        (self.directory / "storage").write_bytes(bytes(256 * 1024))
        (self.directory / "nvram").write_bytes(bytes(16 * 1024))
        with open(self.directory / "stick", "wb") as stick:
            stick.truncate(32 * 1024 * 1024)
        subprocess.run(["busybox", "mkdosfs", "-n", "STICK", self.directory / "stick"],
                       check=True, stdout=subprocess.DEVNULL)
        self.ssh_port, self.web_port = free_port(), free_port()
        self.qemu, self.read = None, b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.switch_off()
        shutil.rmtree(self.directory)

    def switch_off(self):
        if self.qemu:
            self.qemu.kill()
            self.qemu.wait()

    def boot(self):
        """Switches it on and waits until its shell answers. The clock says 1970."""
        drives = []
        for name, file, options in (("flash", IMAGE / "root.squashfs", ",readonly=on"),
                                    ("storage", self.directory / "storage", ""),
                                    ("nvram", self.directory / "nvram", "")):
            drives += ["-drive", f"if=none,id={name},format=raw,file={file}{options}",
                       "-device", f"virtio-blk-pci,drive={name}"]
        self.qemu = subprocess.Popen(
            ["qemu-system-mipsel", "-M", "malta", "-cpu", "24KEc", "-m", "64",
             "-kernel", IMAGE / "kernel", "-initrd", IMAGE / "start.gz",
             "-append", "console=ttyS0 quiet panic=1",
             "-nodefaults", "-vga", "none", "-display", "none",
             "-rtc", "base=1970-01-01",
             "-chardev", f"socket,id=console,path={self.directory}/console,server=on,wait=off",
             "-serial", "chardev:console",
             "-qmp", f"unix:{self.directory}/monitor,server=on,wait=off",
             "-netdev", "user,id=lan,restrict=on"
             f",hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22"
             f",hostfwd=tcp:127.0.0.1:{self.web_port}-:9100",
             "-device", "virtio-net-pci,netdev=lan,romfile=", *drives],
            stdin=subprocess.DEVNULL)
        self.console = self._connect("console")
        self.monitor = self._connect("monitor")
        self.wait_for_shell()
        self._monitor("qmp_capabilities")

    def _connect(self, name):
        deadline = time.monotonic() + 10
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self.directory / name))
                return connection
            except OSError:
                connection.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _monitor(self, command, **arguments):
        self.monitor.settimeout(10)
        request = {"execute": command, "arguments": arguments}
        self.monitor.sendall(json.dumps(request).encode() + b"\n")
        answer = b""
        while not re.search(rb'^\{"(return|error)".*\n', answer, re.M):
            said = self.monitor.recv(4096)
            if not said:
                raise ConnectionError("the router is switched off")
            answer += said
        if b'{"error"' in answer:
            raise RuntimeError(f"{command}: {answer!r}")

    def _read_until(self, pattern, seconds):
        """What the console says up to and including `pattern`."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.read)):
            self.console.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                said = self.console.recv(65536)
            except TimeoutError:
                raise TimeoutError(f"no {pattern!r} on the console: {self.read[-2000:]!r}") from None
            if not said:
                raise ConnectionError("the router is switched off")
            self.read += said
        self.read = self.read[found.end():]
        return found

    def wait_for_shell(self, seconds=120):
        self._read_until(rb"built-in shell", seconds)
        time.sleep(0.2)
        self.console.sendall(b"PS1=; stty -echo; echo re''ady\n")
        self._read_until(rb"ready\r?\n", 30)

    def run(self, command, seconds=60, check=True):
        """Runs a shell command on the console; returns what it printed."""
        self.console.sendall(command.encode() + b"\necho \"=$?=\"ended\n")
        found = self._read_until(rb"(?s)^(.*?)=(\d+)=ended\r?\n", seconds)
        output = found[1].decode(errors="replace").replace("\r\n", "\n").strip()
        if check and found[2] != b"0":
            raise RuntimeError(f"{command}: exit status {found[2].decode()}: {output}")
        return output

    def plug(self, read_only=False):
        """Plugs the stick in; the router mounts it a moment later."""
        self._monitor("blockdev-add", **{
            "node-name": "stick", "driver": "raw", "read-only": read_only,
            "file": {"driver": "file", "filename": str(self.directory / "stick"), "read-only": read_only}})
        self._monitor("device_add", driver="usb-storage", id="stick", drive="stick")
        self.wait_for(f"grep -q ' {STICK} ' /proc/mounts")

    def pull(self):
        """Pulls the stick out, without a word beforehand."""
        self._monitor("device_del", id="stick")
        self.wait_for(f"! grep -q ' {STICK} ' /proc/mounts")
        self._monitor("blockdev-del", **{"node-name": "stick"})

    def wait_for(self, command, seconds=60):
        deadline = time.monotonic() + seconds
        while self.run(f"if {command}; then echo yes; fi") != "yes":
            if time.monotonic() > deadline:
                raise TimeoutError(command)
            time.sleep(0.3)

    def reboot(self):
        self.console.sendall(b"reboot\n")
        self.wait_for_shell()

    def ssh(self):
        """The command with which a person would come in, as admin."""
        return ["ssh", "-p", str(self.ssh_port), "-i", str(IMAGE / "key"), "-F", "none",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR"]
