// What a file holds, as one number that a checkout with CRLF line ends does not change.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** SHA-256 (hex) of a file; text (without NUL, which is how git tells) counts with LF line ends, other bytes as they are. */
export function contentDigest(bytes: Buffer): string {
  const text = bytes.includes('\r\n') && !bytes.includes(0)
  // latin1 maps every byte to one character and back.
  const content = text ? Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1') : bytes
  return createHash('sha256').update(content).digest('hex')
}

/** SHA-256 (hex) of a file with LF line ends, as git keeps it whatever the checkout says; null when there is none. */
export async function digestOf(file: string): Promise<string | null> {
  return existsSync(file) ? contentDigest(await readFile(file)) : null
}
