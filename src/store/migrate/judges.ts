// Assertions of other tools that a model grades: the one table of what becomes of them.

/** By the name that promptfoo has for it (others are named after it): why it is not carried over. */
const judged =
  'a model grades it: aigate carries over what is decided without one, so write down what a good answer contains, or keep this check beside the gate'

const names = new Set([
  'llm-rubric', 'g-eval', 'factuality', 'model-graded-factuality', 'model-graded-closedqa', 'closedqa', 'similar',
  'answer-relevance', 'context-faithfulness', 'context-recall', 'context-relevance', 'conversation-relevance',
  'select-best', 'max-score', 'search-rubric', 'classifier', 'moderation', 'guardrails', 'pi', 'agent-rubric',
  'trajectory:goal-success', 'factual', 'rubric', 'llm', 'modelgraded', 'github/similarity',
]) // biome-ignore format: one list

/** Why an assertion that a model grades is not carried over; undefined for one that no model grades. */
export const judgeProblem = (type: string): string | undefined =>
  names.has(type) || type.startsWith('promptfoo:redteam') ? judged : undefined
