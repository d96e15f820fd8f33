// Long data as Brotli has them, which takes a sixth less room in the package than their text: npm packs with gzip.
import { brotliCompressSync, constants } from 'node:zlib'

/** What a module that uses `pressed` begins with. */
export const unpress = "import { brotliDecompressSync } from 'node:zlib'"

/** The expression of a value of JSON in the text of a module. */
export function pressed(value) {
  const text = JSON.stringify(value)
  const params = { [constants.BROTLI_PARAM_LGWIN]: 18, [constants.BROTLI_PARAM_SIZE_HINT]: Buffer.byteLength(text) }
  const packed = brotliCompressSync(text, { params }).toString('base64')
  return `JSON.parse(brotliDecompressSync(Buffer.from('${packed}', 'base64')).toString())`
}
