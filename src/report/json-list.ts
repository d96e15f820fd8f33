// A long list as JSON, piece by piece: as one text it may be longer than a string can be.
import { safeJson } from './safe-text.ts'

/** As `JSON.stringify(…, null, 2)` writes the list where its line begins with `indent`, an item each. */
export function* jsonList(items: Iterable<unknown>, indent: string): Generator<string> {
  let before = '['
  for (const item of items) {
    // Line ends within texts are escaped: these are all of the form.
    const text = JSON.stringify(item, null, 2).replaceAll('\n', `\n${indent}  `)
    yield `${before}\n${indent}  ${safeJson(text)}`
    before = ','
  }
  yield before === '[' ? '[]' : `\n${indent}]`
}
