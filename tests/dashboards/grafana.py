"""What Grafana does with a dashboard before it draws: finds values for the variables, and asks each query."""

import json
import math
import re
import urllib.error
import urllib.parse
import urllib.request

# What Grafana makes of these with a data source whose scrape interval is 15 s, its default.
INTERVALS = {
    "__rate_interval": "1m", "__interval": "15s", "__range": "6h", "__from": "0", "__to": "9999999999999", "interval": "1m",
}
VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")


class DataSource:
    """Prometheus' queries, by http://HOST:PORT."""

    def __init__(self, address):
        self.address = address

    def get(self, path, **parameters):
        url = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(f"{parameters}: {error.read().decode()}") from error

    def query(self, expression):
        data = self.get("query", query=expression)
        # A scalar stands for itself.
        return [{"metric": {}, "value": data["result"]}] if data["resultType"] == "scalar" else data["result"]

    def series(self, selector):
        return self.get("series", **{"match[]": selector})


def substitute(text, values):
    return VARIABLE.sub(lambda match: values.get(match[1] or match[2], match[0]), text)


def queries_of(dashboard):
    """Each panel's name and its queries, in rows too."""
    for panel in panels_of(dashboard):
        expressions = [target["expr"] for target in panel.get("targets") or [] if target.get("expr") and not target.get("hide")]
        if expressions:
            yield f"{panel['id']} {panel.get('title', '')}", expressions


def panels_of(parent):
    for panel in parent.get("panels") or []:
        yield panel
        yield from panels_of(panel)
    for row in parent.get("rows") or []: # before schema 16
        yield from panels_of(row)


def variables_of(dashboard, source):
    """The value of each variable on first sight: the one that the dashboard has, if it is valid, else the first."""
    values = dict(INTERVALS)
    for variable in dashboard["templating"]["list"]:
        current = (variable.get("current") or {}).get("value")
        if variable["type"] == "query":
            choices = choices_of(variable, values, source)
            values[variable["name"]] = current if current in choices else next(iter(choices), "")
        elif variable["type"] == "constant":
            values[variable["name"]] = variable["query"]
        elif variable["type"] != "datasource":
            raise ValueError(f"variables of type {variable['type']} are not known here")
    return values


def choices_of(variable, values, source):
    query = variable["query"]
    query = substitute(query["query"] if isinstance(query, dict) else query, values)
    if match := re.fullmatch(r"label_values\((.+), *(\w+)\)", query, re.S):
        choices = sorted({series[match[2]] for series in source.series(match[1]) if match[2] in series})
    elif match := re.fullmatch(r"query_result\((.+)\)", query, re.S):
        choices = [f"{written(result['metric'])} {result['value'][1]}" for result in source.query(match[1])]
    else:
        choices = [written(series) for series in source.series(query)]
    regex = variable.get("regex") or "/.*/"
    # Without slashes it is for the whole of the text.
    regex = regex[1 : regex.rindex("/")] if regex.startswith("/") else f"^{regex}$"
    matches = [re.search(regex, choice) for choice in choices]
    return list(dict.fromkeys(match[1] if match.re.groups else match[0] for match in matches if match))


def written(labels):
    return labels.get("__name__", "") + "{" + ",".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__") + "}"


def filled(dashboard, source):
    """For each panel, whether each of its queries has a number to draw."""
    values = variables_of(dashboard, source)
    numbers = lambda expression: any(not math.isnan(float(result["value"][1])) for result in source.query(substitute(expression, values)))
    return {name: [numbers(expression) for expression in expressions] for name, expressions in queries_of(dashboard)}
