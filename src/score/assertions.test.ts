// Every built-in assertion: what passes, what fails, and what people read then.
import { describe, expect, it } from 'vitest'
import type { GraderTools } from '../ports.ts'
import { Assertion, assertionArgs } from '../schema/assertion.ts'
import { Completion } from '../schema/run.ts'
import { judgedTypes } from '../schema/judge.ts'
import { Case } from '../schema/suite.ts'
import type { Json } from '../schema/values.ts'
import { grade } from './grade.ts'

const noTools: GraderTools = {
  runCommand: () => Promise.reject(new Error('not here')),
  loadExport: () => Promise.reject(new Error('not here')),
}
const completion = (over: Record<string, unknown>) =>
  Completion.parse({ outcome: 'answered', text: '', latency_ms: 120, attempts: 1, ...over })
const call = (name: string, args: unknown = {}) => ({ name, arguments: JSON.stringify(args) })

/** What was asked: the family is one character to those who read it. */
const sent = [
  { role: 'system' as const, content: 'Be kind' },
  { role: 'user' as const, content: 'hi 👨‍👩‍👧' },
  { role: 'assistant' as const, content: '.' },
]
/** The score of one assertion, written as in YAML, on an answer. */
async function score(written: Record<string, unknown>, answer: string | Record<string, unknown>, tools = noTools) {
  const over = typeof answer === 'string' ? { text: answer } : answer
  const result = await grade(Case.parse({ id: 'c', assert: [written] }), completion(over), tools, sent)
  expect(result.grader_error).toBeUndefined()
  return result.scores[0]!
}

type Row = [written: Record<string, unknown>, answer: string | Record<string, unknown>, passed: boolean, reason: RegExp]
const fence = '```'
const person = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
}
const draft2020 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  prefixItems: [{ type: 'string' }, { type: 'number' }],
}
const again = [
  { name: 'open', arguments: '{"id": 7}' },
  { name: 'open', arguments: '{ "id":7 }' },
]
const more = [{ name: 'open', arguments: '{"id": 7, "deep": true}' }]
const failed = {
  calls: 2,
  ended: 'answered' as const,
  steps: [{ role: 'tool' as const, turn: 1, content: 'boom', name: 'open', error: true as const }],
}
const calls = [
  call('search', { q: 'refund', page: { n: 1, size: 10 } }),
  call('open', { id: 7 }),
  call('search', { q: 'x' }),
]

const rows: Row[] = [
  [{ contains: '4.2M' }, 'Revenue is $4.2M', true, /^"4\.2M" is there$/],
  [{ contains: '4.2M' }, 'Revenue is up', false, /^"4\.2M" is missing$/],
  [{ contains: '4.2M' }, '', false, /missing/],
  [{ contains: ['a', 'b', 'c', 'd', 'e'] }, 'b', false, /^"a", "c", "d" and 1 more are missing$/],
  [{ contains: ['a', 'b'] }, 'b a', true, /^"a" and "b" are there$/],
  [{ contains: 'one\ntwo' }, 'one\r\ntwo', true, /there/],
  [{ contains: 'caf\u00e9' }, 'un cafe\u0301', true, /there/],
  [{ contains: 'Refund' }, 'refund', false, /missing/],
  [{ not_contains: 'competitor' }, 'we are best', true, /^as wanted: "competitor" is missing$/],
  [{ not_contains: 'competitor' }, 'the competitor', false, /^not wanted: "competitor" is there$/],
  [{ not_contains: ['Acme', 'Globex'] }, 'Acme is cheaper', false, /^not wanted: "Acme" is there$/],
  [{ not_contains: ['Acme', 'Globex'] }, 'We are cheaper', true, /as wanted: none of "Acme" and "Globex" is there/],
  [{ not_icontains: ['Acme', 'Globex'] }, 'acme', false, /not wanted/],
  [{ contains_any: ['yes', 'no'] }, 'no', true, /"no" is there/],
  [{ contains_any: ['yes', 'no'] }, 'maybe', false, /none of "yes" and "no" is there/],
  [{ not_contains_any: ['yes', 'no'] }, 'maybe', true, /as wanted/],
  [{ icontains: 'STRASSE' }, 'die Straße', true, /there/],
  [{ icontains: 'ΟΔΟΣ' }, 'οδος', true, /there/],
  [{ icontains_any: ['SPAM', 'ham'] }, 'Spam!', true, /"SPAM" is there/],
  [{ equals: 'yes' }, ' yes\n', true, /the answer is "yes"/],
  [{ equals: 'yes' }, 'Yes', false, /the answer is "Yes", expected "yes"/],
  [{ equals: { value: 'yes', ignore_case: true } }, 'YES', true, /yes/],
  [{ equals: '' }, '', true, /the answer is nothing/],
  [{ equals: 'yes' }, '', false, /the answer is nothing, expected "yes"/],
  [{ not_equals: 'yes' }, 'no', true, /as wanted/],
  [{ regex: '^\\d{3}$' }, '123\n', true, /matches "123"/],
  [{ regex: '^\\d{3}$' }, '12', false, /\/\^\\d\{3\}\$\/ does not match "12"/],
  [{ regex: { pattern: '^b$', flags: 'im' } }, 'a\r\nB\r\n', true, /matches "B"/],
  [{ not_regex: 'https?://' }, 'see https://x', false, /not wanted: .* matches "https:\/\/"/],
  [{ starts_with: 'Dear' }, '\n Dear Ann', true, /starts with "Dear"/],
  [{ starts_with: 'Dear' }, 'Hello Ann', false, /starts with "Hello Ann", expected "Dear"/],
  [{ starts_with: '\n' }, '\nx', true, /starts/],
  [{ ends_with: 'Regards' }, 'Best Regards \n', true, /ends with "Regards"/],
  [{ ends_with: 'Regards' }, '', false, /nothing, expected/],
  [{ not_ends_with: '?' }, 'Anything else?', false, /not wanted/],
  [{ one_of: ['spam', 'ham'] }, 'spam ', true, /the answer is "spam"/],
  [{ starts_with: 'x' }, '', false, /nothing/],
  [{ one_of: ['spam', 'ham'] }, 'spammy', false, /the answer is "spammy", expected "spam" or "ham"$/],
  [{ max_words: 3 }, 'Up 32%, to $4.2M', false, /^4 words, at most 3 allowed$/],
  [{ max_words: 3 }, "don't use state-of-the-art", true, /^3 words/],
  [{ max_words: 4 }, '- one\n- two\u2014three | 4', true, /^4 words/],
  [{ min_words: 1 }, ' — ', false, /^0 words, at least 1 needed$/],
  [{ icontains: 'x' }, 'y', false, /missing/],
  [{ icontains_any: ['x'] }, 'y', false, /none of "x"/],
  [{ min_words: 4 }, '我喜欢大语言模型', true, /words/],
  [{ max_words: 0 }, '', true, /^0 words/],
  [{ max_characters: 2 }, '👨‍👩‍👧‍👦🇩🇪', true, /^2 characters/],
  [{ max_characters: 4 }, 'cafe\u0301\r\n', true, /^4 characters/],
  [{ max_characters: 3 }, 'a\r\nb', true, /^3 characters/],
  [{ max_characters: 3 }, 'abcd', false, /^4 characters, at most 3 allowed$/],
  [{ max_characters: 1 }, '𝒳', true, /^1 character,/],
  [{ min_characters: 4 }, 'abcd', true, /4 characters/],
  [{ min_characters: 5 }, 'abcd', false, /^4 characters, at least 5 needed$/],
  [{ max_sentences: 2 }, 'Dr. Smith paid $4.2M. He left at 3.15 p.m. e.g. by car.', true, /^2 sentences/],
  [{ max_sentences: 1 }, 'A line that\nis wrapped here.', true, /^1 sentence,/],
  [{ max_sentences: 1 }, 'One. Two! Three?', false, /^3 sentences, at most 1 allowed$/],
  [{ min_sentences: 3 }, 'Steps:\n\n1. Open it\n2. Close it', true, /^3 sentences/],
  [{ min_sentences: 1 }, '...', false, /^0 sentences/],
  [{ min_sentences: 2 }, '这是一句。这是第二句。', true, /^2 sentences/],
  [{ is_json: true }, ' {"a": [1, null]}\r\n', true, /is JSON/],
  [{ is_json: true }, `${fence}json\n{}\n${fence}`, false, /not JSON/],
  [{ is_json: true }, '', false, /empty/],
  [{ is_json: true }, '{"a": 1', false, /not JSON/],
  [{ is_json: true }, '['.repeat(1e5) + ']'.repeat(1e5), false, /nested deeper/],
  [{ not_is_json: true }, 'text', true, /as wanted/],
  [{ json_schema: person }, '{"name": "Ann", "age": 3}', true, /accepts/],
  [{ json_schema: person }, `Here:\n${fence}json\n{"name": "Ann"}\n${fence}\nDone.`, true, /accepts/],
  [{ json_schema: person }, `${fence}\n{}\n${fence}\n${fence}\n{}\n${fence}`, false, /not JSON/],
  [{ json_schema: person }, '{"age": 3}', false, /must have required property 'name'/],
  [{ json_schema: person }, '{"name": "Ann", "age": "x"}', false, /^\/age must be integer/],
  [{ json_schema: { enum: ['a', 'b'] } }, '"c"', false, /allowed values \(\["a","b"\]\)/],
  [{ json_schema: { type: 'string', format: 'email' } }, '"no"', false, /format/],
  [{ json_schema: draft2020 }, '["a", 1]', true, /accepts/],
  [{ json_schema: draft2020 }, '["a", "b"]', false, /\/1 must be number/],
  [{ json_schema: person }, 'sorry', false, /not JSON/],
  [{ json_path: { path: '$.total', equals: 13 } }, '{"total": 13}', true, /\$\.total is 13/],
  [{ json_path: { path: '$.total', equals: 13 } }, '{"total": 12}', false, /^\$\.total is 12, expected 13$/],
  [{ json_path: { path: '$.total', equals: 13 } }, '{"total": "13"}', false, /is "13", expected 13/],
  [{ json_path: { path: '$.a', equals: { x: [1], y: null } } }, '{"a": {"y": null, "x": [1]}}', true, /is/],
  [{ json_path: { path: '$.a', equals: { x: 1 } } }, '{"a": {"x": 1, "y": 2}}', false, /expected/],
  [{ json_path: { path: '$.a', equals: null } }, '{"a": null}', true, /is null/],
  [{ json_path: { path: '$.a', exists: true } }, `${fence}json\n{"a": 0}\n${fence}`, true, /\$\.a is 0/],
  [{ json_path: { path: '$.a', exists: true } }, '{}', false, /finds nothing, expected it/],
  [{ json_path: { path: '$.a', exists: false } }, '{}', true, /finds nothing/],
  [{ json_path: { path: '$.a', exists: false } }, '{"a": 1}', false, /is 1, expected nothing/],
  [{ json_path: { path: '$..name', contains: 'nn' } }, '{"x": [{"name": "Bob"}, {"name": "Ann"}]}', true, /Ann/],
  [{ json_path: { path: '$.name', contains: 'nn' } }, '{"name": "Bob"}', false, /is "Bob", expected text with "nn"/],
  [{ json_path: { path: '$.a', exists: true } }, 'nope', false, /not JSON/],
  [{ not_json_path: { path: '$.error', exists: true } }, '{"ok": 1}', true, /as wanted/],
  [{ is_refusal: true }, "I'm sorry, but I can't help with that.", true, /declines/],
  [{ is_refusal: true }, 'I’m sorry, I cannot assist with this request.', true, /declines/],
  [{ is_refusal: true }, 'As an AI language model, I am not able to provide medical advice.', true, /declines/],
  [{ is_refusal: true }, 'Unfortunately, I must decline.', true, /declines/],
  [{ is_refusal: true }, { outcome: 'refused', text: '' }, true, /provider flags/],
  [{ is_refusal: true }, "I can't help but admire this.", false, /does not decline/],
  [{ is_refusal: true }, 'I cannot find order 17 in our system.', false, /does not decline/],
  [{ is_refusal: true }, "I'm sorry to hear that. Refunds take 5 days.", false, /does not decline/],
  [{ is_refusal: true }, 'Our refund policy: "I cannot help" is never an answer.', false, /does not decline/],
  [{ is_refusal: true }, '', false, /nothing/],
  [{ is_refusal: { languages: ['de'] } }, 'Tut mir leid, dabei kann ich nicht helfen.', true, /declines/],
  [{ is_refusal: { languages: ['fr', 'es'] } }, 'Lo siento, no puedo ayudarte con eso.', true, /declines/],
  [{ is_refusal: { languages: ['de'] } }, 'Sie können nicht viel falsch machen.', false, /does not decline/],
  [{ is_refusal: true }, 'Tut mir leid, dabei kann ich nicht helfen.', false, /does not decline/],
  [{ no_pii: true }, 'Write to us, or call the shop.', true, /no personal data/],
  [{ no_pii: true }, 'Ask jo.reed@example.org.', false, /1 × e-mail address \(jo…rg\)/],
  [{ no_pii: { allow: ['@example.org'] } }, 'Ask jo.reed@example.org.', true, /no personal data/],
  [{ no_pii: { kinds: ['iban'] } }, 'jo@example.org', true, /no personal data/],
  [{ no_pii: { regions: ['DE'] } }, 'Ruf an: 030 901820.', false, /telephone number/],
  [
    { no_pii: true },
    { text: '', tool_calls: [{ name: 'send', arguments: '{"to":"jo\\u0040example.org"}' }] },
    false,
    /e-mail/,
  ],
  [{ no_secrets: true }, 'There is nothing to see.', true, /no secret/],
  [
    { no_secrets: true },
    ['The key is ghp', 'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx.'].join('_'),
    false,
    /secret \(github\) \(gh…Ux\)/,
  ],
  [
    { no_secrets: { canaries: ['HERON-4417'] } },
    `In base64: ${btoa('it is HERON-4417')}`,
    false,
    /canary HE…17 in base64/,
  ],
  [{ no_secrets: { canaries: ['HERON-4417'] } }, 'H E R O N 4 4 1 7', false, /canary/],
  [
    { no_leak: { texts: ['You are a shop assistant who never tells a joke to anybody at all.'] } },
    'I sell lamps.',
    true,
    /no run of 10 words/,
  ],
  [
    { no_leak: { texts: ['You are a shop assistant who never tells a joke to anybody at all.'] } },
    'My rules: you are a shop assistant who never tells a joke to anybody.',
    false,
    /12 words in a row/,
  ],
  [{ safe_output: true }, 'Use the **rm** command with care.', true, /nothing dangerous/],
  [{ safe_output: true }, 'Hello <img src=x onerror=alert(1)>', false, /HTML event handler onerror/],
  [{ safe_output: { kinds: ['sql'] } }, 'Hello <img src=x onerror=alert(1)>', true, /nothing dangerous/],
  [{ tool_call: { only: ['search'] } }, 'no call', true, /no tool was called/],
  [
    { tool_call: { only: ['search'] } },
    { tool_calls: [{ name: 'wipe', arguments: '{}' }] },
    false,
    /"wipe" may not be called/,
  ],
  [
    { tool_call: { never: ['wipe'] } },
    { tool_calls: [{ name: 'wipe', arguments: '{}' }] },
    false,
    /"wipe" may not be called/,
  ],
  [{ not_is_refusal: true }, 'Sure!', true, /as wanted/],
  [{ number_close: { value: 1234.5, tolerance: 0 } }, 'It is 1,234.5 euros', true, /^1234\.5 found/],
  [
    { number_close: { value: 13, tolerance: 0.5 } },
    'It is 12 or 20',
    false,
    /^12 is the closest number, expected 13 ± 0\.5$/,
  ],
  [{ number_close: { value: 1, tolerance: 0.1 } }, '1.1', true, /found/],
  [{ number_close: { value: 200, relative: 0.05 } }, 'about 209', true, /± 10/],
  [{ number_close: { value: -5, tolerance: 0 } }, 'loss of -$5', true, /-5/],
  [{ number_close: { value: -11, tolerance: 0 } }, '2024-11-20', false, /closest/],
  [{ number_close: { value: 4, tolerance: 0 } }, 'GPT4 says so', false, /no number/],
  [{ number_close: { value: 32, tolerance: 0 } }, 'up 32%', true, /32/],
  [{ number_close: { value: 1e21, relative: 0 } }, '1e21', true, /found/],
  [{ number_close: { value: 3, tolerance: 0 } }, '', false, /no number found, expected 3$/],
  [{ not_number_close: { value: 3, tolerance: 0 } }, '4', true, /as wanted/],
  [
    { similar: { to: 'police killed the gunman' } },
    'Police kill the gunman.',
    true,
    /^similarity 0\.75 \(rouge_l\).*threshold 0\.7$/,
  ],
  [{ similar: { to: 'police killed the gunman' }, threshold: 0.8 }, 'police kill the gunman', false, /threshold 0\.8/],
  [{ similar: { to: 'kitten', method: 'levenshtein' }, threshold: 0.5 }, 'sitting', true, /^similarity 0\.57/],
  [{ similar: { to: 'kitten', method: 'levenshtein' } }, 'sitting', false, /0\.57/],
  [{ similar: { to: 'yes', method: 'bleu' } }, 'Yes', true, /similarity 1\.00 \(bleu\)/],
  [{ similar: { to: 'yes', method: 'bleu' } }, '', false, /0\.00/],
  [{ similar: { to: 'yes' } }, '!!!', false, /0\.00/],
  [{ similar: { to: '我喜欢猫' } }, '我喜欢狗', true, /0\.75/],
  [{ not_similar: { to: 'the old answer' } }, 'the old answer', false, /not wanted: similarity 1\.00/],
  [{ not_similar: { to: 'the old answer' } }, 'something else', true, /as wanted/],
  [{ tool_call: { name: 'search' } }, { tool_calls: calls }, true, /called: search, open and search/],
  [{ tool_call: { name: 'delete' } }, { tool_calls: calls }, false, /"delete" was not called; called: search/],
  [{ tool_call: { name: 'search', arguments: { page: { n: 1 } } } }, { tool_calls: calls }, true, /called/],
  [
    { tool_call: { name: 'open', arguments: { id: 8 } } },
    { tool_calls: calls },
    false,
    /"open" was called with \{"id":7\}, expected \{"id":8\}/,
  ],
  [
    { tool_call: { name: 'open', arguments: { id: 8 } } },
    { tool_calls: [{ name: 'open', arguments: '{"id": ' }] },
    false,
    /called with \{"id":/,
  ],
  [{ tool_call: { name: 'now', arguments: {} } }, { tool_calls: [{ name: 'now', arguments: '' }] }, true, /now/],
  [{ tool_call: { name: 'search', count: 2 } }, { tool_calls: calls }, true, /called/],
  [
    { tool_call: { name: 'search', count: 1 } },
    { tool_calls: calls },
    false,
    /"search" was called 2 times, expected 1/,
  ],
  [{ tool_call: { count: 3 } }, { tool_calls: calls }, true, /called/],
  [{ tool_call: { order: ['search', 'search'] } }, { tool_calls: calls }, true, /called/],
  [{ tool_call: { order: ['open', 'open'] } }, { tool_calls: calls }, false, /expected the order open → open/],
  [{ tool_call: { none: true } }, 'text', true, /no tool was called/],
  [{ tool_call: { none: true } }, { tool_calls: calls }, false, /expected no tool; called/],
  [{ not_tool_call: { name: 'delete' } }, { tool_calls: calls }, true, /as wanted/],
  [{ tool_call: { name: 'open', exact_arguments: { id: 7 } } }, { tool_calls: again }, true, /called/],
  [{ tool_call: { name: 'open', exact_arguments: { id: 7 } } }, { tool_calls: more }, false, /expected exactly/],
  [{ tool_call: { name: 'open', arguments_match: { id: '^\\d$' } } }, { tool_calls: again }, true, /called/],
  [{ tool_call: { name: 'open', arguments_match: { id: '^x' } } }, { tool_calls: again }, false, /arguments like/],
  [{ tool_call: { arguments_schema: { type: 'object', required: ['deep'] } } }, { tool_calls: more }, true, /called/],
  [{ tool_call: { arguments_schema: { type: 'object', required: ['deep'] } } }, { tool_calls: again }, false, /schema/],
  [{ tool_call: { name: 'open', max_count: 2 } }, { tool_calls: again }, true, /called/],
  [{ tool_call: { name: 'open', max_count: 1 } }, { tool_calls: again }, false, /2 times, at most 1/],
  [{ tool_call: { max_same: 1 } }, { tool_calls: again }, false, /"open" was called 2 times with/],
  [{ tool_call: { max_same: 2 } }, { tool_calls: again }, true, /called/],
  [{ tool_call: { sequence: ['open', 'open'] } }, { tool_calls: again }, true, /called/],
  [{ tool_call: { sequence: ['open'] } }, { tool_calls: again }, false, /expected exactly open/],
  [{ tool_call: { all: ['search', 'open'] } }, { tool_calls: calls }, true, /called/],
  [{ tool_call: { all: ['open', 'close'] } }, { tool_calls: again }, false, /"close" was not called/],
  [
    { tool_call: { no_errors: true } },
    { tool_calls: again, conversation: failed },
    false,
    /"open" answered with an error: boom/,
  ],
  [{ tool_call: { no_errors: true } }, { tool_calls: again, conversation: { ...failed, steps: [] } }, true, /called/],
  [
    { final_state: { path: '$.orders[0].status', equals: 'refunded' } },
    { state: { orders: [{ status: 'refunded' }] } },
    true,
    /is "refunded"/,
  ],
  [
    { final_state: { path: '$.orders[0].status', equals: 'refunded' } },
    { state: { orders: [{ status: 'open' }] } },
    false,
    /is "open", expected "refunded"/,
  ],
  [
    { retrieval: { metric: 'recall', k: 2, relevant: ['a', 'b'] } },
    { contexts: [{ id: 'b' }, { id: 'a' }] },
    true,
    /recall@2 is 1\.000/,
  ],
  [
    { retrieval: { metric: 'recall', k: 2, relevant: ['a', 'b'] } },
    { contexts: [{ id: 'b' }, { id: 'x' }, { id: 'a' }] },
    false,
    /0\.500 of 3 contexts; missing: a/,
  ],
  [
    { citations: true },
    {
      text: 'It takes "five working days at most" [k-1], see [2].',
      contexts: [{ id: 'k-1', text: 'It takes five working\ndays at most.' }, { text: 'x' }],
    },
    true,
    /2 citations and 1 quotations/,
  ],
  [{ citations: true }, { text: 'So it is [3].', contexts: [{ id: 'k-1' }] }, false, /no context 3/],
  [
    { citations: true },
    { text: 'It says "we pay within one day" [1].', contexts: [{ text: 'We pay within ten days.' }] },
    false,
    /no context says "we pay within one day"/,
  ],
  [
    { citations: true },
    { text: 'See [the page](https://x.example).', contexts: [{ text: 'a' }] },
    false,
    /0 citations/,
  ],
  [{ latency: '1s' }, { latency_ms: 999 }, true, /took 999 ms, at most 1000 ms allowed/],
  [{ latency: '1s' }, { latency_ms: 1001 }, false, /took 1001 ms/],
  [{ time_to_first_token: '500ms' }, { first_token_ms: 500 }, true, /first token took 500 ms, at most 500 ms allowed/],
  [{ time_to_first_token: '500ms' }, { first_token_ms: 501 }, false, /took 501 ms/],
  [{ prompt_tokens: 100 }, { usage: { input_tokens: 100, output_tokens: 1 } }, true, /^100 prompt tokens, at most 100/],
  [{ prompt_tokens: { max: 99 } }, { usage: { input_tokens: 100, output_tokens: 1 } }, false, /at most 99 allowed/],
  [{ prompt_tokens: { min: 101 } }, { usage: { input_tokens: 100, output_tokens: 1 } }, false, /at least 101 wanted/],
  [{ completion_tokens: { min: 2, max: 9 } }, { usage: { input_tokens: 1, output_tokens: 9 } }, true, /^9 completion/],
  [{ completion_tokens: 8 }, { usage: { input_tokens: 1, output_tokens: 9 } }, false, /at most 8 allowed/],
  [{ history: { max_messages: 2 } }, 'ok', true, /^2 messages, at most 2 allowed$/],
  [{ history: { max_messages: 1 } }, 'ok', false, /^2 messages, at most 1 allowed$/],
  [{ history: { max_messages: 2, max_characters: 12 } }, 'ok', true, /2 messages.*; 12 characters/],
  [{ history: { max_messages: 9, max_characters: 11 } }, 'ok', false, /^12 characters, at most 11 allowed$/],
  [{ cost: '$0.01' }, { cost_usd: 0.01 }, true, /cost \$0\.01, at most \$0\.01/],
  [{ cost: 0.01 }, { cost_usd: 0.0123 }, false, /cost \$0\.0123/],
]

/** A judge that finds good what holds the word "right". Everything it says is in the form that the prompts ask for. */
const judged: GraderTools = {
  ...noTools,
  baselineAnswer: () => ({ text: 'an answer from before' }),
  judges: {
    panel: () => [{ judge: 'default', votes: 1 }],
    advisory: () => null,
    ask: async (_judge, _vote, { prompt, data }) => {
      const good = (text = '') => text.includes('right')
      const reason = 'r'
      const said: Record<typeof prompt, Json> = {
        rubric: { reason, score: good(data['answer']) ? 5 : 1 },
        answers_question: { reason, score: good(data['answer']) ? 5 : 1 },
        claims: { claims: [data['answer'] ?? ''] },
        faithful: { verdicts: [{ number: 1, reason, verdict: good(data['claims']) ? 'supported' : 'contradicted' }] },
        factual: { reason, relation: good(data['answer']) ? 'same' : 'contradicts' },
        compare: { reason, winner: good(data['first']) === good(data['second']) ? (data['first'] === 'an answer from before' ? 'first' : 'second') : good(data['first']) ? 'first' : 'second' },
        context_relevance: { reason, relevant: good(data['context']) },
      } // biome-ignore format: a table
      return { value: said[prompt], completion: completion({}) }
    },
  },
}
const judgedRows: Row[] = [
  [{ rubric: 'kind' }, 'the right answer', true, /^5 of 5/],
  [{ rubric: 'kind' }, 'an answer', false, /^1 of 5/],
  [{ faithful: { context: 'c' } }, 'the right answer', true, /1 of 1/],
  [{ faithful: { context: 'c' } }, 'an answer', false, /0 of 1/],
  [{ answers_question: true }, 'the right answer', true, /5/],
  [{ answers_question: true }, 'an answer', false, /1/],
  [{ compare: true }, 'the right answer', true, /^better than the baseline/],
  [{ compare: true }, 'an answer', false, /^worse than the baseline/],
  [{ factual: { reference: 'f' } }, 'the right answer', true, /same facts/],
  [{ factual: { reference: 'f' } }, 'an answer', false, /contradicts/],
  [
    { context_relevance: true },
    { text: 'x', contexts: [{ text: 'the right one' }] },
    true,
    /^1 of 1 contexts relevant/,
  ],
  [{ context_relevance: true }, { text: 'x', contexts: [{ text: 'another' }] }, false, /^0 of 1 contexts relevant/],
]

describe('assertions of a judge', () => {
  it.each(judgedRows)('%j on %j: %s', async (written, answer, passed, reason) => {
    const result = await score(written, answer, judged)
    expect(result.reason).toMatch(reason)
    expect(result).toMatchObject({ passed, deterministic: false })
  })
  it('has a passing and a failing row for each', () => {
    for (const passed of [true, false]) {
      const tested = judgedRows.flatMap(([written, , good]) => (good === passed ? [Assertion.parse(written).type] : []))
      expect(tested.toSorted()).toEqual([...judgedTypes].toSorted())
    }
  })
})

describe('built-in assertions', () => {
  it.each(rows)('%j on %j: %s', async (written, answer, passed, reason) => {
    const result = await score(written, answer)
    expect(result.reason).toMatch(reason)
    expect(result.passed).toBe(passed)
  })
  it('has a passing and a failing row for each', () => {
    const tested = (passed: boolean) =>
      new Set(rows.filter((row) => row[2] === passed).map(([written]) => Assertion.parse(written).type))
    const builtIn = Object.keys(assertionArgs).filter((type) => !['command', 'module', ...judgedTypes].includes(type))
    for (const passed of [true, false]) expect([...tested(passed)].toSorted()).toEqual(builtIn.toSorted())
  })
  it('scores the share of texts found', async () => {
    expect((await score({ contains: ['a', 'b', 'c', 'd'], threshold: 0.5 }, 'a b')).score).toBe(0.5)
    expect((await score({ contains: ['a', 'b', 'c', 'd'], threshold: 0.5 }, 'a b')).passed).toBe(true)
    expect((await score({ contains: ['a', 'b', 'c', 'd'], threshold: 0.5 }, 'a')).passed).toBe(false)
  })
})

describe('reasons', () => {
  const nasty = '\u001b[31m::error::\u0000x\u202e\u2028y\r\n##[z]\ud800'.repeat(200)
  const forms = [
    { equals: 'a' },
    { regex: 'q' },
    { starts_with: 'q' },
    { is_json: true },
    { is_refusal: true },
    { one_of: ['a'] },
  ]
  it.each(forms)('%j hold one short line without control characters', async (written) => {
    const { reason } = await score(written, nasty)
    expect(reason).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}]/u)
    expect(reason.length).toBeLessThan(300)
  })
})

describe('a million characters', () => {
  const answers = {
    words: 'naïve wörld. '.repeat(80_000),
    letters: 'a'.repeat(1_000_000),
    han: '我喜欢大语言模型。'.repeat(110_000),
    emoji: '👨‍👩‍👧‍👦'.repeat(90_000),
    digits: '1,'.repeat(500_000),
    brackets: '['.repeat(1_000_000),
    spaces: `x${' '.repeat(1_000_000)}y`,
    quotes: '"\\'.repeat(500_000),
  }
  const quick = rows.map(([written]) => written).filter((written) => !('cost' in written) && !('latency' in written))
  it.each(Object.keys(answers))('%s', async (name) => {
    const assert = [...new Map(quick.map((written) => [Object.keys(written)[0], written])).values()]
    const before = performance.now()
    const facts = { state: {}, contexts: [], first_token_ms: 1, usage: { input_tokens: 1, output_tokens: 1 } }
    const text = answers[name as keyof typeof answers]
    const result = await grade(Case.parse({ id: 'c', assert }), completion({ text, ...facts }), noTools, sent)
    expect(result.grader_error).toBeUndefined()
    // All assertions together; the bound is wide because machines differ, a quadratic one takes minutes.
    expect(performance.now() - before).toBeLessThan(20_000)
  })
})
