// Words, elements, times: what every other module of the page stands on.

const table = JSON.parse(document.getElementById('words').textContent);
const root = document.documentElement;
const HTML_LANG = { zh: 'zh-CN', en: 'en' };

export const station = document.body.dataset.station;
// What the shop calls its stations; one that is no longer configured keeps its id.
const stations = JSON.parse(document.body.dataset.stations);
export const stationName = (id) => stations[id] ?? id;

// What a screen remembers by itself is only how it likes to look; a blocked storage is no error.
export function keep(name, value) {
  try { localStorage.setItem(`storeedge.${station}.${name}`, value); } catch { /* stays for now */ }
}
export function kept(name) {
  try { return localStorage.getItem(`storeedge.${station}.${name}`); } catch { return null; }
}

let lang = kept('lang') ?? (root.lang.startsWith('en') ? 'en' : 'zh');
if (!(lang in HTML_LANG)) lang = 'zh';
export const language = () => lang;
export const otherLanguage = () => (lang === 'zh' ? 'en' : 'zh');
export const htmlLang = (which) => HTML_LANG[which];

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
export const t = (key, values = {}) => fill(table[key][lang], values);
export const other = (key, values = {}) => fill(table[key][otherLanguage()], values);
// A thing the node said in both languages: { zh, en }.
export const said = (both) => both[lang];

export function setLanguage(which) {
  lang = which;
  root.lang = HTML_LANG[which];
  document.title = t('title');
  for (const one of document.querySelectorAll('[data-word]')) one.textContent = t(one.dataset.word);
  for (const one of document.querySelectorAll('[data-label]')) {
    one.setAttribute('aria-label', t(one.dataset.label));
  }
}

// h('button.strong', { onclick }, 'text', child, null) makes an element; null children are left out.
export function h(name, props = {}, ...children) {
  const [tag, ...classes] = name.split('.');
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(' ');
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key in element && typeof value !== 'string') element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';
export function icon(name, className = '') {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('aria-hidden', 'true');
  if (className) svg.setAttribute('class', className);
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

// The same words in the language that the screen does not speak now, marked as such.
export const aside = (text) => h('span.aside', { lang: HTML_LANG[otherLanguage()] }, text);
export const bothWords = (key) => [t(key), ' ', aside(other(key))];

export function age(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return t('age_s', { n: s });
  if (s < 5400) return t('age_min', { n: Math.round(s / 60) });
  if (s < 129600) return t('age_h', { n: Math.round(s / 3600) });
  return t('age_d', { n: Math.round(s / 86400) });
}

// The node's clock, as last told; what this browser believes of the time is never shown.
let told = { nowMs: Date.now(), at: performance.now() };
export function setClock(nowMs) { told = { nowMs, at: performance.now() }; }
export const now = () => told.nowMs + (performance.now() - told.at);

// The shop's own zone, as on its slips, wherever this browser is.
const zone = new Intl.DateTimeFormat('sv-SE', {
  timeZone: document.documentElement.dataset.zone,
  year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
});
const shopTime = (ms) => zone.format(new Date(ms)).split(' ');
export function clock(ms, seconds = false) {
  const [, time] = shopTime(ms);
  return seconds ? time : time.slice(0, 5);
}
export function when(ms) {
  const d = new Date(ms);
  const [date] = shopTime(ms);
  const day = date === shopTime(now())[0] ? '' : `${date.slice(5)} `;
  return h('time', { datetime: d.toISOString(), title: d.toISOString() }, day + clock(ms));
}
// As short as a list needs it: the time today, the date on other days; the whole is its title.
export function whenShort(ms) {
  const [date, time] = shopTime(ms);
  const words = date === shopTime(now())[0] ? time.slice(0, 5) : date.slice(5);
  return h('time', { datetime: new Date(ms).toISOString(), title: `${date} ${time}` }, words);
}
// What is wrong with a device, in words; a code of ours stays a code, for support.
export const troubleOf = (trouble) => (trouble && `trouble_${trouble}` in table ? t(`trouble_${trouble}`) : trouble);
export const bagWords = (n) => (n === 1 ? t('bag') : t('bags', { n }));

// A redraw must not take the focus away: what had it gets it back, by its data-k.
export function redraw(container, ...children) {
  const active = document.activeElement;
  const key = container.contains(active) && active !== container ? active.dataset.k : undefined;
  const had = container.contains(active) && active !== container;
  container.replaceChildren(...children.flat().filter((child) => child));
  if (!had) return;
  const again = key && container.querySelector(`[data-k="${CSS.escape(key)}"]`);
  if (again) again.focus({ preventScroll: true });
  else if (container.tabIndex >= -1 && container.hasAttribute('tabindex')) {
    container.focus({ preventScroll: true });
  }
}
