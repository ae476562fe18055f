#!/usr/bin/env python3
"""Writes router-dashboard.json, which Grafana imports, from the panels below.

    scripts/prometheus/dashboard.py          writes the file beside it
    scripts/prometheus/dashboard.py --print  prints it

Edit here rather than in the file. What Grafana needs beside titles and queries is in the functions
at the end. tests/dashboards/lint checks that the file is the present one.
"""

import json
import pathlib
import sys

ROUTER = 'job="$job",instance="$instance"'
WAN = f'{ROUTER},device="$wan"'
# File systems in RAM, and those of the firmware, which are full by design.
RAM = "tmpfs|ramfs|devtmpfs"
FIRMWARE = "rootfs|squashfs|erofs|cramfs|iso9660"
RATE = "[$__rate_interval]"


def panels():
    """The page from top to bottom: title, queries with their legends, unit, what it shows."""
    # What is in the first line answers: is it well?
    yield stat("Router", 5, "s", "Whether Prometheus gets its pages, and how long it has been up by its own clock.", [
        (f"up{{{ROUTER}}} or (node_boot_time_seconds{{{ROUTER}}} > bool 0)", "Answers"),
        (f"node_time_seconds{{{ROUTER}}} - node_boot_time_seconds{{{ROUTER}}}", "Uptime"),
    ], overrides=[override("Answers", mappings=[values({"0": ("no", "red"), "1": ("yes", "green")})])])
    yield stat("WAN now", 5, "bps", "What the interface chosen above as wan receives and sends.", [
        (f"rate(node_network_receive_bytes_total{{{WAN}}}{RATE}) * 8", "In"),
        (f"rate(node_network_transmit_bytes_total{{{WAN}}}{RATE}) * 8", "Out"),
    ])
    yield stat("Processor", 3, "percentunit", "The share of time in which the processors were not idle.", [
        (f'1 - avg(rate(node_cpu_seconds_total{{{ROUTER},mode="idle"}}{RATE}))', "Busy"),
    ], limits=(0.7, 0.9))
    yield stat("Memory", 3, "percentunit", "The share of memory that is not available to a program that would start now.", [
        (f"1 - node_memory_MemAvailable_bytes{{{ROUTER}}} / node_memory_MemTotal_bytes{{{ROUTER}}}", "In use"),
    ], limits=(0.8, 0.92))
    yield stat("Connections", 3, "percentunit", "How full the table of tracked connections is. When it is full, new ones fail.", [
        (f"node_nf_conntrack_entries{{{ROUTER}}} / node_nf_conntrack_entries_limit{{{ROUTER}}}", "Of the table"),
    ], limits=(0.6, 0.8))
    yield stat("Storage", 3, "percentunit", "How full the fullest flash partition, stick or disk is, of those that can be written.", [
        (f"""max(
  1 - node_filesystem_avail_bytes{{{ROUTER},fstype!~"{RAM}|{FIRMWARE}"}} / (node_filesystem_size_bytes{{{ROUTER}}} > 0)
    and node_filesystem_readonly{{{ROUTER}}} == 0
)""", "Fullest"),
    ], limits=(0.8, 0.9))
    yield stat("Heat", 2, "celsius", "The hottest of all sensors. Small routers have none.", [
        (f"max(node_hwmon_temp_celsius{{{ROUTER}}} or node_thermal_zone_temp{{{ROUTER}}})", "Hottest"),
    ], limits=(80, 95))

    yield graph("WAN", 12, "bps", "What the interface chosen as wan receives, above the line, and sends, below it. What hardware NAT forwards passes no counter of the kernel.", [
        (f"rate(node_network_receive_bytes_total{{{WAN}}}{RATE}) * 8", "In"),
        (f"rate(node_network_transmit_bytes_total{{{WAN}}}{RATE}) * 8", "Out"),
    ], overrides=[below("Out")], calcs=["mean", "max", "lastNotNull"])
    yield graph("Interfaces", 12, "bps", "The eight interfaces that receive most, above the line, and those that send most, below it.", [
        (f'topk(8, rate(node_network_receive_bytes_total{{{ROUTER},device!="lo"}}{RATE}) * 8)', "{{device}} in"),
        (f'topk(8, rate(node_network_transmit_bytes_total{{{ROUTER},device!="lo"}}{RATE}) * 8)', "{{device}} out"),
    ], overrides=[below("/ out$/")])
    yield graph("Errors and drops", 12, "pps", "Packets that an interface could not receive or send, and those dropped though they were whole.", [
        (f"rate(node_network_receive_errs_total{{{ROUTER}}}{RATE}) + rate(node_network_transmit_errs_total{{{ROUTER}}}{RATE})", "{{device}} errors"),
        (f"rate(node_network_receive_drop_total{{{ROUTER}}}{RATE}) + rate(node_network_transmit_drop_total{{{ROUTER}}}{RATE})", "{{device}} drops"),
    ])
    yield graph("Links", 12, "bps", "The speed of each port, where its driver reports one, and how often a link went up or down.", [
        (f"node_network_speed_bytes{{{ROUTER}}} * 8 > 0", "{{device}}"),
        (f"increase(node_network_carrier_changes_total{{{ROUTER}}}{RATE}) or changes(node_network_carrier{{{ROUTER}}}{RATE})", "{{device}} changes"),
    ], overrides=[right("/ changes$/", "none")])

    yield graph("Processor by mode", 8, "percentunit", "What the processors' time goes to, all together, and the load of one minute divided by their number.", [
        (f'avg by (mode) (rate(node_cpu_seconds_total{{{ROUTER},mode!="idle"}}{RATE}))', "{{mode}}"),
        (f'node_load1{{{ROUTER}}} / on (job, instance) count by (job, instance) (node_cpu_seconds_total{{{ROUTER},mode="idle"}})', "load per core"),
    ], stacked=True, overrides=[line("load per core")])
    yield graph("Packets in the kernel", 8, "pps", "Packets that the kernel took from the drivers. Squeezed: it ran out of its time slice; dropped: it did not keep up.", [
        (f"sum(rate(node_softnet_processed_total{{{ROUTER}}}{RATE}))", "processed"),
        (f"sum(rate(node_softnet_times_squeezed_total{{{ROUTER}}}{RATE}))", "squeezed"),
        (f"sum(rate(node_softnet_dropped_total{{{ROUTER}}}{RATE}))", "dropped"),
        (f'avg(rate(node_cpu_seconds_total{{{ROUTER},mode="softirq"}}{RATE}))', "time for softirqs"),
    ], overrides=[right("time for softirqs", "percentunit")])
    yield graph("Memory by use", 8, "bytes", "Programs and the rest, what the kernel can give back, what is free, and the estimate of what is available.", [
        (f"node_memory_MemTotal_bytes{{{ROUTER}}} - node_memory_MemFree_bytes{{{ROUTER}}} - node_memory_Buffers_bytes{{{ROUTER}}} - node_memory_Cached_bytes{{{ROUTER}}} - node_memory_Slab_bytes{{{ROUTER}}}", "programs"),
        (f"node_memory_Slab_bytes{{{ROUTER}}}", "slab"),
        (f"node_memory_Buffers_bytes{{{ROUTER}}}", "buffers"),
        (f"node_memory_Cached_bytes{{{ROUTER}}}", "cached"),
        (f"node_memory_MemFree_bytes{{{ROUTER}}}", "free"),
        (f"node_memory_MemAvailable_bytes{{{ROUTER}}}", "available"),
    ], stacked=True, overrides=[line("available")])

    yield graph("Tracked connections", 12, "none", "Connections that NAT and the firewall keep in mind, of how many at most, and those that found no place.", [
        (f"node_nf_conntrack_entries{{{ROUTER}}}", "connections"),
        (f"node_nf_conntrack_entries_limit{{{ROUTER}}}", "limit"),
        (f"rate(node_nf_conntrack_stat_drop{{{ROUTER}}}{RATE}) + rate(node_nf_conntrack_stat_early_drop{{{ROUTER}}}{RATE})", "dropped a second"),
    ], overrides=[line("limit"), right("dropped a second", "cps")])
    yield graph("TCP and UDP of the router itself", 12, "cps", "Segments sent again, connections that a full queue turned away, datagrams with errors; and how many sockets are open.", [
        (f"rate(node_netstat_Tcp_RetransSegs{{{ROUTER}}}{RATE})", "TCP sent again"),
        (f"rate(node_netstat_TcpExt_ListenDrops{{{ROUTER}}}{RATE})", "TCP turned away"),
        (f"rate(node_netstat_TcpExt_TCPSynRetrans{{{ROUTER}}}{RATE})", "TCP SYN sent again"),
        (f"rate(node_netstat_Udp_InErrors{{{ROUTER}}}{RATE})", "UDP errors"),
        (f"node_sockstat_TCP_inuse{{{ROUTER}}}", "TCP sockets"),
        (f"node_sockstat_UDP_inuse{{{ROUTER}}}", "UDP sockets"),
    ], overrides=[right("/ sockets$/", "none")])

    yield bars("File systems", 8, "percentunit", "How full each is; those in RAM take memory, those that are read-only say so.", [
        (f'(1 - node_filesystem_avail_bytes{{{ROUTER},fstype!~"{FIRMWARE}"}} / (node_filesystem_size_bytes{{{ROUTER}}} > 0)) and node_filesystem_readonly{{{ROUTER}}} == 0', "{{mountpoint}}"),
        (f'(1 - node_filesystem_avail_bytes{{{ROUTER},fstype!~"{FIRMWARE}"}} / (node_filesystem_size_bytes{{{ROUTER}}} > 0)) and node_filesystem_readonly{{{ROUTER}}} == 1', "{{mountpoint}} (read-only)"),
    ], limits=(0.8, 0.9))
    yield graph("Temperatures", 8, "celsius", "Each sensor. Small routers have none.", [
        (f"node_hwmon_temp_celsius{{{ROUTER}}}", "{{chip}} {{sensor}}"),
        (f"node_thermal_zone_temp{{{ROUTER}}}", "{{type}} {{zone}}"),
    ])
    yield graph("Clock and entropy", 8, "s", "How far the router's clock is ahead of that of Prometheus, and how full the pool of random bits is, which kernels before 5.18 can empty.", [
        (f"node_time_seconds{{{ROUTER}}} - timestamp(node_time_seconds{{{ROUTER}}})", "clock ahead"),
        (f"node_entropy_available_bits{{{ROUTER}}} / node_entropy_pool_size_bits{{{ROUTER}}}", "entropy"),
    ], overrides=[right("entropy", "percentunit")])

    yield row("Clients and wifi", [
        graph("Clients", 12, "none", "Neighbours by ARP, stations of each wifi interface, leases of dnsmasq; the latter two where there are any.", [
            (f"node_arp_entries{{{ROUTER}}}", "{{device}} neighbours"),
            (f"wifi_stations{{{ROUTER}}}", "{{ifname}} stations"),
            (f"dnsmasq_leases{{{ROUTER}}}", "leases"),
        ]),
        graph("Wifi", 12, "dBm", "The stations' mean signal, the noise, and the share of time in which the channel is taken.", [
            (f"wifi_network_signal_dbm{{{ROUTER}}}", "{{ifname}} signal"),
            (f"wifi_network_noise_dbm{{{ROUTER}}}", "{{ifname}} noise"),
            (f"rate(wifi_survey_busy_seconds_total{{{ROUTER}}}{RATE}) / rate(wifi_survey_active_seconds_total{{{ROUTER}}}{RATE})", "{{radio}} channel taken"),
        ], overrides=[right("/ channel taken$/", "percentunit")]),
    ])
    yield row("The exporter", [
        graph("Time of a scrape", 12, "s", "What a scrape takes, seen from Prometheus, and the five collectors that take most of it.", [
            (f"scrape_duration_seconds{{{ROUTER}}}", "as Prometheus sees it"),
            (f"topk(5, node_scrape_collector_duration_seconds{{{ROUTER}}})", "{{collector}}"),
        ]),
        graph("Health of the exporter", 12, "none", "Starts, collectors that have worked within the last day and do not now, and its memory.", [
            (f"changes(process_start_time_seconds{{{ROUTER}}}{RATE})", "starts"),
            (f"count(node_scrape_collector_success{{{ROUTER}}} == 0 and max_over_time(node_scrape_collector_success{{{ROUTER}}}[1d]) == 1) or vector(0)", "collectors that fail"),
            (f"process_resident_memory_bytes{{{ROUTER}}}", "memory"),
        ], overrides=[right("memory", "bytes")]),
    ])


def variables():
    """The choices above the page. Grafana takes the first of a list that has no valid choice yet."""
    received, sent = (f"node_network_{way}_bytes_total{{{ROUTER},device" for way in ("receive", "transmit"))
    yield {
        "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
        "current": {"text": "default", "value": "default"}, "hide": 0, "includeAll": False, "multi": False,
        "options": [], "refresh": 1, "regex": "", "skipUrlSync": False,
    }
    yield choice("job", "Job", 'label_values(node_exporter_build_info{tags="router_exporter"}, job)', "node-exporter")
    yield choice("instance", "Instance", 'label_values(node_exporter_build_info{job="$job"}, instance)', "192.168.1.1:9100")
    # The likeliest first: a dialled link, the usual names of a WAN port, any port; of two alike,
    # the one that receives more than it sends. One that has received nothing is not it.
    yield choice("wan", "WAN", f"""query_result(sort_desc(
  (
    4 * ({received}=~"ppp.*|wwan.*|usb.*"}} > bool 0)
    or 3 * ({received}=~"wan.*|eth[0-9]+[.]2|vlan2|apcli.*"}} > bool 0)
    or 2 * ({received}=~"eth.*|en.*"}} > bool 0)
    or ({received}!="lo"}} > bool 0)
  ) + 0.5 * ({received}!="lo"}} > bool {sent}!="lo"}})
))""", None, regex='/device="([^"]+)"/')


def annotations():
    # Uptime is counted by the router, so the mark is right whatever its clock says.
    yield {
        "name": "Reboots", "datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": "red",
        "expr": f"(timestamp(node_time_seconds{{{ROUTER}}}) - (node_time_seconds{{{ROUTER}}} - node_boot_time_seconds{{{ROUTER}}})) * 1000 > $__from",
        "useValueForTime": True, "step": "60s", "titleFormat": "Reboot", "textFormat": "{{instance}}", "tagKeys": "",
    }


# What Grafana makes of it.

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def panel(kind, title, width, unit, description, queries, options, height=8, limits=None, overrides=(), custom=None):
    steps = [{"color": "green", "value": None}]
    steps += [{"color": colour, "value": limit} for colour, limit in zip(("orange", "red"), limits or ())]
    defaults = {
        "unit": unit, "mappings": [], "custom": custom or {},
        "color": {"mode": "palette-classic" if kind == "timeseries" else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if unit == "percentunit":
        defaults["min"] = 0
        if kind != "timeseries":
            defaults["max"] = 1
    return {
        "type": kind, "title": title, "description": description, "datasource": DATASOURCE,
        "gridPos": {"w": width, "h": height},
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
        "targets": [
            {
                "refId": chr(ord("A") + number), "datasource": DATASOURCE, "editorMode": "code", "expr": expression,
                "legendFormat": legend, "instant": kind != "timeseries", "range": kind == "timeseries",
            }
            for number, (expression, legend) in enumerate(queries)
        ],
    }


LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def stat(title, width, unit, description, queries, limits=None, overrides=()):
    options = {
        "reduceOptions": LAST, "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
        "textMode": "auto", "wideLayout": True,
    }
    return panel("stat", title, width, unit, description, queries, options, height=4, limits=limits, overrides=overrides)


def bars(title, width, unit, description, queries, limits):
    options = {"reduceOptions": LAST, "displayMode": "basic", "orientation": "horizontal", "showUnfilled": True, "valueMode": "color"}
    return panel("bargauge", title, width, unit, description, queries, options, limits=limits)


def graph(title, width, unit, description, queries, overrides=(), calcs=(), stacked=False):
    custom = {
        "drawStyle": "line", "lineWidth": 1, "fillOpacity": 40 if stacked else 10, "showPoints": "never", "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    options = {
        "legend": {"displayMode": "table" if calcs else "list", "placement": "bottom", "showLegend": True, "calcs": list(calcs)},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel("timeseries", title, width, unit, description, queries, options, overrides=overrides, custom=custom)


def row(title, inside):
    return {"type": "row", "title": title, "collapsed": True, "panels": inside, "gridPos": {"w": 24, "h": 1}}


def override(name, **properties):
    """Of the series of that name, or whose name an expression between slashes matches."""
    by = "byRegexp" if name.startswith("/") else "byName"
    return {
        "matcher": {"id": by, "options": name},
        "properties": [{"id": key.replace("_", ".", 1), "value": value} for key, value in properties.items()],
    }


def below(name):
    return override(name, custom_transform="negative-Y")


def line(name):
    return override(name, custom_stacking={"mode": "none", "group": "A"}, custom_fillOpacity=0, custom_lineStyle={"fill": "dash", "dash": [8, 8]})


def right(name, unit):
    return override(name, unit=unit, custom_axisPlacement="right", custom_fillOpacity=0)


def values(texts):
    return {"type": "value", "options": {value: {"text": text, "color": colour} for value, (text, colour) in texts.items()}}


def choice(name, label, query, default, regex=""):
    return {
        "name": name, "label": label, "type": "query", "datasource": DATASOURCE, "definition": query,
        "query": {"query": query, "refId": "StandardVariableQuery"}, "regex": regex,
        "current": {"text": default, "value": default} if default else {}, "hide": 0, "includeAll": False, "multi": False,
        "options": [], "refresh": 2, "skipUrlSync": False, "sort": 0 if regex else 1,
    }


def placed(items, ids, top=0):
    """Gives panels their places, line by line, and numbers."""
    left, height = 0, 0
    for item in items:
        size = item["gridPos"]
        if left + size["w"] > 24:
            left, top = 0, top + height
        item["id"] = next(ids)
        item["gridPos"] = {"x": left, "y": top, **size}
        left, height = left + size["w"], size["h"]
        if "panels" in item:
            placed(item["panels"], ids, top + 1)


def dashboard():
    page = list(panels())
    placed(page, iter(range(1, 1000)))
    return {
        "uid": "router-exporter", "title": "Router", "description": "A home router, by router_exporter.",
        "tags": ["router", "router_exporter"], "schemaVersion": 39, "editable": True, "graphTooltip": 1, "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"}, "refresh": "1m", "links": [],
        "annotations": {"list": list(annotations())}, "templating": {"list": list(variables())}, "panels": page,
    }


if __name__ == "__main__":
    text = json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(text)
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        pathlib.Path(__file__).with_name("router-dashboard.json").write_text(text)
