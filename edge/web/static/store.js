// The store page: what is to be picked, the order in hand, what lies ready, what travels. The node
// holds the state; this paints it and carries acts to it.

import { age, bagWords, clock, h, htmlLang, icon, keep, kept, language, now, otherLanguage, redraw, said, setClock, setLanguage, stationName, t, whenShort } from './core.js';
import { NoAnswer, Refused, act, get, listen } from './node.js';

const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const page = {
  stream: 'joining', status: null, statusAt: 0, picks: null, documents: [], open: null, notice: null, doing: false,
};
root.dataset.theme = kept('theme') ?? 'auto';

const dialogs = () => import('./dialogs.js');
const nameOf = (line) => said({ zh: line.name_zh, en: line.name_en });
const tail = (no) => no.slice(-4);
const all = () => [...(page.picks?.waiting ?? []), ...(page.picks?.ready ?? [])];
const current = () => all().find((one) => one.order === page.open) ?? null;

// -- what the node has, read anew whenever it says that something moved

let reading = null;
let again = false;
async function load() {
  if (reading) { again = true; return reading; }
  reading = (async () => {
    try {
      const told = await get('store');
      page.picks = told.picks;
      page.documents = told.documents;
      setClock(told.picks.now_ms || Date.now());
      draw();
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof NoAnswer)) throw error;
    } finally {
      reading = null;
      if (again) { again = false; load(); }
    }
  })();
  return reading;
}

// -- painting

const waited = (one) => {
  const seconds = one.waited_s === null ? 0 : (now() - one.placed_ms) / 1000;
  return h('span.when', { 'data-timer': one.timer }, t(`timer_${one.timer}`, { age: age(seconds) }));
};
const pieces = (one) => one.lines.reduce((sum, line) => sum + line.open, 0);

function orderButton(one, index) {
  const words = [t(`life_${one.life}`), t('pieces', { n: pieces(one) })];
  if (one.waits) words.push(t('waits'));
  return h('li', {}, h('button.order', {
    type: 'button', 'data-k': `order-${one.order}`, 'data-timer': one.timer, 'aria-current': one.order === page.open ? 'true' : null,
    onclick: () => choose(one.order, true),
  },
  h('span', {}, h('b', {}, tail(one.order_no)), one.lane === 'priority' ? ` ${t('priority')}` : ''), waited(one),
  h('small', {}, words.join(' · ')), h('small.when', {}, t('queue', { n: one.queue ?? index + 1 }))));
}

function readyButton(one) {
  return h('li', {}, h('button.order', {
    type: 'button', 'data-k': `order-${one.order}`, 'aria-current': one.order === page.open ? 'true' : null,
    onclick: () => choose(one.order, true),
  }, h('b.bin', {}, one.place), h('span.when', {}, one.ready_ms ? whenShort(one.ready_ms) : ''),
  h('small', {}, `${tail(one.order_no)}${one.name ? ` · ${one.name}` : ''}`), h('small.when', {}, bagWords(one.bags))));
}

function documentButton(one) {
  return h('li', {}, h('button.order', { type: 'button', 'data-k': `document-${one.document}`, onclick: () => openDocument(one.document) },
    h('b', {}, one.document), h('span.when', { 'data-timer': one.may ? 'warn' : null }, t(`state_${one.state}`)),
    h('small', {}, `${t(`kind_${one.kind}`)} · ${t('from_to', { from: said({ zh: one.from_zh, en: one.from_en }), to: said({ zh: one.to_zh, en: one.to_en }) })}`),
    h('small.when', {}, whenShort(one.created_ms))));
}

function fill(id, rows, none) {
  redraw(byId(id), rows.length ? rows : [h('li.none', {}, t(none))]);
}

let asked = null; // what a field of the order in hand holds, so that a redraw does not lose it
function draw() {
  if (!page.picks) return;
  const { waiting, ready } = page.picks;
  const late = (timer) => waiting.filter((one) => one.timer === timer).length;
  byId('queue-count').textContent = waiting.length || '';
  byId('ready-count').textContent = ready.length || '';
  byId('documents-count').textContent = page.documents.filter((one) => one.may).length || '';
  byId('timers').textContent = [
    late('warn') || late('alarm') ? t('timers', { warn: late('warn'), alarm: late('alarm') }) : null,
    page.picks.left_out ? t('left_out', { n: page.picks.left_out }) : null,
  ].filter(Boolean).join(' · ');
  fill('queue', waiting.map(orderButton), 'pick_none');
  fill('ready', ready.map(readyButton), 'ready_none');
  fill('documents', page.documents.map(documentButton), 'documents_none');
  drawOrder();
}

const fieldOf = (one, name, fallback) => (asked?.order === one.order && asked[name] !== undefined ? asked[name] : fallback);
function remember(one, name, value) {
  if (asked?.order !== one.order) asked = { order: one.order };
  asked[name] = value;
}

function lineRow(one, line) {
  const far = line.found + line.replaced;
  const done = line.open > 0 && far === line.open;
  const words = [line.sku];
  if (line.storage !== 'ambient') words.push(t(line.storage));
  if (line.handed) words.push(t('handed_n', { n: line.handed }));
  if (line.refunded) words.push(t('refunded_n', { n: line.refunded }));
  if (line.waits) words.push(t('waits'));
  const name = nameOf(line);
  const set = (found) => carry(`picks/${one.order}/pick`, { line: line.line, found });
  const can = line.open > 0 && one.life !== 'ready';
  const step = (label, mark, to, ok) => h('button.step', {
    type: 'button', 'aria-label': t(label, { name }), 'aria-disabled': ok ? null : 'true', 'data-k': `${label}-${line.line}`, onclick: () => ok && set(to),
  }, mark);
  return h('li.pick', { 'data-done': done ? '' : null },
    h('div.goods', {}, name, h('small', {}, words.join(' · ')),
      line.substitutes.map((sub) => h('small.instead', {}, `${t('replaced_n', { n: sub.quantity })}: ${nameOf(sub)} ${sub.price}`))),
    h('div.far', {}, t('line_found', { n: far, all: line.open })),
    can ? h('div.does', {},
      h('span.steps', {}, step('fewer', '−', line.found - 1, line.found > 0),
        step('another', '+', line.found + 1, far < line.open)),
      h('button.button.plain', {
        type: 'button', 'data-k': `all-${line.line}`, 'aria-label': t('all_here_of', { name }), 'aria-disabled': done ? 'true' : null,
        onclick: () => !done && set(line.open - line.replaced),
      }, icon('check'), t('all_here')),
      done ? null : h('button.button.plain', {
        type: 'button', 'data-k': `short-${line.line}`, 'aria-label': t('short_of', { name }), onclick: () => openShort(one.order, line.line),
      }, t('short'))) : null);
}

function finish(one) {
  const place = h('input.field', {
    id: 'place', maxlength: '40', autocomplete: 'off', 'data-k': 'place', value: fieldOf(one, 'place', one.place),
    oninput: (event) => remember(one, 'place', event.target.value),
  });
  const bags = h('input.field', {
    id: 'bags', inputmode: 'numeric', maxlength: '2', autocomplete: 'off', 'data-k': 'bags', value: fieldOf(one, 'bags', String(one.bags || 1)),
    oninput: (event) => remember(one, 'bags', event.target.value),
  });
  const lies = one.life === 'ready';
  return h('form.finish', {
    novalidate: '',
    onsubmit: (event) => {
      event.preventDefault();
      if (!one.complete) { say(t('ready_not_yet')); return; }
      carry(`picks/${one.order}/ready`, { place: place.value.trim(), bags: Number.parseInt(bags.value, 10) || 0 }, () => { asked = null; });
    },
  },
  h('div.asks', {}, h('label.ask', { for: 'place' }, h('span.cap', {}, t('ready_place')), place),
    h('label.ask', { for: 'bags' }, h('span.cap', {}, t('ready_bags')), bags)),
  h('div.form-acts', {},
    h('button.button.plain', { type: 'button', 'data-k': 'print', onclick: () => carry(`picks/${one.order}/print`, {}, () => say(t('sent_to_printer'))) },
      icon('paper'), t(lies ? 'print_labels' : 'print_slip')),
    h('button.button.strong', { type: 'submit', 'data-k': 'ready', 'aria-disabled': one.complete ? null : 'true' }, icon('check'), t(lies ? 'ready_move' : 'ready_do'))));
}

function drawOrder() {
  const one = current();
  const title = byId('work-title');
  const notice = page.notice ? h('p.trouble', { role: 'alert' }, page.notice) : null;
  if (!one) {
    title.textContent = t('pick_choose');
    const first = page.picks.waiting[0];
    redraw(byId('order'), notice, first
      ? h('p.marks', {}, h('button.button.strong', { type: 'button', 'data-k': 'first', onclick: takeFirst }, t('pick_first'), icon('arrow'))) : null);
    return;
  }
  title.textContent = `${t('order')} ${one.order_no}`;
  redraw(byId('order'),
    h('div.marks', {},
      one.lane === 'priority' ? h('span.badge', {}, icon('star'), t('priority')) : null,
      h('span.badge', {}, t(`life_${one.life}`)), one.life === 'ready' ? null : waited(one),
      one.name ? h('span.note', {}, one.name) : null,
      one.started_by ? h('span.note', {}, t('picked_by', { who: one.started_by })) : null),
    h('p.choice', {}, `${t('on_short')}: ${said(one.on_short)}`),
    notice,
    h('ul', {}, one.lines.map((line) => lineRow(one, line))), finish(one));
}

// -- what a person does

function choose(order, begin) {
  page.open = order;
  page.notice = null;
  draw();
  byId('work').focus({ preventScroll: window.innerWidth > 768 });
  const one = current();
  if (!one) return;
  byId('announce').textContent = `${t('order')} ${one.order_no}. ${said(one.on_short)}.`;
  if (begin && one.life === 'placed') carry(`picks/${order}/start`, {});
}

function takeFirst() {
  const first = page.picks?.waiting[0];
  if (first) choose(first.order, true);
}

function say(words) {
  page.notice = words;
  drawOrder();
}

async function carry(path, body, then) {
  if (page.doing) return null;
  page.doing = true;
  page.notice = null;
  try {
    const answer = await act(path, body, { onDoubt: () => say(t('unsure_act')) });
    page.doing = false;
    if (answer?.order) take(answer);
    then?.(answer);
    await load();
    return answer;
  } catch (error) {
    page.doing = false;
    if (error instanceof Refused) {
      say(said(error.problem));
      if (['operator_needed', 'pin_due'].includes(error.problem.code)) openOperator();
    } else if (error instanceof NoAnswer) say(t('give_up_act'));
    else throw error;
    return null;
  }
}

function take(view) {
  for (const list of ['waiting', 'ready']) {
    const at = page.picks[list].findIndex((one) => one.order === view.order);
    if (at >= 0) page.picks[list][at] = { ...view, queue: page.picks[list][at].queue };
  }
  draw();
}

async function openOperator() {
  await dialogs();
  (await import('./people.js')).open('operator', tools);
}
async function openShort(order, line) { (await import('./short.js')).short(tools, order, line); }
async function openDocument(document) { (await import('./short.js')).document(tools, document); }

const tools = {
  page, carry, load, sound: () => {}, drawAll: () => { drawAround(); draw(); },
  order: (id) => all().find((one) => one.order === id),
  documentOf: (id) => page.documents.find((one) => one.document === id),
  nameOf,
};

// -- a paper under a scanner, or typed

function reach(text) {
  const asks = text.normalize('NFKC').trim().toUpperCase();
  const [, kind, number] = /^(?:(PICK|BAG|DOC):)?([0-9A-Z-]+)/.exec(asks) ?? [];
  if (!number) return false;
  const travels = page.documents.find((one) => one.document.toUpperCase() === number);
  if (kind !== 'PICK' && kind !== 'BAG' && travels) { openDocument(travels.document); return true; }
  const found = all().filter((one) => one.order_no.toUpperCase() === number || (number.length >= 4 && one.order_no.toUpperCase().endsWith(number)));
  if (found.length !== 1) return false;
  choose(found[0].order, kind === 'PICK');
  return true;
}

const code = byId('code');
byId('entry').addEventListener('submit', (event) => {
  event.preventDefault();
  const known = code.value.trim() && reach(code.value);
  byId('entry').toggleAttribute('data-trouble', !known);
  byId('entry-note').textContent = known ? t('enter_hint') : t('enter_none');
  if (known) code.value = '';
});

let burst = { text: '', at: 0, field: null, before: '' };
document.addEventListener('keydown', (event) => {
  if (!byId('dialog').open) {
    if (event.key === 'F2') { event.preventDefault(); code.focus(); return; }
    if (event.key === 'F4') { event.preventDefault(); takeFirst(); return; }
    if (event.key === 'F8') { event.preventDefault(); byId('order').querySelector('.finish')?.requestSubmit(); return; }
  }
  const gap = event.timeStamp - burst.at;
  const field = event.target.matches?.('input') ? event.target : null;
  if (event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey) {
    if (gap > 60) burst = { text: '', at: 0, field, before: field?.value ?? '' };
    burst.text += event.key;
    burst.at = event.timeStamp;
  } else if (event.key === 'Enter' && gap < 120 && /^(PICK|BAG|DOC):/i.test(burst.text) && !byId('dialog').open) {
    event.preventDefault();
    event.stopPropagation();
    if (field) field.value = burst.before;
    if (!reach(burst.text)) say(t('enter_none'));
    burst = { text: '', at: 0, field: null, before: '' };
  }
}, true);

// -- the bar

const fact = (state, text) => h('li.fact', { 'data-state': state }, h('span.dot', { 'aria-hidden': 'true' }), h('span', {}, text));
function drawAround() {
  const s = page.status;
  byId('lang').textContent = t('language');
  byId('lang').lang = htmlLang(otherLanguage());
  if (!s) return;
  const more = (performance.now() - page.statusAt) / 1000;
  byId('store').textContent = s.store;
  byId('operator-name').textContent = s.operator.name ?? t('nobody');
  byId('operator').dataset.state = s.operator.staff_id ? 'good' : 'warn';
  root.toggleAttribute('data-training', s.training);
  redraw(byId('facts'),
    h('li.fact.clock', { 'data-state': s.clock === 'unsure' ? 'bad' : s.clock === 'holdover' ? 'warn' : 'plain' },
      h('time', {}, clock(now())), s.clock === 'synced' ? null : h('span', {}, t(`clock_${s.clock}`))),
    fact(s.link === 'online' ? 'good' : s.link === 'offline' ? 'warn' : 'bad', t(`link_${s.link}`)),
    fact(s.unsynced ? 'warn' : 'good', s.unsynced ? t('unsynced', { n: s.unsynced }) : t('unsynced_none')),
    fact(s.data_age_s === null || s.data_age_s + more > 900 ? 'warn' : 'good',
      s.data_age_s === null ? t('data_never') : t('data_age', { age: age(s.data_age_s + more) })));
  const wanted = [];
  if (page.stream === 'refused') wanted.push(['bad', 'banner_refused', 'lock']);
  else if (page.stream === 'stale') wanted.push(['bad', 'banner_stale', 'alert']);
  if (s.link === 'not_enrolled') wanted.push(['warn', 'banner_not_enrolled', 'info']);
  if (s.clock === 'unsure') wanted.push(['warn', 'banner_clock', 'wait']);
  if (s.training) wanted.push(['practice', 'banner_training', 'info']);
  const key = wanted.map(([, word]) => t(word)).join();
  if (byId('banners').dataset.shown === key) return; // said once, not at every status
  byId('banners').dataset.shown = key;
  byId('banners').replaceChildren(...wanted.map(([state, word, name]) => h('p.banner', { 'data-state': state }, icon(name), h('span', {}, t(word)))));
}

byId('operator').addEventListener('click', openOperator);
byId('theme').addEventListener('click', () => {
  const names = ['auto', 'light', 'dark'];
  root.dataset.theme = names[(names.indexOf(root.dataset.theme) + 1) % 3];
  keep('theme', root.dataset.theme);
  byId('announce').textContent = t(`theme_${root.dataset.theme}`);
});
byId('lang').addEventListener('click', () => {
  keep('lang', otherLanguage());
  setLanguage(otherLanguage());
  drawAround();
  draw();
});

listen({
  state(full) { takeStatus(full.status); load(); },
  status(value) { takeStatus(value); },
  picks() { load(); },
  documents() { load(); },
  answer(value) {
    if (value.paper && !reach(value.paper.replace(/^(pick|bag|document):/, (_, kind) => ({ pick: 'PICK:', bag: 'BAG:', document: 'DOC:' })[kind]))) say(t('enter_none'));
    else if (value.state) load();
  },
  undone() { load(); },
  operator(value) { if (page.status) page.status.operator = value; if (value.staff_id) page.notice = null; tools.drawAll(); dialogs().then((it) => it.operatorChanged(value)); },
  stream(to) {
    if (page.stream === to || (page.stream === 'refused' && to === 'stale')) return;
    page.stream = to;
    root.dataset.stream = to;
    drawAround();
  },
});
function takeStatus(status) {
  page.status = status;
  page.statusAt = performance.now();
  setClock(status.now_ms);
  drawAround();
}

// What ages is painted anew; nothing is read aloud by this. A timer's word is the node's.
setInterval(() => { drawAround(); load(); }, 15000);
if (language() !== (root.lang.startsWith('en') ? 'en' : 'zh')) setLanguage(language());
byId('station').textContent = stationName(document.body.dataset.station);
