// Suites of one provider one after the other, of several side by side; results in the order of the suites, whatever ends first.
import { expect, it } from 'vitest'
import type { Context } from '../../ports.ts'
import { sideBySide } from './side-by-side.ts'

const world = (signal = new AbortController().signal): Context => ({
  cwd: '/',
  env: {},
  stdout: { write: () => undefined },
  stderr: { write: () => undefined, isTTY: true },
  now: () => new Date(0),
  monotonic: () => performance.now(),
  signal,
  toolVersion: '1',
})
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

it('keeps the order within a group and of the results', async () => {
  const log: string[] = []
  const work = async (name: string) => {
    log.push(`+${name}`)
    await sleep(name.startsWith('slow') ? 40 : 2)
    log.push(`-${name}`)
    return name
  }
  const items = ['slow1', 'quick1', 'slow2', 'quick2']
  expect(await sideBySide(world(), items, (name) => name.slice(0, -1), work)).toEqual(items)
  expect(log.slice(0, 2)).toEqual(['+slow1', '+quick1'])
  expect(log.indexOf('-quick2')).toBeLessThan(log.indexOf('-slow1'))
  expect(log.indexOf('-slow1')).toBeLessThan(log.indexOf('+slow2'))
})

it('a fault in one ends the others and is thrown once all have ended', async () => {
  let ended = ''
  const work = async (name: string, { signal, stderr }: Context) => {
    expect(stderr.isTTY).toBeUndefined()
    if (name === 'bad') throw new Error('disk full')
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    ended += name
  }
  await expect(
    sideBySide(world(), ['bad', 'good', 'never'], (name) => (name === 'never' ? 'good' : name), work),
  ).rejects.toThrow('disk full')
  expect(ended).toBe('good')
})

it('begins nothing more after an interruption', async () => {
  const controller = new AbortController()
  const work = async (name: string) => {
    controller.abort()
    return name
  }
  expect(await sideBySide(world(controller.signal), ['a', 'b'], () => 'one', work)).toEqual(['a'])
})
