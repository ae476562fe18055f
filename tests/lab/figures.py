"""The series that a page has to have, from what the system's own programs say.

iw, wg, ubinfo and dnsmasq's file are read here as a person reads them; nothing
is taken from the program under test.
"""

import re

FAMILIES = re.compile("(node_)?(wifi|wireguard|ubi|mtd|mmc|openwrt|dnsmasq)_")

MODES = {"IBSS": "Ad-Hoc", "managed": "Client", "AP": "Master", "AP/VLAN": "Master (VLAN)",
         "mesh point": "Mesh Point"}

# iw's line of a station, and the families that have it, each with the value of 1.
STATION = {
    "signal": {"node_wifi_station_signal_dbm": 1, "wifi_station_signal_dbm": 1},
    "inactive time": {"node_wifi_station_inactive_seconds": 1e-3, "wifi_station_inactive_milliseconds": 1},
    "connected time": {"node_wifi_station_connected_seconds_total": 1},
    "rx bitrate": {"node_wifi_station_receive_bits_per_second": 1e6,
                   "wifi_station_receive_kilobits_per_second": 1e3},
    "tx bitrate": {"node_wifi_station_transmit_bits_per_second": 1e6,
                   "wifi_station_transmit_kilobits_per_second": 1e3},
    "rx bytes": {"node_wifi_station_receive_bytes_total": 1, "wifi_station_receive_bytes_total": 1},
    "tx bytes": {"node_wifi_station_transmit_bytes_total": 1, "wifi_station_transmit_bytes_total": 1},
    "rx packets": {"node_wifi_station_received_packets_total": 1, "wifi_station_receive_packets_total": 1},
    "tx packets": {"node_wifi_station_transmitted_packets_total": 1, "wifi_station_transmit_packets_total": 1},
    "tx retries": {"node_wifi_station_transmit_retries_total": 1},
    "tx failed": {"node_wifi_station_transmit_failed_total": 1},
    "beacon loss": {"node_wifi_station_beacon_loss_total": 1},
}

SURVEY = {
    "channel active time": "wifi_survey_active_seconds_total",
    "channel busy time": "wifi_survey_busy_seconds_total",
    "channel receive time": "wifi_survey_receive_seconds_total",
    "channel transmit time": "wifi_survey_transmit_seconds_total",
}

UBI = {
    "Total amount of logical eraseblocks": "node_ubi_eraseblocks",
    "Amount of available logical eraseblocks": "node_ubi_available_eraseblocks",
    "Count of bad physical eraseblocks": "node_ubi_bad_eraseblocks",
    "Count of reserved physical eraseblocks": "node_ubi_reserved_eraseblocks",
    "Current maximum erase counter value": "node_ubi_max_erase_count",
}

FILES = {
    "/sys/class/ubi/ubi0/ro_mode": ("node_ubi_read_only", {"device": "ubi0"}),
    "/sys/class/mtd/mtd0/corrected_bits": ("node_mtd_corrected_bits_total", {"device": "ubi0", "mtd": "mtd0"}),
    "/sys/class/mtd/mtd0/ecc_failures": ("node_mtd_ecc_failures_total", {"device": "ubi0", "mtd": "mtd0"}),
    "/sys/class/mtd/mtd0/bad_blocks": ("node_mtd_bad_blocks", {"device": "ubi0", "mtd": "mtd0"}),
}

# By how much a figure may be off that is rounded, here or there.
ROUNDED = {"expected_throughput": 2, "wifi_network_bitrate": 1, "wifi_network_quality": 1}

OPENWRT = {"board_name": "lab,board", "id": "OpenWrt", "model": "Lab Board", "release": "23.05.5",
           "revision": "r24106-10cc5fcd00", "system": "MIPS Malta", "target": "malta/le"}


def series(family, /, **labels):
    """A series by its family and the labels that are not empty, as Prometheus has it."""
    return family, frozenset((label, value) for label, value in labels.items() if value)


def expected(said):
    """All series of FAMILIES with their values, from what /bin/figures said."""
    sections = dict(section.split("\n", 1) for section in re.split("^== ", f"{said}\n", flags=re.M)[1:])
    page = {series("node_openwrt_info", **OPENWRT): 1}
    wifi(sections, page)
    tunnels(sections["wg show all dump"], page)
    if (file := sections.get("cat /tmp/dhcp.leases")) is not None:
        leases(file, page)
    flash(sections, page)
    return page


def wifi(sections, page):
    radio = None
    surveyed = {}
    for line in re.split(r"\n(?=phy#|\tInterface )", sections["iw dev"]):
        if found := re.match(r"phy#(\d+)", line):
            radio = f"phy{found[1]}"
        if found := re.match(r"\tInterface (\S+)", line):
            interface(found[1], radio, line, sections, page, surveyed)
    # Each radio once, by the first of its interfaces that has a frequency.
    for radio, interfaces in surveyed.items():
        name, frequency = next(((name, frequency) for name, frequency in interfaces if frequency), interfaces[0])
        survey(radio, frequency, [name for name, _ in interfaces], sections[f"iw dev {name} survey dump"], page)


def interface(name, radio, text, sections, page, surveyed):
    attributes = dict(re.findall(r"^\t\t(addr|ssid|type) (.*)$", text, re.M))
    found = re.search(r"channel (\d+) \((\d+) MHz", text)
    channel, frequency = found.groups() if found else ("", "")
    mode = MODES[attributes["type"]]
    page[series("wifi_network_info", bssid=attributes["addr"], channel=channel, frequency=frequency, ifname=name,
                mode=mode, radio=radio, ssid=ssid(attributes.get("ssid", "")))] = 1
    surveyed.setdefault(radio, []).append((name, frequency))
    if frequency:
        page[series("node_wifi_interface_frequency_hertz", device=name)] = int(frequency) * 1e6

    link = sections[f"iw dev {name} link"]
    if found := re.match(r"Connected to (\S+)", link):
        network = ssid(re.search(r"SSID: (.*)", link)[1])
        page[series("node_wifi_station_info", bssid=found[1], device=name, mode="client", ssid=network)] = 1

    signals, rates = [], []
    stations = re.split(r"^Station ", sections[f"iw dev {name} station dump"], flags=re.M)[1:]
    for station in stations:
        mac = station.split()[0]
        for what, value in re.findall(r"^\t(.*?):\s*(-?[\d.]+)", station, re.M):
            for family, factor in STATION.get(what, {}).items():
                labels = ({"device": name, "mac_address": mac} if family.startswith("node_")
                          else {"ifname": name, "mac": mac})
                page[series(family, **labels)] = float(value) * factor
            if what == "signal":
                signals.append(int(value))
            if what == "tx bitrate":
                rates.append(float(value) * 1e3)
            if what == "expected throughput":
                # iw writes neither the kernel's unit nor the zeros behind its point.
                whole, thousandths = map(int, value.split("."))
                page[series("wifi_station_expected_throughput_kilobits_per_second", ifname=name, mac=mac)] = \
                    (whole * 1000 + thousandths) * 1.024
    labels = {"ifname": name, "radio": radio}
    page[series("wifi_stations", **labels)] = len(stations)
    if signals:
        mean = int(sum(signals) / len(signals))
        page[series("wifi_network_signal_dbm", **labels)] = mean
        page[series("wifi_network_quality", **labels)] = (min(max(mean, -110), -40) + 110) * 100 / 70
    if rates:
        page[series("wifi_network_bitrate", **labels)] = sum(rates) / len(rates)


def survey(radio, frequency, interfaces, text, page):
    channels = re.split(r"^Survey data from .*\n", text, flags=re.M)[1:]
    channel = next((channel for channel in channels if "[in use]" in channel),
                   next((channel for channel in channels if frequency and f"\t{frequency} MHz" in channel), ""))
    for what, value in re.findall(r"^\t(.*?):\s*(-?\d+)", channel, re.M):
        if what == "noise":
            for name in interfaces:
                page[series("wifi_network_noise_dbm", ifname=name, radio=radio)] = int(value)
        elif what in SURVEY:
            page[series(SURVEY[what], frequency=re.search(r"(\d+) MHz", channel)[1], radio=radio)] = int(value) / 1000


def ssid(printed):
    """An SSID's text; iw escapes what is not plain ASCII."""
    value = re.sub(rb"\\x(..)", lambda found: bytes.fromhex(found[1].decode()), printed.encode())
    return value.decode(errors="replace")


def tunnels(dump, page):
    for line in dump.splitlines():
        fields = line.split("\t")
        if len(fields) == 5:
            name, _, key, port, _ = fields
            page[series("wireguard_interface_info", listen_port=port, name=name,
                        public_key=key.replace("(none)", ""))] = 1
        elif len(fields) == 9:
            name, key, _, endpoint, allowed, handshake, received, sent, _ = fields
            page[series("wireguard_peer_info", allowed_ips=allowed.replace("(none)", ""),
                        endpoint=endpoint.replace("(none)", ""), interface=name, public_key=key)] = 1
            labels = {"interface": name, "public_key": key}
            page[series("wireguard_latest_handshake_seconds", **labels)] = int(handshake)
            page[series("wireguard_received_bytes_total", **labels)] = int(received)
            page[series("wireguard_sent_bytes_total", **labels)] = int(sent)


def leases(file, page):
    lines = file.strip().splitlines()
    page[series("dnsmasq_leases")] = len(lines)
    for line in lines:
        expiry, mac, address, name, client = line.split()
        page[series("dnsmasq_lease_expiry", client_id=client.strip("*"), computer_name=name.strip("*"),
                    ip_addr=address, mac_addr=mac)] = int(expiry)


def flash(sections, page):
    for what, value in re.findall(r"^(.*?): +(\d+)", sections.get("ubinfo -d 0", ""), re.M):
        if what in UBI:
            page[series(UBI[what], device="ubi0")] = int(value)
    for file, (family, labels) in FILES.items():
        if value := sections.get(f"cat {file}", "").strip():
            page[series(family, **labels)] = int(value)


def differences(before, page, after, seconds):
    """What a page has that it should not have, or lacks, or has wrong.

    `before` and `after` are what was expected on either side of it, so many seconds
    apart: a value may have moved from the one to the other meanwhile.
    """
    faults = [f"missing: {written(key)}" for key in before.keys() & after.keys() - page.keys()]
    faults += [f"not expected: {written(key)}" for key in page.keys() - (before.keys() | after.keys())]
    for key in before.keys() & page.keys() & after.keys():
        low, high = sorted((before[key], after[key]))
        if "inactive" in key[0] and after[key] < before[key]:
            # It grew until it began anew.
            low, high = 0, before[key] + seconds * (1000 if "milliseconds" in key[0] else 1)
        slack = next((slack for family, slack in ROUNDED.items() if family in key[0]), 1e-9 * abs(high))
        if not low - slack <= page[key] <= high + slack:
            faults.append(f"{written(key)}: {page[key]}, expected {low}" + (f" to {high}" if high != low else ""))
    return sorted(faults)


def written(key):
    name, labels = key
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in sorted(labels)) + "}"
