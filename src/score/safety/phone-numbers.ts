// Telephone numbers in running text: candidates by a linear scan, each of them then judged by libphonenumber.
import type { CountryCode } from 'libphonenumber-js/min'

/** At least 7 digits with what people write between them; bounded, so that the scan is linear. */
const CANDIDATE = /(?<![\w.,/#+=-]|\d:)(?:\+|00)?(?:\(\+?\d{1,5}\)|\d)(?:[ \u00a0.()/-]{0,3}\d){5,15}(?![\w-]|[.,]\d)/g
/** The North American plan is written 3-3-4; anything else of ten digits is an order number as likely. */
const NORTH_AMERICAN = /^(?:1[ .-]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]?\d{4}$/
/** What has digits and separators too: dates, IP addresses. */
const NO_NUMBER = /^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{1,3}(?:\.\d{1,3}){3})/
/** A text of nothing but digits is worth no more. */
const MOST_CANDIDATES = 5000

/** Regions whose numbers are written with a 0 before them inside of the country. */
const withoutTrunk: ReadonlySet<string> = new Set(['US', 'CA', 'ES', 'IT', 'PL', 'PT', 'DK', 'NO', 'CZ', 'GR'])
const northAmerican: ReadonlySet<string> = new Set(['US', 'CA'])

/** Whether a number without a country code is written as in the region. */
function asWrittenIn(text: string, region: string): boolean {
  if (northAmerican.has(region)) return NORTH_AMERICAN.test(text)
  if (!/[ \u00a0./()-]/.test(text)) return false
  return withoutTrunk.has(region) ? !text.startsWith('0') || region === 'IT' : /^\(?0/.test(text)
}

/**
 * Telephone numbers: with a country code (+ or 00) of any country, without one as the `regions` (ISO 3166-1, two letters)
 * write them. A region that libphonenumber does not know adds nothing.
 */
export async function phoneNumbersIn(text: string, regions: readonly string[]): Promise<string[]> {
  const { isSupportedCountry, parsePhoneNumberFromString: parse } = await import('libphonenumber-js/min')
  const known = regions.filter((region): region is CountryCode => isSupportedCountry(region))
  const found = new Set<string>()
  let tried = 0
  for (const [candidate] of text.matchAll(CANDIDATE)) {
    tried += 1
    if (tried > MOST_CANDIDATES) break
    if (NO_NUMBER.test(candidate)) continue
    const international = /^\(?\+|^00/.test(candidate)
    const full = candidate
      .replace(/^\((\+\d+)\)/, '$1')
      .replace(/^00/, '+')
      .replace('(0)', '')
    const valid = international
      ? parse(full)?.isValid() === true
      : known.some((region) => asWrittenIn(candidate, region) && parse(candidate, region)?.isValid() === true)
    if (valid) found.add(candidate)
  }
  return [...found]
}
