// The file of tables: what is saved comes back, and what a killed writer has left goes.
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { nothingKnown } from './counting.ts'
import { loadTables, saveTables } from './known-file.ts'
import { newFolder } from './observe-testing.ts'
import { oneValue, seeUnit } from './unit-table.ts'

it('comes back with the values of units, and clears what a killed writer has left', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, '.units-0123456789abcdef.bin.1-00000000.tmp'), 'half')
  writeFileSync(join(folder, 'other.tmp'), 'not its own')
  const known = nothingKnown(1, 60_000, undefined, true)
  const unit = { high: 7, low: 9, arm: 2, generation: 1, counts: true }
  const { at = -1 } = seeUnit(known.units, unit) ?? {}
  expect(oneValue(known.units, at, { metric: 0, arm: 2, generation: 1 })).toBe('fresh')
  const saved = await saveTables(folder, known)
  expect(readdirSync(folder).toSorted()).toEqual(['other.tmp', saved.file])
  const back = await loadTables(folder, saved)
  if (!back) throw new Error('nothing came back')
  const again = seeUnit(back.units, { ...unit, generation: 2 })
  expect(oneValue(back.units, again?.at ?? -1, { metric: 0, arm: 2, generation: 2 })).toBeNull()
})
