// Everything that is not needed at each scan: paper for a power cut, practice, devices, the screen.

import { h, kept, t, troubleOf, when } from './core.js';
import { act } from './node.js';
import { openDialog, troublePlace, troubleWords } from './dialogs.js';

export function open(_name, tools) {
  draw(tools, openDialog(t('more'), [], { wide: true }));
}

function draw(tools, fill) {
  const trouble = troublePlace();
  const status = tools.page.status;
  const run = (path, body, then) => async () => {
    try { then(await act(path, body)); } catch (error) { trouble.say(troubleWords(error)); }
  };
  const row = (title, note, button) => h('li.found', {}, h('div', {}, h('b', {}, title), note ? h('p.note', {}, note) : null), button);
  const plain = (label, onclick, props = {}) => h('button.button.plain', { type: 'button', onclick, ...props }, label);
  const theme = kept('theme') ?? 'auto';
  fill(
    trouble.place,
    h('ul.rows', {},
      row(t('late'), t('late_hint'), plain(t('late'), () => tools.does.open('late'))),
      row(t('emergency'), t('emergency_hint'), plain(t('emergency'), run('emergency-list', {}, () => trouble.say(t('sent_to_printer'))))),
      row(t('training'), t('banner_training'), h('div.pair', {},
        plain(status?.training ? t('training_off') : t('training_on'),
          run('training', { on: !status?.training }, (told) => { tools.page.status = told; tools.drawAll(); draw(tools, fill); })),
        plain(t('training_sheet'), run('training/sheet', {}, () => trouble.say(t('sent_to_printer')))),
        plain(t('training_sheet_look'), () => window.open('/api/v1/training/sheet.png', '_blank', 'noopener'))))),
    h('h3.cap', {}, t('devices')),
    h('ul.rows', {}, (status?.devices ?? []).map((one) => row(
      `${t(`device_${one.port}`)} ${one.name}${one.simulated ? ` · ${t('simulated')}` : ''}`,
      [t(`device_${one.state}`), troubleOf(one.trouble), one.hint].filter(Boolean).join(' · '), when(one.since_ms)))),
    h('h3.cap', {}, t('settings')),
    h('ul.rows', {},
      row(t('theme'), null, h('div.pair', { role: 'group', 'aria-label': t('theme') }, ['auto', 'light', 'dark'].map((name) =>
        plain(t(`theme_${name}`), () => { tools.theme(name); draw(tools, fill); }, { 'aria-pressed': String(theme === name) })))),
      row(t('sound'), null, plain(t(tools.muted() ? 'sound_off' : 'sound_on'), () => { tools.mute(!tools.muted()); draw(tools, fill); },
        { 'aria-pressed': String(!tools.muted()) })),
      row(t('keys'), t('keys_text'), null)));
}
