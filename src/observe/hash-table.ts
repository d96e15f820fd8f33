// Open addressing over one typed array: 64-bit keys with a few 32-bit columns, a million of them without an object each.

/** `data`: rows of two words of key and `columns` words; a row with key 0, 0 is free. Its length is a power of two of rows. */
export type HashTable = { data: Uint32Array<ArrayBuffer>; columns: number; size: number }

const SMALLEST = 1024

/** `keys`: so many go in before it must grow. */
export function newTable(columns: number, keys = 0): HashTable {
  const rows = 2 ** Math.ceil(Math.log2(Math.max(SMALLEST, (keys * 4) / 3)))
  return { data: new Uint32Array(rows * (columns + 2)), columns, size: 0 }
}

/** Where the columns of the key begin in `data`, or -1. */
export function findKey(table: HashTable, high: number, low: number): number {
  const at = placeOf(table, high, low)
  return table.data[at] === 0 && table.data[at + 1] === 0 ? -1 : at + 2
}

/** Where the columns of the key begin in `data`; a new key has zeros there. The table grows at three quarters. */
export function putKey(table: HashTable, high: number, low: number): number {
  const at = placeOf(table, high, low)
  if (table.data[at] !== 0 || table.data[at + 1] !== 0) return at + 2
  const rows = table.data.length / (table.columns + 2)
  if ((table.size + 1) * 4 > rows * 3) {
    rebuild(table, rows * 2, () => true)
    return putKey(table, high, low)
  }
  table.data[at] = high
  table.data[at + 1] = low
  table.size += 1
  return at + 2
}

/** Keeps only the keys that `wanted` names by their high half. */
export function keepKeys(table: HashTable, wanted: (high: number) => boolean): void {
  rebuild(table, table.data.length / (table.columns + 2), wanted)
}

function placeOf(table: HashTable, high: number, low: number): number {
  const { data } = table
  const stride = table.columns + 2
  const mask = data.length / stride - 1
  // The low half places a key and the high half samples: a sample is then no crowd in one corner.
  for (let row = low & mask; ; row = (row + 1) & mask) {
    const at = row * stride
    if ((data[at] === high && data[at + 1] === low) || (data[at] === 0 && data[at + 1] === 0)) return at
  }
}

function rebuild(table: HashTable, rows: number, wanted: (high: number) => boolean): void {
  const old = table.data
  const stride = table.columns + 2
  table.data = new Uint32Array(rows * stride)
  table.size = 0
  for (let at = 0; at < old.length; at += stride) {
    const high = old[at] ?? 0
    if ((high === 0 && old[at + 1] === 0) || !wanted(high)) continue
    table.data.set(old.subarray(at, at + stride), placeOf(table, high, old[at + 1] ?? 0))
    table.size += 1
  }
}

/** What was seen lately: two tables, of which the older is dropped when the younger is full. */
export type Recent = { young: HashTable; old: HashTable; since: number }

export function newRecent(columns: number): Recent {
  return { young: newTable(columns), old: newTable(columns), since: 0 }
}

/** The table that has the key and where its columns begin; undefined where it was not seen lately. */
export function recall(recent: Recent, high: number, low: number): { data: Uint32Array; at: number } | undefined {
  const young = findKey(recent.young, high, low)
  if (young !== -1) return { data: recent.young.data, at: young }
  const old = findKey(recent.old, high, low)
  return old === -1 ? undefined : { data: recent.old.data, at: old }
}

/**
 * true: the key is new. Nothing younger than `window` milliseconds is forgotten before `most` other keys came. Its columns
 * are then to be found by `recall`.
 */
export function remember(
  recent: Recent,
  high: number,
  low: number,
  time: number,
  limits: { most: number; window: number },
): boolean {
  const { young, old } = recent
  if (old.size > 0 && findKey(old, high, low) !== -1) return false
  const before = young.size
  if (before >= limits.most || (before > 0 && time - recent.since > limits.window)) {
    if (findKey(young, high, low) !== -1) return false
    recent.old = young
    // As many will come again: growing there step by step would move every key several times.
    recent.young = newTable(young.columns, young.size)
    recent.since = time
    putKey(recent.young, high, low)
    return true
  }
  if (before === 0) recent.since = time
  putKey(young, high, low)
  return young.size > before
}
