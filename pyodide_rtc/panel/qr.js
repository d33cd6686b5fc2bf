// @ts-check
/**
 * Draws a text as a QR code (ISO/IEC 18004), without any help: a link of an invitation, for a phone.
 *
 * Bytes in UTF-8, error correction of level M (15 % may be unreadable), the smallest version from 1
 * to 40 that holds them, and the mask by which it is read best.
 */

/** Codewords of error correction in each block, level M, by version from 1 on. */
const CHECKS = [
  10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
  26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
];
/** Blocks, level M, by version from 1 on. */
const BLOCKS = [
  1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
  17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49,
];
/** The two bits by which a code says that its level is M. */
const LEVEL_M = 0b00;

/** Which modules a mask turns: by row and column. @type {((y: number, x: number) => boolean)[]} */
const MASKS = [
  (y, x) => (y + x) % 2 === 0,
  (y) => y % 2 === 0,
  (y, x) => x % 3 === 0,
  (y, x) => (y + x) % 3 === 0,
  (y, x) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0,
  (y, x) => ((y * x) % 2) + ((y * x) % 3) === 0,
  (y, x) => (((y * x) % 2) + ((y * x) % 3)) % 2 === 0,
  (y, x) => (((y + x) % 2) + ((y * x) % 3)) % 2 === 0,
];

/**
 * Return the modules of the code of a text, row by row: true is dark. The quiet zone of four light
 * modules around it is the caller's.
 * @param {string} text
 * @returns {boolean[][] | undefined} undefined if the text is too long for any code
 */
export function qrModules(text) {
  const bytes = [...new TextEncoder().encode(text)];
  const version = BLOCKS.findIndex((_, index) => bytes.length <= capacity(index + 1)) + 1;
  if (version === 0) return undefined;
  const codewords = interleave(dataCodewords(bytes, version), version);
  const drawn = MASKS.map((_, mask) => draw(codewords, version, mask));
  return drawn.reduce((best, one) => (penalty(one) < penalty(best) ? one : best));
}

// What a version holds.

/** All codewords of a version, those of error correction included. @param {number} version */
function totalCodewords(version) {
  const size = 17 + 4 * version;
  const marks = alignments(version).length;
  const aligned = marks ? 25 * (marks ** 2 - 3) - 10 * (marks - 2) : 0;
  const versionInfo = version >= 7 ? 36 : 0;
  const fixed = 3 * 64 + 2 * (size - 16) + 31 + aligned + versionInfo;
  return Math.floor((size ** 2 - fixed) / 8);
}

/** @param {number} version */
const dataLength = (version) =>
  totalCodewords(version) - CHECKS[version - 1] * BLOCKS[version - 1];

/** The bits of a code's field that says how many bytes follow. @param {number} version */
const lengthBits = (version) => (version < 10 ? 8 : 16);

/** How many bytes a version holds. @param {number} version */
const capacity = (version) => Math.floor((dataLength(version) * 8 - 4 - lengthBits(version)) / 8);

/** Where the centres of the alignment patterns are, on both axes. @param {number} version */
function alignments(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const last = 10 + 4 * version;
  // Even steps, from the far end; the standard has one exception.
  const step = version === 32 ? 26 : Math.ceil((last - 6) / (count - 1) / 2) * 2;
  const found = Array.from({ length: count - 1 }, (_, index) => last - index * step);
  return [6, ...found.reverse()];
}

// Data and error correction.

/** @param {number[]} bytes @param {number} version @returns {number[]} */
function dataCodewords(bytes, version) {
  const bits = /** @type {number[]} */ ([]);
  const put = (/** @type {number} */ value, /** @type {number} */ length) => {
    for (let bit = length - 1; bit >= 0; bit--) bits.push((value >> bit) & 1);
  };
  put(0b0100, 4); // what follows are bytes
  put(bytes.length, lengthBits(version));
  for (const byte of bytes) put(byte, 8);
  const length = dataLength(version);
  put(0, Math.min(4, length * 8 - bits.length)); // the end
  put(0, (8 - (bits.length % 8)) % 8);
  const words = Array.from({ length: bits.length / 8 }, (_, index) =>
    bits.slice(index * 8, index * 8 + 8).reduce((word, bit) => word * 2 + bit, 0),
  );
  for (let filler = 0xec; words.length < length; filler ^= 0xec ^ 0x11) words.push(filler);
  return words;
}

/** Multiply in the field of 256 elements of the standard. @param {number} a @param {number} b */
function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((b >> bit) & 1) * a;
  }
  return product;
}

/** The polynomial by which codewords of error correction are found. @param {number} degree */
function generator(degree) {
  const found = [...Array(degree - 1).fill(0), 1]; // without its leading 1
  let root = 1;
  for (let round = 0; round < degree; round++) {
    for (let index = 0; index < degree; index++)
      found[index] = times(found[index], root) ^ (found[index + 1] ?? 0);
    root = times(root, 2);
  }
  return found;
}

/** Reed-Solomon. @param {number[]} block @param {number[]} divisor */
function remainder(block, divisor) {
  const rest = Array(divisor.length).fill(0);
  for (const word of block) {
    const factor = word ^ rest[0];
    rest.shift();
    rest.push(0);
    divisor.forEach((one, index) => void (rest[index] ^= times(one, factor)));
  }
  return rest;
}

/**
 * Cut the data into blocks, add what corrects errors, and take one codeword of each block in turn.
 * @param {number[]} data @param {number} version
 */
function interleave(data, version) {
  const [checks, count] = [CHECKS[version - 1], BLOCKS[version - 1]];
  const short = Math.floor(data.length / count);
  const longOnes = data.length % count; // the last ones have one more
  const divisor = generator(checks);
  let start = 0;
  const blocks = Array.from({ length: count }, (_, index) => {
    const end = start + short + (index >= count - longOnes ? 1 : 0);
    const block = data.slice(start, end);
    start = end;
    return block;
  });
  const corrections = blocks.map((block) => remainder(block, divisor));
  const inTurn = (/** @type {number[][]} */ lists, /** @type {number} */ length) =>
    Array.from({ length }, (_, at) => lists.map((list) => list[at])).flat();
  const words = [...inTurn(blocks, short + 1), ...inTurn(corrections, checks)];
  return words.filter((word) => word !== undefined);
}

// The picture.

/** The finder, timing and alignment patterns: undefined where data goes. @param {number} version */
function patterns(version) {
  const size = 17 + 4 * version;
  const grid = Array.from({ length: size }, () =>
    /** @type {(boolean | undefined)[]} */ (Array(size).fill(undefined)),
  );
  for (let index = 0; index < size; index++)
    grid[6][index] = grid[index][6] = index % 2 === 0;
  const rings = (/** @type {number} */ y, /** @type {number} */ x, /** @type {number[]} */ dark, /** @type {number} */ reach) => {
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++)
        if (grid[y + dy]?.[x + dx] !== undefined || (grid[y + dy] && x + dx >= 0 && x + dx < size))
          grid[y + dy][x + dx] = dark.includes(Math.max(Math.abs(dy), Math.abs(dx)));
  };
  const centres = alignments(version);
  const far = size - 7;
  for (const y of centres)
    for (const x of centres) {
      const isFinder = (y === 6 && x === 6) || (y === 6 && x === far) || (y === far && x === 6);
      if (!isFinder) rings(y, x, [0, 2], 2);
    }
  for (const [y, x] of [[3, 3], [3, size - 4], [size - 4, 3]]) rings(y, x, [0, 1, 3], 4);
  return grid;
}

/** Bits with those that correct them. @param {number} bits @param {number} checks @param {number} divisor */
function checked(bits, checks, divisor) {
  let rest = bits;
  for (let round = 0; round < checks; round++)
    rest = (rest << 1) ^ ((rest >> (checks - 1)) * divisor);
  return (bits << checks) | rest;
}

/** @param {(boolean | undefined)[][]} grid @param {number} mask */
function putFormat(grid, mask) {
  const size = grid.length;
  const bits = checked((LEVEL_M << 3) | mask, 10, 0x537) ^ 0x5412;
  const bit = (/** @type {number} */ index) => ((bits >> index) & 1) === 1;
  for (let index = 0; index < 6; index++) grid[index][8] = bit(index);
  [grid[7][8], grid[8][8], grid[8][7]] = [bit(6), bit(7), bit(8)];
  for (let index = 9; index < 15; index++) grid[8][14 - index] = bit(index);
  for (let index = 0; index < 8; index++) grid[8][size - 1 - index] = bit(index);
  for (let index = 8; index < 15; index++) grid[size - 15 + index][8] = bit(index);
  grid[size - 8][8] = true;
}

/** @param {(boolean | undefined)[][]} grid @param {number} version */
function putVersion(grid, version) {
  if (version < 7) return;
  const bits = checked(version, 12, 0x1f25);
  for (let index = 0; index < 18; index++) {
    const [near, far] = [Math.floor(index / 3), grid.length - 11 + (index % 3)];
    grid[near][far] = grid[far][near] = ((bits >> index) & 1) === 1;
  }
}

/**
 * @param {number[]} codewords @param {number} version @param {number} mask
 * @returns {boolean[][]}
 */
function draw(codewords, version, mask) {
  const grid = patterns(version);
  const size = grid.length;
  putFormat(grid, mask);
  putVersion(grid, version);
  let at = 0;
  let isUpward = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right--; // the timing pattern has no data
    for (let step = 0; step < size; step++) {
      const y = isUpward ? size - 1 - step : step;
      for (const x of [right, right - 1])
        if (grid[y][x] === undefined) {
          const isDark = (((codewords[at >> 3] ?? 0) >> (7 - (at & 7))) & 1) === 1;
          grid[y][x] = isDark !== MASKS[mask](y, x);
          at++;
        }
    }
    isUpward = !isUpward;
  }
  return /** @type {boolean[][]} */ (grid);
}

/** How badly a code is read: by its runs, blocks, look-alikes of finders, and balance. @param {boolean[][]} grid */
function penalty(grid) {
  const size = grid.length;
  const columns = grid.map((_, x) => grid.map((row) => row[x]));
  let sum = 0;
  for (const line of [...grid, ...columns]) {
    const text = line.map((isDark) => (isDark ? "1" : "0")).join("");
    for (const [run] of text.matchAll(/0{5,}|1{5,}/g)) sum += run.length - 2;
    for (const _ of text.matchAll(/(?=10111010000|00001011101)/g)) sum += 40;
  }
  for (let y = 1; y < size; y++)
    for (let x = 1; x < size; x++)
      if (grid[y][x] === grid[y][x - 1] && grid[y][x] === grid[y - 1][x] && grid[y][x] === grid[y - 1][x - 1])
        sum += 3;
  const dark = grid.flat().filter(Boolean).length;
  return sum + 10 * Math.floor(Math.abs((dark * 20) / size ** 2 - 10));
}
