// The line to the node: one stream of events in, acts out under a key that is used again until
// there is an answer. Nothing is decided here.

const API = '/api/v1/';
const QUIET_MS = 35000; // two heartbeats and a little
const TRIES_MS = [400, 800, 1600, 3200, 6400, 6400];

export class Refused extends Error {
  constructor(problem) {
    super(problem.code);
    this.problem = problem;
  }
}
export class NoAnswer extends Error {} // may or may not be done: ask again under the same key
export class Failed extends Refused {} // certainly not done, and asking at once would not help

// randomUUID is missing on plain http in a shop's network; getRandomValues is not.
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}
const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });

// How far the box had come when it last told us: kept here, shown to it with every request, so that
// an old copy of it is found out. A line that says less than the kept one does not replace it.
const WITNESS = 'storeedge.witness';
const parts = (line) => (line ?? '').split('.');
function witness() { try { return localStorage.getItem(WITNESS); } catch { return null; } }
async function keepWitness(line) {
  const [, , incarnation, seq] = parts(line);
  const [, , keptIncarnation, keptSeq] = parts(witness());
  if (keptIncarnation === incarnation && Number(keptSeq) > Number(seq)) return;
  try {
    if (keptIncarnation && keptIncarnation !== incarnation) await once('GET', 'operator');
    localStorage.setItem(WITNESS, line);
  } catch { /* blocked, or no answer: the kept one stays */ }
}

async function once(method, path, body, key) {
  const headers = { accept: 'application/json' };
  const kept = witness();
  if (kept) headers['storeedge-witness'] = kept;
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (key) headers['idempotency-key'] = key;
  const response = await fetch(API + path, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    credentials: 'same-origin', cache: 'no-store', signal: AbortSignal.timeout(8000),
  });
  if (response.status === 204) return null;
  const value = await response.json();
  if (response.ok) return value;
  if (response.status === 501 || (response.status === 503 && !value.code.startsWith('E-'))) throw new Refused(value);
  if (response.status === 500) throw new Failed(value);
  if (response.status > 500) throw new NoAnswer(value.code);
  throw new Refused(value);
}

export const get = async (path) => {
  try { return await once('GET', path); } catch (error) {
    if (error instanceof Refused) throw error;
    throw new NoAnswer();
  }
};

// An act goes out until it is answered; `onDoubt` is told when the first reply stays away.
export async function act(path, body = {}, { method = 'POST', onDoubt } = {}) {
  const key = newKey();
  for (let turn = 0; ; turn += 1) {
    try { return await once(method, path, body, key); } catch (error) {
      if (error instanceof Refused) throw error;
      if (turn === TRIES_MS.length) throw new NoAnswer();
      onDoubt?.();
      await wait(TRIES_MS[turn]);
    }
  }
}

// Told once; a screen that cannot say so is asked nothing more.
export const tell = (path, body) => { once('POST', path, body, newKey()).catch(() => {}); };

// `on` has a function per event, and `stream(state)` for joining, live, stale, refused.
export function listen(on) {
  const NAMES = ['state', 'answer', 'duplicate', 'undone', 'put_back', 'taken_over', 'refused', 'status', 'slip', 'cases', 'operator', 'picks', 'documents', 'bag', 'witness'];
  let source;
  let heard = performance.now();
  let delay = 500;

  function open() {
    source?.close();
    if (witness()) once('GET', 'operator').catch(() => {}); // a stream carries no headers
    source = new EventSource(`${API}events`);
    for (const name of [...NAMES, 'beat']) {
      source.addEventListener(name, (event) => {
        heard = performance.now();
        delay = 500;
        if (name === 'beat') return;
        if (name === 'witness') { keepWitness(JSON.parse(event.data).witness); return; }
        if (name === 'state') on.stream('live');
        on[name]?.(JSON.parse(event.data));
      });
    }
    source.onerror = async () => {
      on.stream('stale');
      if (source.readyState !== EventSource.CLOSED) return;
      source.close();
      const pause = delay;
      delay = Math.min(delay * 2, 10000);
      try { await once('GET', 'operator'); } catch (error) {
        if (error instanceof Refused && error.problem.status === 401) on.stream('refused');
      }
      setTimeout(open, pause * (0.75 + Math.random() / 2));
    };
  }

  setInterval(() => {
    if (performance.now() - heard < QUIET_MS) return;
    heard = performance.now();
    on.stream('stale');
    open();
  }, 5000);
  window.addEventListener('online', open);
  window.addEventListener('pageshow', (event) => { if (event.persisted) open(); });
  open();
}
