// A limit of cost that cannot hold is said before anything is asked, and a key in the place of its name is never said.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { aigate, removeTemporary, temporary } from '../cli-testing.ts'

afterAll(removeTemporary)

async function project(model: string, provider = 'base_url: "http://127.0.0.1:9/v1", retries: 0'): Promise<string> {
  const folder = temporary()
  expect((await aigate(['init'], folder)).code).toBe(0)
  writeFileSync(
    join(folder, 'aigate.yaml'),
    `version: 1\nproviders: {own: {type: openai, ${provider}}}\nmodels: {support-main: {provider: own, ${model}}}\nbudget: {max_cost_usd: 1}\n`,
  )
  return folder
}

it('names the model whose price nobody knows', async () => {
  const unknown = await aigate(['eval'], await project('id: our-own-model-2026-01-01'))
  expect(unknown.stderr).toContain(
    'no price is known for our-own-model-2026-01-01, so that max_cost_usd cannot stop it',
  )
  for (const known of ['id: our-own-model-2026-01-01, price: {input: 1, output: 2}', 'id: gpt-4o-mini-2024-07-18'])
    expect((await aigate(['eval'], await project(known))).stderr).not.toContain('no price is known')
})

it('a key in the place of the name of its variable is refused, and comes back masked', async () => {
  const key = ['sk', 'proj', 'abcdefghijkl1234567890'].join('-')
  const folder = await project('id: gpt-4o-mini-2024-07-18', `api_key_env: ${key}`)
  for (const verb of ['check', 'eval']) {
    const { code, stdout, stderr } = await aigate([verb], folder)
    expect(code).toBe(2)
    expect(stdout + stderr).toContain('expected the name of an environment variable, for example OPENAI_API_KEY')
    expect(stdout + stderr).not.toContain('abcdefghijkl')
  }
})
