// Assertions of other tools that a model grades: the one table of what stands for them here. A judge must be chosen and pinned by a person first.

/** By the name that promptfoo has for it (others are named after it): the assertion of aigate; null: there is none. */
const judged: Readonly<Record<string, string | null>> = {
  'llm-rubric': 'rubric',
  'g-eval': 'rubric',
  'search-rubric': 'rubric',
  'conversation-relevance': 'rubric',
  'agent-rubric': 'rubric',
  'trajectory:goal-success': 'rubric',
  'model-graded-closedqa': 'rubric',
  closedqa: 'rubric',
  rubric: 'rubric',
  llm: 'rubric',
  modelgraded: 'rubric',
  factuality: 'factual',
  'model-graded-factuality': 'factual',
  factual: 'factual',
  'context-faithfulness': 'faithful',
  'answer-relevance': 'answers_question',
  'select-best': 'compare',
  'max-score': 'compare',
  similar: 'similar',
  'github/similarity': 'similar',
  'context-recall': null,
  'context-relevance': null,
  classifier: null,
  moderation: null,
  guardrails: null,
  pi: null,
}

/** Why an assertion that a model grades is not carried over, and what to write; undefined for one that no model grades. */
export function judgeProblem(type: string): string | undefined {
  const own = Object.hasOwn(judged, type) ? judged[type] : undefined
  if (own === undefined && !type.startsWith('promptfoo:redteam')) return undefined
  if (!own) return 'a model grades it: write down what a good answer contains, or keep this check beside the gate'
  const needs = own === 'similar' ? 'a pinned embedding model' : 'a pinned judge'
  return `a model grades it: write \`${own}\` in its place once you have ${needs} (docs/judges.md)`
}
