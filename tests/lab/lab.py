"""A second router to test on: what a router has beyond a computer, under qemu.

image.sh builds what it boots: Debian's kernel for the malta board with simulated
radios and flash, and the programs that set them up. Nothing of these is loaded
or running at first.
"""

import base64
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "router"))

from router import TARGET, Router

IMAGE = TARGET / "lab"


def build_image():
    subprocess.run([HERE / "image.sh"], check=True, stdout=subprocess.DEVNULL)


class Lab(Router):
    """One such router, with the program under test in its /bin."""

    def __init__(self, program, megabytes):
        super().__init__()
        self.megabytes = megabytes
        (self.directory / "bin").mkdir()
        shutil.copy(program, self.directory / "bin/router_exporter")
        # The kernel takes one archive after the other.
        archive = subprocess.run(
            ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], check=True, cwd=self.directory,
            input=b"bin/router_exporter\n", stdout=subprocess.PIPE)
        (self.directory / "initrd").write_bytes((IMAGE / "root.cpio").read_bytes() + archive.stdout)

    def boot(self):
        """Switches it on and waits until its shell answers."""
        self.qemu = subprocess.Popen(
            ["qemu-system-mipsel", "-M", "malta", "-cpu", "24KEc", "-m", str(self.megabytes),
             "-kernel", IMAGE / "kernel", "-initrd", self.directory / "initrd",
             "-append", "console=ttyS0 quiet panic=1",
             "-nodefaults", "-vga", "none", "-display", "none",
             "-chardev", f"socket,id=console,path={self.directory}/console,server=on,wait=off",
             "-serial", "chardev:console",
             "-netdev", f"user,id=lan,restrict=on,hostfwd=tcp:127.0.0.1:{self.web_port}-:9100",
             "-device", "virtio-net-pci,netdev=lan,romfile="],
            stdin=subprocess.DEVNULL)
        self.console = self._connect("console")
        self.wait_for_shell()

    def start(self, *options, user=None):
        """Starts the program anew, with an empty log; returns when it answers."""
        change = f"start-stop-daemon -S -c {user} -x /bin/router_exporter -- " if user else "router_exporter "
        self.run("killall -q router_exporter; while pidof router_exporter >/dev/null; do sleep 0.1; done; "
                 f"({change}{' '.join(options)} </dev/null >/tmp/log 2>&1 &)")
        self.answers(9100)

    def answers(self, port):
        """Waits until the program does; its log is the error if it does not."""
        try:
            self.wait_for(f"wget -q -O /dev/null 127.0.0.1:{port}/metrics", 20)
        except TimeoutError:
            raise TimeoutError(f"the exporter does not answer: {self.log()}") from None

    def log(self):
        return self.run("cat /tmp/log")

    def radios(self, number, *points):
        """Loads radios; the first ones become access points, each with its hostapd.conf."""
        self.run(f"modprobe mac80211_hwsim radios={number}")
        # A radio has a survey of the channels that it scanned; beside a hostapd that would hang.
        for point in range(len(points)):
            self.run(f"ip link set wlan{point} up; iw dev wlan{point} scan freq 2412 2437 2462 >/dev/null; "
                     f"ip link set wlan{point} down")
        for point, configuration in enumerate(points):
            self.run(f"cat >/tmp/hostapd{point}.conf <<'END'\ninterface=wlan{point}\ndriver=nl80211\n"
                     f"hw_mode=g\n{configuration}END\nhostapd -B /tmp/hostapd{point}.conf")

    def tunnel(self):
        """Two tunnels; one has a peer in a namespace of its own, and what they exchange."""
        # One without a key, whose peers are more than one message of the kernel has room for; the networks of
        # one of them are in two.
        more = ", ".join(f"10.8.%d.{16 * network}/28" for network in range(12))
        peers = "".join(
            f"[Peer]\nPublicKey = {base64.b64encode(bytes([peer] * 32)).decode()}\n"
            f"AllowedIPs = 10.7.{peer}.0/24, 10.6.{peer}.1, fd00:7:{peer}::/48, {more % ((peer,) * 12)}\n"
            for peer in range(1, 61))
        self.run(f"cat >/tmp/peers <<'END'\n{peers}END\nip link add wg1 type wireguard && wg setconf wg1 /tmp/peers")
        self.run("""
            umask 077
            ip netns add peer
            ip link add veth0 type veth peer name veth1 netns peer
            ip addr add 10.9.0.1/24 dev veth0
            ip link set veth0 up
            ip -n peer addr add 10.9.0.2/24 dev veth1
            ip -n peer link set veth1 up
            for end in here there lost; do wg genkey >/tmp/$end; wg pubkey </tmp/$end >/tmp/$end.pub; done
            wg genpsk >/tmp/shared
            ip link add wg0 type wireguard
            ip -n peer link add wg0 type wireguard
            wg set wg0 private-key /tmp/here listen-port 51820 \
                peer $(cat /tmp/there.pub) preshared-key /tmp/shared \
                    allowed-ips 10.8.0.2/32,fd00::2/128 endpoint 10.9.0.2:51821 \
                peer $(cat /tmp/lost.pub) allowed-ips 10.8.0.3/32 endpoint [fd00:9::3]:51820
            ip netns exec peer wg set wg0 private-key /tmp/there listen-port 51821 \
                peer $(cat /tmp/here.pub) preshared-key /tmp/shared allowed-ips 10.8.0.1/32
            ip addr add 10.8.0.1/24 dev wg0
            ip link set wg0 up
            ip -n peer addr add 10.8.0.2/24 dev wg0
            ip -n peer link set wg0 up
            umask 022
            ping -c 2 -i 0.2 10.8.0.2""")

    def leases(self, interface):
        """dnsmasq gives addresses to who comes in by an interface."""
        self.run(f"ip addr add 192.168.77.1/24 dev {interface}; : >/tmp/dhcp.leases; "
                 f"dnsmasq --conf-file=/dev/null --port=0 --user=root --interface={interface} --bind-interfaces "
                 "--dhcp-range=192.168.77.10,192.168.77.50,1h --dhcp-leasefile=/tmp/dhcp.leases "
                 "--pid-file=/tmp/dnsmasq.pid")

    def flash(self):
        """UBI on 64 MB of NAND flash with two bad blocks, of which a bit flipped now and then."""
        self.run("""
            modprobe nandsim first_id_byte=0x20 second_id_byte=0xa2 third_id_byte=0x00 fourth_id_byte=0x15 \\
                badblocks=7,9 bitflips=1
            # One in a thousand written pages flips when it is read.
            dd if=/bin/strace of=/dev/mtd0 bs=128k count=6
            for i in $(seq 30); do dd if=/dev/mtd0 of=/dev/null bs=128k count=6; done
            modprobe ubi
            ubiformat -q -y /dev/mtd0
            ubiattach -m 0
            ubimkvol /dev/ubi0 -N data -s 8MiB""")
