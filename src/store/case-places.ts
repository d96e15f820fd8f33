// Where parts of a suite that was loaded stand in its files: read again for those who have found something wrong with it.
import { basename, join } from 'node:path'
import type { Place } from '../errors.ts'
import type { LoadedSuite } from '../ports.ts'
import { Suite } from '../schema/suite.ts'
import { caseAt, readCases, type WrittenCase } from './case-files.ts'
import { type SourceFile, sourceFile } from './source-text.ts'
import { type Locate, readYaml } from './yaml.ts'

/** `shared`: it stands in the suite, for all of its cases. */
export type AssertionPlace = { place: Place; shared: boolean }

export type Places = {
  /** Where assertion `index` of a case stands, counted as `assertionsOf` counts them; undefined where it is not found any more. */
  assertion(id: string, index: number): AssertionPlace | undefined
  /** Where a case begins. */
  case(id: string): Place | undefined
  /** Where a part of the suite file stands. */
  suite: Locate
}

/** Places in the files of a suite, with code frames; null where the files are not what was loaded (they come out of git). */
export async function placesIn({ suite, file, dir }: LoadedSuite): Promise<Places | null> {
  try {
    const source: SourceFile = { path: join(dir, basename(file)), shown: file }
    const { value, locate } = await readYaml(source, Suite, 'suite')
    const written: WrittenCase[] = value.cases.map((one, i) => ({ case: one, ...caseAt(source, ['cases', i], locate) }))
    for (const name of suite.cases_from) {
      const shown = [...file.split('/').slice(0, -1), name].join('/')
      written.push(...(await readCases({ path: sourceFile(dir, name).path, shown })))
    }
    const byId = new Map(written.map((one) => [one.case.id, one]))
    return {
      suite: locate,
      case: (id) => byId.get(id)?.locate([]),
      assertion: (id, index) => placeOf(byId.get(id), index, { suite: value, locate }),
    }
  } catch {
    return null
  }
}

/** Assertions of turns come first, then those of the case, then those of the suite. */
function placeOf(
  one: WrittenCase | undefined,
  index: number,
  { suite, locate }: { suite: Suite; locate: Locate },
): AssertionPlace | undefined {
  if (one === undefined) return undefined
  let left = index
  for (const [turn, { assert }] of (one.case.turns ?? []).entries()) {
    if (left < assert.length) return { place: one.locate(['turns', turn, 'assert', left]), shared: false }
    left -= assert.length
  }
  if (left < one.case.assert.length) return { place: one.locate(['assert', left]), shared: false }
  left -= one.case.assert.length
  return left < suite.assert.length ? { place: locate(['assert', left]), shared: true } : undefined
}
