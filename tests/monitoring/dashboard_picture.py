"""A picture of the Grafana dashboard that docs/deploy ships, for the documents: `make pictures`.

    dashboard_picture.py PICTURE [SECONDS]      (GO_ID names the binary)

Debian has no Grafana, so this draws what one would show: every panel of go-id.json at its place,
asked of a real Prometheus that watches two real daemons under load, whose time comes from three
NTP servers on loopback.
"""

import contextlib
import html
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "service")]

import conftest  # noqa: E402 (its folder is known from here on)
import harness  # noqa: E402
from chrony import chronyd  # noqa: E402
from http_client import Connection  # noqa: E402

DASHBOARD = HERE.parents[1] / "docs/deploy/grafana/go-id.json"
SECONDS = 240
WIDTH, CELL = 1400, 30  # pixels: of the picture, and of a row of the grid
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#b877d9", "#ff7383", "#8ab8ff", "#c8f2c2")
UNITS = {"s": (("µs", 1e-6), ("ms", 1e-3), ("s", 1), ("d", 86400), ("y", 31557600)),
         "bytes": (("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20)),
         "percentunit": (("%", 0.01),),
         "cps": (("/s", 1), ("k/s", 1e3)), "reqps": (("/s", 1), ("k/s", 1e3)),
         "short": (("", 1), ("k", 1e3), ("M", 1e6))}


def written(value, unit):
    """A number as people read it."""
    choices = UNITS[unit]
    name, size = next((c for c in reversed(choices) if abs(value) >= c[1]), choices[0])
    text = f"{value / size:.3g}" if abs(value / size) < 1000 else f"{value / size:,.0f}"
    return f"{text} {name}".strip() if value else "0"


def legend(target, labels):
    return re.sub(r"{{(\w+)}}", lambda match: labels.get(match[1], ""), target["legendFormat"])


def series(prometheus, panel, start, end):
    """[(name, [(time, value)])] of all targets of a panel."""
    found = []
    for target in panel["targets"]:
        expression = target["expr"].replace("$__rate_interval", "15s").replace("$instance", ".*")
        data = prometheus.ask("query_range", query=expression, start=start, end=end, step=2)
        for one in data["result"]:
            points = [(at, float(value)) for at, value in one["values"]]
            found.append((legend(target, one["metric"]), [p for p in points if math.isfinite(p[1])]))
    return [one for one in found if one[1]]


def drawn_lines(lines, unit, start, end, width, height):
    """An SVG of the lines over a grid, and their names below it."""
    values = [value for _, points in lines for _, value in points]
    top, bottom = max(values + [0]) * 1.08 or 1, min(values + [0]) * 1.08
    left, foot = 62, 20

    def x(at):
        return left + (at - start) / (end - start) * (width - left - 8)

    def y(value):
        return 6 + (top - value) / (top - bottom) * (height - foot - 6)

    out = [f'<svg width="{width}" height="{height}">']
    for step in range(5):
        value = bottom + (top - bottom) * step / 4
        out.append(f'<path d="M{left} {y(value):.1f}H{width - 8}" stroke="#2c2f36"/>'
                   f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{written(value, unit)}</text>')
    for step in range(5):
        at = start + (end - start) * step / 4
        anchor = ("start", "middle", "middle", "middle", "end")[step]
        out.append(f'<text x="{x(at):.0f}" y="{height - 4}" text-anchor="{anchor}">'
                   f'{time.strftime("%H:%M:%S", time.gmtime(at))}</text>')
    for number, (_, points) in enumerate(lines):
        path = "L".join(f"{x(at):.1f} {y(value):.1f}" for at, value in points)
        out.append(f'<path d="M{path}" fill="none" stroke="{COLOURS[number % len(COLOURS)]}" stroke-width="1.5"/>')
    names = " ".join(f'<i style="background:{COLOURS[n % len(COLOURS)]}"></i>{html.escape(name)}'
                     for n, (name, _) in enumerate(lines))
    return "".join(out) + f"</svg><p>{names}</p>"


def drawn_values(lines, panel):
    """The last value of each, in the words and colours that the panel gives it."""
    defaults = panel["fieldConfig"]["defaults"]
    mapped = {}
    for mapping in defaults.get("mappings", []):
        mapped |= mapping["options"]
    out = []
    for name, points in lines:
        value = points[-1][1]
        word = mapped.get(f"{value:g}", {"text": written(value, defaults["unit"]), "color": "#33528a"})
        out.append(f'<b style="background:{word["color"]}">{html.escape(word["text"])}'
                   f'<small>{html.escape(name)}</small></b>')
    return f'<div class="values">{"".join(out)}</div>'


def drawn(prometheus, dashboard, start, end):
    cells = []
    for panel in dashboard["panels"]:
        grid = panel["gridPos"]
        width, height = grid["w"] * WIDTH // 24 - 8, grid["h"] * CELL - 8
        place = (f'left:{grid["x"] * WIDTH // 24 + 4}px;top:{grid["y"] * CELL + 50}px;'
                 f'width:{width}px;height:{height}px')
        title = html.escape(panel["title"])
        if panel["type"] == "row":
            cells.append(f'<h2 style="{place}">{title}</h2>')
            continue
        lines = series(prometheus, panel, start, end)
        if not lines:
            body = "<p>No data</p>"
        elif panel["type"] == "stat":
            body = drawn_values(lines, panel)
        else:
            body = drawn_lines(lines, panel["fieldConfig"]["defaults"]["unit"], start, end, width, height - 70)
        cells.append(f'<section style="{place}"><h3>{title}</h3>{body}</section>')
    return f"""<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #111217; color: #ccccdc; font: 12px "DejaVu Sans", sans-serif }}
h1 {{ font-size: 18px; margin: 12px }} h2 {{ font-size: 14px; margin: 0; line-height: 22px }}
h2, section {{ position: absolute; box-sizing: border-box; overflow: hidden }}
section {{ background: #181b1f; border: 1px solid #25282e }}
h3 {{ font-size: 12px; margin: 8px }} p {{ margin: 4px 8px }} text {{ fill: #9a9ca8; font-size: 11px }}
i {{ display: inline-block; width: 14px; height: 4px; margin: 0 4px 2px 10px }}
.values {{ display: flex; flex-wrap: wrap; gap: 6px; padding: 0 8px; height: {8 * CELL - 60}px }}
b {{ flex: 1 1 30%; padding: 10px; font-size: 20px; color: #fff }} small {{ display: block; font-size: 12px }}
</style><h1>{html.escape(dashboard["title"])}</h1>{"".join(cells)}"""


def load(server, done, phase):
    """Waves of requests, now and then for more than a shard makes at once."""
    with Connection(server.address) as connection:
        turn = 0
        while not done.wait(0.02):
            turn += 1
            wave = 1 + math.sin(turn / 300 + phase) + 0.5 * math.sin(turn / 47)
            for _ in range(max(0, round(8 * wave))):
                connection.get("/generate?count=25")
            if turn % 250 == 0:
                connection.get("/generate?count=2000")


def photograph(page, picture, height):
    with tempfile.TemporaryDirectory(prefix="go-id-") as name:
        source = pathlib.Path(name) / "dashboard.html"
        source.write_text(page)
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                        f"--user-data-dir={name}/profile", f"--window-size={WIDTH},{height}",
                        f"--screenshot={os.path.abspath(picture)}", source.as_uri()],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["pngquant", "--force", "--ext", ".png", "--strip", "64", picture], check=True)


def main():
    picture = sys.argv[1]
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    dashboard = json.loads(DASHBOARD.read_text())
    with contextlib.ExitStack() as stack:
        clocks = ",".join(stack.enter_context(chronyd()).name for _ in range(3))
        servers = [stack.enter_context(harness.daemon(env={"SHARD_ID": shard, "WORKERS": 2,
                                                           "TIME_SOURCE": f"ntp:{clocks}"})) for shard in (7, 8)]
        prometheus = stack.enter_context(conftest.prometheus(*servers))
        done = threading.Event()
        threads = [threading.Thread(target=load, args=(server, done, n)) for n, server in enumerate(servers)]
        stack.callback(lambda: [thread.join() for thread in threads])
        stack.callback(done.set)
        start = time.time()
        for thread in threads:
            thread.start()
        print(f"two shards under load for {seconds} s", file=sys.stderr)
        time.sleep(seconds)
        page = drawn(prometheus, dashboard, start + 15, time.time())
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    photograph(page, picture, rows * CELL + 60)


main()
