// console.js: reads /metrics and /status once a second and draws them; makes ids; takes them apart.
"use strict";

const POLL_MS = 1000;
const TIMEOUT_MS = 5000; // of a reading
const PATIENCE_MS = 30000; // for what a person asked
const RETRY_MAX_MS = 5000;
const SHOWN_MS = 120000;
const GAP_MS = 3500;

const $ = (id) => document.getElementById(id);
const grouped = new Intl.NumberFormat("en-US", {maximumFractionDigits: 0});

function element(name, text, className) {
  const node = document.createElement(name);
  node.textContent = text;
  node.className = className || "";
  return node;
}

function say(id, text) {
  if ($(id).textContent !== text)
    $(id).textContent = text;
}

function inWords(seconds) {
  if (seconds < 120)
    return Math.floor(seconds) + " s";
  if (seconds < 7200)
    return Math.floor(seconds / 60) + " min";
  if (seconds < 172800)
    return Math.floor(seconds / 3600) + " h";
  return grouped.format(Math.floor(seconds / 86400)) + " days";
}

function milliseconds(ms) {
  return ms < 0.05 ? "0" : ms < 10 ? ms.toFixed(1) : grouped.format(ms);
}

// ---- Requests

async function ask(path, timeoutMs) {
  return fetch(path, {cache: "no-store", signal: AbortSignal.timeout(timeoutMs)});
}

async function read(path) {
  const response = await ask(path, TIMEOUT_MS);
  if (!response.ok)
    throw new Error(path + ": " + response.status);
  return response.text();
}

// What a problem+json says, or the next best thing.
async function detailOf(response) {
  try {
    return (await response.json()).detail;
  } catch {
    return "the answer was " + response.status + " " + response.statusText;
  }
}

function failureWords(error) {
  return error.name === "TimeoutError" ? "no answer in time" : "the service cannot be reached";
}

// ---- Metrics

// "name{labels} value" lines as a map; labels are part of the key.
function parseMetrics(text) {
  const samples = new Map();
  for (const line of text.split("\n")) {
    const space = line.lastIndexOf(" ");
    if (line[0] !== "#" && space > 0)
      samples.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return samples;
}

function sumOf(samples, name) {
  let sum = 0;
  for (const [key, value] of samples)
    if (key === name || key.startsWith(name + "{"))
      sum += value;
  return sum;
}

// [upper bound in s, count at or below] of a histogram, smallest bound first.
function bucketsOf(samples, name) {
  const buckets = [];
  for (const [key, value] of samples) {
    const match = key.startsWith(name + "_bucket{") && key.match(/le="([^"]+)"/);
    if (match)
      buckets.push([match[1] === "+Inf" ? Infinity : Number(match[1]), value]);
  }
  return buckets.sort((a, b) => a[0] - b[0]);
}

// The bound, in s, below which this share of what was counted between two readings lies.
function quantile(before, after, share) {
  const counts = after.map(([bound, count], i) => [bound, count - (before[i] ? before[i][1] : 0)]);
  const total = counts.length ? counts[counts.length - 1][1] : 0;
  if (!(total > 0))
    return null;
  let lowBound = 0, lowCount = 0;
  for (const [bound, count] of counts) {
    if (count >= share * total) {
      if (bound === Infinity)
        return lowBound;
      return lowBound + (bound - lowBound) * (share * total - lowCount) / (count - lowCount);
    }
    lowBound = bound;
    lowCount = count;
  }
  return lowBound;
}

// ---- Charts

const history = [];

function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value) * power;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function drawGrid(context, area, ceiling, format) {
  context.font = "11px " + colour("--mono");
  context.fillStyle = colour("--mute");
  context.strokeStyle = colour("--line");
  context.lineWidth = 1;
  for (const share of [0, 0.5, 1]) {
    const y = Math.round(area.bottom - share * (area.bottom - area.top)) + 0.5;
    context.beginPath();
    context.moveTo(area.left, y);
    context.lineTo(area.right, y);
    context.stroke();
    context.textAlign = "right";
    context.fillText(format(ceiling * share), area.left - 8, y + 4);
  }
  context.textAlign = "left";
  context.fillText("2 min ago", area.left, area.bottom + 15);
  context.textAlign = "right";
  context.fillText("now", area.right, area.bottom + 15);
}

// One line; readings that are missing, or far apart, leave a gap in it.
function drawSeries(context, area, ceiling, series, nowMs) {
  const runs = [];
  let lastMs = -Infinity;
  for (const sample of history) {
    const value = sample[series.key];
    if (value === null)
      continue;
    if (sample.atMs - lastMs > GAP_MS)
      runs.push([]);
    lastMs = sample.atMs;
    runs[runs.length - 1].push([
      area.right - (nowMs - sample.atMs) / SHOWN_MS * (area.right - area.left),
      area.bottom - Math.min(value / ceiling, 1) * (area.bottom - area.top),
    ]);
  }
  context.strokeStyle = context.fillStyle = colour(series.colour);
  context.lineWidth = series.filled ? 2 : 1.5;
  context.lineJoin = context.lineCap = "round";
  context.setLineDash(series.dotted ? [1, 4] : []);
  for (const run of runs) {
    context.beginPath();
    for (const [x, y] of run)
      context.lineTo(x, y);
    context.stroke();
    if (series.filled) {
      context.lineTo(run[run.length - 1][0], area.bottom);
      context.lineTo(run[0][0], area.bottom);
      context.globalAlpha = 0.13;
      context.fill();
      context.globalAlpha = 1;
    }
  }
  context.setLineDash([]);
  const last = runs.length && runs[runs.length - 1];
  if (last && series.filled) {
    context.beginPath();
    context.arc(last[last.length - 1][0], last[last.length - 1][1], 3.5, 0, 7);
    context.fill();
  }
}

function drawChart(id, allSeries, floor, format) {
  const canvas = $(id);
  const {clientWidth: width, clientHeight: height} = canvas;
  const scale = window.devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const area = {left: 52, right: width - 5, top: 8, bottom: height - 20};
  const values = allSeries.flatMap((series) => history.map((sample) => sample[series.key]));
  const ceiling = niceCeiling(Math.max(floor, ...values));
  const nowMs = history.length ? history[history.length - 1].atMs : 0;
  drawGrid(context, area, ceiling, format);
  context.save();
  context.beginPath();
  context.rect(area.left, 0, width, height);
  context.clip();
  for (const series of allSeries)
    drawSeries(context, area, ceiling, series, nowMs);
  context.restore();
}

function compact(value) {
  return value >= 1e6 ? value / 1e6 + "M" : value >= 1e4 ? value / 1e3 + "k" : String(value);
}

function drawCharts() {
  drawChart("rate-chart", [{key: "rate", colour: "--accent", filled: true}], 10, compact);
  drawChart("wait-chart", [
    {key: "tripMs", colour: "--mute", dotted: true},
    {key: "waitMs", colour: "--accent", filled: true},
  ], 5, (value) => compact(value) + " ms");
}

// ---- What is read once a second

let info = null;
let previous = null;

function showReading(samples, tripMs) {
  const reading = {
    atMs: performance.now(),
    started: sumOf(samples, "process_start_time_seconds"),
    issued: sumOf(samples, "go_id_ids_issued_total"),
    waits: bucketsOf(samples, "go_id_wait_seconds"),
  };
  const follows = previous && previous.started === reading.started &&
    previous.issued <= reading.issued && reading.atMs - previous.atMs < GAP_MS;
  const sample = {atMs: reading.atMs, tripMs, rate: null, waitMs: null};
  if (follows) {
    sample.rate = (reading.issued - previous.issued) / (reading.atMs - previous.atMs) * 1000;
    const wait = quantile(previous.waits, reading.waits, 0.99);
    sample.waitMs = wait === null ? null : wait * 1000;
  }
  previous = reading;
  history.push(sample);
  while (history[0].atMs < reading.atMs - SHOWN_MS - GAP_MS)
    history.shift();
  showRate(sample, sumOf(samples, "go_id_capacity_ids_per_second"), reading.issued);
  showLatency(sample);
  showVitals(samples, reading.started);
  drawCharts();
}

function showRate(sample, capacity, issued) {
  const rate = sample.rate === null ? "–" : grouped.format(sample.rate);
  say("rate", rate);
  const share = sample.rate === null ? "" :
    " · " + (sample.rate / capacity * 100).toFixed(1) + " % in use";
  say("rate-note", "of " + grouped.format(capacity) + " at most" + share + " · " +
    grouped.format(issued) + " since the start");
  $("rate-chart").setAttribute("aria-label",
    "Ids per second over the last two minutes; now " + rate);
}

function showLatency(sample) {
  const asked = sample.waitMs !== null;
  const shownMs = milliseconds(asked ? sample.waitMs : sample.tripMs);
  $("wait").replaceChildren(shownMs, element("small", "ms"));
  say("wait-note", asked ? "the 99th percentile of the wait for ids" :
    "a round trip from this browser; nobody asked for ids in the last second");
  $("wait-chart").setAttribute("aria-label", "Latency over the last two minutes; now " + shownMs +
    " milliseconds");
}

function showVitals(samples, startedS) {
  const leadS = sumOf(samples, "go_id_clock_lead_seconds");
  say("lead", leadS < 10 ? milliseconds(leadS * 1000) + " ms" : inWords(leadS));
  say("waiting", grouped.format(sumOf(samples, "go_id_requests_waiting")));
  say("connections", grouped.format(sumOf(samples, "go_id_connections")));
  say("memory", (sumOf(samples, "process_resident_memory_bytes") / 1048576).toFixed(1) + " MiB");
  say("uptime", inWords(Math.max(0, Date.now() / 1000 - startedS)));
}

// The words are the status page's own; its style, which stands before them, is not for this page.
function showStatus(html) {
  const main = html.slice(html.indexOf("<main>"));
  const page = new DOMParser().parseFromString(main, "text/html");
  const verdict = page.getElementById("verdict");
  $("verdict").dataset.condition = verdict.dataset.condition;
  say("verdict-text", verdict.textContent);
  $("conditions").replaceChildren(...page.getElementById("conditions").children);
  document.title = verdict.dataset.condition === "ok" ? "go-id" : "go-id: " +
    verdict.dataset.condition;
}

function showInfo() {
  const {first, last, count} = info.shards;
  say("shards-name", count > 1 ? "Shards" : "Shard");
  say("shards", count > 1 ? first + " to " + last : String(first));
  say("version", "go-id " + info.version + ", ids until " + info.id_space_ends.slice(0, 10));
  $("count").max = info.limits.max_batch;
}

let timer = 0;
let failures = 0;
let seenMs = 0;

function showStale() {
  document.body.classList.add("stale");
  $("verdict").dataset.condition = "unknown";
  say("verdict-text", "No answer; trying again.");
  say("age", seenMs ? "Figures are " + inWords((performance.now() - seenMs) / 1000) + " old." : "");
}

async function poll() {
  clearTimeout(timer);
  timer = 0;
  try {
    const startMs = performance.now();
    const metrics = await read("/metrics");
    const tripMs = performance.now() - startMs;
    const status = await read("/status");
    if (info === null || failures > 0) {
      info = JSON.parse(await read("/info"));
      showInfo();
      showBits(shownId);
    }
    failures = 0;
    seenMs = performance.now();
    document.body.classList.remove("stale");
    say("age", "");
    showStatus(status);
    showReading(parseMetrics(metrics), tripMs);
  } catch (error) {
    failures++;
    showStale();
  }
  schedule();
}

function schedule() {
  if (timer === 0 && !document.hidden)
    timer = setTimeout(poll, Math.min(POLL_MS * 2 ** failures, RETRY_MAX_MS));
}

// A tab that nobody sees asks nothing; its figures are old when it is seen again.
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  timer = 0;
  if (!document.hidden)
    poll();
});
setInterval(() => {
  if (failures > 0 && !document.hidden)
    showStale();
}, 1000);
window.addEventListener("resize", drawCharts);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);

// ---- Making ids

let firstMade = "";

function makePath() {
  const count = $("count").value;
  return "/generate?" + (count === "1" ? "" : "count=" + encodeURIComponent(count) + "&") +
    "format=" + $("format").value;
}

function showRequest() {
  say("request", "curl '" + location.origin + makePath() + "'");
  say("format-note", $("format").value === "json" ?
    "Not for JavaScript: JSON.parse changes numbers beyond 2^53, and ids are beyond." : "");
}

function hexOf(bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 8)
    lines.push(Array.from(bytes.slice(i, i + 8), (byte) => byte.toString(16).padStart(2, "0"))
      .join(" "));
  return lines.join("\n");
}

// The answer as it is shown, and its first id.
async function readMade(response) {
  if ($("format").value !== "binary") {
    const text = (await response.text()).trimEnd();
    return [text, text.match(/\d+/)[0]];
  }
  const buffer = await response.arrayBuffer();
  return [hexOf(new Uint8Array(buffer)), String(new DataView(buffer).getBigUint64(0))];
}

$("make").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter || $("make").querySelector("button");
  const startMs = performance.now();
  const count = Number($("count").value);
  say("make-error", "");
  say("made-note", "");
  button.disabled = true;
  try {
    const response = await ask(makePath(), PATIENCE_MS);
    if (!response.ok)
      throw new RangeError(await detailOf(response));
    const [text, first] = await readMade(response);
    firstMade = first;
    $("made").textContent = text;
    $("made-box").hidden = false;
    say("made-note", grouped.format(count) + (count === 1 ? " id" : " ids") + " in " +
      milliseconds(performance.now() - startMs) + " ms");
  } catch (error) {
    $("made-box").hidden = true;
    say("make-error", "No ids: " +
      (error instanceof RangeError ? error.message : failureWords(error)) + ".");
  }
  button.disabled = false;
  button.focus();
});
$("make").addEventListener("input", showRequest);

// Browsers have a clipboard for pages on localhost and on https, and may refuse it; then there is
// the old way.
async function copy(node) {
  try {
    await navigator.clipboard.writeText(node.textContent);
    return;
  } catch {
    // undefined, or refused
  }
  const selection = getSelection();
  selection.selectAllChildren(node);
  if (!document.execCommand("copy"))
    throw new Error("refused");
  selection.removeAllRanges();
}

$("copy").addEventListener("click", async () => {
  try {
    await copy($("made"));
    say("made-note", "Copied.");
  } catch {
    getSelection().selectAllChildren($("made"));
    say("made-note", "The browser does not let this page copy; it is selected.");
  }
});

$("apart-made").addEventListener("click", () => {
  $("id").value = firstMade;
  $("apart").requestSubmit();
});

// ---- Taking ids apart

let shownId = "";

function fieldsOf(layout) {
  return [
    {name: "sign", bits: 1, title: ""},
    {name: "time", bits: layout.time_bits, title: "time"},
    {name: "sequence", bits: layout.sequence_bits, title: "sequence"},
    {name: "machine", bits: layout.machine_id_bits, title: "machine id"},
  ];
}

// The 64 bits, each as wide as any other; without an id, where its fields will be.
function showBits(id) {
  const bits = id === "" ? "0".repeat(64) : BigInt(id).toString(2).padStart(64, "0");
  const cells = [];
  const names = [];
  for (const field of fieldsOf(info.layout)) {
    for (let i = 0; i < field.bits; i++) {
      const bit = bits[cells.length];
      cells.push(element("i", bit, field.name + (bit === "1" ? " one" : "")));
    }
    const name = element("b", field.title && field.title + ", " + field.bits + " bits", field.name);
    name.style.gridColumn = "span " + field.bits;
    names.push(name);
  }
  $("bits").className = id === "" ? "empty" : "";
  $("bits").replaceChildren(...cells, ...names);
  $("bits").setAttribute("aria-label", id === "" ?
    "The 64 bits of an id, most significant first" : "The 64 bits of " + id + ": " + bits);
}

function ago(unixMs) {
  const seconds = (Date.now() - unixMs) / 1000;
  return seconds < 0 ? "in " + inWords(-seconds) : inWords(seconds) + " ago";
}

function showFields(decoded) {
  const unitMs = info.layout.time_unit_ms;
  const last = 2 ** info.layout.sequence_bits - 1;
  const own = decoded.machine_id >= info.shards.first && decoded.machine_id <= info.shards.last;
  const rows = [
    ["time", "Time", decoded.time, ago(decoded.unix_ms) + "; " +
      grouped.format(decoded.elapsed_time) + " ticks of " + unitMs + " ms since the start time"],
    ["sequence", "Sequence", String(decoded.sequence),
      "of 0 to " + last + ": which id of its tick and machine id"],
    ["machine", "Machine id", String(decoded.machine_id),
      own ? "a shard of this service" : "not a shard of this service"],
  ];
  $("fields").replaceChildren(...rows.map(([className, title, value, note]) => {
    const row = element("div", "", className);
    const dd = element("dd", value);
    dd.append(element("small", note));
    row.append(element("dt", title), dd);
    return row;
  }));
}

async function decode(id) {
  const response = await ask("/decode/" + encodeURIComponent(id), PATIENCE_MS);
  const type = response.headers.get("content-type") || "";
  if (response.ok && type === "application/json")
    return response.json();
  throw new RangeError(response.ok ? "this cannot be an id" : await detailOf(response));
}

$("apart").addEventListener("submit", async (event) => {
  event.preventDefault();
  const id = $("id").value.trim();
  say("apart-error", "");
  $("id").removeAttribute("aria-invalid");
  try {
    const decoded = await decode(id);
    shownId = id;
    showBits(id);
    showFields(decoded);
  } catch (error) {
    const refused = error instanceof RangeError;
    if (refused)
      $("id").setAttribute("aria-invalid", "true");
    say("apart-error", (refused ? error.message : failureWords(error)) + ".");
  }
});

say("where", location.host);
showRequest();
drawCharts();
poll();
