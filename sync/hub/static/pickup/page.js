// The rotating code, made on this phone: a TOTP of each 30 seconds as a QR. It needs no line once it
// was loaded; the line only tells that the goods were collected.

import { path, symbol } from './qr.js';

const QUIET = 4;
const MODULES = 25;
const LOOK_EVERY_MS = 15_000;
const page = document.querySelector('main');
const words = JSON.parse(document.getElementById('words').textContent);
const at = (id) => document.getElementById(id);

// By the hub's time as it was when the page came: a phone's clock is often minutes off.
let ahead = Number(page.dataset.now) - Date.now();
const nowMs = () => Date.now() + ahead;

export async function totp(key, step) {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(step));
  const mac = new DataView(await crypto.subtle.sign('HMAC', key, counter));
  const number = mac.getUint32(mac.getUint8(19) & 15) & 0x7fffffff;
  return String(number % 100_000_000).padStart(8, '0');
}

export function importKey(hex) {
  const bytes = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-1' }, false, ['sign']);
}

function say(text, quiet = false) {
  const line = at(quiet ? 'line' : 'status');
  if (line.textContent !== text) line.textContent = text;
}

async function turn(code, key, periodS) {
  const seconds = Math.floor(nowMs() / 1000);
  const step = Math.floor(seconds / periodS);
  if (page.dataset.step === String(step)) return;
  const text = `P3:${code}${String(step * periodS).padStart(10, '0')}${await totp(key, step)}`;
  at('modules').setAttribute('d', path(symbol(text)));
  at('qr').setAttribute('viewBox', `${-QUIET} ${-QUIET} ${MODULES + 2 * QUIET} ${MODULES + 2 * QUIET}`);
  page.dataset.step = step;
  page.dataset.text = text;
}

async function begin() {
  const { code, secret, period } = page.dataset;
  if (!code) return undefined;
  delete page.dataset.secret;
  if (!globalThis.crypto?.subtle) {
    say(words.insecure);
    return undefined;
  }
  const key = await importKey(secret);
  const periodS = Number(period);
  const draw = () => turn(code, key, periodS).catch(() => {});
  await draw();
  const ticking = setInterval(() => {
    draw();
    at('left').style.transform = `scaleX(${1 - ((nowMs() / 1000) % periodS) / periodS})`;
  }, 250);
  document.addEventListener('visibilitychange', draw);
  return ticking;
}

function stop(ticking, text) {
  clearInterval(ticking);
  at('code')?.remove();
  delete page.dataset.text;
  say(text);
}

async function look(ticking) {
  if (document.hidden) return true;
  const asked = Date.now();
  let answer;
  try {
    answer = await fetch(page.dataset.state, { cache: 'no-store' });
  } catch {
    say(page.dataset.code ? words.offline : '', true);
    return true;
  }
  say('', true);
  if (answer.status === 404) {
    stop(ticking, words.replaced);
    return false;
  }
  if (!answer.ok) return true;
  const state = await answer.json();
  ahead = state.now_ms - (asked + Date.now()) / 2;
  if (state.shape !== page.dataset.shape) {
    location.reload();
    return false;
  }
  at('store').textContent = state.store;
  say(words[state.status]);
  return true;
}

const until = at('until');
until.textContent = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' })
  .format(new Date(until.dateTime));
const ticking = await begin();
const looking = setInterval(async () => {
  if (!(await look(ticking))) clearInterval(looking);
}, LOOK_EVERY_MS);
addEventListener('online', () => look(ticking));
