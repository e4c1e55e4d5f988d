// One dialog at a time. It keeps the keyboard inside, gives the focus back, and never swallows a
// scan: the answer is painted behind it and told at its top.

import { h, icon, said, t } from './core.js';
import { NoAnswer, Refused } from './node.js';

const dialog = document.getElementById('dialog');
let opener = null;
let whenClosed = null;
let onOperator = null;

// Answers what fills this dialog: what comes late, when it is closed, goes nowhere and into no other.
export function openDialog(title, body, { closed, operator, wide = false } = {}) {
  if (dialog.open) finish();
  else opener = document.activeElement;
  whenClosed = closed ?? null;
  onOperator = operator ?? null;
  dialog.className = wide ? 'wide' : '';
  const own = h('div.dialog-body', { id: 'dialog-body' }, body);
  dialog.replaceChildren(
    h('div.dialog-head', {},
      h('h2', { id: 'dialog-title', tabindex: '-1' }, title),
      h('button.tool.icon', { type: 'button', 'aria-label': t('close'), onclick: () => closeDialog() }, icon('cross'))),
    h('div.dialog-scan', { id: 'dialog-scan', role: 'status' }),
    own);
  if (!dialog.open) dialog.showModal();
  (dialog.querySelector('[data-first]') ?? dialog.querySelector('#dialog-title')).focus();
  return (...filled) => {
    if (own.isConnected) own.replaceChildren(...filled.flat().filter(Boolean));
  };
}

export function closeDialog() {
  if (dialog.open) dialog.close();
}

function finish() {
  const tell = whenClosed;
  whenClosed = null;
  tell?.();
}
dialog.addEventListener('close', () => {
  finish();
  onOperator = null;
  dialog.replaceChildren();
  if (opener?.isConnected) opener.focus({ preventScroll: true });
  opener = null;
});
// A click on the shade closes; what is half typed is cheap, a dialog in the way of a queue is not.
dialog.addEventListener('click', (event) => { if (event.target === dialog) closeDialog(); });

export function scanArrived(tone, act) {
  if (!dialog.open) return;
  const place = document.getElementById('dialog-scan');
  place.dataset.tone = tone;
  const words = act.event === 'undone' ? t('undone') : said(act.value.reason);
  place.replaceChildren(h('span', {}, `${t('scan_arrived')}: ${words}`),
    h('button.button', { type: 'button', onclick: () => closeDialog() }, t('scan_look')));
}

export function operatorChanged(value) {
  if (dialog.open) onOperator?.(value);
}

export const troubleWords = (error) => {
  if (error instanceof Refused) return said(error.problem);
  if (error instanceof NoAnswer) return t('no_answer');
  throw error;
};

// A place for what went wrong, read out when it is filled.
export function troublePlace() {
  const place = h('p.trouble', { role: 'alert' });
  return { place, say(words) { place.textContent = words ?? ''; } };
}

// Digits by finger, by keyboard, by paste or by a password manager: one field serves them all.
export function pinPad(label, { first = false } = {}) {
  const field = h('input.field.secret', {
    id: 'secret', type: 'password', inputmode: 'numeric', autocomplete: 'current-password', maxlength: '12',
    'data-first': first ? '' : null,
  });
  const put = (change) => { field.value = change(field.value); };
  const key = (digit) => h('button.key', { type: 'button', onclick: () => put((v) => v + digit) }, digit);
  const pad = h('div.pad', { role: 'group', 'aria-label': t('digits') }, ...'123456789'.split('').map(key), h('span', {}),
    key('0'), h('button.key', { type: 'button', 'aria-label': t('delete_digit'), onclick: () => put((v) => v.slice(0, -1)) }, icon('back')));
  return { part: h('div.secret-part', {}, h('label.cap', { for: 'secret' }, label), field, pad), field };
}
