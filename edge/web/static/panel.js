// The panel: one answer, told by colour, shape and words, with what can be done about it.

import { age, aside, bagWords, bothWords, clock, h, icon, now, other, redraw, said, stationName, t, troubleOf, when } from './core.js';

// A stored answer that a screen has painted before; one that nobody saw is shown as what it is.
export const isRepeat = (a) => a.repeat_of_ms != null && a.painted !== false;

// Green is for one thing: act now. Everything that is not a fresh yes has another colour.
export function toneOf(act) {
  if (!act) return 'idle';
  if (act.event === 'undone') return 'undone';
  if (act.event === 'taken_over') return 'info';
  if (act.event !== 'answer') return 'idle';
  const a = act.value;
  if (isRepeat(a)) return 'repeat';
  if (a.kind === 'lines' || a.kind === 'staff') return a.reason.code === 'staff_unknown' ? 'ask' : 'info';
  if (a.kind === 'unreadable') return 'ask';
  if (a.kind !== 'pickup') return 'info';
  if (a.verdict === 'ok') {
    if (a.state === 'claimed') return 'go';
    if (a.state === 'handed') return undoLeft(a) > 0 || !a.undo_s ? 'go' : 'done';
    return 'ask';
  }
  return a.verdict === 'review' || a.verdict === 'clock_unsure' ? 'ask' : 'stop';
}

export const undoLeft = (a) =>
  a.undo_s == null ? 0 : Math.min(a.undo_s, Math.ceil((a.at_ms + a.undo_s * 1000 - now()) / 1000));

const EMBLEM = {
  idle: 'scan', go: 'check', done: 'check', stop: 'cross', ask: 'alert', info: 'info',
  repeat: 'repeat', undone: 'back',
};
function emblemOf(tone, a) {
  if (a?.verdict === 'locked') return 'lock';
  if (tone === 'ask' && a?.reason.code === 'not_picked') return 'wait';
  return EMBLEM[tone];
}

export function headline(tone, act) {
  const a = act?.value;
  if (act?.event === 'taken_over') return 'taken';
  if (tone === 'ask' && a.kind === 'unreadable') return 'again';
  if (tone === 'ask' && a.verdict === 'ok') return 'wait';
  if (tone === 'ask' && a.reason.code === 'pin_needed') return 'pin';
  if (tone === 'info' && (a.kind === 'lines' || a.kind === 'staff')) return 'noted';
  if (tone === 'go' && a.state === 'handed') return 'give';
  return tone;
}

// -- what is ticked: kept by the page until it is handed over, through a reload too

const ticks = new Map();
const openUnits = (line) => line.units.flatMap((state, unit) => (state === 'open' ? [unit + 1] : []));

function ticksOf(order) {
  if (!ticks.has(order.id)) {
    ticks.clear();
    let stored = {};
    try { stored = JSON.parse(sessionStorage.getItem('storeedge.ticks') ?? '{}'); } catch { /* none */ }
    ticks.set(order.id, stored.order === order.id ? stored.lines : {});
  }
  return ticks.get(order.id);
}
function lineTick(order, line) {
  const all = openUnits(line).length;
  const own = ticksOf(order)[line.line] ?? { give: all, missing: false };
  return { give: Math.min(own.give, all), missing: own.missing && own.give < all, all };
}
function setTick(order, line, change) {
  ticksOf(order)[line.line] = { ...lineTick(order, line), ...change };
  try {
    sessionStorage.setItem('storeedge.ticks', JSON.stringify({ order: order.id, lines: ticksOf(order) }));
  } catch { /* a reload then starts with all ticked */ }
}

export function forgetTicks() {
  ticks.clear();
  try { sessionStorage.removeItem('storeedge.ticks'); } catch { /* was not kept */ }
}

// What a confirm says: all that is open (null), or these units, and those that are missing.
export function chosen(order) {
  const units = [];
  const missing = [];
  let all = true;
  for (const line of order.lines) {
    const tick = lineTick(order, line);
    openUnits(line).forEach((unit, index) => {
      if (index < tick.give) units.push([line.line, unit]);
      else { all = false; if (tick.missing) missing.push([line.line, unit]); }
    });
  }
  return { units: all ? null : units, count: units.length, missing };
}

// -- parts

function placeOf(order) {
  const kinds = new Set(order.lines.map((line) => line.storage));
  const [first, ...rest] = order.place.trim().split(/\s+/);
  const cold = ['chilled', 'frozen'].filter((kind) => kinds.has(kind) && !/[冷藏冻]/.test(order.place));
  const how = [rest.join(' '), ...cold.map((kind) => t(kind)), order.bags > 0 ? bagWords(order.bags) : null]
    .filter(Boolean);
  return { first, how };
}

export function speech(a) {
  const { first, how } = placeOf(a.order);
  return [first, ...how].filter(Boolean).join(' ');
}

function placePart(order) {
  const { first, how } = placeOf(order);
  if (!first) return h('p.place.none', {}, h('span.where', {}, bagWords(order.bags)), h('span.how', {}, t('no_place')));
  const wide = Array.from(first).reduce((sum, char) => sum + (char > '\u2e7f' ? 1.7 : 1), 0);
  const size = wide <= 3 ? 'short' : wide <= 5.2 ? 'middle' : wide <= 8 ? 'long' : 'longest';
  return h('p.place', { 'data-size': size }, h('span.where', {}, first), ' ', h('span.how', {}, how.join(' · ')));
}

function whoPart(order) {
  return h('p.who', {},
    h('span.no', {}, h('span.unseen', {}, `${t('order')} `), order.no),
    order.name_locked ? h('span.name.locked', {}, icon('lock'), t('name_locked')) : null,
    order.name ? h('span.name', { lang: 'zh-CN' }, order.name) : null);
}

function lineRow(order, line, { mayTick, given }, refresh) {
  const tick = lineTick(order, line);
  const gone = line.units.length - tick.all;
  const held = line.units.filter((state) => state === 'recalled').length;
  const id = `line-${line.line}`;
  const name = said({ zh: line.name_zh, en: line.name_en || line.name_zh }) || line.sku;
  const step = (by, word) => h('button.step', {
    type: 'button', 'data-k': `${id}${by}`, 'aria-label': `${t(word)}: ${name}`,
    'aria-disabled': String(tick.give + by < 0 || tick.give + by > tick.all),
    onclick: () => {
      const give = Math.max(0, Math.min(tick.all, tick.give + by));
      setTick(order, line, { give });
      refresh();
    },
  }, by < 0 ? '−' : '+');
  const box = mayTick && tick.all > 0
    ? h('input', {
      type: 'checkbox', id, 'data-k': id, checked: tick.give > 0,
      onchange: (event) => {
        setTick(order, line, { give: event.target.checked ? tick.all : 0 });
        refresh();
      },
    })
    : gone ? icon('check', 'was') : '';
  return h('li.line', {
    'data-state': given ? (gone ? 'open' : 'left') : tick.all === 0 ? 'gone' : tick.give === 0 && mayTick ? 'left' : 'open',
    'data-bundle': line.bundle_of !== null ? '' : null,
  },
  h(mayTick && tick.all ? 'label' : 'span', { class: 'tick', for: mayTick && tick.all ? id : null },
    h('span.box', {}, box),
    h('span.what', {},
      h('span.name', {}, name),
      line.bundle_of !== null ? h('span.chip', {}, t('bundle')) : null,
      line.storage !== 'ambient' ? h(`span.chip.${line.storage}`, {}, t(line.storage)) : null,
      given ? (gone && tick.all ? h('span.chip', {}, t('left_units', { n: tick.all })) : null)
        : gone - held ? h('span.chip.gone', {}, t('gone_units', { n: gone - held })) : null,
      held ? h('span.chip.held', {}, t('recalled_units', { n: held })) : null)),
  mayTick && tick.all > 1
    ? h('span.steps', {}, step(-1, 'less'), h('span.amount', {}, `${tick.give}/${tick.all}`), step(1, 'more_units'))
    : h('span.amount', {}, line.quantity > 1 ? `×${line.quantity}` : ''),
  mayTick && tick.give < tick.all
    ? h('button.miss', {
      type: 'button', 'data-k': `${id}m`, 'aria-pressed': String(tick.missing),
      'aria-label': `${t('missing')}: ${name}`,
      onclick: () => { setTick(order, line, { missing: !tick.missing }); refresh(); },
    }, t('missing'))
    : null);
}

// Accessories stand under the main item they belong to.
function arranged(lines) {
  const mains = lines.filter((line) => line.bundle_of === null || !lines.some((m) => m.line === line.bundle_of));
  return mains.flatMap((main) => [main, ...lines.filter((line) => line.bundle_of === main.line && line !== main)]);
}

// mayTick: what will be handed over is chosen here. given: what was handed over just now.
function linesPart(order, how, refresh) {
  const { mayTick } = how;
  if (!order.lines.length) return null;
  const pick = chosen(order);
  const all = order.lines.reduce((sum, line) => sum + openUnits(line).length, 0);
  return h('div.lines', mayTick ? {} : { tabindex: '0', role: 'group', 'aria-label': t('lines') },
    h('h3.cap', {}, t('lines'), mayTick ? h('span.sum', {}, t('lines_count', { given: pick.count, all })) : null),
    h('ul', {}, arranged(order.lines).map((line) => lineRow(order, line, how, refresh))));
}

export function slipWords(slip) {
  const known = ['queued', 'sent', 'confirmed', 'unknown', 'failed'].includes(slip.state);
  const how = `${known ? t(`slip_${slip.state}`) : slip.state}${slip.trouble ? ` (${troubleOf(slip.trouble)})` : ''}`;
  return `${t('slip')}: ${slip.printer ? t('slip_at', { how, printer: slip.printer }) : how}`;
}

function slipPart(slip, does) {
  if (!slip) return null;
  return h('p.slip', { 'data-state': slip.state }, icon('paper'), h('span', {}, slipWords(slip)),
    ['confirmed', 'unknown', 'failed'].includes(slip.state)
      ? h('button.quiet', { type: 'button', 'data-k': 'reprint', onclick: () => does.reprint(slip.effect) }, t('reprint'))
      : null);
}

function nextPart(a) {
  return h('p.next', {}, icon('arrow'),
    h('span.whose', {}, t(`who_${a.next_step.who}`)), h('span.todo', {}, said(a.next_step)));
}

function basisPart(a) {
  const parts = [t(`basis_${a.basis.source}`)];
  if (a.basis.source !== 'hub') {
    parts.push(a.basis.age_s === null ? t('basis_never') : t('basis_age', { age: age(a.basis.age_s) }));
  }
  if (a.basis.clock !== 'synced') parts.push(t(`clock_${a.basis.clock}`));
  return h('p.basis', {}, parts.join(' · '), ' · ', when(a.at_ms));
}

// Without the line the age of our data is what decides whether a code can be newer than they are.
function dataAgePart(a) {
  if (a.reason.code !== 'no_such_code_offline') return null;
  const { age_s: s } = a.basis;
  return h('p.tries', {}, s === null ? t('data_never') : t('data_age', { age: age(s) }));
}

function earlierPart(earlier) {
  if (!earlier) return null;
  return h('p.earlier', {},
    h('b', {}, when(earlier.at_ms)), h('span', {}, stationName(earlier.station)),
    h('span.aside-note', {}, t('ago', { age: age((now() - earlier.at_ms) / 1000) })));
}

function undoPart(a, does, here) {
  if (a.handover === null || a.state !== 'handed') return null;
  const left = undoLeft(a);
  if (left <= 0) {
    return h('div.undo', {}, h('button.quiet', { type: 'button', 'data-k': 'undo', onclick: () => does.undoLate(a) }, icon('back'), t('undo_late')));
  }
  return h('div.undo', {},
    h('label.here', {},
      h('input', {
        type: 'checkbox', 'data-k': 'here', checked: here.value,
        onchange: (event) => { here.value = event.target.checked; },
      }), h('span', {}, t('goods_here'))),
    h('button.button.plain', { type: 'button', 'data-k': 'undo', onclick: () => does.undo(a, here.value) },
      icon('back'), h('span', { id: 'undo-left' }, t('undo_in', { n: left }))));
}

function confirmPart(a, does) {
  const { order } = a;
  const pick = chosen(order);
  const label = pick.count === 0 && pick.missing.length === 0 ? [t('nothing_ticked')]
    : pick.missing.length ? [t('handed_missing', { n: pick.count, m: pick.missing.length })]
      : pick.units !== null ? [t('handed_part', { n: pick.count })]
        : bothWords('handed_over');
  return h('div.confirm', {},
    a.needs.includes('second_fact')
      ? h('label.extra', {}, h('span', {}, t('second_fact')),
        h('input.field', { id: 'second-fact', 'data-k': 'fact', autocomplete: 'off', maxlength: '60' }))
      : null,
    h('button.button.act', { type: 'button', 'data-k': 'confirm', onclick: () => does.handOver(a, pick) },
      icon('check'), h('span', {}, label),
      a.needs.includes('approval') ? h('span.sub', {}, t('with_approval')) : h('kbd', { 'aria-hidden': 'true' }, 'F8')),
    h('button.button.plain', { type: 'button', 'data-k': 'put-back', onclick: () => does.putBack(a) }, t('put_back')));
}

// A code that may be another store's: ask HQ for it, and what became of that.
function elsewherePart(a, view) {
  if (!a.elsewhere || !view) return null;
  const where = view.store && said(view.store);
  return h('div.transfer', { role: 'status', 'data-state': view.state },
    h('b', {}, said(view.reason)),
    where ? h('span', {}, [where, view.order_no].filter(Boolean).join(' · ')) : null,
    view.handed_ms ? h('span', {}, [when(view.handed_ms), view.handed_station].filter(Boolean).join(' · ')) : null,
    (view.state === 'unreachable' || view.state === 'waiting') && view.heard_ms
      ? h('span', {}, t('transfer_heard', { age: age((now() - view.heard_ms) / 1000) })) : null,
    h('span', {}, icon('arrow'), said(view.next_step)));
}

function elsewhereActs(a, view, does) {
  if (!a.elsewhere || isRepeat(a)) return null;
  const ask = (word, wait) => h('button.button', {
    type: 'button', class: `button ${view ? 'plain' : 'act'}`, 'data-k': 'elsewhere', onclick: () => does.askElsewhere(a, wait),
  }, icon('arrow'), h('span', {}, t(word)), view ? null : h('kbd', { 'aria-hidden': 'true' }, 'F8'));
  if (!view) return ask('ask_elsewhere', false);
  if (view.state === 'unreachable') return ask('leave_request', true);
  return ['offline', 'kept', 'busy'].includes(view.state) ? ask('ask_again', false) : null;
}

// Another store's order on HQ's budget: what is left of it, and what stands against it.
function riskPart({ provisional: offer }) {
  if (!offer) return null;
  return h('div.transfer', { role: 'status', 'data-state': offer.why ? 'busy' : 'asked' },
    h('b', {}, t('risk_left', { n: offer.pieces_left })),
    h('span', {}, offer.why ? said(offer.why) : t('risk_cost', { n: offer.pieces })));
}

function riskActs(a, does) {
  if (!a.provisional || a.provisional.why || isRepeat(a)) return null;
  return h('button.button.plain', { type: 'button', 'data-k': 'risk', onclick: () => does.risk(a) }, icon('arrow'), h('span', {}, t('risk')));
}

// -- the whole

export function paint(panel, { act, slip, notice, doing, here, live, transfer }, does, refresh) {
  const tone = toneOf(act);
  const a = act?.value;
  panel.dataset.tone = tone;
  panel.toggleAttribute('data-handed', a?.state === 'handed');
  panel.toggleAttribute('data-practice', Boolean(a?.training));
  panel.toggleAttribute('data-hero', tone !== 'idle' && !(act.event === 'answer' && (a.earlier || ((tone === 'go' || tone === 'done' || tone === 'repeat') && a.order))));
  const word = tone === 'idle' && !live ? 'joining' : headline(tone, act);
  const title = h('h2.headline', { id: 'headline' }, t(word), ' ', aside(other(word)));
  const note = notice ? h('p.notice', { role: 'alert' }, notice) : null;
  const busy = doing ? h('p.doing', { role: 'status' }, doing) : null;
  if (tone === 'idle') {
    redraw(panel, h('div.rest', {}, icon('scan', 'emblem'), title,
      live ? h('p.lead', {}, t('idle_more')) : null, note, busy));
    return tone;
  }
  const emblem = h('span.shape', {}, icon(emblemOf(tone, a), 'emblem'));
  if (act.event === 'taken_over') {
    redraw(panel, h('div.head', {}, emblem, h('div.title', {}, title, h('p.lead', {}, t('taken_by', { station: stationName(a.by) })))), note, busy);
    return tone;
  }
  if (tone === 'undone') {
    redraw(panel, h('div.head', {}, emblem, h('div.title', {}, title,
      h('p.lead', {}, t('undone_more', { n: a.units })))),
    h('div.body', {}, h('div.main', {}, h('p.big', {}, a.order_no), slipPart(slip ?? a.slip, does))), note, busy);
    return tone;
  }
  const order = a.order;
  const acting = tone === 'go' || tone === 'done';
  const mayTick = tone === 'go' && a.state === 'claimed';
  const lead = tone === 'repeat' ? t('repeat_of', { time: clock(a.repeat_of_ms) })
    : said(tone === 'go' && a.state === 'claimed' ? a.next_step : a.reason);
  const badges = [
    a.training ? h('span.badge.practice', {}, t('training')) : null,
    order?.lane === 'priority' ? h('span.badge.lane', {}, icon('star'), t('priority')) : null,
  ].filter(Boolean);
  const main = h('div.main', {},
    a.name_zh ? h('p.big', {}, said({ zh: a.name_zh, en: a.name_en || a.name_zh })) : null,
    order && (acting || tone === 'repeat') ? placePart(order) : null,
    order && !order.ready ? h('p.badge.wait', {}, icon('wait'), a.queue ? t('not_picked_queue', { n: a.queue }) : t('not_picked')) : null,
    earlierPart(a.earlier),
    dataAgePart(a),
    a.tries_left > 0 && tone !== 'go' ? h('p.tries', {}, t('tries_left', { n: a.tries_left })) : null,
    a.case !== null ? h('p.tries', {}, t('case_no', { n: a.case })) : null,
    order ? whoPart(order) : null,
    elsewherePart(a, transfer),
    riskPart(a),
    acting || tone === 'repeat' || (a.elsewhere && transfer) ? null : nextPart(a),
    slipPart(slip ?? a.slip, does));
  const side = order && (acting || a.reason.code === 'handed') ? linesPart(order, { mayTick, given: a.state === 'handed' }, refresh) : null;
  const acts = h('div.acts', {},
    mayTick ? confirmPart(a, does) : null,
    acting ? undoPart(a, does, here) : null,
    a.reason.code === 'at_counter' && order
      ? h('button.button.act', { type: 'button', 'data-k': 'take', onclick: () => does.takeOver(a) }, icon('arrow'), bothWords('take_over'))
      : null,
    elsewhereActs(a, transfer, does),
    riskActs(a, does),
    a.reason.code === 'three_tries' || a.case !== null
      ? h('button.button.plain', { type: 'button', 'data-k': 'review', onclick: () => does.open('review') }, icon('inbox'), t('review'))
      : null);
  redraw(panel,
    h('div.head', {}, emblem, h('div.title', {}, title, h('p.lead', {}, lead)), badges.length ? h('div.badges', {}, badges) : null),
    h('div.body', { 'data-sides': side ? '2' : '1' }, main, side),
    note, busy,
    acts.childElementCount ? acts : null,
    basisPart(a));
  return tone;
}
