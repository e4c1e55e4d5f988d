// Find without a code, the review queue, late entry.

import { bagWords, clock, h, now, said, stationName, t, when } from './core.js';
import { act, get } from './node.js';
import { closeDialog, openDialog, troublePlace, troubleWords } from './dialogs.js';
import { askApproval, chosenPerson, personChoice } from './people.js';

export function open(name, tools) {
  if (name === 'find') find(tools);
  else if (name === 'review') review(tools);
  else late(tools);
}

const input = (id, label, props = {}) =>
  h('label.ask', { for: id }, h('span.cap', {}, label), h('input.field', { id, name: id, autocomplete: 'off', ...props }));
const textOf = (form, id) => form.elements.namedItem(id).value.normalize('NFKC').trim() || null;

function find(tools) {
  const trouble = troublePlace();
  const hits = h('div.hits', { 'aria-live': 'polite' });
  const form = h('form.form', {
    novalidate: '',
    onsubmit: async (event) => {
      event.preventDefault();
      trouble.say(null);
      try {
        const found = await act('find', {
          phone_tail: textOf(form, 'phone_tail'), order_tail: textOf(form, 'order_tail'), item: textOf(form, 'item'),
        });
        showHits(found, hits, tools, trouble);
      } catch (error) {
        hits.replaceChildren();
        trouble.say(troubleWords(error));
      }
    },
  },
  h('p.note', {}, t('find_hint')),
  h('div.asks', {},
    input('phone_tail', t('phone_tail'), { inputmode: 'numeric', maxlength: '8', 'data-first': '' }),
    input('order_tail', t('order_tail'), { maxlength: '12' }),
    input('item', t('item'), { maxlength: '40' })),
  trouble.place,
  h('div.form-acts', {}, h('button.button.strong', { type: 'submit' }, t('search'))));
  openDialog(t('find'), h('div', {}, form, hits), { wide: true });
}

function showHits(found, hits, tools, trouble) {
  if (!found.length) { hits.replaceChildren(h('p.none', {}, t('find_none'))); return; }
  hits.replaceChildren(h('ul.rows', {}, found.map((one) => h('li.found', {},
    h('div', {},
      h('b', {}, `…${one.order_no_tail}`, one.name ? ` · ${one.name}` : '', one.lane === 'priority' ? ` · ${t('priority')}` : ''),
      h('p', {}, said({ zh: one.items_zh, en: one.items_en || one.items_zh })),
      h('p.note', {}, `${bagWords(one.bags)} · ${t('find_open', { n: one.open_units })}`)),
    h('button.button.plain', { type: 'button', onclick: () => choose(one, tools, trouble) }, t('find_choose'))))));
}

// Choosing serves the order here; the panel then asks for one more fact before the goods go.
async function choose(one, tools, trouble) {
  try {
    const answer = await act('find/choose', { order: one.order_id });
    closeDialog();
    tools.arrive('answer', answer);
  } catch (error) {
    trouble.say(troubleWords(error));
    tools.sound('stop');
  }
}

async function review(tools) {
  const fill = openDialog(t('review'), h('p.none', {}, t('loading')), { wide: true });
  const trouble = troublePlace();
  let cases;
  try { cases = await get('reviews'); } catch (error) {
    trouble.say(troubleWords(error));
    fill(trouble.place);
    return;
  }
  const list = cases.filter((one) => one.state === 'open');
  if (!list.length) { fill(h('p.none', {}, t('review_none'))); return; }
  fill(h('p.note', {}, t('review_hint')), h('ul.rows', {}, list.map((one) => h('li.found', {},
    h('div', {},
      h('b', {}, said(one.reason)),
      h('p', {}, one.order_no ? `${t('order')} ${one.order_no}` : t('case_no', { n: one.case })),
      h('p.note', {}, when(one.opened_ms), one.station ? ` · ${stationName(one.station)}` : '',
        one.tries ? ` · ${t('tries', { n: one.tries })}` : '')),
    one.may_release
      ? h('button.button.plain', { type: 'button', onclick: () => decide(one, tools) }, t('release'))
      : h('span.note', {}, t('at_hq'))))));
}

async function decide(one, tools) {
  const run = (verb) => (by, form) => act(`reviews/${one.case}/${verb}`, {
    ...(by.hq ? { response: by.hq.response, name: by.hq.name } : by), note: form.elements.note.value.trim(),
  });
  const answer = await askApproval(tools, {
    title: `${t('release')}: ${said(one.reason)}`,
    matter: { case: one.case },
    extra: [
      h('p.now', {}, h('b', {}, one.order_no ?? t('case_no', { n: one.case }))),
      input('note', t('note'), { maxlength: '200' }),
    ],
    actions: [
      { value: 'release', words: t('release'), strong: true, run: run('release') },
      { value: 'close', words: t('close_case'), run: run('close') },
    ],
  });
  if (answer) review(tools);
}

async function late(tools) {
  const trouble = troublePlace();
  const fill = openDialog(t('late'), h('p.none', {}, t('loading')), { wide: true });
  let staff = [];
  try { staff = await get('staff'); } catch (error) { trouble.say(troubleWords(error)); }
  const form = h('form.form', {
    novalidate: '',
    onsubmit: async (event) => {
      event.preventDefault();
      const [hours, minutes] = form.elements.late_time.value.split(':').map(Number);
      const order = textOf(form, 'late_order');
      const clerk = chosenPerson(form);
      if (!order || !clerk || Number.isNaN(minutes)) { trouble.say(t('late_hint')); return; }
      const at = new Date(now());
      at.setHours(hours, minutes, 0, 0);
      if (at.getTime() > now()) at.setDate(at.getDate() - 1); // 23:50 entered after midnight was yesterday
      try {
        const answer = await act('late-entries', { order_tail_or_no: order, at_ms: at.getTime(), clerk });
        closeDialog();
        tools.arrive('answer', answer);
      } catch (error) {
        trouble.say(troubleWords(error));
        tools.sound('stop');
      }
    },
  },
  h('p.note', {}, t('late_hint')),
  h('div.asks', {},
    input('late_order', t('late_order'), { maxlength: '40', 'data-first': '' }),
    input('late_time', t('late_time'), { type: 'time', value: clock(now()) })),
  personChoice(staff, tools.page.status?.operator.staff_id, t('late_clerk')),
  trouble.place,
  h('div.form-acts', {}, h('button.button.strong', { type: 'submit' }, t('late_save'))));
  fill(form);
  form.querySelector('[data-first]')?.focus();
}
