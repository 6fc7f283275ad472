// Takes the pictures of docs/: `make pictures`.  Two minutes of load, so that the charts are full.

import http from "node:http";
import path from "node:path";

import {openPage, says, startBrowser, startDaemon} from "./harness.mjs";

const folder = process.argv[2];
const FILL_MS = 121000;

// Some hundred requests a second, in waves, and now and then more than one shard can make.
async function load(url, state) {
  const agent = new http.Agent({keepAlive: true, maxSockets: 40});
  const ask = (count) => new Promise((resolve) => {
    http.get(`${url}/generate?count=${count}&format=binary`, {agent}, (answer) => {
      answer.resume();
      answer.on("end", resolve);
    }).on("error", resolve);
  });
  for (let turn = 0; !state.done; turn++) {
    const wave = 1 + Math.sin(turn / 70) + 0.6 * Math.sin(turn / 13);
    for (let i = 0; i < 6; i++)
      ask(1 + Math.round(Math.max(0, wave) * 90 * (0.7 + 0.6 * Math.random())));
    if (turn % 97 === 0)
      ask(2500);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  agent.destroy();
}

async function prepare(browser, url, options) {
  const page = await openPage(browser, url + "/", options);
  await says(page, "#verdict-text", /^Issuing ids/);
  await page.fill("#count", "5");
  await page.click("#make button");
  await says(page, "#made-note", / ms$/);
  await page.click("#apart-made");
  await says(page, "#fields .machine dd", /shard/);
  await page.evaluate(() => document.activeElement.blur());
  return page;
}

const daemon = await startDaemon({SHARD_ID: "7"});
const browser = await startBrowser();
const state = {done: false};
const loading = load(daemon.url, state);
const pages = {
  "console-light.png": await prepare(browser, daemon.url, {colorScheme: "light"}),
  "console-dark.png": await prepare(browser, daemon.url, {colorScheme: "dark"}),
  "console-phone.png": await prepare(browser, daemon.url,
    {colorScheme: "dark", viewport: {width: 375, height: 800}}),
};
await new Promise((resolve) => setTimeout(resolve, FILL_MS));
for (const [name, page] of Object.entries(pages))
  await page.screenshot({path: path.join(folder, name), fullPage: true});
state.done = true;
await loading;
await browser.close();
await daemon.stop();
