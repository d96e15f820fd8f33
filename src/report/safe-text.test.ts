// The properties of text that was made harmless, for the known attacks and for arbitrary text.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attacks } from '../../fixtures/report/attacks.ts'
import { parseXml } from '../../fixtures/report/strict-xml.ts'
import {
  codeSpan,
  fenced,
  oneLine,
  plain,
  safeAttribute,
  safeJson,
  safeLine,
  safeMarkdown,
  safeXml,
  shorten,
} from './safe-text.ts'

const ESC = String.fromCharCode(27)
/** Text out of the pieces from which attacks are made, and any other characters. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(...Object.values(attacks).filter((text) => text.length < 1000)),
      fc.constantFrom(
        '::',
        '##',
        '[',
        '#',
        '|',
        '`',
        '```',
        '\\',
        '<',
        '>',
        '&',
        ']]>',
        '\n',
        '\r',
        ' ',
        '@',
        ESC,
        '\ud800',
        '\udc00',
        '\u2028',
        '/',
        '.',
        'www',
      ),
      fc.string({ unit: 'binary' }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))
const always = (property: (text: string) => void) => fc.assert(fc.property(hostile, property), { numRuns: 1000 })

describe('plain', () => {
  it('leaves no control but line feeds and tabs, no bidirectional control, no lone surrogate', () => {
    always((text) => {
      expect(plain(text)).not.toMatch(/(?![\t\n])\p{Cc}|[\u202a-\u202e\u2066-\u2069\u200b\u2028\u2029]|\p{Surrogate}/u)
    })
  })
  it('changes nothing the second time, and nothing in ordinary text', () => {
    always((text) => {
      expect(plain(plain(text))).toBe(plain(text))
    })
    const fine = 'Ordinary — text,\n\twith 返金, émoji 👩‍👩‍👧, עברית and العربية.'
    expect(plain(fine)).toBe(fine)
  })
  it('drops whole terminal sequences', () => {
    expect(plain(`${ESC}[1;31mred${ESC}[0m${ESC}]0;title\u0007!`)).toBe('red!')
    expect(plain(`${ESC}]8;;https://evil.example${ESC}\\click${ESC}]8;;${ESC}\\`)).toBe('click')
  })
  it('turns every line end into a line feed', () => {
    expect(plain('a\r\nb\rc\u2028d\u2029e\u0085f')).toBe('a\nb\nc\nd\ne\nf')
  })
})

describe('shorten', () => {
  it('is never longer than asked, and well-formed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.integer({ min: 1, max: 200 }), (text, max) => {
        const short = shorten(text, max)
        expect(short.length).toBeLessThanOrEqual(Math.max(max, 1))
        expect(short).not.toMatch(/\p{Surrogate}/u)
      }),
    )
  })
  it('counts the characters that it leaves out', () => {
    const short = shorten(`start${'x'.repeat(10_000)}end`, 100)
    const [, left = ''] = /\[([\d,]+) characters left out\]/.exec(short) ?? []
    const kept = short.replace(/ … \[.*\] … /, '')
    expect(Number(left.replace(',', '')) + kept.length).toBe(10_008)
    expect(short.startsWith('startx')).toBe(true)
    expect(short.endsWith('xend')).toBe(true)
  })
  it('counts a pair of surrogates once', () => {
    expect(shorten('😀'.repeat(1000), 60)).toMatch(/\[9\d\d characters left out\]/)
  })
})

/** What a CI runner takes for a command: GitHub after trimming, the legacy forms anywhere. */
const commands = /^\s*::|##\[|##vso\[|##teamcity\[/im

describe('safeLine', () => {
  it('is never a command to a CI runner', () => {
    always((text) => {
      expect(safeLine(text)).not.toMatch(commands)
      expect(safeLine(text, { prefix: '│ ' })).not.toMatch(commands)
    })
  })
  it('puts the prefix before every line', () => {
    expect(safeLine('a\r\n::error::b', { prefix: '│ ' })).toBe('│ a\n│ ::error::b')
  })
  it('leaves colons and hashes elsewhere alone', () => {
    expect(safeLine('std::vector ## heading [x]')).toBe('std::vector ## heading [x]')
  })
})

describe('XML', () => {
  it('is well-formed and keeps the text', () => {
    always((text) => {
      const parsed = parseXml(`<a b="${safeAttribute(text, 10_000)}">${safeXml(text)}</a>`)
      expect(parsed.text).toBe(plain(text))
      expect(parsed.attributes.b).toBe(plain(text))
    })
  })
  it('is never a command to a CI runner', () => {
    always((text) => {
      expect(safeXml(text)).not.toMatch(commands)
      expect(safeAttribute(text)).not.toMatch(/\n|##\[/)
    })
  })
})

describe('Markdown', () => {
  it('prose has no markup, HTML, cell border, mention or reference', () => {
    always((text) => {
      expect(safeMarkdown(text)).not.toMatch(commands)
      const safe = safeMarkdown(text).replace(/&(amp|lt|gt|#124);/g, ',')
      expect(safe).not.toMatch(/[\n<>|]|@[\p{L}\p{N}_]|#\d|:\/\/|\bwww\.|^[-+=#]|^\d+[.)]/iu)
      expect(safe.replace(/\\[\\`*_{}[\]~$]/g, '')).not.toMatch(/[`*_{}[\]~$]/)
    })
  })
  it('a code span is one line with delimiters that do not occur inside', () => {
    always((text) => {
      const span = codeSpan(text)
      const [, ticks = '', inner = ''] = /^(`+)([^]*?[^`])\1$/.exec(span) ?? []
      expect(ticks, span).not.toBe('')
      expect(inner.match(/`+/g) ?? []).not.toContain(ticks)
      expect(span).not.toMatch(/[\n|\\]/)
    })
  })
  it('a fence is longer than any run of backticks inside', () => {
    always((text) => {
      const lines = fenced(text).split('\n')
      const fence = lines.at(-1) ?? ''
      expect(lines[0]).toBe(`${fence}text`)
      expect(lines.slice(1, -1).join('\n')).not.toContain(fence)
      expect(lines.slice(1, -1).join('\n')).not.toMatch(commands)
    })
  })
})

it('JSON keeps its value and has no command or terminal control', () => {
  always((text) => {
    const safe = safeJson(JSON.stringify({ text }))
    expect(JSON.parse(safe)).toEqual({ text })
    expect(safe).not.toMatch(/##\[|##vso\[|\p{Cc}|[\u202a-\u202e\u2066-\u2069\u2028]/iu)
  })
})

it('a megabyte is read in one go: quadratic work would not end before the time limit of the test', () => {
  for (const unit of ['x', '::', ESC, `${ESC}]`, `${ESC}[`, '`', '##', ' ', '\n ', '\r', '\ud800', '@#']) {
    const text = unit.repeat(1_000_000 / unit.length)
    for (const make of [plain, oneLine, safeLine, safeXml, safeMarkdown, codeSpan, fenced]) {
      expect(typeof make(text)).toBe('string')
    }
  }
})
