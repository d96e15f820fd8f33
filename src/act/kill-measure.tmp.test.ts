// Measures how soon running applications see a kill.
import { join } from 'node:path'
import { FlagdProvider } from '@openfeature/flagd-provider'
import { OpenFeature } from '@openfeature/server-sdk'
import { it } from 'vitest'
import { KillEntry } from '../schema/kill.ts'
import { newFolder, never, planWith, wish } from './act-testing.ts'
import { openActuator } from './actuators.ts'
import { switchOff, switchOn } from './kill-file.ts'
it('measures', async () => {
  const root = newFolder()
  const file = join(root, 'flags.json')
  await openActuator(planWith({ type: 'flagd', path: 'flags.json' }), { root, env: {} }).apply(wish(1_000_000), never)
  await OpenFeature.setProviderAndWait('m', new FlagdProvider({ resolverType: 'in-process', offlineFlagSourcePath: file }))
  const client = OpenFeature.getClient('m')
  const took: number[] = []
  const until = async (wanted: string) => {
    const start = performance.now()
    for (;;) {
      const { variant } = await client.getStringDetails('support-1.3-prompt', '', { targetingKey: 'u' })
      if (variant === wanted) return performance.now() - start
      await new Promise((go) => setTimeout(go, 10))
    }
  }
  for (let i = 0; i < 6; i++) {
    await new Promise((go) => setTimeout(go, Math.random() * 3000))
    await switchOn(file, KillEntry.parse({ scope: {}, reason: 'x', by: 'a', at: new Date().toISOString(), until: null }), { flags: {} }, Date.now())
    took.push(await until('off'))
    await switchOff(file, {}, { flags: {} }, Date.now())
    await until('candidate')
  }
  console.log('TOOK', took.map(Math.round).join(' '))
  await OpenFeature.close()
}, 120_000)
