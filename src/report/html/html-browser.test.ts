// The HTML report in a real browser: opens from a file, asks nobody, runs nothing of a model, and can be searched, sorted and printed.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { largeReport } from '../../../fixtures/report/large.ts'
import { caseReport, regressedCase, report, samples, suiteReport } from '../../../fixtures/report/sample.ts'
import type { Report } from '../../schema/verdict.ts'
import { html } from './html.ts'

const places = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => `/usr/bin/${name}`)
const executablePath = process.env.CHROMIUM ?? places.find((file) => existsSync(file)) ?? 'chromium'
/** On a desk without a browser these are skipped; in CI a missing one is a failure. */
const missing = !existsSync(executablePath) && !process.env.CI
/** Set to a folder to look at the pages. */
const screenshots = process.env.SCREENSHOTS

let browser: Browser
const folder = mkdtempSync(join(tmpdir(), 'aigate-html-'))
beforeAll(async () => {
  if (!missing) browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
}, 60_000)
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

type Opened = { page: Page; trouble: string[]; requests: string[]; text: string }
let opened = 0

/** The report as a file in a page of its own; what the console says and what is asked for is kept. */
async function open(of: Report, options: BrowserContextOptions = {}): Promise<Opened> {
  opened += 1
  const file = join(folder, `report-${opened}.html`)
  const text = html(of, { color: false, columns: 100 })
  writeFileSync(file, text)
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, ...options })
  const trouble: string[] = []
  const requests: string[] = []
  page.on('console', (message) => trouble.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => trouble.push(String(error)))
  page.on('dialog', (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => requests.push(request.url()))
  await page.goto(pathToFileURL(file).href)
  expect(requests).toEqual([pathToFileURL(file).href])
  return { page, trouble, requests, text }
}

const quiet = ({ trouble, requests }: Opened) => {
  expect(trouble).toEqual([])
  expect(requests).toHaveLength(1)
}
/** Ids of the cases that are seen, in their order. */
const seen = (page: Page) =>
  page
    .locator('.cases tbody:not([hidden]) th')
    .evaluateAll((cells) => cells.map((cell) => (cell.firstChild?.firstChild?.textContent ?? '').trim()))
const picture = async (page: Page, name: string, fullPage = false) => {
  if (screenshots === undefined) return
  mkdirSync(screenshots, { recursive: true })
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage })
}

describe.skipIf(missing)('in Chromium', () => {
  it('1,000 cases are under 500 KB, and the page says nothing and asks for nothing', async () => {
    const found = await open(largeReport(1000))
    expect(Buffer.byteLength(found.text)).toBeLessThan(500_000)
    expect(await seen(found.page)).toHaveLength(1000)
    expect(await found.page.locator('[role=status]').textContent()).toBe('1000 of 1000 cases shown')
    await picture(found.page, 'light')
    quiet(found)
    await found.page.close()
  })

  it.each(Object.keys(samples) as (keyof typeof samples)[])('%s opens without a word in the console', async (name) => {
    const found = await open(samples[name])
    expect(await found.page.locator('h1').textContent()).toContain('aigate')
    await picture(found.page, name, true)
    quiet(found)
    await found.page.close()
  })

  it('searches answers and ids, filters by outcome and category, and counts aloud', async () => {
    const found = await open(samples.fail)
    const { page } = found
    const status = page.locator('[role=status]')
    expect(await status.getAttribute('aria-live')).toBe('polite')
    await page.getByLabel('search').fill('PATIENCE refund')
    expect(await seen(page)).toEqual(['tc_003'])
    expect(await status.textContent()).toBe('1 of 7 cases shown')
    await page.getByLabel('search').fill('')
    await page.getByRole('combobox', { name: 'outcome' }).selectOption('changed')
    expect(await seen(page)).toEqual(['tc_020'])
    await page.getByRole('combobox', { name: 'outcome' }).selectOption('regressed')
    expect(await seen(page)).toEqual(['tc_003', 'tc_017'])
    await page.getByRole('combobox', { name: 'outcome' }).selectOption('')
    await page.getByRole('combobox', { name: 'category' }).selectOption('extraction')
    expect(await seen(page)).toEqual(['tc_011'])
    await page.getByRole('combobox', { name: 'category' }).selectOption('–')
    expect(await seen(page)).toEqual(['tc_001', 'tc_040', 'tc_020', 'tc_009'])
    await page.getByLabel('search').fill('no such words')
    expect(await status.textContent()).toBe('0 of 7 cases shown')
    quiet(found)
    await page.close()
  })

  it('sorts by any column, numbers as numbers, and blanks last', async () => {
    const times = [812, 95, null, 1430].map((latency_ms, at) => caseReport({ id: `tc_${at}`, latency_ms }))
    const found = await open(report(suiteReport({ cases: times })))
    const { page } = found
    const head = page.locator('.cases thead th').filter({ hasText: 'median ms' })
    await head.getByRole('button').click()
    expect(await head.getAttribute('aria-sort')).toBe('ascending')
    expect(await seen(page)).toEqual(['tc_1', 'tc_0', 'tc_3', 'tc_2'])
    await head.getByRole('button').click()
    expect(await head.getAttribute('aria-sort')).toBe('descending')
    expect(await seen(page)).toEqual(['tc_3', 'tc_0', 'tc_1', 'tc_2'])
    await page.locator('.cases thead th').first().getByRole('button').click()
    expect(await seen(page)).toEqual(['tc_0', 'tc_1', 'tc_2', 'tc_3'])
    expect(await head.getAttribute('aria-sort')).toBe('none')
    quiet(found)
    await page.close()
  })

  it('works with the keyboard alone', async () => {
    const found = await open(samples.fail)
    const { page } = found
    const focused = () => page.evaluate<string>('document.activeElement.textContent.trim()')
    for (let presses = 0; presses < 40 && !(await focused()).startsWith('tc_003'); presses += 1)
      await page.keyboard.press('Tab')
    expect(await focused()).toContain('tc_003')
    const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle')
    expect(outline).toBe('solid')
    const answer = page.getByText('patience, since a refund')
    expect(await answer.isVisible()).toBe(false)
    await page.keyboard.press('Enter')
    expect(await answer.isVisible()).toBe(true)
    const button = page.getByRole('button', { name: 'tc_003' })
    expect(await button.getAttribute('aria-expanded')).toBe('true')
    await picture(page, 'opened', true)
    await page.keyboard.press('Space')
    expect(await answer.isVisible()).toBe(false)
    quiet(found)
    await page.close()
  })

  it('tells a screen reader what everything is', async () => {
    const { page } = await open(largeReport(12))
    expect(await page.locator('svg[role=img][aria-label]').count()).toBe(await page.locator('svg').count())
    expect(await page.locator('.cases tbody th[scope=row]').count()).toBe(12)
    expect(await page.locator('th:not([scope])').count()).toBe(0)
    expect(await page.getByRole('searchbox', { name: 'search' }).count()).toBe(1)
    expect(await page.getByRole('main').count()).toBe(1)
    // Every state has a sign and a word beside its colour.
    for (const text of await page.locator('.cases tbody tr:first-child td:first-child').allTextContents())
      expect(text).toMatch(/^\S [a-z ]+/)
    await page.close()
  })

  it('a script in an answer, a name or a reason does not run', async () => {
    const text = `</pre></td></script><script>document.title='owned'</script><img src="https://evil.example/x.png" onerror="document.title='owned'"><svg onload="document.title='owned'"><a href="javascript:alert(1)">x</a><meta http-equiv="refresh" content="0;url=https://evil.example">`
    const one = regressedCase({
      id: text,
      category: text,
      before: text,
      after: `${text} more`,
      failures: [{ assertion: text, reason: text, trials: 1 }],
    })
    const found = await open(report(suiteReport({ suite: text, cases: [one, caseReport()] })))
    const { page } = found
    await page.getByRole('button', { name: 'open all' }).click()
    await page.getByRole('combobox', { name: 'category' }).selectOption({ index: 1 })
    await page.waitForTimeout(200)
    expect(await page.title()).toBe('aigate: PASS')
    expect(await page.locator('img, a[href^="javascript"]').count()).toBe(0)
    expect(await page.getByText("<script>document.title='owned'</script>").count()).toBeGreaterThan(0)
    quiet(found)
    await page.close()
  })

  it('has a policy under which a foreign script, style, image and address are refused', async () => {
    let asked = 0
    const server = createServer((_, response) => {
      asked += 1
      response.end()
    })
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { page, trouble } = await open(samples.pass)
    const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content')
    expect(policy).toMatch(/^default-src 'none'; /)
    expect(policy).not.toContain('unsafe')
    await page.evaluate(`{
      const script = document.createElement('script')
      script.textContent = "document.title = 'owned'"
      const image = document.createElement('img')
      image.src = '${address}/x.png'
      const style = document.createElement('style')
      style.textContent = 'body { display: none }'
      document.body.append(script, image, style)
      document.body.setAttribute('onclick', "document.title = 'owned'")
      document.body.click()
    }`)
    const fetched = await page.evaluate(`fetch('${address}/x').then(() => 'answered', () => 'refused')`)
    server.close()
    expect([fetched, asked]).toEqual(['refused', 0])
    expect(await page.title()).toBe('aigate: PASS')
    expect(await page.locator('h1').isVisible()).toBe(true)
    expect(trouble.join('\n')).toMatch(/Content Security Policy/)
    await page.close()
  })

  it('is dark where the system is, and the switch wins', async () => {
    const found = await open(largeReport(60), { colorScheme: 'dark' })
    const { page } = found
    const paper = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    expect(await paper()).toBe('rgb(20, 23, 27)')
    await picture(page, 'dark', true)
    await page.getByLabel('theme').selectOption('light')
    expect(await paper()).toBe('rgb(255, 255, 255)')
    await page.getByLabel('theme').selectOption('dark')
    expect(await paper()).toBe('rgb(20, 23, 27)')
    await page.getByLabel('theme').selectOption('')
    await page.emulateMedia({ colorScheme: 'light' })
    expect(await paper()).toBe('rgb(255, 255, 255)')
    await picture(page, 'light-60', true)
    quiet(found)
    await page.close()
  })

  it('fits a narrow screen', async () => {
    const found = await open(largeReport(30), { viewport: { width: 400, height: 800 } })
    const { page } = found
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400)
    await page.locator('.cases tbody button').nth(1).click()
    await picture(page, 'narrow', true)
    quiet(found)
    await page.close()
  })

  it('prints on light paper with everything opened that is not filtered away', async () => {
    const found = await open(samples.fail, { colorScheme: 'dark' })
    const { page } = found
    await page.getByRole('combobox', { name: 'outcome' }).selectOption('regressed')
    await page.emulateMedia({ media: 'print' })
    expect(await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)')
    expect(await page.getByText('patience, since a refund').isVisible()).toBe(true)
    expect(await page.getByLabel('search').isVisible()).toBe(false)
    expect(await page.getByText('tc_011').isVisible()).toBe(false)
    await picture(page, 'print', true)
    const paper = await page.pdf({ format: 'A4', ...(screenshots && { path: join(screenshots, 'print.pdf') }) })
    expect(paper.subarray(0, 5).toString()).toBe('%PDF-')
    expect(paper.length).toBeGreaterThan(10_000)
    quiet(found)
    await page.close()
  })

  it('says everything without its script', async () => {
    const { page } = await open(samples.fail, { javaScriptEnabled: false })
    expect(await page.getByText('patience, since a refund').isVisible()).toBe(true)
    expect(await page.getByLabel('search').isVisible()).toBe(false)
    await picture(page, 'no-script', true)
    await page.close()
  })
})
