// Model snapshots whose names are known, so that a refused alias can be answered with what to write instead.

// Sources: the list of chat models in the OpenAI SDK 6.49, the models pages of Anthropic, Google and Mistral. The list
// only makes advice better: a dated name that is not in it is a pin all the same.
const openai = [
  'gpt-5.4-mini-2026-03-17', 'gpt-5.4-nano-2026-03-17', 'gpt-5.2-2025-12-11', 'gpt-5.2-pro-2025-12-11',
  'gpt-5.1-2025-11-13', 'gpt-5-2025-08-07', 'gpt-5-mini-2025-08-07', 'gpt-5-nano-2025-08-07',
  'gpt-4.1-2025-04-14', 'gpt-4.1-mini-2025-04-14', 'gpt-4.1-nano-2025-04-14',
  'o4-mini-2025-04-16', 'o3-2025-04-16', 'o3-mini-2025-01-31',
  'o1-2024-12-17', 'o1-preview-2024-09-12', 'o1-mini-2024-09-12',
  'gpt-4o-2024-11-20', 'gpt-4o-2024-08-06', 'gpt-4o-2024-05-13', 'gpt-4o-mini-2024-07-18',
  'gpt-4o-audio-preview-2025-06-03', 'gpt-4o-audio-preview-2024-12-17', 'gpt-4o-audio-preview-2024-10-01',
  'gpt-4o-mini-audio-preview-2024-12-17',
  'gpt-4o-search-preview-2025-03-11', 'gpt-4o-mini-search-preview-2025-03-11',
  'gpt-4-turbo-2024-04-09', 'gpt-4-0613', 'gpt-4-0314', 'gpt-4-32k-0613', 'gpt-4-32k-0314',
  'gpt-3.5-turbo-0125', 'gpt-3.5-turbo-1106', 'gpt-3.5-turbo-0613', 'gpt-3.5-turbo-0301', 'gpt-3.5-turbo-16k-0613',
] // biome-ignore format: a list of names
const anthropic = [
  'claude-opus-4-5-20251101', 'claude-haiku-4-5-20251001', 'claude-sonnet-4-5-20250929', 'claude-opus-4-1-20250805',
  'claude-opus-4-20250514', 'claude-sonnet-4-20250514', 'claude-3-7-sonnet-20250219',
  'claude-3-5-sonnet-20241022', 'claude-3-5-sonnet-20240620', 'claude-3-5-haiku-20241022',
  'claude-3-opus-20240229', 'claude-3-sonnet-20240229', 'claude-3-haiku-20240307',
] // biome-ignore format: a list of names
const gemini = ['gemini-2.0-flash-001', 'gemini-2.0-flash-lite-001', 'gemini-embedding-001']
const mistral = [
  'mistral-large-2512', 'mistral-large-2411', 'mistral-large-2407', 'mistral-medium-2508', 'mistral-medium-2505',
  'mistral-small-2603', 'codestral-2508', 'codestral-2501', 'pixtral-large-2411',
  'ministral-14b-2512', 'ministral-8b-2512', 'ministral-8b-2410', 'ministral-3b-2512',
  'magistral-medium-2506', 'magistral-small-2506', 'devstral-2512', 'devstral-small-2512', 'devstral-small-2507',
] // biome-ignore format: a list of names

/** Names that are moved from snapshot to snapshot without being the beginning of their names. */
const moved: Readonly<Record<string, readonly string[]>> = {
  'gpt-4-turbo-preview': ['gpt-4-0125-preview', 'gpt-4-1106-preview'],
  'gpt-4-vision-preview': ['gpt-4-1106-vision-preview'],
  'claude-opus-4-0': ['claude-opus-4-20250514'],
  'claude-sonnet-4-0': ['claude-sonnet-4-20250514'],
}

const stem = (snapshot: string) => snapshot.replace(/-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|\d{3})$/, '')

/** The snapshots that a moving name may stand for, newest first; empty when none is known. `-latest` does not count. */
export function snapshotsOf(name: string): readonly string[] {
  const plain = name.replace(/-latest$/, '')
  return moved[plain] ?? [...openai, ...anthropic, ...gemini, ...mistral].filter((one) => stem(one) === plain)
}
