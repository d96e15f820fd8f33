// The workflow that `aigate init --github` writes: the gate on every pull request, in a form that can be a required check.

/** What of a project the workflow needs to know. */
export type WorkflowFacts = {
  /** Folder of aigate.yaml, relative to the top of the repository; `.` for the top itself. */
  folder: string
  /** The branch that changes go to. */
  branch: string
  /** Variables that hold keys, by the configuration. */
  keys: readonly string[]
}

/** One file for one project of a repository, so that a monorepo can have several. */
export function workflowPath(folder: string): string {
  const name = folder === '.' ? 'aigate' : `aigate-${folder.replaceAll(/[^\w-]+/g, '-')}`
  return `.github/workflows/${name}.yml`
}

export function workflowText({ folder, branch, keys }: WorkflowFacts): string {
  const whole = folder === '.'
  const name = whole ? 'aigate' : `aigate ${folder}`
  const env = keys.map((key) => `          ${key}: \${{ secrets.${key} }}\n`).join('')
  return `# The release gate for LLM behaviour. It starts for every change and decides inside, so that it can be a required check.
name: ${quoted(name)}
on:
  pull_request:
  merge_group:
  push: {branches: [${quoted(branch)}]}
  workflow_dispatch:
permissions: {}
concurrency:
  group: ${quoted(`${name}-\${{ github.ref }}`)}
  cancel-in-progress: \${{ github.event_name == 'pull_request' }}
jobs:
  gate:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    permissions:
      contents: read
      pull-requests: write # for the comment; without it the job summary says the same
    steps:
      - uses: actions/checkout@v7
        with:
          fetch-depth: 0 # rules, baseline and quarantine list are read from the merge base
          persist-credentials: false
      - uses: aigate/aigate@v0 # better: the commit of a release
        id: gate
${whole ? '' : `        with:\n          working-directory: ${quoted(folder)}\n          comment-key: ${quoted(folder)}\n`}${env === '' ? '' : `        env: # names of secrets of the repository\n${env}`}      - if: always() && steps.gate.outputs.report-json != ''
        uses: actions/upload-artifact@v7
        with:
          name: ${whole ? 'aigate-reports' : `aigate-reports-${folder.replaceAll(/[^\w-]+/g, '-')}`}
          path: \${{ steps.gate.outputs.reports }}
`
}

/** As YAML reads it: names of folders and branches may hold anything. */
const quoted = (text: string) => (/^[A-Za-z][\w./-]*$/.test(text) ? text : `'${text.replaceAll("'", "''")}'`)
