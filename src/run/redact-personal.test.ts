// Personal data is taken out, and what only looks like it stays.
import { expect, it } from 'vitest'
import { withoutPersonal } from './redact-personal.ts'

it.each([
  ['write to Ada.Lovelace+x@mail.example.co.uk, please', 'write to [e-mail], please'],
  ['my card is 4111 1111 1111 1111.', 'my card is [card].'],
  ['card 5500-0000-0000-0004', 'card [card]'],
  ['IBAN DE89 3704 0044 0532 0130 00', 'IBAN [account]'],
  ['call +49 170 1234567 or (030) 123 456 78', 'call [phone] or [phone]'],
  ['call 555-123-4567 today', 'call [phone] today'],
  ['call 0043 660 1234567', 'call [phone]'],
  ['from 192.168.10.4', 'from [address]'],
  ['SSN 078-05-1120', 'SSN [number]'],
])('%s', (text, clean) => expect(withoutPersonal(text)).toBe(clean))

it.each([
  'Revenue up 32% to $4.2M on 2026-11-21 at 10:00:00',
  'order 4111111111111112 of 1234567890123',
  'version 1.2.3, order #12345678, 250 euros',
  'what is 0.5 * 1000000?',
  'the ISBN 978-3-16-148410-0',
  'a @ b and @here',
])('%s stays', (text) => expect(withoutPersonal(text)).toBe(text))

it('is linear in the length of what a stranger wrote', () => {
  const texts = ['a@'.repeat(50_000), '0 '.repeat(50_000), '1-'.repeat(50_000), `${'a.'.repeat(50_000)}@`, 'DE89'.repeat(30_000)] // biome-ignore format: one list
  for (const text of texts) expect(withoutPersonal(text).length).toBeGreaterThan(0)
}, 10_000)
