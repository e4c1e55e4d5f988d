// Sounds that differ in pitch and in rhythm, made here, and the place spoken aloud.

const SCORE = {
  go: [[880, 0, 0.09], [1318, 0.09, 0.16]],
  done: [[880, 0, 0.09], [1318, 0.09, 0.16]],
  stop: [[196, 0, 0.28], [165, 0.36, 0.4]],
  ask: [[523, 0, 0.1], [523, 0.17, 0.1], [523, 0.34, 0.1]],
  info: [[659, 0, 0.08]],
  repeat: [[392, 0, 0.1], [392, 0.17, 0.1]],
  undone: [[659, 0, 0.1], [440, 0.12, 0.16]],
};

let context = null;

// A browser lets a page sound only after a touch or a key, unless the kiosk's flag says otherwise.
export function unlock() {
  context ??= new AudioContext();
  if (context.state === 'suspended') context.resume().catch(() => {});
}

export function play(tone) {
  try { unlock(); } catch { return; }
  if (context.state !== 'running' || !SCORE[tone]) return;
  for (const [pitch, after, lasts] of SCORE[tone]) {
    const start = context.currentTime + 0.02 + after;
    const voice = new OscillatorNode(context, { frequency: pitch, type: tone === 'stop' ? 'square' : 'sine' });
    const loud = new GainNode(context, { gain: 0 });
    loud.gain.setValueAtTime(0, start);
    loud.gain.linearRampToValueAtTime(tone === 'stop' ? 0.16 : 0.3, start + 0.012);
    loud.gain.setValueAtTime(tone === 'stop' ? 0.16 : 0.3, start + lasts - 0.03);
    loud.gain.linearRampToValueAtTime(0, start + lasts);
    voice.connect(loud).connect(context.destination);
    voice.start(start);
    voice.stop(start + lasts + 0.02);
  }
}

export function speak(text, lang) {
  if (!('speechSynthesis' in window) || !text) return;
  speechSynthesis.cancel(); // the newest wins
  const saying = new SpeechSynthesisUtterance(text);
  saying.lang = lang;
  speechSynthesis.speak(saying);
}

export function hush() {
  if ('speechSynthesis' in window) speechSynthesis.cancel();
}
