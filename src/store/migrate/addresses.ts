// Which APIs speak OpenAI chat completions, where they are and which variable holds their key.
import type { Data } from './parts.ts'

type Address = { base_url: string; api_key_env?: string }

const addresses: Readonly<Record<string, Address>> = {
  openai: { base_url: 'https://api.openai.com/v1', api_key_env: 'OPENAI_API_KEY' },
  anthropic: { base_url: 'https://api.anthropic.com/v1', api_key_env: 'ANTHROPIC_API_KEY' },
  google: { base_url: 'https://generativelanguage.googleapis.com/v1beta/openai', api_key_env: 'GEMINI_API_KEY' },
  mistral: { base_url: 'https://api.mistral.ai/v1', api_key_env: 'MISTRAL_API_KEY' },
  groq: { base_url: 'https://api.groq.com/openai/v1', api_key_env: 'GROQ_API_KEY' },
  together: { base_url: 'https://api.together.xyz/v1', api_key_env: 'TOGETHER_API_KEY' },
  openrouter: { base_url: 'https://openrouter.ai/api/v1', api_key_env: 'OPENROUTER_API_KEY' },
  deepseek: { base_url: 'https://api.deepseek.com/v1', api_key_env: 'DEEPSEEK_API_KEY' },
  xai: { base_url: 'https://api.x.ai/v1', api_key_env: 'XAI_API_KEY' },
  perplexity: { base_url: 'https://api.perplexity.ai', api_key_env: 'PERPLEXITY_API_KEY' },
  cerebras: { base_url: 'https://api.cerebras.ai/v1', api_key_env: 'CEREBRAS_API_KEY' },
  fireworks: { base_url: 'https://api.fireworks.ai/inference/v1', api_key_env: 'FIREWORKS_API_KEY' },
  nscale: { base_url: 'https://inference.api.nscale.com/v1', api_key_env: 'NSCALE_SERVICE_TOKEN' },
  aimlapi: { base_url: 'https://api.aimlapi.com/v1', api_key_env: 'AIML_API_KEY' },
  ollama: { base_url: 'http://127.0.0.1:11434/v1' },
  localai: { base_url: 'http://127.0.0.1:8080/v1' },
  vllm: { base_url: 'http://127.0.0.1:8000/v1' },
  llamafile: { base_url: 'http://127.0.0.1:8080/v1' },
  litellm: { base_url: 'http://127.0.0.1:4000/v1', api_key_env: 'LITELLM_API_KEY' },
}
const otherNames: Readonly<Record<string, string>> = {
  googleai: 'google', gemini: 'google', palm: 'google', 'mistral-ai': 'mistral', mistralai: 'mistral',
  togetherai: 'together', 'x-ai': 'xai', 'xai-org': 'xai', grok: 'xai', 'deepseek-ai': 'deepseek', compat_oai: 'openai',
} // biome-ignore format: one table

/** A provider of aigate.yaml by what other tools call it; undefined for one that speaks another protocol. */
export function providerNamed(vendor: string): { name: string; config: Data } | undefined {
  const plain = vendor.toLowerCase()
  const name = otherNames[plain] ?? plain
  const address = Object.hasOwn(addresses, name) ? addresses[name] : undefined
  return address === undefined ? undefined : { name, config: { type: 'openai', ...address } }
}

/** The vendor of a model by its id alone. */
export const vendorOfModel = (id: string): string | undefined =>
  /^(gpt|o\d|chatgpt|ft:)/.test(id)
    ? 'openai'
    : id.startsWith('claude')
      ? 'anthropic'
      : id.startsWith('gemini')
        ? 'google'
        : /^(mistral|mixtral|codestral|ministral)/.test(id)
          ? 'mistral'
          : undefined

/** Names that other tools give to parameters of chat completions. */
export const parameterNames: Readonly<Record<string, string>> = {
  temperature: 'temperature', top_p: 'top_p', topP: 'top_p', max_tokens: 'max_tokens', maxTokens: 'max_tokens',
  maxOutputTokens: 'max_tokens', max_completion_tokens: 'max_completion_tokens',
  maxCompletionTokens: 'max_completion_tokens', max_output_tokens: 'max_completion_tokens', seed: 'seed', stop: 'stop',
  stopSequences: 'stop', frequency_penalty: 'frequency_penalty', frequencyPenalty: 'frequency_penalty',
  presence_penalty: 'presence_penalty', presencePenalty: 'presence_penalty', reasoning_effort: 'reasoning_effort',
  verbosity: 'verbosity', tool_choice: 'tool_choice', parallel_tool_calls: 'parallel_tool_calls',
  logit_bias: 'logit_bias', service_tier: 'service_tier', store: 'store', user: 'user', metadata: 'metadata',
} // biome-ignore format: one table

/** The provider of models that nobody can ask yet: it answers from recordings and asks nobody. */
export const nobody: { name: string; config: Data } = { name: 'not-carried-over', config: { type: 'replay' } }
