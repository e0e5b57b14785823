"""Vector's program over a daemon's real log, and the dashboard through Grafana's own model.

check.py DIRECTORY LOG: prints the queries of the Loki rules as a JSON array."""

import json
import sys
import tomllib

import pyvrl
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard


def vector(path, log):
    transforms = tomllib.load(open(path, "rb"))["transforms"]
    parse = pyvrl.Transform(transforms["lines"]["source"])
    is_alert = pyvrl.Transform(transforms["split"]["route"]["alerts"])
    alert = {"event": "alert", "alert": "cpu", "state": "firing", "fingerprint": "f"}
    messages = [json.dumps(alert), *(line.rstrip("\n") for line in open(log))]
    routed = []
    for message in messages:
        parsed = parse.remap({"message": message})
        # Not the values: digits of floats get lost on their way through Python.
        line = json.loads(message)
        assert parsed.keys() == line.keys() and parsed.get("event") == line.get("event"), message
        routed.append(is_alert.remap(parsed))
    assert routed[0] is True and not any(routed[1:]), "one alert, the first"
    assert len(messages) > 5, "the log is empty"
    for message in ["LOG:  checkpoint starting", "[1]", "3", ""]:
        assert parse.remap({"message": message}) is None, message


def lost(before, after, path="dashboard"):
    """What the model doesn't know, or reads otherwise."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from lost(value, after.get(key), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after)):
            yield from lost(*pair, f"{path}[{number}]")
    elif before != after:
        yield f"{path}: {before!r} became {after!r}"


def grafana(path):
    before = json.load(open(path))
    after = json.loads(JSONEncoder().encode(Dashboard.from_json(before)))
    assert not list(lost(before, after)), list(lost(before, after))
    places = [panel["gridPos"] for panel in before["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24, "panels lie on each other"
    assert len({panel["id"] for panel in before["panels"]}) == len(before["panels"])


directory, log = sys.argv[1:]
vector(f"{directory}/vector.toml", log)
grafana(f"{directory}/grafana-dashboard.json")
rules = yaml.safe_load(open(f"{directory}/loki-rules.yaml"))
print(json.dumps([rule["expr"] for group in rules["groups"] for rule in group["rules"]]))
