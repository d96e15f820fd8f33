// Who is asked: which other address is held, which is only listed, and what a base that moved on still permits.
import { describe, expect, it } from 'vitest'
import { defaultPolicy, type GatePolicy } from '../../schema/gate.ts'
import { addressChange, graderChange, type GuardAddress } from './guard-address.ts'
import { permitted, withTip } from './guard-tip.ts'

const real: GuardAddress = { kind: 'prompt', at: 'provider a', key: 'a', homemade: false }
const other: GuardAddress = { kind: 'prompt', at: 'provider b', key: 'b', homemade: false }
const side = (address: GuardAddress, ...providers: string[]) => ({
  addresses: new Map([['s', address]]),
  providers: new Set(providers),
})
const change = (was: GuardAddress, is: GuardAddress, known: string[], allowed = false) => {
  const { loosened, holds } = addressChange({ base: side(was, ...known), head: side(is), suite: 's', allowed })
  return [loosened.length, holds.length]
}

describe('another address', () => {
  it.each<[string, GuardAddress, GuardAddress, string[], boolean, number[]]>([
    ['the same', real, { ...real, at: 'renamed' }, [], false, [0, 0]],
    ['unknown to the base', real, other, ['a'], false, [1, 1]],
    ['registered at the base', real, other, ['a', 'b'], false, [1, 0]],
    ['permitted by the base', real, other, ['a'], true, [1, 0]],
    ['homemade, though registered', real, { ...other, homemade: true }, ['a', 'b'], false, [1, 1]],
    ['homemade, as at the base', { ...real, homemade: true }, { ...other, homemade: true }, ['b'], false, [1, 0]],
    ['another kind', real, { ...real, kind: 'module' }, ['a'], false, [1, 1]],
  ])('%s', (_, was, is, known, allowed, expected) => {
    expect(change(was, is, known, allowed)).toEqual(expected)
  })
  it('that looks the same says what differs', () => {
    const { loosened } = addressChange({
      base: side(real),
      head: side({ ...real, key: 'c' }),
      suite: 's',
      allowed: false,
    })
    expect(loosened).toEqual(['the suite asks provider a, with other headers or another query.'])
  })
})

describe('who grades', () => {
  const [here, there] = [real, other]
  it.each<[string, (typeof real)[], (typeof real)[], string[], boolean, number[]]>([
    ['the same', [here], [here], [], false, [0, 0]],
    ['unknown to the base', [here], [there], ['a'], false, [1, 1]],
    ['one more, unknown', [here], [here, there, there], ['a'], false, [1, 1]],
    ['registered at the base', [here], [there], ['a', 'b'], false, [1, 0]],
    ['permitted, or nothing to hide', [here], [there], ['a'], true, [1, 0]],
    ['homemade, though registered', [here], [{ ...there, homemade: true }], ['a', 'b'], false, [1, 1]],
    ['nobody any more', [here], [], [], false, [0, 0]],
  ])('%s', (_, base, head, known, allowed, expected) => {
    const { loosened, holds } = graderChange({ base, head }, { providers: new Set(known), allowed })
    expect([loosened.length, holds.length]).toEqual(expected)
  })
})

describe('a base branch that moved on', () => {
  const moved = (policy: Partial<GatePolicy>) =>
    ({ ref: 'origin/main', suite: { policy: { ...defaultPolicy, ...policy } } }) as Parameters<typeof withTip>[1]
  it('judges where it became stricter, and not where it became laxer', () => {
    const { policy, notes } = withTip(defaultPolicy, moved({ min_pass_rate: 0.95, max_regression: false }))
    expect(policy).toMatchObject({ min_pass_rate: 0.95, max_regression: defaultPolicy.max_regression })
    expect(notes).toEqual([
      'origin/main has another gate since this change left it, which judges: min_pass_rate: 0.85 -> 0.95.',
    ])
    expect(withTip(defaultPolicy, undefined)).toEqual({ policy: defaultPolicy, notes: [] })
  })
  it('no longer permits what it withdrew', () => {
    const allowing = { ...defaultPolicy, allow_case_changes: true }
    expect(permitted(allowing, undefined, 'allow_case_changes')).toBe(true)
    expect(permitted(allowing, moved({ allow_case_changes: true }), 'allow_case_changes')).toBe(true)
    expect(permitted(allowing, moved({}), 'allow_case_changes')).toBe(false)
    expect(permitted(defaultPolicy, moved({ allow_case_changes: true }), 'allow_case_changes')).toBe(false)
  })
})
