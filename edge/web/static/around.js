// What stands around the panel: the status bar, the banners, the recent acts.

import { age, clock, h, icon, now, redraw, said, t, troubleOf, whenShort } from './core.js';
import { isRepeat, toneOf } from './panel.js';

const fact = (state, text, extra = {}) =>
  h('li.fact', { 'data-state': state, ...extra }, h('span.dot', { 'aria-hidden': 'true' }), h('span', {}, text));

function deviceFacts(devices) {
  if (!devices.length) return [fact('plain', t('devices_none'), { class: 'fact device' })];
  const shown = devices.filter((one) => one.state !== 'up');
  const well = devices.length - shown.length;
  const words = (one) => {
    const many = devices.filter((other) => other.port === one.port).length > 1;
    const name = many ? `${t(`device_${one.port}`)} ${one.name}` : t(`device_${one.port}`);
    return `${name} ${one.state === 'down' && one.trouble ? troubleOf(one.trouble) : t(`device_${one.state}`)}`;
  };
  const troubled = shown.map((one) => fact(one.state === 'down' ? 'bad' : 'warn', words(one), { class: 'fact device' }));
  if (!well) return troubled;
  const up = devices.filter((one) => one.state === 'up');
  return [...troubled, fact('good', up.length <= 2 ? up.map(words).join(' · ') : t('devices_ok', { n: well }), { class: 'fact device' })];
}

// `since` is when this status was told: ages go on growing while nothing is heard.
export function facts(list, status, since, stale) {
  if (!status) return;
  const more = (performance.now() - since) / 1000;
  const aged = (seconds) => age(seconds + more);
  redraw(list,
    h('li.fact.clock', { 'data-state': status.clock === 'unsure' ? 'bad' : status.clock === 'holdover' ? 'warn' : 'plain' },
      h('time', { id: 'clock' }, clock(now())), status.clock === 'synced' ? null : h('span', {}, t(`clock_${status.clock}`))),
    fact(stale ? 'plain' : status.link === 'online' ? 'good' : status.link === 'offline' ? 'warn' : 'bad', t(`link_${status.link}`)),
    fact(status.unsynced ? 'warn' : 'good', !status.unsynced ? t('unsynced_none')
      : status.oldest_unsynced_s === null ? t('unsynced', { n: status.unsynced })
        : t('unsynced_age', { n: status.unsynced, age: aged(status.oldest_unsynced_s) })),
    fact(status.data_age_s === null || status.data_age_s + more > 900 ? 'warn' : 'good',
      status.data_age_s === null ? t('data_never') : t('data_age', { age: aged(status.data_age_s) })),
    deviceFacts(status.devices));
}

export function banners(box, { status, stream }) {
  const wanted = [];
  if (stream === 'refused') wanted.push(['bad', 'banner_refused', 'lock']);
  else if (stream === 'stale') wanted.push(['bad', 'banner_stale', 'alert']);
  if (status?.link === 'offline') wanted.push(['warn', 'banner_offline', 'info']);
  if (status?.link === 'not_enrolled') wanted.push(['warn', 'banner_not_enrolled', 'info']);
  if (status?.clock === 'unsure') wanted.push(['warn', 'banner_clock', 'wait']);
  if (status?.training) wanted.push(['practice', 'banner_training', 'info']);
  const key = wanted.map(([, word]) => t(word)).join();
  if (box.dataset.shown === key) return; // said once, not at every status
  box.dataset.shown = key;
  box.replaceChildren(...wanted.map(([state, word, name]) => h('p.banner', { 'data-state': state }, icon(name), h('span', {}, t(word)))));
}

const MARK = { go: 'check', done: 'check', stop: 'cross', ask: 'alert', info: 'info', repeat: 'repeat', undone: 'back' };

// An order that was claimed and then handed over is one line, not two.
function folded(acts) {
  const out = [];
  for (const act of acts) {
    if (act.event !== 'answer' && act.event !== 'undone') continue;
    const last = out.at(-1);
    const same = last?.event === 'answer' && act.event === 'answer' && act.value.state === 'claimed'
      && last.value.order && last.value.order.id === act.value.order?.id;
    if (!same) out.push(act);
  }
  return out.slice(0, 5);
}

export function recent(list, acts) {
  const rows = folded(acts);
  if (!rows.length) {
    redraw(list, h('li.none', {}, t('recent_none')));
    return;
  }
  redraw(list, rows.map((act) => {
    const tone = toneOf(act);
    const a = act.value;
    const calm = tone === 'go' && a.state === 'handed' ? 'done' : tone;
    const no = act.event === 'undone' ? a.order_no : a.order?.no ?? '';
    const words = act.event === 'undone' ? t('undone') : isRepeat(a) ? t('repeat') : said(a.reason);
    return h('li.past', { 'data-tone': calm }, h('span.mark', {}, icon(MARK[tone])),
      h('span.what', {}, h('b', {}, no || words), no ? h('span', {}, words) : null), whenShort(a.at_ms));
  }));
}
