// Reports that forges read name files from the top of the repository, wherever in it the project lies.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, temporary } from './cli-testing.ts'
import { commit, git, write } from './git-testing.ts'

afterAll(removeTemporary)

const suite =
  'suite: app\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ntrials: 1\ngate: {min_pass_rate: 0.9}\ncases: [{id: c1, assert: [{contains: right}]}, {id: c2, assert: [{contains: wrong}]}]\n'
const outs = 'table,json:run.json,junit:junit.xml,codequality:cq.json,ctrf:ctrf.json'

it.each(['.', 'services/chat'])('in %s', async (under) => {
  const top = temporary()
  const folder = join(top, under)
  write(folder, 'aigate.yaml', 'version: 1\n')
  write(folder, 'app.mjs', "export default () => 'right'\n")
  write(folder, 'evals/app.suite.yaml', suite)
  git(top, 'init', '-q', '-b', 'main')
  commit(top, 'all')
  const places = () => ({
    quality: (JSON.parse(readFileSync(join(folder, 'cq.json'), 'utf8')) as { location: { path: string } }[]).map(
      ({ location }) => location.path,
    ),
    junit: [...readFileSync(join(folder, 'junit.xml'), 'utf8').matchAll(/<testcase [^>]*file="(.*?)"/g)].map(
      ([, file]) => file,
    ),
    ctrf: /"filePath": ?"(.*?)"/.exec(readFileSync(join(folder, 'ctrf.json'), 'utf8'))?.[1],
  })
  await aigate(['eval', '--reporter', outs], folder)
  const file = under === '.' ? 'evals/app.suite.yaml' : 'services/chat/evals/app.suite.yaml'
  const first = places()
  expect(new Set([...first.quality, ...first.junit, first.ctrf])).toEqual(new Set([file]))
  // The report of aigate itself stays as it is, and so do those that are made of it later.
  expect(reportIn(folder).suites[0]!.cases[0]!.file).toBe('evals/app.suite.yaml')
  await aigate(['report', 'latest', '--reporter', outs], folder)
  expect(places()).toEqual(first)
})
