// Starts the real daemon and a real Chromium, and waits for what has to become true.
//
// Nothing here waits for luck: a condition is asked for until a deadline, and the deadline only
// decides how long a failure takes.

import assert from "node:assert/strict";
import {spawn} from "node:child_process";
import {once} from "node:events";
import fs from "node:fs/promises";
import {createRequire} from "node:module";
import net from "node:net";
import os from "node:os";
import path from "node:path";

// scripts/console_tests.sh says where they are.
export const GO_ID = path.resolve(process.env.GO_ID);
const require = createRequire(path.join(process.env.GO_ID_NODE_MODULES, "package.json"));
const {chromium} = require("playwright-core");
const axeSource = require("axe-core").source;

export const DEADLINE_MS = 60000;

export async function until(condition, what) {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await condition();
    if (value)
      return value;
    assert.ok(Date.now() < end, `waited ${DEADLINE_MS} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// ---- The daemon

// A running `go-id serve` on a port of the kernel's choice; stop() ends it and checks how.
export async function startDaemon(env = {}) {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), "go-id-"));
  // With setpriv a test run that is killed takes its daemons with it.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", GO_ID, "serve", "--listen", "127.0.0.1:0",
    "--ready-fd", "3"], {
    env: {PATH: process.env.PATH, STATE_DIRECTORY: directory, LOCK_DIRECTORY: directory, ...env},
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (piece) => { log += piece; });
  child.stdout.resume();
  const ended = once(child, "exit");
  let ready = "";
  for await (const piece of child.stdio[3])
    ready += piece;
  const [, host, port] = ready.match(/^(\S+) (\d+)\n$/) || assert.fail(`not ready: ${log}`);
  return {
    url: `http://${host}:${port}`,
    port: Number(port),
    loseState: () => fs.rm(directory, {recursive: true}),
    async stop() {
      child.kill("SIGTERM");
      const [code] = await ended;
      await fs.rm(directory, {recursive: true, force: true});
      assert.equal(code, 0, log);
    },
  };
}

// A port that stays the same while the daemon behind it comes and goes.
export async function startGate() {
  const open = new Set();
  const gate = {target: null, holds: false};
  const server = net.createServer((client) => {
    open.add(client);
    client.on("close", () => open.delete(client));
    client.on("error", () => {});
    if (gate.holds)
      return;
    if (gate.target === null) {
      client.destroy();
      return;
    }
    const daemon = net.connect(gate.target, "127.0.0.1");
    daemon.on("error", () => client.destroy());
    daemon.on("close", () => client.destroy());
    client.on("close", () => daemon.destroy());
    client.pipe(daemon).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  gate.url = `http://127.0.0.1:${server.address().port}`;
  gate.cut = () => open.forEach((client) => client.destroy());
  gate.close = () => {
    gate.cut();
    server.close();
  };
  return gate;
}

// ---- The browser

export async function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    timeout: DEADLINE_MS,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

// A page of its own profile that takes note of everything that must not happen.  prepare(page) is
// called before it loads anything.
export async function openPage(browser, url, options = {}, prepare = async () => {}) {
  const context = await browser.newContext({viewport: {width: 1240, height: 900}, ...options});
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  const origin = new URL(url).origin;
  const faults = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  context.on("request", (request) => {
    if (!request.url().startsWith(origin + "/") && !request.url().startsWith("data:"))
      faults.push(`a request to ${request.url()}`);
  });
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (event) =>
    console.error("policy violated: " + event.violatedDirective + " " + event.blockedURI)));
  page.faults = faults;
  await prepare(page);
  await page.goto(url);
  return page;
}

// Closes it; nothing may have gone wrong but what expected matches.
export async function closePage(page, expected = /^$/) {
  await page.context().close();
  assert.deepEqual(page.faults.filter((fault) => !expected.test(fault)), []);
}

export async function textOf(page, selector) {
  return (await page.textContent(selector)).trim();
}

export async function says(page, selector, pattern) {
  await until(async () => pattern.test(await textOf(page, selector)), `${selector}: ${pattern}`);
}

// What axe-core finds; it is run from outside, past the page's policy.
export async function axe(page) {
  await page.evaluate(axeSource);
  const {violations} = await page.evaluate(() => window.axe.run(document, {
    resultTypes: ["violations"],
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  return violations.map(({id, help, nodes}) => `${id}: ${help}: ${nodes.map((node) => node.html)}`);
}
