// The console in a real browser: every control, both themes, a phone, no script, a restart.

import assert from "node:assert/strict";
import {after, before, test} from "node:test";

import {axe, closePage, openPage, says, startBrowser, startDaemon, startGate, textOf, until}
  from "./harness.mjs";

const ID = "647376931068907666"; // of docs/http_api.md
const BITS = BigInt(ID).toString(2).padStart(64, "0");

let browser;
let daemon;

before(async () => {
  browser = await startBrowser();
  daemon = await startDaemon({SHARD_ID: "64-127"});
});

after(async () => {
  await browser.close();
  await daemon.stop();
});

async function openConsole(options, prepare) {
  const page = await openPage(browser, daemon.url + "/", options, prepare);
  await says(page, "#verdict-text", /^Issuing ids\. All is well\.$/);
  return page;
}

async function make(page, count, format) {
  await page.fill("#count", String(count));
  await page.selectOption("#format", format);
  await page.click("#make button");
  await says(page, "#made-note", /^[\d,]+ ids? in [\d.,]+ ms$/);
  return textOf(page, "#made");
}

async function askFor(path) {
  const response = await fetch(daemon.url + path);
  assert.equal(response.status, 200);
  return response.text();
}

// ---- What moves

test("figures follow the service", async () => {
  const page = await openConsole();
  await says(page, "#rate-note", /^of 1,638,400 at most/);
  await says(page, "#shards-name", /^Shards$/);
  await says(page, "#shards", /^64 to 127$/);
  await says(page, "#lead", /^0 ms$/);
  await says(page, "#waiting", /^\d+$/);
  await says(page, "#connections", /^[1-9]\d*$/);
  await says(page, "#memory", /^\d+\.\d MiB$/);
  await says(page, "#uptime", /^\d+ (s|min)$/);
  await says(page, "#version", /^go-id \d+\.\d+\.\d+, ids until 2188-11-16$/);

  const issued = async () =>
    Number((await textOf(page, "#rate-note")).match(/([\d,]+) since/)[1].replaceAll(",", ""));
  const issuedBefore = await issued();
  const more = async (count) => (await askFor(`/generate?count=${count}&format=text`));
  await more(5000);
  await until(async () => await issued() >= issuedBefore + 5000, "5,000 ids to be counted");
  await until(async () => { // asked for until a reading falls behind some
    await more(100);
    return /^[\d,]*[1-9][\d,]*$/.test(await textOf(page, "#rate"));
  }, "a rate above 0");
  await until(async () => {
    await more(100);
    return /wait for ids/.test(await textOf(page, "#wait-note"));
  }, "a percentile of the wait");
  await closePage(page);
});

test("both charts move", async () => {
  const page = await openConsole();
  for (const id of ["rate-chart", "wait-chart"]) {
    const picture = () => page.evaluate((chart) => document.getElementById(chart).toDataURL(), id);
    const first = await picture();
    await until(async () => {
      await askFor("/generate?count=50&format=text");
      return await picture() !== first;
    }, `${id} to be drawn anew`);
    await until(async () => /now [\d.,]+/.test(await page.getAttribute("#" + id, "aria-label")),
      "words for those who do not see it");
  }
  await closePage(page);
});

test("health is told in words, condition by condition", async () => {
  const page = await openConsole();
  const names = await page.locator("#conditions dt").allTextContents();
  assert.deepEqual(names, ["Clock", "Lead", "Mark", "Lock", "Lifetime"]);
  assert.deepEqual(await page.locator("#conditions b").allTextContents(), Array(5).fill("ok"));
  assert.deepEqual(await axe(page), []);
  await says(page, "#conditions", /Ids follow the system’s clock\./);
  await closePage(page);
});

test("a service that fails says what, and why", async () => {
  const failing = await startDaemon();
  const page = await openPage(browser, failing.url + "/");
  await says(page, "#verdict-text", /^Issuing ids/);
  await failing.loseState(); // the disk is gone: ids end where the mark stands
  await until(async () => {
    await fetch(failing.url + "/generate");
    return await page.getAttribute("#verdict", "data-condition") === "failed";
  }, "the mark to be reached");
  await says(page, "#verdict-text", /^No ids: the mark cannot be moved ahead: .*ENOENT\.$/);
  await says(page, "#conditions [data-condition=failed]", /^Mark.*ENOENT/);
  await until(async () => await page.title() === "go-id: failed", "the title to say so");
  await page.click("#make button");
  await says(page, "#make-error", /^No ids: the mark cannot be moved ahead/);
  assert.deepEqual(await axe(page), []);
  await closePage(page, /status of 503/);
  await failing.stop();
});

// ---- Making ids

test("one id, and many, in every format", async () => {
  const page = await openConsole();
  assert.match(await make(page, 1, "text"), /^\d{18}$/);
  const lines = (await make(page, 3, "text")).split("\n");
  assert.equal(new Set(lines).size, 3);
  assert.match(await make(page, 1, "string"), /^\{"id":"\d{18}","timestamp":\d{10}\}$/);
  assert.match(await make(page, 2, "string"), /^\{"ids":\["\d{18}","\d{18}"\],"timestamp":\d{10}\}$/);
  assert.match(await make(page, 1, "json"), /^\{"id":\d{18},"timestamp":\d{10}\}$/);
  assert.match(await textOf(page, "#format-note"), /JSON\.parse/);
  assert.match(await make(page, 2, "json"), /^\{"ids":\[\d{18},\d{18}\],"timestamp":\d{10}\}$/);
  assert.match(await make(page, 2, "binary"), /^0[0-9a-f]( [0-9a-f]{2}){7}\n0[0-9a-f]( [0-9a-f]{2}){7}$/);
  assert.equal(await textOf(page, "#format-note"), "");
  assert.equal((await make(page, 10000, "text")).split("\n").length, 10000);
  await closePage(page);
});

test("the request that is made is shown, to be used elsewhere", async () => {
  const page = await openConsole();
  await page.fill("#count", "1");
  await page.selectOption("#format", "text");
  assert.equal(await textOf(page, "#request"), `curl '${daemon.url}/generate?format=text'`);
  await page.fill("#count", "12");
  assert.equal(await textOf(page, "#request"), `curl '${daemon.url}/generate?count=12&format=text'`);
  await closePage(page);
});

test("what cannot be made is told in the service's words", async () => {
  const page = await openConsole();
  await until(async () => await page.getAttribute("#count", "max") === "10000", "the limit");
  await page.fill("#count", "10001");
  await page.click("#make button");
  assert.ok(await page.evaluate(() => document.getElementById("count").validity.rangeOverflow));
  assert.ok(await page.isHidden("#made-box"));
  await page.evaluate(() => { document.getElementById("make").noValidate = true; });
  await page.click("#make button");
  await says(page, "#make-error", /'count' must be a number from 1 to 10000, not '10001'/);
  await make(page, 1, "text");
  assert.equal(await textOf(page, "#make-error"), "");
  await closePage(page, /status of 400/);
});

// The clipboard is one for the whole machine, and no test's own: these stand in its place.
test("what was made can be copied", async () => {
  const page = await openConsole();
  const taken = () => page.evaluate(() => window.taken);
  const giveClipboard = (kind) => page.evaluate((name) => {
    const kinds = {
      working: {writeText: async (text) => { window.taken = text; }},
      refusing: {writeText: async () => { throw new DOMException("no", "NotAllowedError"); }},
      missing: undefined, // as on http://10.0.0.5:7001/
    };
    Object.defineProperty(navigator, "clipboard", {value: kinds[name], configurable: true});
  }, kind);
  await page.evaluate(() => {
    document.execCommand = (command) => {
      window.taken = command + ": " + String(getSelection()).trim();
      return !window.refuses;
    };
  });

  await giveClipboard("working");
  const first = await make(page, 3, "text");
  await page.click("#copy");
  await says(page, "#made-note", /^Copied\.$/);
  assert.equal((await taken()).trim(), first);

  for (const kind of ["refusing", "missing"]) {
    await giveClipboard(kind);
    const made = await make(page, 2, "text");
    await page.click("#copy");
    await says(page, "#made-note", /^Copied\.$/);
    assert.equal(await taken(), "copy: " + made);
  }

  await page.evaluate(() => { window.refuses = true; });
  const last = await make(page, 2, "text");
  await page.click("#copy");
  await says(page, "#made-note", /it is selected/);
  assert.equal(await page.evaluate(() => String(getSelection()).trim()), last);
  await closePage(page);
});

// ---- Taking ids apart

test("an id is taken apart, its bits coloured to scale", async () => {
  const page = await openConsole();
  const widths = () => page.evaluate(() => ["sign", "time", "sequence", "machine"].map((name) =>
    document.querySelectorAll(`#bits i.${name}`).length));
  await until(async () => (await widths())[1] === 39, "the layout");
  assert.deepEqual(await widths(), [1, 39, 8, 16]);

  await page.fill("#id", ` ${ID} `);
  await page.click("#apart button");
  await says(page, "#fields .time dd", /^2026-11-23T01:12:00\.120Z/);
  await says(page, "#fields .time dd", /38,586,672,012 ticks of 10 ms/);
  await says(page, "#fields .sequence dd", /^37of 0 to 255/);
  await says(page, "#fields .machine dd", /^4242not a shard of this service$/);
  assert.deepEqual(await widths(), [1, 39, 8, 16]);
  assert.equal((await page.locator("#bits i").allTextContents()).join(""), BITS);
  assert.equal(await page.locator("#bits i.one").count(), BITS.replaceAll("0", "").length);
  const boxes = await page.evaluate(() =>
    [...document.querySelectorAll("#bits i")].map((bit) => bit.getBoundingClientRect().width));
  assert.ok(Math.max(...boxes) - Math.min(...boxes) < 1, "every bit is as wide as any other");
  const colours = await page.evaluate(() => ["time", "sequence", "machine"].map((name) =>
    getComputedStyle(document.querySelector(`#bits i.${name}.one`)).backgroundColor));
  assert.equal(new Set(colours).size, 3);
  await closePage(page);
});

test("a made id can be taken apart at once", async () => {
  const page = await openConsole();
  for (const format of ["text", "string", "json", "binary"]) {
    const made = await make(page, 2, format);
    await page.fill("#id", "");
    await page.click("#apart-made");
    await says(page, "#fields .machine dd", /a shard of this service$/);
    const id = await page.inputValue("#id");
    if (format === "binary")
      assert.equal(BigInt("0x" + made.slice(0, 23).replaceAll(" ", "")), BigInt(id));
    else
      assert.ok(made.includes(id));
  }
  await closePage(page);
});

test("what is no id is told in words", async () => {
  const page = await openConsole();
  for (const text of ["abc", "-1", "9223372036854775808", "1/2", "..", "<b>", "%"]) {
    await page.fill("#id", text);
    await page.click("#apart button");
    await until(async () => await page.getAttribute("#id", "aria-invalid") === "true", text);
    assert.notEqual(await textOf(page, "#apart-error"), "");
    await page.fill("#id", ID);
    await page.click("#apart button");
    await until(async () => await page.getAttribute("#id", "aria-invalid") === null, ID);
    assert.equal(await textOf(page, "#apart-error"), "");
  }
  await closePage(page, /status of 400/);
});

// ---- Who looks at it, and with what

test("the keyboard is enough", async () => {
  const page = await openConsole();
  const focused = () => page.evaluate(() =>
    document.activeElement.id || document.activeElement.textContent);
  const press = async (...keys) => {
    for (const key of keys)
      await page.keyboard.press(key);
  };
  await press("Tab");
  assert.equal(await focused(), "Skip to making ids");
  const seen = await page.evaluate(() =>
    getComputedStyle(document.activeElement).outlineStyle !== "none");
  assert.ok(seen, "focus is visible");
  await press("Tab");
  assert.equal(await focused(), "count");
  await page.keyboard.type("2"); // the field's content is selected by Tab
  await press("Tab");
  assert.equal(await focused(), "format");
  await press("ArrowDown", "Tab");
  assert.equal(await focused(), "Make");
  await press("Enter");
  await says(page, "#made", /^\{"ids":\["\d+","\d+"\]/);
  await until(async () => await focused() === "Make", "the focus to be where it was");
  await press("Tab");
  assert.equal(await focused(), "made");
  await press("Tab");
  assert.equal(await focused(), "copy");
  await press("Tab");
  assert.equal(await focused(), "apart-made");
  await press("Space");
  await says(page, "#fields .machine dd", /a shard of this service$/);
  await press("Tab");
  assert.equal(await focused(), "id");
  await page.keyboard.type(ID);
  await press("Enter");
  await says(page, "#fields .machine dd", /^4242/);
  await closePage(page);
});

const backgrounds = new Set();
for (const colorScheme of ["light", "dark"]) {
  for (const width of [1240, 375]) {
    test(`axe finds nothing, ${colorScheme}, ${width} pixels`, async () => {
      const page = await openConsole({colorScheme, viewport: {width, height: 800}});
      await make(page, 20, "text");
      await page.click("#apart-made");
      await says(page, "#fields .machine dd", /shard/);
      await page.fill("#id", "abc");
      await page.click("#apart button");
      await says(page, "#apart-error", /cannot be an id/);
      assert.deepEqual(await axe(page), []);
      backgrounds.add(colorScheme + await page.evaluate(() =>
        getComputedStyle(document.body).backgroundColor));
      await page.goto(daemon.url + "/status");
      assert.deepEqual(await axe(page), []);
      await closePage(page, /status of 400/);
    });
  }
}

test("the two themes differ", () => {
  assert.equal(backgrounds.size, 2);
  assert.equal(new Set([...backgrounds].map((text) => text.replace(/^[a-z]+/, ""))).size, 2);
});

test("nothing is wider than a phone", async () => {
  for (const width of [375, 320]) {
    const page = await openConsole({viewport: {width, height: 700}, isMobile: true, hasTouch: true});
    await make(page, 20, "string");
    await page.click("#apart-made");
    await says(page, "#fields .machine dd", /shard/);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    await page.goto(daemon.url + "/status");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    await closePage(page);
  }
});

test("without JavaScript it is a plain status page", async () => {
  const page = await openPage(browser, daemon.url + "/", {javaScriptEnabled: false});
  await page.waitForURL(daemon.url + "/status");
  assert.match(await textOf(page, "#verdict"), /^Issuing ids\. All is well\.$/);
  assert.equal(await page.locator("#conditions div").count(), 5);
  await page.click("button");
  await page.waitForURL(daemon.url + "/generate?count=1&format=text");
  assert.match(await textOf(page, "body"), /^\d{18}$/);
  await closePage(page, /status of 404/); // a picture for the tab, which answers in text have not
});

// ---- Time passes

test("it says that its figures are old, and goes on when the service is back", async () => {
  const gate = await startGate();
  let behind = await startDaemon({SHARD_ID: "3"});
  gate.target = behind.port;
  const page = await openPage(browser, gate.url + "/");
  await says(page, "#verdict-text", /^Issuing ids/);
  await make(page, 1234, "text");
  await says(page, "#rate-note", /1,234 since the start/);

  gate.target = null;
  gate.cut();
  await behind.stop();
  await says(page, "#verdict-text", /^No answer; trying again\.$/);
  await says(page, "#age", /^Figures are \d+ s old\.$/);
  assert.equal(await page.getAttribute("body", "class"), "stale");
  assert.deepEqual(await axe(page), []);
  await page.click("#make button");
  await says(page, "#make-error", /^No ids: the service cannot be reached\.$/);

  behind = await startDaemon({SHARD_ID: "9"});
  gate.target = behind.port;
  await says(page, "#verdict-text", /^Issuing ids/);
  await says(page, "#shards", /^9$/);
  await says(page, "#rate-note", / 0 since the start/);
  await until(async () => await page.getAttribute("body", "class") === "" &&
    await textOf(page, "#age") === "", "figures that are not old");

  gate.holds = true; // connections are taken, and nobody answers
  gate.cut();
  await says(page, "#verdict-text", /^No answer/);
  gate.holds = false;
  gate.cut();
  await says(page, "#verdict-text", /^Issuing ids/);
  await closePage(page, /net::ERR_|Failed to load resource/);
  gate.close();
  await behind.stop();
});

test("a tab that nobody sees asks nothing", async () => {
  const page = await openConsole({}, async (fresh) => {
    await fresh.clock.install(); // before the page sets its first timer
    await fresh.addInitScript(() => {
      const real = window.fetch;
      window.readings = 0;
      window.fetch = (path, options) => {
        window.readings += path === "/metrics"; // with which a reading begins
        return real(path, options);
      };
    });
  });
  const show = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", {value, configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
    return window.readings;
  }, hidden);
  const readings = () => page.evaluate(() => window.readings);

  await until(async () => await readings() > 1, "more than the first reading");
  const before = await show(true);
  await page.clock.runFor(60000);
  assert.equal(await readings(), before);
  await show(false);
  await until(async () => await readings() > before, "a reading at once when it is seen again");
  await closePage(page);
});
