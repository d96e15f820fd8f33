// What is made of a plain template without Liquid is what Liquid makes of it, errors and their places too.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { plainTemplate } from './plain-template.ts'
import { strictLiquid } from './run/liquid.ts'
import type { Case } from './schema/suite.ts'

const part = fc.oneof(
  fc.constantFrom(
    '{{ a }}',
    '{{b}}',
    '{{\n a}}',
    '{{ a | upcase }}',
    '{{ a.b }}',
    '{{-a}}',
    '{% if a %}',
    '{{ true }}',
  ),
  fc.constantFrom('{', '}', '%', '{{', '}}', '\n', ' ', 'a', '"', '\\', 'ä', '🎉', '{{{ a }}}', '{{ a }', '{{ a-b }}'),
  fc.constantFrom('{{ contains }}', '{{ empty }}', '{{ a b }}', '{{ "a" }}', '{{ 1 }}', '{{}}', '{{ _c1 }}', '{{ é }}'),
)
const templates = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))
const values = fc.dictionary(fc.constantFrom('a', 'b', '_c1', 'true', 'contains'), fc.jsonValue())

it('is what Liquid makes of it', async () => {
  const engine = await strictLiquid()
  const seen = { plain: 0, missing: 0, other: 0 }
  fc.assert(
    fc.property(templates, values, (template, vars) => {
      const plain = plainTemplate(template)
      if (!plain) {
        seen.other += 1
        return
      }
      const given = plain.render(vars as Case['vars'])
      try {
        const whole = String(engine.renderSync(engine.parse(template), { ...vars }))
        expect(given).toBe(whole)
        seen.plain += 1
      } catch (error) {
        const { token, message } = error as Error & { token?: { getPosition(): [number, number] } }
        if (typeof given === 'string' || !token) throw error
        const { name, row, column } = given.missing
        expect(message).toMatch(`undefined variable: ${name}`)
        expect([row, column]).toEqual(token.getPosition())
        seen.missing += 1
      }
    }),
    { numRuns: 5000 },
  )
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50)
})

it('tells its variables with their places, in the order in which they are used', async () => {
  const engine = await strictLiquid()
  fc.assert(
    fc.property(templates, (template) => {
      const plain = plainTemplate(template)
      if (!plain) return
      const { globals } = engine.analyzeSync(engine.parse(template), { partials: false })
      const all = Object.values(globals).flatMap((uses) =>
        uses.map(({ segments, location }) => [String(segments[0]), location.row, location.col] as const),
      )
      const own = plain.variables.map(({ name, row, column }) => [name, row, column] as const)
      const order = (list: readonly (readonly [string, number, number])[]) =>
        list.toSorted(([, a, x], [, b, y]) => a - b || x - y)
      expect(order(own)).toEqual(order(all))
    }),
    { numRuns: 2000 },
  )
})
