// What was printed, how it stands, and once more as a copy.

import { h, icon, t, when } from './core.js';
import { act, get } from './node.js';
import { openDialog, troublePlace, troubleWords } from './dialogs.js';
import { slipWords } from './panel.js';

export async function open(_name, tools) {
  const fill = openDialog(t('slips'), h('p.none', {}, t('loading')), { wide: true });
  const trouble = troublePlace();
  let slips;
  try { slips = await get('slips'); } catch (error) {
    trouble.say(troubleWords(error));
    fill(trouble.place);
    return;
  }
  if (!slips.length) { fill(h('p.none', {}, t('slips_none'))); return; }
  const picture = h('div.preview', { hidden: true });
  fill(trouble.place, picture, h('ul.rows', {}, slips.map((one) => h('li.found', { 'data-state': one.state },
    h('div', {},
      h('b', {}, one.order_no ?? t('slips'), one.copy ? ` · ${t('copy')}` : ''),
      h('p', {}, slipWords(one)),
      h('p.note', {}, when(one.at_ms))),
    h('div.pair', {},
      h('button.button.plain', { type: 'button', onclick: () => look(one, picture) }, t('see_slip')),
      h('button.button.plain', {
        type: 'button',
        onclick: async () => {
          try {
            await act(`slips/${one.effect}/reprint`);
            trouble.say(t('sent_to_printer'));
          } catch (error) { trouble.say(troubleWords(error)); }
          tools.draw();
        },
      }, icon('paper'), t('reprint')))))));
}

function look(one, picture) {
  picture.hidden = false;
  picture.replaceChildren(h('img', { src: `/api/v1/slips/${one.effect}.png`, alt: `${t('slip')} ${one.order_no ?? ''}` }));
  picture.scrollIntoView({ block: 'nearest' });
}
