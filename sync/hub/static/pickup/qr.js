// The one QR symbol that a rotating code needs: version 2, level M, alphanumeric, one block
// (ISO/IEC 18004). Modules as rows of 0 and 1. Compared with another encoder, module by module, by
// tests/web/test_customer_page.py.

const SIZE = 25;
const DATA = 28;
const CHECK = 16;
const CHARS = 38;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';
const LEVEL_M = 0;

const EXP = [];
for (let i = 0, x = 1; i < 255; i++, x = (x << 1) ^ (x & 128 ? 0x11d : 0)) EXP.push(x & 255);
const times = (a, b) => (a && b ? EXP[(EXP.indexOf(a) + EXP.indexOf(b)) % 255] : 0);

const MASKS = [
  (r, c) => (r + c) % 2,
  (r) => r % 2,
  (r, c) => c % 3,
  (r, c) => (r + c) % 3,
  (r, c) => ((r >> 1) + Math.floor(c / 3)) % 2,
  (r, c) => ((r * c) % 2) + ((r * c) % 3),
  (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2,
  (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2,
];

function codewords(text) {
  const values = Array.from(text, (char) => ALPHABET.indexOf(char));
  if (values.length > CHARS || values.includes(-1)) throw new RangeError('not for this symbol');
  let bits = '';
  const put = (value, width) => { bits += value.toString(2).padStart(width, '0'); };
  put(2, 4);
  put(values.length, 9);
  for (let i = 0; i < values.length; i += 2) {
    if (i + 1 < values.length) put(values[i] * 45 + values[i + 1], 11);
    else put(values[i], 6);
  }
  bits += '0'.repeat(Math.min(4, DATA * 8 - bits.length));
  bits += '0'.repeat(-bits.length & 7);
  const data = bits.match(/.{8}/g).map((byte) => parseInt(byte, 2));
  for (let pad = 0xec; data.length < DATA; pad ^= 0xec ^ 0x11) data.push(pad);
  return data;
}

function check(data) {
  let divisor = [1];
  for (let i = 0; i < CHECK; i++) {
    const next = [...divisor, 0];
    divisor.forEach((value, at) => { next[at + 1] ^= times(value, EXP[i]); });
    divisor = next;
  }
  const rest = [...data, ...Array(CHECK).fill(0)];
  for (let i = 0; i < data.length; i++) {
    const factor = rest[i];
    divisor.forEach((value, at) => { rest[i + at] ^= times(value, factor); });
  }
  return rest.slice(data.length);
}

// null: a place for data
function frame() {
  const rows = Array.from({ length: SIZE }, () => Array(SIZE).fill(null));
  const set = (r, c, value) => { if (r >= 0 && c >= 0 && r < SIZE && c < SIZE) rows[r][c] = value; };
  for (const [top, left] of [[0, 0], [0, SIZE - 7], [SIZE - 7, 0]]) {
    for (let r = -1; r < 8; r++) {
      for (let c = -1; c < 8; c++) {
        const ring = Math.max(Math.abs(r - 3), Math.abs(c - 3));
        set(top + r, left + c, ring === 2 || ring > 3 ? 0 : 1);
      }
    }
  }
  for (let i = 8; i < SIZE - 8; i++) rows[6][i] = rows[i][6] = (i + 1) % 2;
  for (let r = -2; r < 3; r++) {
    for (let c = -2; c < 3; c++) rows[18 + r][18 + c] = Math.max(Math.abs(r), Math.abs(c)) === 1 ? 0 : 1;
  }
  format(rows, 0);
  return rows;
}

function format(rows, mask) {
  const value = (LEVEL_M << 3) | mask;
  let rest = value << 10;
  for (let i = 14; i >= 10; i--) if ((rest >> i) & 1) rest ^= 0x537 << (i - 10);
  const bits = ((value << 10) | rest) ^ 0x5412;
  const bit = (i) => (bits >> i) & 1;
  for (let i = 0; i < 8; i++) {
    rows[i < 6 ? i : i + 1][8] = bit(i);
    rows[8][SIZE - 1 - i] = bit(i);
  }
  rows[8][7] = bit(8);
  for (let i = 9; i < 15; i++) rows[8][14 - i] = bit(i);
  for (let i = 8; i < 15; i++) rows[SIZE - 15 + i][8] = bit(i);
  rows[SIZE - 8][8] = 1;
}

function fill(bytes, mask) {
  const rows = frame();
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let at = 0;
  for (let right = SIZE - 1; right > 0; right -= 2) {
    if (right === 6) right = 5;
    const up = ((right + 1) & 2) === 0;
    for (let i = 0; i < SIZE; i++) {
      const r = up ? SIZE - 1 - i : i;
      for (const c of [right, right - 1]) {
        if (rows[r][c] === null) {
          rows[r][c] = (bits[at++] === '1' ? 1 : 0) ^ (MASKS[mask](r, c) === 0 ? 1 : 0);
        }
      }
    }
  }
  format(rows, mask);
  return rows;
}

function penalty(rows) {
  const columns = rows[0].map((_, c) => rows.map((row) => row[c]));
  let points = 0;
  for (const line of [...rows, ...columns].map((cells) => cells.join(''))) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) points += run.length - 2;
    points += 40 * (line.match(/(?=00001011101|10111010000)/g) ?? []).length;
  }
  let dark = 0;
  rows.forEach((row, r) => row.forEach((cell, c) => {
    dark += cell;
    if (r && c && cell === row[c - 1] && cell === rows[r - 1][c] && cell === rows[r - 1][c - 1]) points += 3;
  }));
  return points + 10 * Math.floor(Math.abs(dark * 20 - SIZE * SIZE * 10) / (SIZE * SIZE));
}

export function symbol(text, mask) {
  const data = codewords(text);
  const bytes = [...data, ...check(data)];
  if (mask !== undefined) return fill(bytes, mask);
  const all = MASKS.map((_, one) => fill(bytes, one));
  const points = all.map(penalty);
  return all[points.indexOf(Math.min(...points))];
}

// An SVG path of the dark modules, each run of a row one rectangle, without the quiet zone.
export function path(rows) {
  let d = '';
  rows.forEach((row, r) => {
    for (const run of row.join('').matchAll(/1+/g)) d += `M${run.index} ${r}h${run[0].length}v1h-${run[0].length}z`;
  });
  return d;
}
