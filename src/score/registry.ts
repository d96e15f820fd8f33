// Every assertion by its name in the suite file: a new one is one line here.
import type { AssertionPlugin } from '../ports.ts'
import type { AssertionType } from '../schema/assertion.ts'
import { answersQuestion } from './judged/answers-question.ts'
import { compare } from './judged/compare.ts'
import { contextRelevance } from './judged/context-relevance.ts'
import { factual } from './judged/factual.ts'
import { faithful } from './judged/faithful.ts'
import { rubric } from './judged/rubric.ts'
import { citations } from './citations.ts'
import { contains, containsAny, icontains, icontainsAny } from './contains.ts'
import { command, module } from './custom.ts'
import { finalState } from './final-state.ts'
import { isJson } from './json.ts'
import { jsonPath } from './json-path.ts'
import { jsonSchema } from './json-schema.ts'
import { maxCharacters, maxSentences, maxWords, minCharacters, minSentences, minWords } from './length.ts'
import { cost, latency, timeToFirstToken } from './limits.ts'
import { numberClose } from './number-close.ts'
import { isRefusal } from './refusal.ts'
import { retrieval } from './retrieval.ts'
import { regex } from './regex.ts'
import { noLeak } from './safety/no-leak.ts'
import { noPii } from './safety/no-pii.ts'
import { noSecrets } from './safety/no-secrets.ts'
import { safeOutput } from './safety/safe-output.ts'
import { similar } from './similar.ts'
import { completionTokens, history, promptTokens } from './tokens.ts'
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
  rubric,
  faithful,
  answers_question: answersQuestion,
  compare,
  factual,
  context_relevance: contextRelevance,
  tool_call: toolCall,
  final_state: finalState,
  retrieval,
  citations,
  no_pii: noPii,
  no_secrets: noSecrets,
  no_leak: noLeak,
  safe_output: safeOutput,
  latency,
  time_to_first_token: timeToFirstToken,
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  history,
  cost,
  command,
  module,
}
