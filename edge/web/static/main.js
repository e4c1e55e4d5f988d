// The counter page. The node holds the state; this paints what it says and carries acts to it.

import { clock, htmlLang, keep, kept, language, now, otherLanguage, said, setClock, setLanguage, stationName, t } from './core.js';
import { NoAnswer, Refused, act, get, listen, tell } from './node.js';
import { chosen, forgetTicks, headline, paint, speech, toneOf, undoLeft } from './panel.js';
import { banners, facts, recent } from './around.js';

const root = document.documentElement;
const byId = (id) => document.getElementById(id);
let dialogs = null; // the module, once one was asked for
const SETTLE_MS = 450; // a button that has just appeared under a finger does nothing yet

const page = {
  stream: 'joining', run: root.querySelector('script[data-run]').dataset.run,
  status: null, statusAt: 0, acts: [], slips: [], notice: null, doing: null,
  here: { value: false }, paintedId: null, paintedAt: 0,
};

let muted = kept('muted') === 'yes';
root.dataset.theme = kept('theme') ?? 'auto';

// -- painting

const current = () => (page.acts[0]?.event === 'put_back' ? null : page.acts[0] ?? null);

// A button must not be exchanged between press and release: news of the same act waits for the
// finger. Another act is painted at once, and the press is lost, as it should be.
let pressed = false;
let drawn = null;
let owed = false;
document.addEventListener('pointerdown', () => { pressed = true; }, true);
for (const end of ['pointerup', 'pointercancel']) {
  document.addEventListener(end, () => {
    pressed = false;
    if (owed) setTimeout(draw);
  }, true);
}

function draw() {
  const shown = current();
  if (pressed && shown === drawn) { owed = true; return toneOf(shown); }
  drawn = shown;
  owed = false;
  const slip = page.slips.find((one) => one.effect === shown?.value.slip?.effect);
  const tone = paint(byId('panel'), {
    act: shown, slip, notice: page.notice, doing: page.doing, here: page.here, live: page.stream === 'live',
    transfer: page.transfer?.answer === shown?.value.id ? page.transfer : null,
  }, does, draw);
  root.dataset.tone = tone;
  return tone;
}

function drawAround() {
  facts(byId('facts'), page.status, page.statusAt, page.stream !== 'live');
  banners(byId('banners'), page);
  const s = page.status;
  if (!s) return;
  byId('store').textContent = s.store;
  byId('operator-name').textContent = s.operator.name ?? t('nobody');
  byId('operator').dataset.state = s.operator.staff_id ? 'good' : 'warn';
  root.toggleAttribute('data-training', s.training);
  for (const [id, n] of [['cases', s.open_cases], ['slips-waiting', s.slips_waiting]]) {
    byId(id).hidden = !n;
    byId(id).textContent = n;
  }
}

function drawAll() {
  draw();
  drawAround();
  recent(byId('recent'), page.acts);
  drawSound();
}

function drawSound() {
  byId('sound').setAttribute('aria-label', t(muted ? 'sound_off' : 'sound_on'));
  byId('sound').querySelector('use').setAttribute('href', muted ? '#i-mute' : '#i-sound');
  byId('lang').textContent = t('language');
  byId('lang').lang = htmlLang(otherLanguage());
}

// A verdict counts as shown when two frames have passed with the page in sight.
function sayShown(id) {
  if (document.visibilityState !== 'visible') {
    document.addEventListener('visibilitychange', () => sayShown(id), { once: true });
    return;
  }
  requestAnimationFrame(() => requestAnimationFrame(() => {
    if (current()?.value.id === id) tell('shown', { answer: id });
  }));
}

async function sound(tone, answer) {
  if (muted) return;
  const { play, speak } = await import('./sound.js');
  play(tone);
  if (tone === 'go' && answer?.order) speak(speech(answer), htmlLang(language()));
}

function announce(tone, a) {
  const words = [t(headline(tone, current()))];
  if (a.reason) words.push(said(a.reason));
  if (a.order && tone === 'go') words.push(speech(a));
  if (a.earlier) words.push(t('earlier', { time: clock(a.earlier.at_ms), station: stationName(a.earlier.station) }));
  if (a.next_step && tone !== 'go') words.push(said(a.next_step));
  const stop = /[。.!?]$/;
  byId('announce').textContent = words.map((one) => (stop.test(one) ? one : `${one}.`)).join(' ');
}

// Answers come twice, by the stream and as the reply; what is not a decision has no number.
const nameOf = ({ event, value }) => `${event} ${value.id || `${value.at_ms} ${value.reason?.code} ${value.order?.id ?? value.order}`}`;

function arrive(event, value) {
  const name = nameOf({ event, value });
  if (!page.acts.some((one) => nameOf(one) === name)) page.acts = [{ event, value }, ...page.acts].slice(0, 8);
  page.notice = null;
  show(false);
}

function show(quiet) {
  const top = current();
  const id = top && nameOf(top);
  const fresh = id !== page.paintedId;
  if (fresh) {
    page.paintedId = id;
    page.paintedAt = performance.now();
    page.here = { value: false };
    if (top && top.value.state !== 'claimed') forgetTicks();
  }
  const tone = draw();
  recent(byId('recent'), page.acts);
  if (!fresh || !top) return;
  announce(tone, top.value);
  if (top.event === 'answer' && top.value.id && !top.painted) sayShown(top.value.id);
  if (!quiet) sound(byId('dialog').open ? 'ask' : tone, top.value);
  dialogs?.then((it) => it.scanArrived(tone, top));
  askPin(top.value);
}

// -- acts: each goes to the node, and what it answers is what is shown

async function carry(path, body, { event = 'answer', then, method } = {}) {
  page.doing = t('confirming');
  page.notice = null;
  draw();
  try {
    const value = await act(path, body, { method, onDoubt: () => { page.doing = t('unsure_act'); draw(); } });
    page.doing = null;
    if (event) arrive(event, value);
    then?.(value);
    draw();
    return value;
  } catch (error) {
    page.doing = null;
    if (error instanceof Refused) refuse(said(error.problem), error.problem);
    else if (error instanceof NoAnswer) refuse(t('give_up_act'));
    else throw error;
    return null;
  }
}

function refuse(words, problem = {}) {
  page.notice = words;
  draw();
  sound('stop');
  if (problem.code === 'operator_needed' || problem.code === 'pin_due') open('operator');
  if (problem.code === 'unauthenticated') { page.stream = 'refused'; drawAround(); }
}

const settled = () => performance.now() - page.paintedAt > SETTLE_MS && !page.doing;

async function withPeople(use) {
  dialogs ??= import('./dialogs.js');
  await dialogs;
  return use(await import('./people.js'));
}

// How far a question to another store came, as long as its answer is the one in sight.
async function follow(view) {
  const before = page.transfer?.answer === view.answer ? page.transfer.state : null;
  page.transfer = view;
  draw();
  if (view.state !== before) {
    byId('announce').textContent = `${said(view.reason)}. ${said(view.next_step)}`;
    if (view.state === 'ready') sound('info');
  }
  if (view.final || view.state === 'unreachable' || view.state === 'offline') return;
  await new Promise((done) => { setTimeout(done, view.state === 'waiting' ? 5000 : 1200); });
  if (current()?.value.id !== view.answer || page.transfer !== view) return;
  try {
    follow(await act('transfers', { answer: view.answer, follow: true }));
  } catch (error) {
    if (!(error instanceof Refused || error instanceof NoAnswer)) throw error;
  }
}

const does = {
  async handOver(a, pick) {
    if (!settled()) return;
    if (!pick.count && !pick.missing.length) { page.notice = t('nothing_ticked'); draw(); return; }
    const body = { order: a.order.id, units: pick.units, missing: pick.missing };
    if (a.needs.includes('second_fact')) body.second_fact = byId('second-fact').value.trim();
    if (a.needs.includes('approval')) {
      const by = await withPeople((people) => people.askApproval(tools, { matter: { order: a.order.id } }));
      if (!by) return;
      if (by.hq) body.approved_by_hq = by.hq;
      else body.approved_by = by;
    }
    carry('handovers', body);
  },
  putBack(a) { carry('claims/release', { order: a.order.id }, { event: null, then: () => arrive('put_back', { order: a.order.id }) }); },
  takeOver(a) { if (settled()) carry('claims', { order: a.order.id, take_over: true }); },
  undo(a, here) {
    if (!here) { page.notice = t('tick_goods_here'); draw(); return; }
    carry('undo', { handover: a.handover, goods_still_here: true }, { event: 'undone' });
  },
  async undoLate(a) {
    const reason = await withPeople((people) => people.askReason(tools));
    if (reason) carry('undo', { handover: a.handover, goods_still_here: reason.here, reason: reason.text }, { event: 'undone' });
  },
  async askElsewhere(a, wait) {
    if (!settled()) return;
    const view = await carry('transfers', { answer: a.id, wait }, { event: null });
    if (view) follow(view);
  },
  async risk(a) {
    if (!settled()) return;
    const pin = await withPeople((people) => people.askPin(t('risk'), t('risk_hint')));
    if (!pin) return;
    const body = { order: a.provisional.order, pin };
    if (a.provisional.approval) {
      const by = await withPeople((people) => people.askApproval(tools, { matter: { order: a.provisional.order } }));
      if (!by) return;
      if (by.hq) body.approved_by_hq = by.hq;
      else body.approved_by = by;
    }
    carry('provisional', body);
  },
  reprint(effect) { carry(`slips/${effect}/reprint`, {}, { event: null, then: () => { page.notice = t('sent_to_printer'); } }); },
  open(name) { open(name); },
};

// -- typed entry

const entry = byId('entry');
const code = byId('code');
const pin = byId('pin');

function entryNote(words) {
  byId('entry-note').textContent = words ?? t('enter_hint');
  entry.toggleAttribute('data-trouble', Boolean(words));
}

// The PIN field comes when an answer asks for it. The box keeps the serial, typed or scanned, so
// that the PIN alone is enough and no code lies about in the page.
const wantsPin = (a) => a.reason?.code === 'pin_needed' || a.reason?.code === 'wrong_pin';

function askPin(a) {
  byId('pin-part').hidden = !wantsPin(a);
  pin.value = '';
}

async function send(body) {
  const answer = await carry('scans', body, { event: null });
  if (answer === null) { entryNote(page.notice); return; }
  entryNote(null);
  if (answer.debounced) ignored();
  else if (answer.reason.code === 'bag_counted') counted(answer);
  else arrive('answer', answer);
  if (!body.typed) return;
  if (answer.reason.code !== 'check_character') code.value = '';
  if (wantsPin(answer)) pin.focus();
}

entry.addEventListener('submit', (event) => {
  event.preventDefault();
  const text = code.value.trim();
  const secret = byId('pin-part').hidden ? '' : pin.value.trim();
  if ((!text && !secret) || page.doing) return;
  send({ text, typed: true, ...(secret ? { pin: secret } : {}) });
});

function ignored() {
  const panel = byId('panel');
  page.notice = t('debounced');
  draw();
  panel.classList.remove('nudge');
  requestAnimationFrame(() => panel.classList.add('nudge'));
  setTimeout(() => { if (page.notice === t('debounced')) { page.notice = null; draw(); } }, 2500);
}

// A bag of the order on the panel was held under the scanner; the order stays in sight.
function counted(answer) {
  page.notice = `${said(answer.reason)}. ${said(answer.next_step)}`;
  draw();
  sound('info');
}

// -- a scanner that types: keys that come faster than a hand, judged whole at Enter

let burst = { text: '', at: 0, field: null, before: '' };
document.addEventListener('keydown', (event) => {
  import('./sound.js').then((it) => it.unlock()).catch(() => {});
  if (keyOfPage(event)) return;
  const gap = event.timeStamp - burst.at;
  const field = event.target.matches?.('input:not([type=checkbox]):not([type=radio]), textarea') ? event.target : null;
  if (event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey) {
    if (gap > 60) burst = { text: '', at: 0, field, before: field?.value ?? '' };
    burst.text += event.key;
    burst.at = event.timeStamp;
    // A space of a scan must not press the button that has the focus.
    if (!field && burst.text.length > 2) event.preventDefault();
  } else if (event.key === 'Enter' && burst.text.length >= 12 && gap < 120) {
    event.preventDefault();
    event.stopPropagation();
    const { text, before } = burst;
    if (field) field.value = before;
    burst = { text: '', at: 0, field: null, before: '' };
    import('./wedge.js').then(({ whole }) => { if (whole(text)) send({ text }); else refuse(t('again')); });
  }
}, true);

function keyOfPage(event) {
  const shown = current();
  const open = byId('dialog').open;
  if (event.key === 'F2' && !open) code.focus();
  else if (event.key === 'F4' && !open) does.open('find');
  else if (event.key === 'F8' && !open && toneOf(shown) === 'go' && shown.value.state === 'claimed') does.handOver(shown.value, chosen(shown.value.order));
  else if (event.key === 'F8' && !open && shown?.value.elsewhere && page.transfer?.answer !== shown.value.id) does.askElsewhere(shown.value, false);
  else if (event.key === 'F9' && !open && shown?.value.state === 'handed') {
    if (undoLeft(shown.value) > 0) does.undo(shown.value, page.here.value);
    else does.undoLate(shown.value);
  } else return false;
  event.preventDefault();
  return true;
}
document.addEventListener('pointerdown', () => { import('./sound.js').then((it) => it.unlock()).catch(() => {}); }, { once: true });

// -- dialogs come when they are first asked for

const DOORS = { find: './desk.js', review: './desk.js', late: './desk.js', slips: './slips.js', more: './more.js', operator: './people.js' };
async function open(name) {
  dialogs ??= import('./dialogs.js');
  await dialogs;
  const module = await import(DOORS[name]);
  module.open(name, tools);
}

// What a dialog may use of the page.
const tools = {
  page, does, arrive, draw, drawAll, sound,
  muted: () => muted,
  mute(yes) { muted = yes; keep('muted', yes ? 'yes' : 'no'); drawSound(); if (yes) import('./sound.js').then((it) => it.hush()); },
  theme(name) { keep('theme', name); root.dataset.theme = name; },
  switchLanguage(which) { keep('lang', which); setLanguage(which); drawAll(); entryNote(null); },
};
for (const door of document.querySelectorAll('[data-open]')) door.addEventListener('click', () => open(door.dataset.open));
byId('operator').addEventListener('click', () => open('operator'));
byId('sound').addEventListener('click', () => tools.mute(!muted));
byId('lang').addEventListener('click', () => tools.switchLanguage(otherLanguage()));

// -- what the node says

listen({
  state(full) {
    if (full.run !== page.run) { page.run = full.run; page.paintedId = null; }
    page.acts = full.acts;
    page.slips = full.slips;
    takeStatus(full.status);
    drawAround();
    const first = page.acts[0];
    show(!first || !first.value.at_ms || now() - first.value.at_ms > 5000);
  },
  answer(value) { arrive('answer', value); },
  undone(value) { arrive('undone', value); },
  put_back(value) { if (page.acts[0]?.event !== 'put_back') arrive('put_back', value); },
  taken_over(value) { if (current()?.value.order?.id === value.order) arrive('taken_over', value); },
  refused(value) { refuse(said(value), value); },
  duplicate() { ignored(); sound('info'); },
  bag(value) { counted(value); },
  status(value) { takeStatus(value); drawAround(); },
  operator(value) { if (page.status) { page.status.operator = value; drawAround(); } dialogs?.then((it) => it.operatorChanged(value)); },
  async cases() { takeStatus(await get('status')); drawAround(); },
  slip(value) {
    const known = page.slips.some((one) => one.effect === value.effect);
    page.slips = known ? page.slips.map((one) => (one.effect === value.effect ? value : one)) : [value, ...page.slips].slice(0, 30);
    draw();
  },
  stream(to) {
    if (page.stream === 'refused' && to === 'stale') return;
    if (page.stream === to) return;
    page.stream = to;
    root.dataset.stream = to;
    if (to !== 'live') drawAll(); // `live` comes with a state, which draws
  },
});

function takeStatus(status) {
  page.status = status;
  page.statusAt = performance.now();
  setClock(status.now_ms);
}

// Once a second: what counts down, and what ages. Nothing is read aloud by this.
let wasGo = false;
setInterval(() => {
  const shown = current();
  const left = shown?.event === 'answer' && shown.value.state === 'handed' ? undoLeft(shown.value) : 0;
  const counting = byId('undo-left');
  if (counting && left > 0) counting.textContent = t('undo_in', { n: left });
  if (wasGo && left <= 0) draw();
  wasGo = left > 0;
  const face = byId('clock');
  if (face && face.textContent !== clock(now())) drawAround();
}, 1000);
setInterval(drawAround, 10000);

if (language() !== (root.lang.startsWith('en') ? 'en' : 'zh')) setLanguage(language());
drawSound();
