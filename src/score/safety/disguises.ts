// The disguises in which a text leaves an answer: encoded, turned round, letter by letter. Cheap ones only, all of them linear.

/** One reading of a text: as it stands (name ''), or decoded. */
export type View = { name: string; text: string }

const MOST_PIECES = 200

/** rot13 (ROT13 of ASCII letters; its own inverse). */
export const rot13 = (text: string): string =>
  text.replace(/[a-z]/gi, (letter) => {
    const base = letter <= 'Z' ? 65 : 97
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base)
  })

/** Character by character from the end. */
const reversed = (text: string): string => Array.from(text).reverse().join('')

/** Words from the end. */
const wordsReversed = (text: string): string => text.split(/\s+/).reverse().join(' ')

/** Letters that stand apart (`S e c r e t`, `S-e-c-r-e-t`, one a line) pushed together; two separators end a word. */
const joined = (text: string): string =>
  text.replace(
    /(?<![\p{L}\p{N}])[\p{L}\p{N}](?:[ \t._*|-][\p{L}\p{N}](?![\p{L}\p{N}])){1,}|(?<![\p{L}\p{N}])(?:[\p{L}\p{N}]\n){4,}/gu,
    (run) => run.replace(/[\s._*|-]/g, ''),
  )

/** Digits and signs that stand for letters, as in `s3cr3t`. */
const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
}
const unleet = (text: string): string => text.replace(/[013457@$]/g, (sign) => LEET[sign] ?? sign)

/** Bytes as text; null where they are no UTF-8. */
function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function base64Pieces(text: string): string {
  const found: string[] = []
  for (const [piece] of text.matchAll(/[A-Za-z0-9+/_-]{12,}(?:\r?\n[A-Za-z0-9+/_-]{12,})*/g)) {
    if (found.length >= MOST_PIECES) break
    const plain = piece.replace(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/')
    // The rest of an incomplete group says nothing whole.
    const whole = plain.slice(0, plain.length % 4 === 1 ? -1 : undefined)
    try {
      const decoded = utf8(Uint8Array.from(atob(whole), (sign) => sign.charCodeAt(0)))
      if (decoded !== null) found.push(decoded)
    } catch {
      // Not base64 after all.
    }
  }
  return found.join('\n')
}

function hexPieces(text: string): string {
  const found: string[] = []
  for (const [piece] of text.matchAll(/(?:(?:0x|\\x)?[0-9a-f]{2}[ ,:]?){8,}/gi)) {
    if (found.length >= MOST_PIECES) break
    const digits = piece.replace(/0x|\\x|[ ,:]/gi, '')
    const decoded = utf8(Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))
    if (decoded !== null) found.push(decoded)
  }
  return found.join('\n')
}

const urlDecoded = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run)
    } catch {
      return run
    }
  })

const entitiesDecoded = (text: string): string =>
  text.replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (whole, hex: string | undefined, decimal: string | undefined) => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return code <= 0x10_ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : whole
  })

const ways: readonly [string, (text: string) => string][] = [
  ['in base64', base64Pieces],
  ['in hexadecimal', hexPieces],
  ['in rot13', rot13],
  ['turned round', reversed],
  ['with its words turned round', wordsReversed],
  ['letter by letter', joined],
  ['with digits for letters', unleet],
  ['in URL encoding', urlDecoded],
  ['in character references', entitiesDecoded],
]

/** The text as it stands and every reading of it that differs. Takes time in proportion to its length; never throws. */
export function viewsOf(text: string): View[] {
  const decoded = ways.map(([name, read]) => ({ name, text: read(text) }))
  return [{ name: '', text }, ...decoded.filter((view) => view.text !== '' && view.text !== text)]
}
