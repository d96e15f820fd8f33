// What programs and servers say is shown without what the environment keeps secret.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { partsOfAddress, withoutSecrets } from './secrets.ts'

const address = 'https://hooks.slack.com/services/T0AB12/B0CD34/x9Yz%2Fsecret-part?sig=abcdef123'

it('hides values of variables that are named like secrets, and those that are handed in', () => {
  const env = { API_TOKEN: 'tok-12345', HOME: '/home/someone', DB_PASSWORD: 'tok-12345-longer', SHORT_KEY: 'abc' }
  expect(withoutSecrets('oops tok=tok-12345-longer at /home/someone abc other-value', env, ['other-value'])).toBe(
    'oops tok=[redacted] at /home/someone abc [redacted]',
  )
})

it('hides an address in every form in which a server echoes it', () => {
  const hidden = partsOfAddress(address)
  const said = [
    'Cannot POST /services/T0AB12/B0CD34/x9Yz%2Fsecret-part?sig=abcdef123',
    'no route x9Yz/secret-part',
    '{"path":"/services/T0AB12/B0CD34/x9Yz%2Fsecret-part"}',
    'sig abcdef123 is wrong',
  ]
  for (const text of said) expect(withoutSecrets(text, {}, hidden)).not.toMatch(/T0AB12|x9Yz|abcdef123/)
  expect(partsOfAddress('no address')).toEqual([])
})

it('hides credentials in addresses and behind Bearer and Basic', () => {
  const said = withoutSecrets('git push https://me:pw12345@host/x.git with Authorization: Bearer abc.def', {})
  expect(said).toBe('git push https://[redacted]@host/x.git with Authorization: Bearer [redacted]')
})

it('leaves no secret of six characters or more, whatever surrounds it', () => {
  const secret = fc.stringMatching(/^[\w.$+*?^()|[\]-]{6,40}$/)
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
      expect(withoutSecrets(`${before}${value}${after}`, { SOME_SECRET: value })).not.toContain(
        value === '[redacted]' ? '\0' : value,
      )
    }),
  )
})
