// A browser driven by lines of JSON on standard input, each `[action, ...arguments]`; each is answered by a line,
// `{"result": …}` or `{"error": …}`. Started with the paths of playwright-core and of Chromium.

import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [playwright, executablePath] = process.argv.slice(2);
const { chromium } = await import(pathToFileURL(playwright));
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 1000, height: 640 } });

const actions = {
  open: (url) => page.goto(url),
  press: (key) => page.keyboard.press(key),
  type: (text, delay) => page.keyboard.type(text, { delay }),
  click: (selector) => page.click(selector),
  texts: (selector) => page.$$eval(selector, (found) => found.map((element) => element.textContent)),
  picture: (path) => page.screenshot({ path }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [action, ...given] = JSON.parse(line);
  let answer;
  try {
    const result = await actions[action](...given);
    answer = { result: action === 'texts' ? result : null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
