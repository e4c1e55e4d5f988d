// Who is at the counter: sign in, approve as another person, give a reason.

import { h, icon, t } from './core.js';
import { act, get } from './node.js';
import { closeDialog, openDialog, pinPad, troublePlace, troubleWords } from './dialogs.js';

const roleWords = (role) => (['cashier', 'supervisor', 'manager', 'technician'].includes(role) ? t(`role_${role}`) : role ?? '');

export function personChoice(staff, chosenId, label = t('choose_person')) {
  if (!staff.length) return h('p.none', {}, t('staff_none'));
  return h('fieldset.people', {}, h('legend.cap', {}, label),
    staff.map((person, index) => h('label.person', {},
      h('input', {
        type: 'radio', name: 'person', value: person.staff_id,
        checked: person.staff_id === chosenId, 'data-first': index === 0 ? '' : null,
      }),
      h('span.face', { 'aria-hidden': 'true' }, person.name.slice(0, 1)),
      h('span', {}, h('b', {}, person.name), h('small', {}, roleWords(person.role))))));
}
export const chosenPerson = (form) => form.querySelector('input[name=person]:checked')?.value;

export async function open(_name, tools) {
  const trouble = troublePlace();
  const fill = openDialog(t('operator'), h('p.none', {}, t('loading')), { operator: (value) => { if (value.staff_id) closeDialog(); } });
  let staff;
  try { staff = await get('staff'); } catch (error) {
    trouble.say(troubleWords(error));
    fill(trouble.place);
    return;
  }
  const now = tools.page.status?.operator;
  const pad = pinPad(t('staff_pin'));
  const form = h('form.form', {
    novalidate: '',
    onsubmit: async (event) => {
      event.preventDefault();
      const who = chosenPerson(form);
      if (!who) { trouble.say(t('choose_person')); return; }
      try {
        const answer = await act('operator', { staff_id: who, pin: pad.field.value });
        pad.field.value = '';
        if (answer.wait_s > 0) { trouble.say(t('wait_s', { n: answer.wait_s })); return; }
        signed(answer, tools);
      } catch (error) {
        pad.field.value = '';
        trouble.say(troubleWords(error));
        tools.sound('stop');
      }
    },
  },
  h('p.note', {}, t('operator_hint')),
  now?.staff_id ? h('p.now', {}, icon('person'), t('signed_in', { name: now.name }),
    h('button.button.plain', { type: 'button', onclick: () => leave(tools, trouble) }, t('sign_out'))) : null,
  h('div.two', {}, personChoice(staff, staff.length === 1 ? staff[0].staff_id : null), pad.part),
  trouble.place,
  h('div.form-acts', {}, h('button.button.strong', { type: 'submit' }, t('sign_in'))));
  fill(form);
  form.querySelector('[data-first]')?.focus();
}

function signed(answer, tools) {
  if (tools.page.status) tools.page.status.operator = answer;
  tools.drawAll();
  closeDialog();
}

async function leave(tools, trouble) {
  try { signed(await act('operator', undefined, { method: 'DELETE' }), tools); } catch (error) { trouble.say(troubleWords(error)); }
}

// Another person's name and PIN for one act, or { hq } when HQ said yes by voice; null when it was
// closed. matter: what HQ would be asked about, { order } or { case }.
export async function askApproval(tools, { title = t('approval'), matter, extra = [], actions } = {}) {
  let staff = [];
  const trouble = troublePlace();
  try { staff = await get('staff'); } catch (error) { trouble.say(troubleWords(error)); }
  const { operator, second_person: second } = tools.page.status ?? {};
  const others = second === 'lone_capped' ? staff : staff.filter((one) => one.staff_id !== operator?.staff_id);
  return new Promise((done) => {
    let answer = null;
    const pad = pinPad(t('staff_pin'));
    const hq = second === 'remote' ? hqPart(matter, trouble) : null;
    const form = h('form.form', {
      novalidate: '',
      onsubmit: async (event) => {
        event.preventDefault();
        const given = hq?.given() ?? { staff_id: chosenPerson(form), pin: pad.field.value };
        if (!given.hq && !given.staff_id) { trouble.say(t('choose_person')); return; }
        pad.field.value = '';
        if (!actions) { answer = given; closeDialog(); return; }
        try {
          const name = event.submitter?.value || actions[0].value;
          answer = await actions.find((one) => one.value === name).run(given, form);
          closeDialog();
        } catch (error) {
          trouble.say(troubleWords(error));
          tools.sound('stop');
        }
      },
    },
    h('p.note', {}, t('approval_hint')), extra,
    h('div.two', {}, personChoice(others), pad.part),
    hq?.part,
    trouble.place,
    h('div.form-acts', {}, (actions ?? [{ value: 'approve', words: t('approve'), strong: true }]).map((one) =>
      h(`button.button.${one.strong ? 'strong' : 'plain'}`, { type: 'submit', value: one.value }, one.words))));
    openDialog(title, form, { closed: () => done(answer) });
  });
}

// HQ by voice: six digits are read out, six come back, and neither needs a line.
function hqPart(matter, trouble) {
  let challenge = null;
  const response = h('input.field.secret', { id: 'hq-response', inputmode: 'numeric', autocomplete: 'off', maxlength: '6' });
  const name = h('input.field', { id: 'hq-name', autocomplete: 'off', maxlength: '40' });
  const read = h('p.digits', { role: 'status' });
  const part = h('fieldset.hq', {}, h('legend.cap', {}, t('hq_by_voice')),
    h('button.button.plain', {
      type: 'button',
      onclick: async () => {
        try {
          challenge = await act('challenges', matter);
          read.replaceChildren(t('hq_read', { n: challenge.case }), ' ', h('b', {}, challenge.digits));
        } catch (error) { trouble.say(troubleWords(error)); }
      },
    }, t('hq_ask')), read,
    h('div.asks', {},
      h('label.ask', { for: 'hq-response' }, h('span.cap', {}, t('hq_response')), response),
      h('label.ask', { for: 'hq-name' }, h('span.cap', {}, t('hq_name')), name)));
  return {
    part,
    given: () => (challenge && response.value.trim()
      ? { hq: { case: challenge.case, response: response.value.trim(), name: name.value.trim() } } : null),
  };
}

// Why goods come back late, and whether they are here.
// The operator's own PIN, for one act.
export function askPin(title, hint) {
  return new Promise((done) => {
    let answer = null;
    const trouble = troublePlace();
    const pad = pinPad(t('staff_pin'), { first: true });
    const form = h('form.form', {
      novalidate: '',
      onsubmit: (event) => {
        event.preventDefault();
        if (!pad.field.value) { trouble.say(t('staff_pin')); return; }
        answer = pad.field.value;
        pad.field.value = '';
        closeDialog();
      },
    },
    h('p.note', {}, hint), pad.part, trouble.place,
    h('div.form-acts', {}, h('button.button.strong', { type: 'submit' }, title)));
    openDialog(title, form, { closed: () => done(answer) });
  });
}

export function askReason() {
  return new Promise((done) => {
    let answer = null;
    const trouble = troublePlace();
    const here = h('input', { type: 'checkbox', id: 'late-here' });
    const form = h('form.form', {
      novalidate: '',
      onsubmit: (event) => {
        event.preventDefault();
        const text = form.querySelector('input[name=why]:checked')?.value;
        if (!text) { trouble.say(t('reason')); return; }
        if (!here.checked) { trouble.say(t('tick_goods_here')); return; }
        answer = { here: true, text };
        closeDialog();
      },
    },
    h('fieldset.people', {}, h('legend.cap', {}, t('reason')),
      ['reason_wrong', 'reason_changed', 'reason_mistake'].map((word, index) => h('label.person', {},
        h('input', { type: 'radio', name: 'why', value: word.slice(7), 'data-first': index === 0 ? '' : null }), h('b', {}, t(word))))),
    h('label.person', {}, here, h('b', {}, t('goods_here'))),
    trouble.place,
    h('div.form-acts', {}, h('button.button.strong', { type: 'submit' }, t('undo'))));
    openDialog(t('undo_late'), form, { closed: () => done(answer) });
  });
}
