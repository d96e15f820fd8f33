// Secrets go, in every shape; prose and code stay as they are, and a megabyte takes no time.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Config } from '../schema/config.ts'
import { Completion } from '../schema/run.ts'
import { redactCompletion, redactor, secretNames } from './redact.ts'

const KEY = 'sk-proj-Canary7f3a9c21e5b8d046aa11'
const ODD = 'pa ss/wörd+"quoted"=&7'
const redact = redactor({ KEY, ODD, SHORT: 'abc', PADDED: ` ${'k'.repeat(9)}\n` }, [
  'KEY',
  'ODD',
  'SHORT',
  'UNSET',
  'PADDED',
])
const patterns = redactor({}, [])
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('values of the environment', () => {
  it.each([
    [`Bearer ${KEY}`, 'Bearer [redacted]'],
    [`a ${KEY} b ${KEY}c`, 'a [redacted] b [redacted]c'],
    [`?key=${encodeURIComponent(ODD)}&x`, '?key=[redacted]&x'],
    [`?key=${encodeURIComponent(ODD).toLowerCase()}&x`, '?key=[redacted]&x'],
    [JSON.stringify({ key: ODD }), '{"key":"[redacted]"}'],
    ['it says kkkkkkkkk here', 'it says [redacted] here'],
    ['abc stays', 'abc stays'],
    ['Incorrect API key provided: sk-proj-****aa11.', 'Incorrect API key provided: [redacted].'],
    ['Incorrect API key provided: sk-pr***********aa11.', 'Incorrect API key provided: [redacted].'],
    ['key sk-proj-Cana…', 'key [redacted]'],
    ['key sk-proj-Cana...aa11 is wrong', 'key [redacted] is wrong'],
    ['key ****aa11', 'key [redacted]'],
    ['key sk-projxxxxaa11', 'key [redacted]'],
    ['it begins with sk-proj-Canary7f3', 'it begins with [redacted]'],
  ])('%s', (text, clean) => {
    expect(redact(text)).toBe(clean)
  })

  it.each(['', 'u', 'us', 'use', 'user:name'])('in base64 after "%s"', (before) => {
    for (const after of ['', ':', ':p', ':pw']) {
      for (const secret of [KEY, ODD]) {
        const encoded = base64(before + secret + after)
        for (const text of [encoded, encoded.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')]) {
          const clean = redact(`Basic ${text}`)
          expect(clean).toContain('[redacted]')
          const rest = clean.slice('Basic '.length).split('[redacted]')
          // Only characters that hold bits of the neighbours may stay: a few of the value's bits at each end.
          expect(rest.join('').length).toBeLessThan(base64(before).length + base64(after).length + 6)
        }
      }
    }
  })

  it('knows a mask from letters of the key that look like one', () => {
    const tail = redactor({ K: 'abcdefgh-xxxx-yzyzyzyzy' }, ['K'])
    expect(tail('abcd****-xxxx-yzyzyzyzy and more')).toBe('[redacted] and more')
  })

  it('leaves the well-known patterns alone when told so', () => {
    const exact = redactor({ KEY }, ['KEY'], { patterns: false })
    expect(exact(`${KEY} AKIAIOSFODNN7EXAMPLE`)).toBe('[redacted] AKIAIOSFODNN7EXAMPLE')
  })

  it('takes short values out after Bearer and the like, and as whole words', () => {
    const exact = { patterns: false }
    const short = redactor({ K: 'abc123', T: 'abc' }, ['K', 'T'])
    expect(short('Bearer abc123')).toBe('Bearer [redacted]')
    expect(short('{"m":"no\\nabc123"} xabc123 abc1234 abc')).toBe('{"m":"no\\n[redacted]"} xabc123 abc1234 abc')
    expect(short('Authorization: Bearer abc, api_key=abc; x-api-key: "abc"')).toBe(
      'Authorization: Bearer [redacted], api_key=[redacted]; x-api-key: "[redacted]"',
    )
    expect(short('Incorrect API key provided: abc.')).toBe('Incorrect API key provided: [redacted].')
    expect(redactor({ K: 'abc123' }, ['K'], exact)('it is abc123.')).toBe('it is [redacted].')
    expect(redactor({ K: 'a+b/c' }, ['K'])('?k=a%2Bb%2Fc a+b/c')).toBe('?k=[redacted] [redacted]')
  })

  it('changes no ordinary word of an answer that is still to be graded', () => {
    for (const [K, text] of [
      ['test', 'a test'],
      ['1234', 'it is 1234'],
    ] as const) {
      expect(redactor({ K }, ['K'], { patterns: false })(`${text}, Bearer ${K}`)).toBe(`${text}, Bearer [redacted]`)
      expect(redactor({ K }, ['K'])(text)).toContain('[redacted]')
    }
  })

  it('never lets a value through, wherever it stands', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, unit: 'grapheme' }), fc.string(), fc.string(), (secret, before, after) => {
        fc.pre(secret.trim().length >= 8 && !'[redacted]'.includes(secret))
        const clean = redactor({ S: secret }, ['S'])(`${before}${secret}${after}`)
        expect(clean.includes(secret)).toBe(false)
      }),
    )
  })
})

describe('what looks like a key', () => {
  it.each([
    'sk-abcdefghijklmnop1234567890ABCDEFGH',
    'sk-proj-Ab1Cd2Ef3Gh4Ij5Kl6Mn7_Op8-Qr9',
    'sk-ant-api03-Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9',
    `sk-or-v1-${'0a1b2c3d'.repeat(8)}`,
    'sk-proj-****abcd',
    'sk-ab**********************yz12',
    'AIzaSyA-1234567890abcdefghijklmnopqrstu',
    'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
    `ghs_${'eyJhbGciOi.'.repeat(40)}x`,
    'github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz',
    'xoxb-123456789012-abcdefghij',
    'AKIAIOSFODNN7EXAMPLE',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
  ])('%s', (key) => {
    expect(patterns(`the key (${key}) is wrong`)).toBe('the key ([redacted]) is wrong')
    expect(patterns(key)).toBe('[redacted]')
    expect(patterns(`{"log":"line\\n${key}"}`)).toBe('{"log":"line\\n[redacted]"}')
  })

  it('takes bearer tokens and passwords in addresses', () => {
    expect(patterns('Authorization: Bearer abcd1234efgh5678ijkl')).toBe('Authorization: Bearer [redacted]')
    expect(patterns('authorization: bearer  abcd1234efgh5678ijkl,')).toBe('authorization: bearer  [redacted],')
    expect(patterns('at https://user:secret@example.com/v1')).toBe('at https://[redacted]@example.com/v1')
  })

  it.each([
    'Our refund policy: you have 14 days... then **nothing** is refunded. See https://example.com:8080/a?b=c@d.',
    'The bearer responsibilities-and-duties are listed; bearer authentication/authorisation is used.',
    'class="sk-circle-fade-dot sk-loading-container-v2-extra-wide" task-management-system-v2-config',
    'const sk = skew(a ** b, ...rest); // eyJ is how base64 of {" begins; xoxo, ghp_ and AKIA are prefixes',
    'commit 3f786850e387550fdab836ed7e6dc881de23001b sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'id 123e4567-e89b-12d3-a456-426614174000, req_011CSHoEeqs5C35K2UUqR7Fy, gpt-4o-2024-11-20, fp_44709d6fcb',
    'mailto:someone@example.com, user:name@, 10:30@noon, a://b',
  ])('leaves ordinary text alone: %.50s', (text) => {
    expect(patterns(text)).toBe(text)
    expect(redact(text)).toBe(text)
  })

  it('leaves source code alone', () => {
    for (const file of ['ports.ts', 'schema/suite.ts', 'schema/config.ts', 'errors.ts']) {
      const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
      expect(redact(text)).toBe(text)
    }
  })
})

describe('speed', () => {
  const million = (text: string) => text.repeat(Math.ceil(1_000_000 / text.length))
  it.each([
    'a',
    '-',
    '*',
    '.',
    'x',
    'a*',
    'a** ',
    'sk-',
    'sk-a1',
    'eyJ',
    'eyJabcdefgh-',
    'eyJabcdefgh.',
    'Bearer ',
    'ghp_',
    'AKIA',
    '://',
    '://a:',
    '://a:b',
    'sk-proj-Cana',
    'sk-proj-Canary7f3a**',
    'Ordinary prose, with words. ',
    '\\n',
    'a...',
  ])('a megabyte of %j', (text) => {
    const long = million(text)
    // Quadratic work would not end before the time limit of the test.
    expect(redact(long).length).toBeGreaterThan(0)
  })
})

describe('names and completions', () => {
  it('reads the names of secrets from the configuration', () => {
    const openai = { type: 'openai', headers: { a: 'Bearer ${GATEWAY} ${SECOND}', b: 'plain $NOT {NOT}' } }
    const config = Config.parse({
      version: 1,
      providers: {
        a: { type: 'openai', api_key_env: 'A_KEY' },
        b: { type: 'replay', of: { ...openai, api_key_env: 'B_KEY' } },
        c: { type: 'replay' },
      },
    })
    expect(secretNames(config)).toEqual(['A_KEY', 'B_KEY', 'GATEWAY', 'OPENAI_API_KEY', 'SECOND'])
    expect(secretNames(Config.parse({ version: 1 }))).toEqual(['OPENAI_API_KEY'])
  })

  it('redacts every text of a completion and keeps the rest', () => {
    const completion = Completion.parse({
      outcome: 'error',
      text: `t ${KEY}`,
      tool_calls: [
        { id: KEY, name: KEY, arguments: `{"k":"${KEY}"}` },
        { name: 'b', arguments: '{}' },
      ],
      error: { kind: 'auth', message: KEY, status: 401 },
      latency_ms: 12,
      attempts: 2,
      finish_reason: KEY,
      response_model: KEY,
      fingerprint: KEY,
      request_id: KEY,
    })
    const clean = redactCompletion(completion, redact)
    expect(JSON.stringify(clean)).not.toContain('Canary')
    expect(Completion.parse(clean)).toEqual(clean)
    expect(clean).toMatchObject({ latency_ms: 12, attempts: 2, error: { kind: 'auth', status: 401 } })
    expect(clean.tool_calls[1]).toEqual({ name: 'b', arguments: '{}' })
    const plain = Completion.parse({ outcome: 'answered', text: 'hi', latency_ms: 1, attempts: 1 })
    expect(redactCompletion(plain, redact)).toEqual(plain)
  })
})
