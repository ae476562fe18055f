"""What the page should show, computed from two answers that it got."""

import math
import re


def parsed(text):
    """The samples of a page: name, labels, value."""
    samples = []
    for line in text.split("\n"):
        if match := re.fullmatch(r"(\w+)(\{.*\})? (\S+)", line, re.DOTALL):
            labels = {
                name: re.sub(r"\\(.)", lambda escape: {"n": "\n"}.get(escape[1], escape[1]), quoted)
                for name, quoted in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or "")
            }
            samples.append((match[1], labels, float(match[3])))
    return samples


class Scrape:
    """What the exporter answered."""

    def __init__(self, text):
        self.text = text
        self.samples = parsed(text)

    def all(self, name):
        return [(labels, value) for family, labels, value in self.samples if family == name]

    def value(self, name, **like):
        found = [value for labels, value in self.all(name) if like.items() <= labels.items()]
        return found[0] if found else None

    def label(self, name, wanted, **like):
        found = [labels.get(wanted) for labels, _ in self.all(name) if like.items() <= labels.items()]
        return found[0] if found else None


def rounded(number):
    """Half up, as JavaScript has it."""
    return math.floor(number + 0.5)


def scaled(number, unit):
    prefixes = " kMGT"
    while number >= 1000 and len(prefixes) > 1:
        number /= 1000
        prefixes = prefixes[1:]
    digits = f"{float(f'{number:.3g}'):.10f}".rstrip("0").rstrip(".")
    return f"{digits} {prefixes[0].strip()}{unit}"


def percent(share):
    return f"{int(share * 100 + 0.5)} %"


def tables(before, now):
    """The tables that the page should have, by the first word of their heads."""
    seconds = before and now.value("node_time_seconds") - before.value("node_time_seconds")

    def growth(name, **labels):
        old = before and before.value(name, **labels)
        by = None if old is None else now.value(name, **labels) - old
        return None if by is None or by < 0 else by

    def rate(name, device):
        if now.value(name, device=device) is None:
            return "–"
        by = growth(name, device=device)
        return "–" if by is None else scaled(by * 8 / seconds, "bit/s")

    up = int(now.value("node_time_seconds") - now.value("node_boot_time_seconds"))
    name = "node_cpu_seconds_total"
    grown = [(labels["mode"], growth(name, **labels)) for labels, _ in now.all(name)]
    busy = "–"
    if all(by is not None for _, by in grown) and sum(by for _, by in grown) > 0:
        idle = sum(by for mode, by in grown if mode in ("idle", "iowait", "steal"))
        busy = percent(1 - idle / sum(by for _, by in grown))
    memory = now.value("node_memory_MemTotal_bytes")
    router = [
        ["Up", f"{up // 86400} d {up // 3600 % 24} h {up // 60 % 60} min"],
        ["Load", " ".join(f"{now.value(f'node_load{minutes}'):g}" for minutes in (1, 5, 15))],
        ["Processor", busy],
        ["Memory", f"{percent(1 - now.value('node_memory_MemAvailable_bytes') / memory)} of {scaled(memory, 'B')}"],
    ]
    if now.value("node_nf_conntrack_entries_limit"):
        router.append(["Connections", "%d of %d" % (
            now.value("node_nf_conntrack_entries"), now.value("node_nf_conntrack_entries_limit"))])

    storage, devices = [], set()
    for labels, _ in now.all("node_filesystem_device_error"):
        if labels["fstype"] in ("tmpfs", "ramfs", "devtmpfs") or labels["device"] in devices:
            continue
        devices.add(labels["device"])
        size = now.value("node_filesystem_size_bytes", **labels)
        name = labels["mountpoint"]
        if now.value("node_filesystem_readonly", **labels):
            name += " (read-only)"
        if labels["device_error"]:
            storage.append([name, labels["device_error"]])
        elif size:
            used = size - now.value("node_filesystem_avail_bytes", **labels)
            storage.append([name, f"{percent(used / size)} of {scaled(size, 'B')}"])

    sensors = [(labels["type"], value) for labels, value in now.all("node_thermal_zone_temp")]
    for labels, value in now.all("node_hwmon_temp_celsius"):
        words = [
            now.label("node_hwmon_chip_names", "chip_name", chip=labels["chip"]),
            now.label("node_hwmon_sensor_label", "label", **labels),
            labels["sensor"],
        ]
        sensors.append((" ".join(filter(None, words)), value))

    names = [f"node_network_{way}_bytes_total" for way in ("receive", "transmit")]
    devices = [labels["device"] for labels, _ in now.all(names[0])]
    interfaces = [[device, *(rate(name, device) for name in names)] for device in devices]
    wireless = []
    for labels, value in now.all("wifi_stations"):
        ssid = now.label("wifi_network_info", "ssid", ifname=labels["ifname"]) or ""
        wireless.append([f"{ssid} {labels['ifname']}", f"{value:g}"])
    problems = [list(found) for found in re.findall(r"(?m)^# collector (\w+): (.*)$", now.text)]
    expected = {
        "Router": router,
        "Storage": storage,
        "Sensor": [[name.strip(), f"{rounded(value)} °C"] for name, value in sensors],
        "Interface": interfaces,
        "Wireless": wireless,
        "Collector": problems,
    }
    return {head: [[text.strip() for text in row] for row in rows] for head, rows in expected.items() if rows}
