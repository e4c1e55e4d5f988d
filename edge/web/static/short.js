// What is not on the shelf, and the papers that goods travel with: dialogs of the store page.

import { h, icon, said, t, when } from './core.js';
import { act } from './node.js';
import { closeDialog, openDialog, troublePlace, troubleWords } from './dialogs.js';

const input = (id, label, props = {}) =>
  h('label.ask', { for: id }, h('span.cap', {}, label), h('input.field', { id, name: id, autocomplete: 'off', ...props }));

async function send(tools, trouble, path, body) {
  try {
    await act(path, body);
    closeDialog();
    await tools.load();
  } catch (error) { trouble.say(troubleWords(error)); }
}

// The customer chose when they ordered; the picker only says how many are there.
export function short(tools, order, number) {
  const one = tools.order(order);
  const line = one?.lines.find((each) => each.line === number);
  if (!line) return;
  const trouble = troublePlace();
  const name = tools.nameOf(line);
  const missing = line.open - line.found - line.replaced;
  const path = `picks/${order}/short`;
  const body = (choice, more = {}) => ({ line: number, found: line.found, choice, ...more });
  const go = (choice, more) => send(tools, trouble, path, body(choice, more));
  const choice = one.on_short.code;
  const button = (kind, words, act_) => h(`button.button.${kind}`, { type: 'button', onclick: act_ }, words);
  const form = h('form.form', {
    novalidate: '',
    onsubmit: (event) => {
      event.preventDefault();
      if (choice === 'substitute') {
        go('substitute', {
          substitute_sku: form.elements.substitute.value.normalize('NFKC').trim(),
          substitute_price: form.elements.price.value.normalize('NFKC').trim(),
        });
      } else go(choice);
    },
  },
  h('p', {}, t('short_say', { found: line.found, missing })),
  h('p.choice', {}, `${t('on_short')}: ${said(one.on_short)}`),
  choice === 'substitute' ? [
    line.price ? h('p.note', {}, t('ordered_price', { price: line.price })) : null,
    h('div.asks', {}, input('substitute', t('substitute_code'), { maxlength: '14', 'data-first': '' }),
      input('price', t('substitute_price'), { inputmode: 'decimal', maxlength: '12' })),
  ] : h('p.note', {}, t(choice === 'wait' ? 'wait_note' : 'refund_note')),
  trouble.place,
  h('div.form-acts', {},
    choice === 'substitute' ? button('plain', t('no_substitute'), () => go('refund_line')) : null,
    h('button.button.strong', { type: 'submit', 'data-first': choice === 'substitute' ? null : '' },
      choice === 'substitute' ? t('do_substitute') : choice === 'wait' ? t('do_wait') : t('do_refund', { n: missing }))));
  openDialog(t('short_title', { name }), form);
}

export function document(tools, id) {
  const one = tools.documentOf(id);
  if (!one) return;
  const trouble = troublePlace();
  const counted = (line) => (one.may === 'receive' ? line.received ?? line.dispatched : line.dispatched) ?? '';
  const rows = one.lines.map((line) => (one.may
    ? input(`count-${line.line}`, t('count_of', { name: tools.nameOf(line), n: line.quantity }), {
      inputmode: 'numeric', maxlength: '5', value: String(counted(line)), 'data-first': line === one.lines[0] ? '' : null,
    })
    : h('p.now', {}, h('b', {}, tools.nameOf(line)), `${line.received ?? line.dispatched ?? '–'} / ${line.quantity}`)));
  const form = h('form.form', {
    novalidate: '',
    onsubmit: (event) => {
      event.preventDefault();
      const counts = one.lines.map((line) => [line.line, Number(form.elements[`count-${line.line}`].value.trim() || Number.NaN)]);
      if (counts.some(([, n]) => !Number.isInteger(n) || n < 0)) { trouble.say(t('bad_counts')); return; }
      send(tools, trouble, `documents/${id}/${one.may}`, { counts });
    },
  },
  h('p', {}, `${t(`kind_${one.kind}`)} · ${t('from_to', { from: said({ zh: one.from_zh, en: one.from_en }), to: said({ zh: one.to_zh, en: one.to_en }) })} · ${t(`state_${one.state}`)}`),
  h('p.note', {}, when(one.created_ms), one.order_no ? ` · ${t('with_order', { no: one.order_no })}` : ''),
  h('div.counts', {}, rows),
  trouble.place,
  h('div.form-acts', {},
    h('button.button.plain', {
      type: 'button',
      onclick: async () => {
        try { await act(`documents/${id}/print`, {}); trouble.say(t('sent_to_printer')); } catch (error) { trouble.say(troubleWords(error)); }
      },
    }, icon('paper'), t('print_paper')),
    one.may ? h('button.button.strong', { type: 'submit' }, t(one.may)) : null));
  openDialog(id, form);
}
