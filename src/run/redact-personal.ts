// Takes personal data out of text that users wrote: addresses, telephone, card and account numbers. It cannot know names.
// Every pattern is linear: none of them can be tried twice on the same characters. Checksums: Luhn (ISO/IEC 7812-1), IBAN (ISO 13616).

const EMAIL = /[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu
const IBAN = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b/g
const CARD = /(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w])/g
const SSN = /(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])/g
const PHONE = /(?<![\w.,:/-])(?:\+|00|\(?0)[\d(](?:[ ()/.-]{0,2}\d){6,14}(?![\w-])/g
const US_PHONE = /(?<![\w.,:/-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])/g
const IP = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])/g

/** The text with `[e-mail]`, `[card]`, `[account]`, `[phone]` and `[address]` in the place of what it held of these. */
export function withoutPersonal(text: string): string {
  return text
    .replace(EMAIL, '[e-mail]')
    .replace(IBAN, (found) => (isIban(found.replaceAll(' ', '')) ? '[account]' : found))
    .replace(CARD, (found) => (passesLuhn(found.replace(/[ -]/g, '')) ? '[card]' : found))
    .replace(SSN, '[number]')
    .replace(IP, (found) => (found.split('.').every((part) => Number(part) < 256) ? '[address]' : found))
    .replace(PHONE, '[phone]')
    .replace(US_PHONE, '[phone]')
}

function passesLuhn(digits: string): boolean {
  let total = 0
  for (const [index, sign] of digits.split('').reverse().entries()) {
    const digit = Number(sign) * (index % 2 === 1 ? 2 : 1)
    total += digit > 9 ? digit - 9 : digit
  }
  return total % 10 === 0 && /[1-9]/.test(digits)
}

function isIban(text: string): boolean {
  if (text.length < 15 || text.length > 34) return false
  const moved = text.slice(4) + text.slice(0, 4)
  let rest = 0
  for (const sign of moved) rest = Number(`${rest}${Number.parseInt(sign, 36)}`) % 97
  return rest === 1
}
