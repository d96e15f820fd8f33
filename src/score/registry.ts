// Every assertion by its name in the suite file: a new one is one line here.
import type { AssertionPlugin } from '../ports.ts'
import type { AssertionType } from '../schema/assertion.ts'
import { contains, containsAny, icontains, icontainsAny } from './contains.ts'
import { command, module } from './custom.ts'
import { isJson } from './json.ts'
import { jsonPath } from './json-path.ts'
import { jsonSchema } from './json-schema.ts'
import { maxCharacters, maxSentences, maxWords, minCharacters, minSentences, minWords } from './length.ts'
import { cost, latency } from './limits.ts'
import { numberClose } from './number-close.ts'
import { isRefusal } from './refusal.ts'
import { regex } from './regex.ts'
import { similar } from './similar.ts'
import { toolCall } from './tool-call.ts'
import { endsWith, equals, oneOf, startsWith } from './wording.ts'

export const assertions: { [T in AssertionType]: AssertionPlugin<T> } = {
  contains,
  contains_any: containsAny,
  icontains,
  icontains_any: icontainsAny,
  equals,
  regex,
  starts_with: startsWith,
  ends_with: endsWith,
  one_of: oneOf,
  min_words: minWords,
  max_words: maxWords,
  min_characters: minCharacters,
  max_characters: maxCharacters,
  min_sentences: minSentences,
  max_sentences: maxSentences,
  is_json: isJson,
  json_schema: jsonSchema,
  json_path: jsonPath,
  is_refusal: isRefusal,
  number_close: numberClose,
  similar,
  tool_call: toolCall,
  latency,
  cost,
  command,
  module,
}
