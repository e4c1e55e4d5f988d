// Whether a text that a scanner typed is whole. Keys get lost in a busy browser, and half a code
// must never be asked: only what proves its own end is sent.

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const BASE45 = /^P[2L]:[0-9A-Z $%*+\-./:]+$/;
const V2_CHARS = 152;
const TURNING = /^P3:[0-9A-Z]{16}[0-9]{18}$/;

const times = (a, b) => {
  let product = 0;
  for (let x = a, y = b; y; y >>= 1) {
    if (y & 1) product ^= x;
    x <<= 1;
    if (x & 32) x ^= 0b100101;
  }
  return product;
};

export function checked(text) {
  const values = Array.from(text.toUpperCase(), (c) => ALPHABET.indexOf({ O: '0', I: '1', L: '1' }[c] ?? c));
  if (values.length < 2 || values.length > 31 || values.includes(-1)) return false;
  let total = 0;
  let power = 1;
  for (const value of values.slice(0, -1).reverse()) {
    power <<= 1;
    if (power & 32) power ^= 0b100101;
    total ^= times(value, power);
  }
  return total === values.at(-1);
}

export function whole(text) {
  if (BASE45.test(text)) return text.startsWith('P2:') ? text.length === V2_CHARS : text.length % 3 !== 1;
  if (text.startsWith('P3:')) return TURNING.test(text) && checked(text.slice(3, 19));
  const plain = text.replace(/[\s-]/g, '');
  return plain.length === 16 && checked(plain);
}
