// JSON as Python writes it: NaN and Infinity, which JSON does not have, are read as null.

/** The value; undefined when the text is no JSON even then. */
export function looseJson(written: string): unknown {
  try {
    return JSON.parse(written) as unknown
  } catch {
    // Only outside of texts: a text is matched first, as a whole, and stays.
    const strict = written.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (found) =>
      found.startsWith('"') ? found : 'null',
    )
    if (strict === written) return undefined
    try {
      return JSON.parse(strict) as unknown
    } catch {
      return undefined
    }
  }
}
