// Statuses for the lists of prompts and models, from the ledger of releases.
import { type Standing, standings } from '../../decide/gate/standing.ts'
import type { Context, Project } from '../../ports.ts'
import type { Component } from '../../schema/release.ts'
import { releasesFolder, soundRecords } from '../../store/ledger.ts'

/**
 * Looks statuses up in the ledger of the project, as they are today.
 * @throws AigateError `bad_file` for a damaged ledger: a status read from one could be anything
 */
export function ledgerStandings(
  context: Context,
  project: Project,
  env = 'production',
): (part: Component) => Standing | null {
  return standings(soundRecords(releasesFolder(project)), { env, now: context.now() })
}
